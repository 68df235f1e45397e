//! The size of a static map, in pixels or as a length on paper.

use heatsplat::render::encode::MAX_EDGE;

/// The dots per inch of a picture whose size is a length on paper, unless `--dpi` sets them.
const DEFAULT_DPI: u32 = 300;

/// The number of CSS pixels in an inch, by the CSS standard (Values and Units, §6.2).
const CSS_DPI: f64 = 96.0;

/// The width and the height of a picture as `--size` states them. A height of `None` follows from
/// the width and the shape of the box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PictureSize {
    /// The width and, if it is stated, the height in CSS pixels.
    Pixels(u32, Option<u32>),
    /// The width and, if it is stated, the height on paper in inches.
    Inches(f64, Option<f64>),
}

/// The width and the height of a picture's file in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PixelSize {
    pub(super) width: u32,
    /// The height in pixels; `None` if it follows from the width and the shape of the box.
    pub(super) height: Option<u32>,
    /// The device pixel ratio, from 1 to 4.
    pub(super) ratio: u32,
    /// The dots per inch of a picture whose size is a length on paper; `None` for other pictures.
    pub(super) dpi: Option<u32>,
}

impl PixelSize {
    /// The height of the picture in pixels. If none is stated, it follows from `shape`, the height
    /// of the box divided by its width. An error is a pair: the flag that causes it, and the
    /// message.
    pub(super) fn height_of(self, shape: f64) -> Result<u32, (&'static str, String)> {
        let height = self.height.unwrap_or_else(|| {
            // Rounded in CSS pixels, so that a picture with another ratio shows the same map.
            let css = f64::from(self.width) / f64::from(self.ratio) * shape;
            (css.round().max(1.0) as u32).saturating_mul(self.ratio)
        });
        if height > MAX_EDGE {
            let message = format!(
                "the box is so narrow that the picture would be {} × {height} pixels, and \
                 {MAX_EDGE} are the most: give a height, or a wider --bbox",
                self.width
            );
            return Err(("--size", message));
        }
        Ok(height)
    }
}

impl PictureSize {
    /// Parses a size such as `1024x768`, `1024`, `20x15cm`, `200mm` or `8x6in`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let units = [("cm", 1.0 / 2.54), ("mm", 1.0 / 25.4), ("in", 1.0)];
        let found = units.iter().find_map(|(unit, inches)| {
            let numbers = lower.strip_suffix(unit)?;
            Some((numbers.to_owned(), unit, *inches))
        });
        let Some((numbers, unit, inches)) = found else {
            let (width, height) = pair(&lower, pixels)?;
            return Ok(Self::Pixels(width, height));
        };
        let length = |text: &str| {
            let number = text.trim().trim_end_matches(unit).trim().parse::<f64>();
            match number.map(|number| number * inches) {
                Ok(length) if length > 0.0 && length.is_finite() => Ok(length),
                _ => Err(format!(
                    "expected width and height, like 20x15{unit}, or a width alone"
                )),
            }
        };
        let (width, height) = pair(&numbers, length)?;
        Ok(Self::Inches(width, height))
    }

    /// The size in pixels of the picture's file. `dpi` and `ratio` are the values of `--dpi` and
    /// `--ratio`; `None` for a flag that isn't given. An error is a pair: the flag that causes it,
    /// and the message.
    pub(super) fn in_pixels(
        self,
        dpi: Option<u32>,
        ratio: Option<u32>,
    ) -> Result<PixelSize, (&'static str, String)> {
        let size = match self {
            Self::Pixels(width, height) => {
                if dpi.is_some() {
                    let message =
                        "is for a --size on paper, like 20x15cm; for more pixels use --ratio";
                    return Err(("--dpi", message.to_owned()));
                }
                let ratio = ratio.unwrap_or(1);
                PixelSize {
                    width: width.saturating_mul(ratio),
                    height: height.map(|height| height.saturating_mul(ratio)),
                    ratio,
                    dpi: None,
                }
            }
            Self::Inches(width, height) => {
                let dpi = dpi.unwrap_or(DEFAULT_DPI);
                let dots = |inches: f64| (inches * f64::from(dpi)).round() as u32;
                // Texts and radii are as large on paper as on a screen, to the next whole ratio, 4
                // at most.
                let by_dpi = (f64::from(dpi) / CSS_DPI).round() as u32;
                PixelSize {
                    width: dots(width),
                    height: height.map(dots),
                    ratio: ratio.unwrap_or(by_dpi.clamp(1, 4)),
                    dpi: Some(dpi),
                }
            }
        };
        let fits = |edge: u32| (1..=MAX_EDGE).contains(&edge);
        if fits(size.width) && size.height.is_none_or(fits) {
            return Ok(size);
        }
        let height = size
            .height
            .map_or(String::new(), |height| format!(" × {height}"));
        let message = format!(
            "a picture is 1 to {MAX_EDGE} pixels wide and high, and this is {}{height}",
            size.width
        );
        Err(("--size", message))
    }
}

