//! Tests that drawing ends wherever it looks at its token, and leaves nothing half done.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use heatsplat_points::cancel::{CancelToken, Cancelled, UNITS_BETWEEN_LOOKS};
use heatsplat_points::{Point, Points, TileId, Window};
use heatsplat_render::encode::{ImageEncoding, ImageFormat, rgba};
use heatsplat_render::{Density, Layer, Style, TileSize};
use std::sync::Arc;

/// The most units of work between two looks at a token, on all threads together, while pictures of
/// 512 × 512 pixels are drawn: 17 ms. It is the time to clear the subpixels of a block and its
/// margin, which is the longest step of all.
const LONGEST_STEP: u64 = 1 << 24;

/// 40,000 points: a crowd, and others anywhere.
fn points() -> Points {
    let mix = |i: u32| i.wrapping_mul(2_654_435_769);
    let point = |i: u32| {
        let (x, y) = (mix(i), mix(mix(i) ^ 0x55aa));
        let crowded = i.is_multiple_of(2);
        Point {
            x: if crowded { 0x8123_4567 + (x >> 9) } else { x },
            y: if crowded { 0x6fff_ff00 + (y >> 9) } else { y },
            weight: (1 + i % 5) as f32,
        }
    };
    Points::from_slice(&(0..40_000).map(point).collect::<Vec<_>>())
}

/// One style for each way of drawing.
const STYLES: [&[(&str, &str)]; 16] = [
    &[],
    &[("radius", "90px")],
    &[("radius", "1.5px")],
    &[("radius", "3px"), ("kernel", "quartic")],
    &[("radius", "12px"), ("kernel", "quartic")],
    &[("radius", "9px"), ("kernel", "triweight")],
    &[("radius", "9px"), ("kernel", "uniform")],
    &[("radius", "60px"), ("kernel", "triangular")],
    &[("kernel", "pixel")],
    &[("kernel", "cubic")],
    &[("radius", "900km"), ("kernel", "epanechnikov")],
    &[("radius", "20px"), ("precision", "exact")],
    &[("overlap", "cover"), ("radius", "12px")],
    &[("overlap", "plus:ellipse:9x9@0.1;blur:9x9")],
    &[("measure", "mean"), ("isolines", "9")],
    &[("scale", "local")],
];

fn style(layer: &Layer, style: &[(&str, &str)]) -> Style {
    let mut wanted = layer.style().clone();
    for (name, value) in style {
        wanted.set(name, value).unwrap();
    }
    layer.suited(wanted)
}

#[test]
fn drawing_ends_at_every_look_and_what_it_leaves_is_whole() {
    let points = Arc::new(points());
    let tile = TileId::new(1, 1, 0).unwrap();
    for parameters in STYLES {
        let fresh = || {
            // Statistics of the layer's own style are never ended, so it has another one.
            let own = "17px".parse().unwrap();
            let own = Style::default().with_radius(own);
            let layer = Layer::on_cpu("a", Arc::clone(&points), own);
            let style = style(&layer, parameters);
            (layer, style)
        };
        let (whole, wanted) = fresh();
        let draw = |layer: &Layer, style: &Style| {
            let request = layer.tile(tile).size(TileSize::RETINA).style(style);
            request.png().unwrap()
        };
        let expected = draw(&whole, &wanted);
        let (counted, wanted) = fresh();
        let token = CancelToken::default();
        assert_eq!(token.run(|| draw(&counted, &wanted)), Ok(expected.clone()));
        let all = token.work_done();
        assert!(all > 512 * 512, "{parameters:?}: {all}");

        // The same layer is drawn again and again, with more and more work allowed.
        let (layer, wanted) = fresh();
        let looks = (all / UNITS_BETWEEN_LOOKS).max(1);
        let step = looks.div_ceil(12) * UNITS_BETWEEN_LOOKS;
        let mut ended = 0;
        for most in (0..all).step_by(step as usize) {
            let token = CancelToken::new(None, most);
            match token.run(|| draw(&layer, &wanted)) {
                Ok(drawn) => assert!(drawn == expected, "{parameters:?} after {most}"),
                Err(reason) => {
                    assert_eq!(reason, Cancelled::TooMuchWork);
                    ended += 1;
                    let over = token.work_done() - most;
                    assert!(over <= LONGEST_STEP, "{parameters:?}: {over} over {most}");
                }
            }
        }
        assert!(ended > 0, "{parameters:?}: nothing is ever ended");
        assert!(draw(&layer, &wanted) == expected, "{parameters:?} at last");
    }
}

#[test]
fn statistics_of_a_layers_own_style_are_measured_to_the_end() {
    let layer = Layer::on_cpu("a", points(), Style::default());
    let own = layer.style().clone();
    let token = CancelToken::new(None, 0);
    let measured = token.run(|| layer.statistics(9, &own).max());
    assert!(measured.unwrap() > 0.0);
    let once = Layer::on_cpu("a", points(), Style::default()).measured_for_requests();
    assert!(token.run(|| once.statistics(9, &own)).is_err());
    let other = style(&layer, &[("radius", "40px")]);
    assert!(token.run(|| layer.statistics(9, &other)).is_err());
}

#[test]
fn encoding_ends_at_its_looks_in_every_format() {
    const SIDE: u32 = 1024;
    let pixels = (SIDE * SIDE) as usize;
    let density = Density {
        width: SIDE,
        height: SIDE,
        values: (0..pixels).map(|i| (i % 251) as f32).collect(),
    };
    let indices: Vec<u8> = (0..pixels).map(|i| (i % 251) as u8).collect();
    let window = Window::at_level(12, 0, 0, SIDE, SIDE);
    let style = Style::default();
    let ends = |what: &str, work: &dyn Fn()| {
        let token = CancelToken::new(None, 0);
        assert_eq!(token.run(work), Err(Cancelled::TooMuchWork), "{what}");
        let over = token.work_done();
        assert!(over <= LONGEST_STEP, "{what}: {over}");
        assert_eq!(CancelToken::default().run(work), Ok(()), "{what}");
    };
    for format in [ImageFormat::Npy, ImageFormat::Tiff] {
        let encoding = ImageEncoding::from(format);
        ends(format.extension(), &|| {
            drop(encoding.density(&density, &window).unwrap())
        });
    }
    for format in [ImageFormat::Png, ImageFormat::PngRgba, ImageFormat::WebP] {
        let encoding = ImageEncoding::from(format);
        let draw = || {
            encoding
                .indices(&indices, SIDE, SIDE, style.ramp())
                .unwrap()
        };
        ends(format.extension(), &|| drop(draw()));
    }
    ends("rgba", &|| drop(rgba(&indices, style.ramp())));
}
