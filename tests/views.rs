//! Static pictures: their scale, and the part of the world that they show.

use crate::scenes;
use heatsplat::points::LonLatBox;
use heatsplat::render::{Level, View};
use heatsplat::{Layer, Points, Style, TileId};

/// The first width of each series of pictures. Within a series, either the nearest zoom changes, or
/// a width is reached that is exactly that of a whole zoom.
const SIZES: [u32; 3] = [338, 490, 702];
/// The number of pictures in a series. Each is one pixel wider than the one before.
const STEPS: u32 = 50;

/// The percentage of a picture's pixels that have the last colour of the ramp, and the mean colour
/// index.
fn exposure(layer: &Layer, style: &Style, width: u32) -> (f64, f64) {
    let view = View::around(LonLatBox::WORLD, width, width, 1).unwrap();
    let picture = layer.map(view.window()).style(style).picture();
    let all = picture.indices.len() as f64;
    let saturated = picture.indices.iter().filter(|i| **i == 255).count() as f64;
    let sum: f64 = picture.indices.iter().map(|i| f64::from(*i)).sum();
    (100.0 * saturated / all, sum / all)
}

#[test]
fn exposure_does_not_jump_with_the_size_of_a_picture() {
    let points = heatsplat::generate::points(20_000, 3);
    let layer = Layer::on_cpu("a", Points::from_lon_lat(points).unwrap(), Style::default());
    for words in [
        &[][..],
        &[("scale", "linear"), ("domain", "p97")],
        &[("scale", "eq_hist"), ("domain", "p98")],
        &[("scale", "local")],
        &[("measure", "mean"), ("domain", "p95")],
        &[("domain", "0:0,60;1:0,20;2:0,4"), ("radius", "9")],
    ] {
        let style = layer.suited(scenes::style(words));
        for first in SIZES {
            let mut last = exposure(&layer, &style, first);
            for width in first + 1..first + STEPS {
                let now = exposure(&layer, &style, width);
                let step = (now.0 - last.0).abs();
                assert!(step < 0.3, "{words:?} {width}: {last:?} to {now:?} %");
                assert!(
                    (now.1 - last.1).abs() < 1.0,
                    "{words:?} {width}: {last:?} {now:?}"
                );
                last = now;
            }
        }
    }
}

#[test]
fn at_a_whole_zoom_a_box_is_its_tiles() {
    let (_, points) = scenes::all().remove(3);
    let layer = scenes::layer(&points);
    for scale in ["log", "eq_hist", "local"] {
        let style = scenes::style(&[("scale", scale)]);
        for (z, x, y) in [(3, 4, 2), (6, 33, 21)] {
            let tile = TileId::new(z, x, y).unwrap();
            let own = heatsplat::Window::tile(tile, 256);
            let view = View::around(own.bounds().try_into().unwrap(), 256, 256, 1).unwrap();
            assert_eq!(view.level(), Level::from(z + 8));
            // The edges of this box are in degrees, so its pixels are those of the tile only up to
            // rounding.
            let (map, tile) = (
                layer.map(view.window()).style(&style).picture(),
                layer.tile(tile).style(&style).picture(),
            );
            let off = map
                .indices
                .iter()
                .zip(&tile.indices)
                .map(|(a, b)| a.abs_diff(*b));
            assert!(off.max() <= Some(1), "{scale} {z}/{x}/{y}");
            let exact = layer.map(own).style(&style).picture();
            assert_eq!(exact.indices, tile.indices, "{scale} {z}/{x}/{y}");
        }
    }
}