/// Parses `20` or `20x15`: a width, and the height after an `x` if there is one. `side` parses one
/// of them.
fn pair<T>(text: &str, side: impl Fn(&str) -> Result<T, String>) -> Result<(T, Option<T>), String> {
    match text.split_once(['x', '×']) {
        Some((width, height)) => Ok((side(width)?, Some(side(height)?))),
        None => Ok((side(text)?, None)),
    }
}

fn pixels(text: &str) -> Result<u32, String> {
    match text.trim().parse::<u64>() {
        Ok(0) => Err("expected at least 1 pixel".to_owned()),
        Ok(n) => match u32::try_from(n) {
            Ok(n) if n <= MAX_EDGE => Ok(n),
            _ => Err(format!("expected at most {MAX_EDGE} pixels")),
        },
        Err(_) => {
            let expected = "expected width and height in pixels, like 1024x768, a width alone, or \
                            lengths on paper, like 20x15cm";
            Err(expected.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let size = PictureSize::parse;
        assert_eq!(size("1024x768"), Ok(PictureSize::Pixels(1024, Some(768))));
        assert_eq!(size("512"), Ok(PictureSize::Pixels(512, None)));
        for text in [
            "20.32x25.4cm",
            "203.2 x 254 mm",
            "8x10in",
            "8inx10in",
            "20.32CM×25.4CM",
        ] {
            let Ok(PictureSize::Inches(width, Some(height))) = size(text) else {
                panic!("{text}")
            };
            assert!(
                (width - 8.0).abs() < 1e-9 && (height - 10.0).abs() < 1e-9,
                "{text}"
            );
        }
        for bad in [
            "", "x", "0x5", "5x0", "5x", "-5x5", "5x5x5", "99999", "5.5x5", "cm", "0cm", "-1in",
            "nanmm", "infcm", "5x5px",
        ] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_on_paper_become_pixels_by_the_dots_per_inch() {
        let paper = PictureSize::Inches(8.0, Some(10.0));
        let expected = |width, height, ratio, dpi| PixelSize {
            width,
            height: Some(height),
            ratio,
            dpi,
        };
        assert_eq!(
            paper.in_pixels(None, None),
            Ok(expected(2400, 3000, 3, Some(300)))
        );
        assert_eq!(
            paper.in_pixels(Some(96), None),
            Ok(expected(768, 960, 1, Some(96)))
        );
        assert_eq!(
            paper.in_pixels(Some(600), Some(2)),
            Ok(expected(4800, 6000, 2, Some(600)))
        );
        let flag = |size: PictureSize, dpi, ratio| size.in_pixels(dpi, ratio).unwrap_err().0;
        assert_eq!(flag(paper, Some(2400), None), "--size");
        assert_eq!(
            flag(PictureSize::Pixels(9000, None), None, Some(2)),
            "--size"
        );
        assert_eq!(
            flag(PictureSize::Pixels(900, None), Some(300), None),
            "--dpi"
        );
        let screen = PictureSize::Pixels(100, Some(50));
        assert_eq!(
            screen.in_pixels(None, Some(2)),
            Ok(expected(200, 100, 2, None))
        );
    }
}
