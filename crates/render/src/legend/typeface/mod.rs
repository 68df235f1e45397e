//! Typefaces: the widths and shapes of letters in legends and on static maps.

use std::sync::{Arc, LazyLock};

use ab_glyph::{Font, FontArc, GlyphId, PxScale, ScaleFont as _, point};

/// The typeface that is part of the program: Noto Sans Regular without hints, with only the letters
/// of Latin, Greek and Cyrillic. `scripts/make-typeface` makes the file.
static EMBEDDED: LazyLock<Option<FontArc>> =
    LazyLock::new(|| FontArc::try_from_slice(include_bytes!("NotoSans-Regular.ttf")).ok());

/// The distance from the top of a line of text to its baseline, as a multiple of the font size: a
/// choice. In SVG it is the same.
const BASELINE: f32 = 1.0;

/// The greatest side of a letter, as a multiple of the font size: a choice. Letters that are larger
/// are left out, since a damaged file may ask for pictures of any size.
const GREATEST_LETTER: f32 = 8.0;

/// A typeface: the shapes of letters. The default one is part of the program, and has the letters
/// of Latin, Greek and Cyrillic.
///
/// Letters stand side by side from left to right, and none is changed by its neighbours. So scripts
/// that join letters, or run from right to left, are not set as they should be.
#[derive(Clone, Debug, Default)]
pub struct Typeface {
    /// The typeface that was read from a file. `None` for the embedded one.
    own: Option<Arc<FontArc>>,
}

/// The error for bytes that are no typeface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no typeface is read from this file: expected TrueType or OpenType (.ttf or .otf)")]
pub struct ReadTypefaceError;

impl Typeface {
    /// Reads a typeface from the bytes of a TrueType or OpenType file.
    ///
    /// # Errors
    /// Bytes that are not such a file.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ReadTypefaceError> {
        let font = FontArc::try_from_vec(bytes).map_err(|_| ReadTypefaceError)?;
        let has_size = font.height_unscaled() > 0.0 && font.units_per_em().is_some();
        let own = has_size.then(|| Arc::new(font)).ok_or(ReadTypefaceError)?;
        Ok(Self { own: Some(own) })
    }

    fn font(&self) -> Option<&FontArc> {
        self.own.as_deref().or(EMBEDDED.as_ref())
    }

    /// The width of a line of text in pixels, at a font size of `size` pixels.
    pub(crate) fn width(&self, text: &str, size: f32) -> f32 {
        let Some(font) = self.font() else { return 0.0 };
        let scaled = font.as_scaled(scale(font, size));
        text.chars()
            .map(|letter| scaled.h_advance(glyph(font, letter)))
            .sum()
    }

    /// Draws a line of text whose top left corner is at (`left`, `top`), at a font size of `size`
    /// pixels. Calls `pixel` for each pixel that a letter covers, with the pixel's column and row,
    /// and the fraction of it that is covered. A letter that begins at `end` or to the right of it
    /// is not drawn.
    pub(crate) fn draw(
        &self,
        [left, top]: [f32; 2],
        size: f32,
        text: &str,
        end: f32,
        mut pixel: impl FnMut(i64, i64, f32),
    ) {
        let Some(font) = self.font() else { return };
        let scale = scale(font, size);
        let scaled = font.as_scaled(scale);
        let (mut x, y) = (left, top + BASELINE * size);
        for letter in text.chars() {
            if x >= end {
                break;
            }
            let id = glyph(font, letter);
            let placed = id.with_scale_and_position(scale, point(x, y));
            if let Some(outline) = font.outline_glyph(placed) {
                let bounds = outline.px_bounds();
                let greatest = bounds.width().max(bounds.height());
                if greatest <= GREATEST_LETTER * size {
                    let (column, row) = (bounds.min.x as i64, bounds.min.y as i64);
                    outline.draw(|dx, dy, cover| {
                        pixel(column + i64::from(dx), row + i64::from(dy), cover);
                    });
                }
            }
            x += scaled.h_advance(id);
        }
    }
}

/// Converts a font size, the side of an em in pixels, to the size that `ab_glyph` expects, the
/// height of a line in pixels.
fn scale(font: &FontArc, size: f32) -> PxScale {
    let em = font.units_per_em().unwrap_or(1000.0);
    PxScale::from(size * font.height_unscaled() / em)
}

/// The id of a letter's shape, or of the shape of `?` if the typeface lacks the letter.
fn glyph(font: &FontArc, letter: char) -> GlyphId {
    match font.glyph_id(letter) {
        GlyphId(0) => font.glyph_id('?'),
        found => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_typeface_has_the_letters_of_three_scripts() {
        let font = EMBEDDED.as_ref().unwrap();
        for letter in "Zażółć gęślą jaźń Ξεσκεπάζω Съешь ещё ½ km² 48° × … – €".chars()
        {
            assert_ne!(font.glyph_id(letter), GlyphId(0), "{letter}");
        }
        assert_eq!(glyph(font, '漢'), font.glyph_id('?'));
    }

    #[test]
    fn text_is_as_wide_as_it_is_drawn() {
        let typeface = Typeface::default();
        for text in ["l", "W", "12.5k", "Wrocław", "Αθήνα", "Москва"] {
            let (mut first, mut last) = (i64::MAX, i64::MIN);
            typeface.draw([20.0, 20.0], 24.0, text, 1e4, |x, y, cover| {
                assert!((20..52).contains(&y), "{text} {y}");
                if cover > 0.0 {
                    (first, last) = (first.min(x), last.max(x));
                }
            });
            let width = typeface.width(text, 24.0);
            assert!((first - 20).abs() <= 4, "{text} {first}");
            assert!(
                (last as f32 - 20.0 - width).abs() <= 4.0,
                "{text} {last} {width}"
            );
            assert!((typeface.width(text, 12.0) * 2.0 - width).abs() < 1e-3);
        }
    }

    #[test]
    fn a_file_that_is_no_typeface_is_refused() {
        for bytes in [Vec::new(), b"\0\x01\0\0".to_vec(), vec![0xff; 4096]] {
            assert!(Typeface::from_bytes(bytes).is_err());
        }
        let ours = include_bytes!("NotoSans-Regular.ttf").to_vec();
        for length in (0..ours.len()).step_by(997) {
            // A file that is cut may still have some letters; drawing them never panics.
            if let Ok(typeface) = Typeface::from_bytes(ours[..length].to_vec()) {
                typeface.draw([0.0, 0.0], 12.0, "Wrocław", 100.0, |_, _, _| {});
            }
        }
        let own = Typeface::from_bytes(ours).unwrap();
        assert_eq!(
            own.width("Map", 12.0),
            Typeface::default().width("Map", 12.0)
        );
    }
}
