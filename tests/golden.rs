//! Pictures that a person has looked at. They must not change without being looked at again.
//!
//! `HEATSPLAT_BLESS=1 cargo test golden` writes them again. Look at each picture before you commit
//! it.

use crate::{compare, scenes};
use heatsplat::TileId;
use std::path::PathBuf;

/// A case: the name of the picture, the index of the scene, the tile, and the parameters of the
/// style.
type Case<'a> = (&'a str, usize, (u8, u32, u32), &'a [(&'a str, &'a str)]);

#[test]
fn pictures_are_as_they_were() {
    let cases: [Case<'_>; 7] = [
        ("clustered-default", 3, (5, 16, 10), &[]),
        (
            "sparse-viridis",
            1,
            (1, 0, 0),
            &[("ramp", "viridis"), ("radius", "24px"), ("scale", "linear")],
        ),
        (
            "line-uniform",
            4,
            (2, 1, 1),
            &[("kernel", "uniform"), ("radius", "12px"), ("scale", "sqrt")],
        ),
        (
            "date-line-quartic",
            5,
            (3, 7, 3),
            &[("kernel", "quartic"), ("ramp", "plasma_r")],
        ),
        (
            "dense-eq-hist",
            2,
            (2, 2, 1),
            &[("scale", "eq_hist"), ("radius", "6px"), ("ramp", "turbo")],
        ),
        (
            "stacked-small",
            8,
            (4, 8, 7),
            &[
                ("kernel", "triangular"),
                ("radius", "4px"),
                ("domain", "0,200"),
            ],
        ),
        (
            "poles-ice",
            6,
            (1, 1, 1),
            &[("ramp", "ice"), ("scale", "cbrt"), ("domain", "p99")],
        ),
    ];
    let bless = std::env::var_os("HEATSPLAT_BLESS").is_some();
    let scenes_all = scenes::all();
    let mut wrong = Vec::new();
    for (name, scene, (z, x, y), words) in cases {
        let layer = scenes::layer(&scenes_all[scene].1);
        let style = scenes::style(words);
        let tile = TileId::new(z, x, y).unwrap();
        let bytes = layer.tile(tile).style(&style).png().unwrap();
        let file =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.png"));
        if bless {
            std::fs::write(&file, &bytes).unwrap();
        }
        let golden = std::fs::read(&file).expect("a golden picture");
        if let Some(how) =
            compare::difference(&compare::decode_png(&bytes), &compare::decode_png(&golden))
        {
            wrong.push(format!("{name}: {how}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
