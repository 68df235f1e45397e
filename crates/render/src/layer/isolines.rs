//! Draws isolines over the colours. The values of the isolines are evenly spaced along the ramp,
//! and the lines are equally wide on steep and on gentle slopes.

use crate::ramp::Ramp;
use crate::scale::normalizer::Normalizer;
use crate::splat::density::{Density, Picture};
use crate::unit_costs::{self as ns, report};

/// Half of a line's width in CSS pixels: a choice. The line is drawn half a pixel of the picture
/// wider on each side, and its edges are antialiased.
const HALF_WIDTH: f32 = 0.2;

/// The fraction by which a line's colour is moved from the ramp's colour, at the line's value, to
/// black or white. The number is a choice: the lines are visible but not harsh.
const CONTRAST: f32 = 0.55;

/// Draws `lines` isolines over a picture and returns its RGBA pixels, which are not premultiplied
/// by alpha. `ratio` is the number of pixels per CSS pixel.
///
/// `picture` has the colour indices. `density` has the values, and has one more pixel than
/// `picture` on each side, because the slope at an edge pixel depends on the pixel beyond it. So
/// lines continue across the edges of tiles. The distance from a pixel to a line is the difference
/// of their positions on the ramp, divided by the slope.
pub(crate) fn pixels_with_isolines(
    density: &Density,
    picture: &Picture,
    scale: &Normalizer,
    lines: u8,
    ratio: u32,
    ramp: &Ramp,
) -> Vec<u8> {
    let spaces = f64::from(lines) + 1.0;
    let place = |v: &f32| {
        if v.is_nan() {
            f32::NAN
        } else {
            (scale.position(f64::from(*v)).clamp(0.0, 1.0) * spaces) as f32
        }
    };
    let places: Vec<f32> = density.values.iter().map(place).collect();
    let width = picture.width as usize;
    let at = |x: usize, y: usize| places.get(y * (width + 2) + x).copied().unwrap_or(f32::NAN);
    let colors = ramp.colors();
    let mut pixels = Vec::with_capacity(picture.indices.len() * 4);
    for (i, &index) in picture.indices.iter().enumerate() {
        if i % width.max(1) == 0 {
            report(width, ns::PIXEL);
        }
        // `density` begins one pixel further left and up: the picture's pixel (x, y) is the pixel
        // (x + 1, y + 1) of `density`.
        let (x, y) = (i % width.max(1), i / width.max(1));
        let here = at(x + 1, y + 1);
        let slope = |before: f32, after: f32| {
            let rise = (after - before) / 2.0;
            if rise.is_nan() { 0.0 } else { rise }
        };
        let across = slope(at(x, y + 1), at(x + 2, y + 1));
        let down = slope(at(x + 1, y), at(x + 1, y + 2));
        let line = here.round().clamp(1.0, f32::from(lines));
        let away = (here - line).abs() / across.hypot(down);
        let half = HALF_WIDTH * ratio as f32 + 0.5;
        let cover = if away.is_nan() {
            0.0
        } else {
            (half + 0.5 - away).clamp(0.0, 1.0)
        };
        let below = colors.get(usize::from(index)).copied().unwrap_or_default();
        let ink = ink(colors, f64::from(line) / spaces);
        pixels.extend(over(ink, cover, below));
    }
    pixels
}

/// The colour of the line at a position of the ramp, 0 to 1. It is the ramp's colour at that
/// position, made darker if it is light, or lighter if it is dark. `colors` are the ramp's 256
/// colours as RGBA.
fn ink(colors: &[[u8; 4]; 256], position: f64) -> [f32; 3] {
    let index = (position * 255.0).round().clamp(1.0, 255.0) as usize;
    let [r, g, b, _] = colors
        .get(index)
        .copied()
        .unwrap_or_default()
        .map(f32::from);
    let light = 0.299 * r + 0.587 * g + 0.114 * b > 140.0;
    let towards = if light { 0.0 } else { 255.0 };
    [r, g, b].map(|c| c + (towards - c) * CONTRAST)
}

/// The colour of a pixel of which a line in the colour `ink` covers the fraction `cover`. The last
/// parameter is the pixel's colour without the line. No colour is premultiplied by alpha.
fn over(ink: [f32; 3], cover: f32, [r, g, b, a]: [u8; 4]) -> [u8; 4] {
    if cover <= 0.0 {
        return [r, g, b, a];
    }
    let below = f32::from(a) / 255.0 * (1.0 - cover);
    let alpha = cover + below;
    let mix = |ink: f32, c: u8| ((ink * cover + f32::from(c) * below) / alpha).round() as u8;
    let [x, y, z] = ink;
    [
        mix(x, r),
        mix(y, g),
        mix(z, b),
        (alpha * 255.0).round() as u8,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::Scale;
    use crate::scale::domain::Domain;
    use crate::scale::histogram::Statistics;
    use crate::scale::transform::Transform;
    use crate::scale::value_kind::ValueKind;

    /// The number of pixels that lines cover in a row of 200 pixels whose densities rise by `rise`
    /// per pixel. A pixel that is partly covered counts as a fraction.
    fn covered(rise: f32, lines: u8) -> f32 {
        let (width, height) = (200u32, 3u32);
        let grown = (width + 2) as usize;
        let values = (0..grown * 5).map(|i| (i % grown) as f32 * rise);
        let density = Density {
            width: width + 2,
            height: height + 2,
            values: values.collect(),
        };
        let scale = Scale {
            domain: Domain::Fixed(0.0, 100.0),
            transform: Transform::Linear,
        };
        let scale = scale.resolve(&Statistics::default(), ValueKind::Amount, 8);
        let picture = Picture::empty(width, height);
        let ramp = Ramp::parse("inferno").unwrap();
        let pixels = pixels_with_isolines(&density, &picture, &scale, lines, 1, &ramp);
        let row = pixels.chunks_exact(4).take(width as usize);
        row.map(|p| f32::from(p[3]) / 255.0).sum()
    }

    #[test]
    fn lines_are_as_wide_at_every_slope() {
        // A slope of 0.45 rises by 90 and crosses 4 lines; a slope of 0.2 rises by 40 and crosses
        // the 2 lines at 20 and 40.
        let (flat, steep) = (covered(0.2, 4) / 2.0, covered(0.45, 4) / 4.0);
        assert!((flat - steep).abs() < 0.15, "{flat} {steep}");
        assert!((1.0..2.0).contains(&steep), "{steep}");
    }

    #[test]
    fn where_nothing_rises_there_is_no_line() {
        assert_eq!(covered(0.0, 9), 0.0);
    }
}
