//! A picture that shows the ramps of the collection, for the documentation.

use crate::encode::EncodeError;
use crate::legend::canvas::{Canvas, TEXT_HEIGHT, TEXT_SIZE};
use crate::legend::typeface::Typeface;
use crate::ramp::Ramp;
use crate::ramp::collection::{Group, all};

const MARGIN: f32 = 16.0;
const NAME: f32 = 76.0;
const BAR: [f32; 2] = [210.0, 20.0];
const ROW: f32 = 26.0;
const HEADING: f32 = 34.0;
const ABOUT: f32 = 350.0;

const PAPER: [u8; 4] = [0xff, 0xff, 0xff, 0xff];
const INK: [u8; 4] = [0x1d, 0x27, 0x33, 0xff];
const MUTED: [u8; 4] = [0x6b, 0x77, 0x85, 0xff];

/// The colours of land on a light and on a dark base map.
const MAPS: [[u8; 4]; 2] = [[0xf2, 0xef, 0xe9, 0xff], [0x11, 0x18, 0x20, 0xff]];

/// Draws all ramps of the collection but the diverging ones, as a PNG with 2 pixels per CSS pixel.
/// Each ramp is shown by its name, its colours on a light and on a dark background, and a
/// description.
///
/// # Errors
/// The errors of the PNG encoder. None is known to occur.
pub fn ramp_sheet() -> Result<Vec<u8>, EncodeError> {
    let groups = [Group::Perceptual, Group::DarkMap, Group::LightMap];
    let [length, thickness] = BAR;
    let bars = [MARGIN + NAME, MARGIN + NAME + length + 8.0];
    let words = bars[1] + length + 14.0;
    let height = MARGIN + HEADING * groups.len() as f32 + ROW * all().len() as f32 + MARGIN / 2.0;
    let width = words + ABOUT;
    let mut canvas = Canvas::new(width, height, 2);
    canvas.fill([0.0, 0.0, width, height], 0.0, PAPER);
    let typeface = Typeface::default();
    let write = |canvas: &mut Canvas, place, text: &str, color| {
        canvas.text(place, TEXT_SIZE, text, &typeface, color);
    };
    let mut y = MARGIN / 2.0;
    for group in groups {
        let heading = [MARGIN, y + HEADING - TEXT_HEIGHT - 6.0];
        write(&mut canvas, heading, group.name(), MUTED);
        y += HEADING;
        for named in all().iter().filter(|named| named.group == group) {
            let line = y + (thickness - TEXT_HEIGHT) / 2.0;
            write(&mut canvas, [MARGIN, line], named.name, INK);
            write(&mut canvas, [words, line], named.about, MUTED);
            let ramp = Ramp::from_collection(named);
            for (x, ground) in bars.into_iter().zip(MAPS) {
                let bar = [x, y, length, thickness];
                canvas.fill(bar, 0.0, ground);
                canvas.sweep(bar, |share| ramp.color((share * 255.0).round() as u8));
            }
            y += ROW;
        }
    }
    canvas.png()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_room() {
        let width = |text| Typeface::default().width(text, TEXT_SIZE);
        for named in all() {
            assert!(width(named.name) < NAME, "{}", named.name);
            assert!(width(named.about) < ABOUT, "{}", named.about);
        }
        assert!(ramp_sheet().unwrap().len() > 4000);
    }
}
