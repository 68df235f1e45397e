//! PNG's filter Paeth. It predicts each byte from its neighbours, and stores the difference between
//! the byte and the prediction.

use crate::unit_costs::{ENCODED, report};

/// Filters the rows of a picture of one byte per pixel, so that they can be compressed better.
/// Before each row stands the number of the filter, 4.
///
/// Of the filters that PNG defines (PNG specification, 9.4), Paeth makes the smallest files of
/// smooth pictures. It is also the best for their first row. So no other filter is tried.
pub(super) fn paeth(indices: &[u8], width: usize) -> Vec<u8> {
    let mut filtered = Vec::with_capacity(indices.len() + indices.len() / width.max(1) + 1);
    // Beyond the picture's left and upper edge, the neighbours are 0. So each row begins with an
    // added 0, and a row of zeros lies above the first row.
    let mut row = vec![0; width + 1];
    let mut above = vec![0; width + 1];
    for pixels in indices.chunks_exact(width.max(1)) {
        report(width, ENCODED);
        if let Some(place) = row.get_mut(1..) {
            place.copy_from_slice(pixels);
        }
        filtered.push(4);
        let left = row.iter().zip(above.iter());
        let here = row.iter().zip(above.iter()).skip(1);
        filtered.extend(left.zip(here).map(|((&left, &corner), (&pixel, &up))| {
            pixel.wrapping_sub(predict(left, up, corner))
        }));
        std::mem::swap(&mut row, &mut above);
    }
    filtered
}

/// Predicts a byte: returns the one of its three neighbours that is nearest to left + up − corner.
/// If several are equally near, `left` is preferred, then `up`.
#[inline]
fn predict(left: u8, up: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(up), i16::from(corner));
    let to_left = (b - c).abs();
    let to_up = (a - c).abs();
    let to_corner = (a + b - 2 * c).abs();
    let other = if to_up <= to_corner { up } else { corner };
    if to_left <= to_up && to_left <= to_corner {
        left
    } else {
        other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_of_the_standard_restores_the_picture() {
        let (width, height) = (13, 9);
        let indices: Vec<u8> = (0..width * height)
            .map(|i| (i * i * 7 % 251) as u8)
            .collect();
        let filtered = paeth(&indices, width);
        let mut restored = vec![0_u8; indices.len()];
        for y in 0..height {
            assert_eq!(filtered[y * (width + 1)], 4);
            for x in 0..width {
                let at = |x: usize, y: usize| match (x, y) {
                    (0, _) | (_, 0) => 0,
                    _ => i32::from(restored[(y - 1) * width + x - 1]),
                };
                let (a, b, c) = (at(x, y + 1), at(x + 1, y), at(x, y));
                // These lines follow the text of the PNG specification, in its order.
                let p = a + b - c;
                let (pa, pb, pc) = ((p - a).abs(), (p - b).abs(), (p - c).abs());
                let guess = if pa <= pb && pa <= pc {
                    a
                } else if pb <= pc {
                    b
                } else {
                    c
                };
                restored[y * width + x] =
                    filtered[y * (width + 1) + 1 + x].wrapping_add(guess as u8);
            }
        }
        assert_eq!(restored, indices);
    }
}