#[test]
fn between_two_zooms_the_scale_lies_between_theirs() {
    let (_, points) = scenes::all().remove(3);
    let layer = scenes::layer(&points);
    let style = scenes::style(&[]);
    let end = |zoom| {
        layer
            .normalizer_at(Level::from_zoom(zoom), &style)
            .domain()
            .1
    };
    assert_eq!(end(5.0), layer.normalizer(13, &style).domain().1);
    assert!((end(5.5) / (end(5.0) * end(6.0)).sqrt() - 1.0).abs() < 1e-9);
    assert!((end(5.999_99) / end(6.0) - 1.0).abs() < 1e-4);
    // The ends of means are interpolated linearly. The ends of differences are equally far from 0.
    let means = scenes::style(&[("measure", "mean")]);
    let ends = |zoom| layer.normalizer_at(Level::from_zoom(zoom), &means).domain();
    let ((a, b), (c, d), (low, high)) = (ends(5.0), ends(6.0), ends(5.25));
    assert!((low - (a + (c - a) / 4.0)).abs() < 1e-9 && (high - (b + (d - b) / 4.0)).abs() < 1e-9);
    let (_, signed) = scenes::all().remove(7);
    let signed = scenes::layer(&signed);
    let scale = signed.normalizer_at(Level::from_zoom(3.3), signed.style());
    let (low, high) = scale.domain();
    assert!(
        (low + high).abs() < 1e-9 && scale.middle() == Some(0.0),
        "{low} {high}"
    );
    // A table of domains by zoom gives the ends at each of its zooms, and between them they are
    // interpolated by factors.
    let table = scenes::style(&[("domain", "2:0,400;6:0,25")]);
    let scale = layer.normalizer_at(Level::from_zoom(4.5), &table);
    let factor = (25.0_f64 / 400.0).powf(2.5 / 4.0);
    assert!((scale.domain().1 / (400.0 * factor) - 1.0).abs() < 1e-9);
    // With an equalised scale, the density at each fraction of the ramp lies between those of the
    // two zooms.
    let equal = scenes::style(&[("scale", "eq_hist")]);
    let at = |zoom| {
        let scale = layer.normalizer_at(Level::from_zoom(zoom), &equal);
        [0.2, 0.5, 0.8].map(|share| scale.value_at(share))
    };
    for ((below, above), between) in at(5.0).into_iter().zip(at(6.0)).zip(at(5.5)) {
        assert!(
            (between / (below * above).sqrt() - 1.0).abs() < 0.02,
            "{below} {between} {above}"
        );
    }
}

#[cfg(feature = "program")]
mod program {
    use crate::compare::decode_png;
    use crate::program::{folder, heatsplat};
    use serde_json::Value;

    /// The part of a picture that shows something, as first column, first row, last column and last
    /// row. Then the width and height of the picture.
    fn shown(file: &str) -> ([u32; 4], [u32; 2]) {
        let picture = decode_png(&std::fs::read(file).unwrap());
        let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
        for (x, y, pixel) in picture.enumerate_pixels() {
            if pixel.0[3] > 0 {
                (left, right) = (left.min(x), right.max(x));
                (top, bottom) = (top.min(y), bottom.max(y));
            }
        }
        (
            [left, top, right, bottom],
            [picture.width(), picture.height()],
        )
    }

    #[test]
    fn points_around_180_are_one_place() {
        let dir = folder("fiji");
        let (file, out) = (dir.join("fiji.csv"), dir.join("fiji.png"));
        let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
        let rows = "lon,lat\n179.7,-16.95\n-179.7,-17.05\n179.9,-16.7\n-179.98,-16.8\n180,-16.6\n";
        std::fs::write(file, rows).unwrap();
        let (code, said, _) = heatsplat(&["info", file, "--json"]);
        let info: Value = serde_json::from_str(&said).unwrap();
        let bounds: Vec<f64> = serde_json::from_value(info["bounds"].clone()).unwrap();
        assert_eq!(code, 0);
        for (found, expected) in bounds.iter().zip([179.7, -17.05, 180.3, -16.6]) {
            assert!((found - expected).abs() < 1e-6, "{bounds:?}");
        }
        let (_, said, _) = heatsplat(&["info", file]);
        assert!(
            said.contains("179.70000") && said.contains("across ±180°"),
            "{said}"
        );
        let (code, _, err) = heatsplat(&["render", file, "-o", out, "--size", "900"]);
        assert_eq!(code, 0, "{err}");
        let ([left, _, right, _], [width, height]) = shown(out);
        assert!(
            width == 900 && (600..=800).contains(&height),
            "{width} × {height}"
        );
        assert!(left < 90 && right > 810, "{left} to {right}");
    }

    #[test]
    fn the_world_is_drawn_once_unless_more_is_asked_for() {
        let dir = folder("once");
        let (file, out) = (dir.join("a.csv"), dir.join("a.png"));
        let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
        std::fs::write(file, "lon,lat\n-170,0\n0,10\n150,-40\n").unwrap();
        let columns = |flags: &[&str]| {
            let command = ["render", file, "-o", out, "--size", "1200x200"];
            let (code, _, err) = heatsplat(&[&command[..], flags].concat());
            assert_eq!(code, 0, "{err}");
            shown(out).0
        };
        let [left, _, right, _] = columns(&["--bbox=-180,-85.06,180,85.06"]);
        assert!(
            (500..520).contains(&left) && (680..700).contains(&right),
            "{left} {right}"
        );
        let [left, _, right, _] = columns(&["--bbox=-360,-85.06,360,85.06"]);
        assert!(left < 420 && right > 780, "{left} {right}");
        // The area beside the world gets the background too.
        let ground = ["--bbox=-180,-85.06,180,85.06", "--background", "#102030"];
        columns(&ground);
        let picture = decode_png(&std::fs::read(out).unwrap());
        assert_eq!(picture.get_pixel(3, 100).0, [16, 32, 48, 255]);
    }
}
