//! Mapnik's filter `colorize-alpha(…)`, as a table of colours that are equal to Mapnik's to the
//! last bit.
//!
//! Mapnik sums up heat as an alpha of 8 bits, and a table of 256 colours has the colour of each
//! alpha. Mapnik computes the table with integers, and so does this module. The sources are
//! `image_filter.hpp` and `agg_gradient_lut.h` of Mapnik 3.0.5 and later.

use super::css;
use super::stops::{MAX_STOPS, RampError};

/// The number of bits after the binary point in the fixed-point numbers with which Mapnik
/// interpolates.
const FRACTION: u32 = 14;

/// A position from 0 to 1, and the RGBA colour at this position, not premultiplied by alpha.
type AlphaStop = (f64, [u8; 4]);

/// Makes the table for the arguments of `colorize-alpha(…)`. These are CSS colours, each with an
/// optional position: `blue 30%, cyan, yellow 0.7`.
///
/// A colour without a position, or with the position 0, gets the position of its place in the list:
/// the first one 0, the last one 1, and the others at equal distances between these. Then the
/// colours are sorted by their positions. Of two colours with equal positions, the first is used.
pub(super) fn table(arguments: &str) -> Result<[[u8; 4]; 256], RampError> {
    if arguments.trim().is_empty() {
        return Err(RampError::Empty);
    }
    let parts = css::split(arguments);
    if parts.len() > MAX_STOPS {
        return Err(RampError::TooMany(parts.len()));
    }
    let last = (parts.len() - 1).max(1) as f64;
    let mut stops: Vec<AlphaStop> = Vec::with_capacity(parts.len());
    for (i, part) in parts.into_iter().enumerate() {
        let (color, position) = css::color_and_position(part)?;
        let color = csscolorparser::parse(color)
            .map_err(|_| RampError::Color(color.to_owned()))?
            .to_rgba8();
        let position = match position {
            Some(p) if p != 0.0 => f64::from(p.abs()),
            _ => i as f64 / last,
        };
        stops.push((position.clamp(0.0, 1.0), color));
    }
    let lookup = match stops.as_slice() {
        [(_, only)] => [*only; 256],
        _ => gradient(stops),
    };
    let mut table = [[0; 4]; 256];
    for (index, (out, color)) in table.iter_mut().zip(lookup).enumerate().skip(1) {
        // The index is the alpha of Mapnik's picture. It is multiplied by the alpha of the colour.
        let [r, g, b, a] = color;
        *out = [r, g, b, scaled(a, index as u8)];
    }
    Ok(table)
}

/// Returns a channel multiplied by an alpha and divided by 255, rounded as Mapnik does it. Both are
/// from 0 to 255.
pub(crate) fn scaled(channel: u8, alpha: u8) -> u8 {
    ((u32::from(channel) * u32::from(alpha) + 255) >> 8) as u8
}

/// Makes the 256 colours of a gradient through two or more stops.
fn gradient(mut stops: Vec<AlphaStop>) -> [[u8; 4]; 256] {
    stops.sort_by(|a, b| a.0.total_cmp(&b.0));
    stops.dedup_by(|later, first| later.0 == first.0);
    let place = |position: f64| (position * 256.0 + 0.5) as usize;
    let (first, last) = match (stops.first(), stops.last()) {
        (Some(first), Some(last)) => (*first, *last),
        _ => return [[0; 4]; 256],
    };
    let mut table = [last.1; 256];
    let mut start = place(first.0);
    table.iter_mut().take(start).for_each(|c| *c = first.1);
    for pair in stops.windows(2) {
        let [(_, from), (position, to)] = pair else {
            continue;
        };
        let end = place(*position);
        let steps = (end - start + 1) as i32;
        let inner = table.iter_mut().take(end).skip(start);
        for (k, color) in (0..).zip(inner) {
            *color = *from;
            for (value, to) in color.iter_mut().zip(to) {
                let (a, b) = (i32::from(*value), i32::from(*to));
                // The division rounds towards 0, and the shift rounds down, as they do in Mapnik.
                let step = ((b - a) << FRACTION) / steps;
                *value = (a + ((k * step) >> FRACTION)) as u8;
            }
        }
        start = end;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pixel, premultiplied by alpha, that Mapnik draws for an alpha.
    fn pixel(arguments: &str, alpha: u8) -> [u8; 4] {
        let [r, g, b, a] = table(arguments).unwrap()[usize::from(alpha)];
        [scaled(r, a), scaled(g, a), scaled(b, a), a]
    }

    /// Expects the pixels that Mapnik's own unit tests expect.
    #[test]
    fn mapniks_own_vectors() {
        assert_eq!(pixel("blue", 255), [0, 0, 255, 255]);
        assert_eq!(pixel("#0000ff99", 0xaa), [0, 0, 0x66, 0x66]);
        assert_eq!(pixel("green,blue", 255), [0, 0, 253, 255]);
        assert_eq!(pixel("#0000ff00,#00ff00ff", 0xaa), [0, 0x4a, 0x26, 0x70]);
    }

    #[test]
    fn the_classic_rainbow() {
        let table = table("blue,cyan,green,yellow,orange,red").unwrap();
        for (index, color) in [
            (1, [0, 4, 255]),
            (16, [0, 78, 255]),
            (51, [0, 255, 255]),
            (64, [0, 223, 191]),
            (102, [0, 128, 0]),
            (128, [125, 190, 0]),
            (153, [245, 250, 0]),
            (192, [255, 189, 0]),
            (204, [255, 168, 0]),
            (254, [255, 9, 0]),
            (255, [255, 6, 0]),
        ] {
            assert_eq!(table[index][..3], color, "{index}");
            assert_eq!(usize::from(table[index][3]), index);
        }
        assert_eq!(table[0], [0; 4]);
    }

    #[test]
    fn positions_given_and_not() {
        // Cyan gets the position 1/3, just above the 30 % of blue, so the colour changes abruptly
        // there.
        let table = table("blue 30%, cyan, yellow 0.7, rgb(0%,80%,0%) 90%").unwrap();
        assert_eq!(table[76][..3], [0, 0, 255]);
        assert_eq!(table[77][..3], [0, 0, 255]);
        assert_eq!(table[85][..3], [0, 255, 255]);
        assert_eq!(table[255][..3], [0, 204, 0]);
        // The position 0 counts as a missing position.
        let at = |text| super::table(text).unwrap();
        assert_eq!(at("red, lime 0, blue"), at("red, lime, blue"));
        // Positions over 100 % count as 100 %, and stops are sorted by position.
        assert_eq!(at("red 100%, blue 10%"), at("blue 10%, red 250%"));
    }

    #[test]
    fn mistakes() {
        assert_eq!(table("  ").unwrap_err(), RampError::Empty);
        assert!(matches!(table("blue,"), Err(RampError::Color(_))));
        assert!(matches!(table("blue, 3"), Err(RampError::Color(_))));
    }
}
