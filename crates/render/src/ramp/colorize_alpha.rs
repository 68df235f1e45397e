//! Mapnik's filter `colorize-alpha(…)` as a table, bit for bit.
//!
//! Mapnik accumulates heat as 8-bit alpha and looks up the colour of each alpha in a table of 256
//! colours. It makes that table and looks up colours in integers (Mapnik 3.0.5 and later,
//! `image_filter.hpp` and `agg_gradient_lut.h`), so this table is made in integers, too.

use super::css;
use super::stops::{MAX_STOPS, RampError};

/// The number of fractional bits in the fixed-point numbers that interpolate the table.
const FRACTION: u32 = 14;

/// A position from 0 to 1, and a colour of 8 bits per channel that is not premultiplied.
type AlphaStop = (f64, [u8; 4]);

/// The table for the arguments of `colorize-alpha(…)`: any CSS colours, each with an optional
/// position, as in `blue 30%, cyan, yellow 0.7`.
///
/// A colour without a position, or with position 0, gets its place in the list, evenly spaced, as
/// its position. Apart from that the order of the list does not matter. Of two colours at one
/// position the first counts.
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
        // The index is the alpha of Mapnik's picture, and the colour's own alpha scales it.
        let [r, g, b, a] = color;
        *out = [r, g, b, scaled(a, index as u8)];
    }
    Ok(table)
}

/// A channel multiplied by an alpha, both from 0 to 255, with the rounding of Mapnik's
/// premultiplication.
pub(crate) fn scaled(channel: u8, alpha: u8) -> u8 {
    ((u32::from(channel) * u32::from(alpha) + 255) >> 8) as u8
}

/// The 256 colours of a gradient through two or more stops.
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
            *color = std::array::from_fn(|c| {
                let (a, b) = (i32::from(from[c]), i32::from(to[c]));
                // As in Mapnik, the division rounds towards zero, and the shift rounds down.
                let step = ((b - a) << FRACTION) / steps;
                (a + ((k * step) >> FRACTION)) as u8
            });
        }
        start = end;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A premultiplied pixel of Mapnik's picture.
    fn pixel(arguments: &str, alpha: u8) -> [u8; 4] {
        let [r, g, b, a] = table(arguments).unwrap()[usize::from(alpha)];
        [scaled(r, a), scaled(g, a), scaled(b, a), a]
    }

    /// The values in Mapnik's own unit tests.
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
        // Cyan's position, a third, is just above blue's 30 %, so the colour changes abruptly
        // there.
        let table = table("blue 30%, cyan, yellow 0.7, rgb(0%,80%,0%) 90%").unwrap();
        assert_eq!(table[76][..3], [0, 0, 255]);
        assert_eq!(table[77][..3], [0, 0, 255]);
        assert_eq!(table[85][..3], [0, 255, 255]);
        assert_eq!(table[255][..3], [0, 204, 0]);
        // A position of 0 counts as a missing position.
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
