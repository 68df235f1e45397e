//! Tests that export tiles and read them back.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use heatsplat_archive::{Archive, Export, ExportError, IfExists, Target, TileFormat};
use heatsplat_points::cancel::{CancelToken, Cancelled};
use heatsplat_points::{LonLatBox, Points, TileId};
use heatsplat_render::{Layer, Style};
use std::fs;
use std::path::PathBuf;

fn folder(name: &str) -> PathBuf {
    let name = format!("heatsplat-round-trip-{name}-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn layer() -> Layer {
    let points = (0..200).map(|i| {
        let i = f64::from(i);
        (10.0 + (i * 0.37) % 5.0, 48.0 + (i * 0.13) % 4.0, 1.0)
    });
    let points = Points::from_lon_lat(points).unwrap();
    Layer::on_cpu("Round trip", points, Style::default())
}

#[test]
fn archives_hold_the_tiles_that_the_layer_draws() {
    let folder = folder("tiles");
    let layer = layer();
    for name in ["a.pmtiles", "a.mbtiles"] {
        let path = folder.join(name);
        let target = Target::from_path(&path).unwrap();
        let export = Export::new(&layer, 0..=4).attribution(Some("me".to_owned()));
        let summary = export.write(&target, |_| {}).unwrap().unwrap();
        let archive = Archive::open(&path).unwrap();
        let contents = archive.contents();
        assert_eq!(contents.name.as_deref(), Some("Round trip"));
        assert_eq!(contents.attribution.as_deref(), Some("me"));
        assert_eq!((contents.format, contents.pixels), (TileFormat::Png, 256));
        assert_eq!(contents.zooms, 0..=4);
        let data = contents.data_bounds.unwrap();
        assert!(data.west() > 9.9 && data.east() < 15.1, "{data}");
        let mut found = 0;
        for z in 0..=4u8 {
            for (x, y) in (0..1 << z).flat_map(|x| (0..1 << z).map(move |y| (x, y))) {
                let tile = TileId::new(z, x, y).unwrap();
                if let Some(bytes) = archive.tile(tile).unwrap() {
                    assert_eq!(
                        bytes,
                        *layer.tile(tile).png().unwrap(),
                        "{name} {z}/{x}/{y}"
                    );
                    found += 1;
                }
            }
        }
        assert_eq!(found, summary.tiles, "{name}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_target_is_replaced_only_on_request() {
    let folder = folder("exists");
    let layer = layer();
    let target = Target::from_path(&folder.join("a.pmtiles")).unwrap();
    let area = LonLatBox::new(10.0, 48.0, 12.0, 50.0).unwrap();
    let export = || Export::new(&layer, 0..=2).area(Some(area));
    export().write(&target, |_| {}).unwrap().unwrap();
    let again = export().write(&target, |_| {});
    assert!(matches!(again, Err(ExportError::Exists { .. })));
    let resumed = export().if_exists(IfExists::Resume).write(&target, |_| {});
    assert_eq!(resumed.unwrap(), None);
    let replaced = export().if_exists(IfExists::Overwrite);
    assert!(replaced.write(&target, |_| {}).unwrap().is_some());
    fs::remove_dir_all(folder).unwrap();
}

/// A token that ends while tiles are drawn ends the export, which is then resumed to the same
/// bytes.
#[test]
fn a_cancelled_export_is_finished_to_the_same_bytes() {
    let folder = folder("cancelled");
    let layer = layer();
    let [whole, target] =
        ["whole.pmtiles", "a.pmtiles"].map(|name| Target::from_path(&folder.join(name)).unwrap());
    let export = || Export::new(&layer, 0..=11).threads(2);
    export().write(&whole, |_| {}).unwrap().unwrap();
    let token = CancelToken::default();
    let mut batches = 0;
    let ended = token.run(|| {
        export().write(&target, |_| {
            batches += 1;
            token.cancel();
        })
    });
    assert!(matches!(ended, Err(Cancelled::Unwanted)));
    // At most two drawn batches wait, and one more may be drawn already.
    assert!((1..=4).contains(&batches), "{batches}");
    assert!(!target.path().exists());
    let resumed = export().if_exists(IfExists::Resume);
    let summary = resumed.write(&target, |_| {}).unwrap().unwrap();
    assert!(summary.resumed > 0 && summary.resumed < summary.tiles);
    let bytes = |target: &Target| fs::read(target.path()).unwrap();
    assert!(bytes(&target) == bytes(&whole));
    fs::remove_dir_all(folder).unwrap();
}
