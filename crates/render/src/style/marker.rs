//! Markers: small pictures of 8 bits that are drawn at each point, as Mapnik draws them.

use crate::scale::parse_error::ParseStyleError;
use std::f64::consts::TAU;
use std::fmt::{self, Write as _};
use std::str::FromStr;

/// A small picture that is drawn at each point. It has only an alpha channel and no colours.
#[derive(Clone, Debug, PartialEq)]
pub struct Marker {
    /// The marker's shape, an ellipse or a picture.
    pub shape: MarkerShape,
    /// The opacity, 0 to 1, that the alpha of the shape is multiplied by.
    pub opacity: f64,
    /// True if the opacity is also multiplied by the point's weight, 0 to 1.
    pub weighted: bool,
}

/// The shape of a marker.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MarkerShape {
    /// A filled ellipse, drawn at the point's exact position. The fields are its width and its
    /// height in CSS pixels.
    Ellipse(f64, f64),
    /// A picture, drawn at the whole pixel that is nearest to the point's position.
    Image(MarkerImage),
}

impl MarkerShape {
    /// The marker's width and height in CSS pixels.
    pub fn size(&self) -> (f64, f64) {
        match self {
            Self::Ellipse(width, height) => (*width, *height),
            Self::Image(image) => (f64::from(image.width), f64::from(image.height)),
        }
    }
}

/// The alpha channel of a marker's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerImage {
    width: u32,
    height: u32,
    alpha: Vec<u8>,
}

/// The error for a picture that can't be a marker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarkerImageError {
    /// The bytes are no readable PNG.
    #[error("{0}")]
    Png(#[from] png::DecodingError),
    /// The picture needs more memory than the machine can address.
    #[error("the picture is too large")]
    Memory,
    /// The picture's width or height is more than [`MarkerImage::MAX_SIDE`], or is 0.
    #[error("a marker has at most {0} × {0} pixels", MarkerImage::MAX_SIDE)]
    Size,
}

impl MarkerImage {
    /// The greatest width of a marker's picture in pixels, and also the greatest height.
    pub const MAX_SIDE: u32 = 256;

    /// Makes a marker's picture from its alpha values, given row by row from the top. Returns
    /// `None` if there are not `width` × `height` values, or if width or height is not from 1 to
    /// [`MAX_SIDE`](Self::MAX_SIDE).
    pub fn new(width: u32, height: u32, alpha: Vec<u8>) -> Option<Self> {
        let side = 1..=Self::MAX_SIDE;
        let legal = side.contains(&width)
            && side.contains(&height)
            && alpha.len() == width as usize * height as usize;
        legal.then_some(Self {
            width,
            height,
            alpha,
        })
    }

    /// Makes a marker's picture from the alpha channel of a PNG. A PNG without an alpha channel is
    /// opaque.
    ///
    /// # Errors
    /// Bytes that are no PNG, or a PNG whose width or height is more than
    /// [`MAX_SIDE`](Self::MAX_SIDE).
    pub fn from_png(bytes: &[u8]) -> Result<Self, MarkerImageError> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let size = reader
            .output_buffer_size()
            .ok_or(MarkerImageError::Memory)?;
        if size > (8 * Self::MAX_SIDE * Self::MAX_SIDE) as usize {
            return Err(MarkerImageError::Size);
        }
        let mut pixels = vec![0; size];
        let info = reader.next_frame(&mut pixels)?;
        let (channels, alpha) = match info.color_type {
            png::ColorType::Rgba => (4, true),
            png::ColorType::GrayscaleAlpha => (2, true),
            png::ColorType::Rgb => (3, false),
            _ => (1, false),
        };
        let of_pixel = |p: &[u8]| {
            if alpha {
                p.last().copied().unwrap_or(255)
            } else {
                255
            }
        };
        let pixels = pixels.get(..info.buffer_size()).unwrap_or_default();
        let alpha = pixels.chunks_exact(channels).map(of_pixel).collect();
        Self::new(info.width, info.height, alpha).ok_or(MarkerImageError::Size)
    }

    /// Enlarges the marker's picture: each pixel is repeated `factor` times in x and in y.
    fn enlarged(&self, factor: u32) -> Self {
        let width = self.width * factor;
        let rows = self.alpha.chunks_exact(self.width.max(1) as usize);
        let alpha = rows.flat_map(|row| {
            let wide: Vec<u8> = row
                .iter()
                .flat_map(|&a| std::iter::repeat_n(a, factor as usize))
                .collect();
            std::iter::repeat_n(wide, factor as usize).flatten()
        });
        Self {
            width,
            height: self.height * factor,
            alpha: alpha.collect(),
        }
    }
}

/// The number of positions within a pixel, along x and also along y, at which an ellipse can be
/// drawn. A point's position is rounded to the nearest of them. The number is a choice after a
/// measurement on a map of cities with the blend mode `over`. The pixels that differ from Mapnik's
/// by at most 1 of 255 were 99.88 % of all with 64 positions, 99.93 % with 128, and 99.97 % with
/// 256.
const PHASES: u32 = 128;

/// A marker prepared for being turned into pixels, in pictures of one resolution.
#[derive(Debug)]
pub(crate) struct MarkerRaster {
    /// The number of positions within a pixel, along x and also along y, at which the marker can be
    /// drawn: 1 for pictures, [`PHASES`] for ellipses.
    pub(crate) phases: u32,
    /// The offset in pixels, along x and y, that is added to a point's position before it is
    /// rounded down to a position at which the marker can be drawn.
    pub(crate) shift: (f64, f64),
    /// The offset in whole pixels, along x and y, from the pixel of the point to the top left pixel
    /// of the marker. The pixel of the point is the one with the point's position, after `shift` is
    /// added.
    pub(crate) corner: (i64, i64),
    pub(crate) width: u32,
    pub(crate) height: u32,
    outline: Outline,
}

#[derive(Debug)]
enum Outline {
    Image(Vec<u8>),
    /// The corners of a polygon, in pixels, as offsets from the ellipse's middle.
    Polygon(Vec<(f64, f64)>),
}

impl Marker {
    /// Prepares the marker for being turned into pixels, in pictures of `ratio` pixels per CSS
    /// pixel.
    pub(crate) fn raster(&self, ratio: f64) -> MarkerRaster {
        match &self.shape {
            MarkerShape::Image(image) => {
                let image = image.enlarged(ratio.round().clamp(1.0, 4.0) as u32);
                let (width, height) = (image.width, image.height);
                MarkerRaster {
                    phases: 1,
                    shift: (-f64::from(width) / 2.0, -f64::from(height) / 2.0),
                    corner: (0, 0),
                    width,
                    height,
                    outline: Outline::Image(image.alpha),
                }
            }
            MarkerShape::Ellipse(width, height) => {
                let radii = (width * ratio / 2.0, height * ratio / 2.0);
                let margin = |r: f64| r.ceil() as i64 + 1;
                let (left, top) = (margin(radii.0), margin(radii.1));
                MarkerRaster {
                    phases: PHASES,
                    // With half of a step added, rounding down gives the nearest position.
                    shift: (0.5 / f64::from(PHASES), 0.5 / f64::from(PHASES)),
                    corner: (-left, -top),
                    width: 2 * left as u32 + 1,
                    height: 2 * top as u32 + 1,
                    outline: Outline::Polygon(corners((*width, *height), radii)),
                }
            }
        }
    }

    /// The greatest distance, in CSS pixels, from a point to a pixel that its marker changes: half
    /// of the marker's longer side, and a pixel for the rounding of positions.
    pub(crate) fn reach(&self) -> f64 {
        match &self.shape {
            MarkerShape::Image(image) => f64::from(image.width.max(image.height)) / 2.0 + 1.0,
            MarkerShape::Ellipse(width, height) => width.max(*height) / 2.0 + 1.0,
        }
    }

    /// Returns the opacity, 0 to 255, of the marker of a point with the weight `weight`. As in
    /// Mapnik, the opacity is rounded to the nearest number for ellipses, and rounded down for
    /// pictures.
    pub(crate) fn opacity(&self, weight: f32) -> u8 {
        let weight = if self.weighted {
            f64::from(weight).clamp(0.0, 1.0)
        } else {
            1.0
        };
        let opacity = self.opacity * weight * 255.0;
        match self.shape {
            MarkerShape::Ellipse(..) => opacity.round() as u8,
            MarkerShape::Image(_) => opacity as u8,
        }
    }
}

impl MarkerRaster {
    /// Returns the alpha values of the marker's pixels, row by row, multiplied by `opacity` / 255.
    /// `phase` is the position within a pixel at which the marker is drawn: its number along x and
    /// along y, each from 0 to `phases` − 1.
    pub(crate) fn alphas(&self, phase: (u32, u32), opacity: u8) -> Vec<u8> {
        let scaled = |a: u8| {
            if opacity == 255 {
                a
            } else {
                ((u32::from(a) * u32::from(opacity) + 255) >> 8) as u8
            }
        };
        match &self.outline {
            Outline::Image(alpha) => alpha.iter().map(|a| scaled(*a)).collect(),
            Outline::Polygon(corners) => {
                let place = |corner: i64, phase: u32| {
                    -corner as f64 + f64::from(phase) / f64::from(self.phases)
                };
                let middle = (place(self.corner.0, phase.0), place(self.corner.1, phase.1));
                let alphas = filled(corners, middle, self.width, self.height);
                alphas.into_iter().map(scaled).collect()
            }
        }
    }
}

/// Returns the corners of the polygon that Mapnik, whose rasteriser is Anti-Grain Geometry, draws
/// for an ellipse. `size` is the ellipse's width and height in CSS pixels, and `radii` are its
/// radii along x and y in pixels. As in Mapnik, the corners are offsets from the middle of the
/// polygon's bounding box, in pixels.
fn corners(size: (f64, f64), radii: (f64, f64)) -> Vec<(f64, f64)> {
    let mean = (size.0 + size.1) / 4.0;
    let step = 2.0 * (mean / (mean + 0.125)).acos();
    let count = (TAU / step).round().max(4.0) as u32;
    // The first corner is the rightmost. With an odd number of corners the leftmost two are less
    // far from the ellipse's middle, so the middle of the bounding box lies to the right of it.
    let left = if count.is_multiple_of(2) {
        -1.0
    } else {
        -(TAU / 2.0 / f64::from(count)).cos()
    };
    let middle = radii.0 * (1.0 + left) / 2.0;
    (0..count)
        .map(|i| f64::from(i) / f64::from(count) * TAU)
        .map(|angle| (angle.cos() * radii.0 - middle, angle.sin() * radii.1))
        .collect()
}

/// Computes how much of each pixel a polygon covers: 0 for nothing, 255 for the whole pixel. The
/// polygon is given by its corners, as offsets from `middle` in pixels.
///
/// In each row, an edge of the polygon covers the area to its right; the area's sign is the
/// direction of the edge. A pixel that the edge crosses gets the area between the edge and the
/// pixel's right side. Every pixel further right gets the height of the edge in that row. Areas are
/// stored as differences to the pixel at the left, and a running sum along the row gives the areas.
fn filled(corners: &[(f64, f64)], middle: (f64, f64), columns: u32, rows: u32) -> Vec<u8> {
    /// A number that is subtracted from an area, in 1/256 of a pixel, before the area is rounded
    /// up. It is greater than the rounding error of the running sums, so an area of 0 stays 0.
    const RESIDUE: f64 = 1e-9;
    let (columns, rows) = (columns as usize, rows as usize);
    // There is one column more than the marker has, because a difference may belong to the column
    // after the last pixel.
    let stride = columns + 1;
    let mut steps = vec![0.0; stride * rows];
    let mut add = |row: usize, column: usize, height: f64, x: f64| {
        let right = height * (x - column as f64);
        if let Some([here, next]) = steps.get_mut(row * stride + column..=row * stride + column + 1)
        {
            *here += height - right;
            *next += right;
        }
    };
    // Positions are rounded to 1/256 of a pixel, as in Anti-Grain Geometry.
    let place = |c: &(f64, f64)| {
        let whole = |v: f64| (v * 256.0 + 0.5).floor() / 256.0;
        (whole(c.0 + middle.0), whole(c.1 + middle.1))
    };
    for (from, to) in corners.iter().zip(corners.iter().cycle().skip(1)) {
        let ((x0, y0), (x1, y1)) = (place(from), place(to));
        if y0 == y1 {
            continue; // A horizontal edge has no area beside it.
        }
        let slope = (x1 - x0) / (y1 - y0);
        // The edge is cut into pieces at the borders of rows, and each of these pieces at the
        // borders of columns.
        for (row, top, bottom) in pieces(y0, y1) {
            let at = |y: f64| x0 + (y - y0) * slope;
            let (left, right) = (at(top), at(bottom));
            if left == right {
                add(row, left as usize, bottom - top, left);
                continue;
            }
            for (column, from, to) in pieces(left, right) {
                add(row, column, (to - from) / slope, (from + to) / 2.0);
            }
        }
    }
    let mut alphas = Vec::with_capacity(columns * rows);
    for row in steps.chunks_exact(stride) {
        let mut share = 0.0f64;
        alphas.extend(row.iter().take(columns).map(|step| {
            share += step;
            // The area is rounded up. In Anti-Grain Geometry it is negative, and rounded down.
            (share.abs() * 256.0 - RESIDUE).ceil().clamp(0.0, 255.0) as u8
        }));
    }
    alphas
}

/// Cuts the interval from `from` to `to` at each whole number. Returns, for each piece, the
/// greatest whole number that is not above the piece, and the two ends of the piece: the one nearer
/// to `from` first.
fn pieces(from: f64, to: f64) -> impl Iterator<Item = (usize, f64, f64)> {
    let (low, high) = (from.min(to), from.max(to));
    let cells = low.floor() as usize..high.ceil() as usize;
    cells.map(move |cell| {
        let within = |v: f64| v.clamp(cell as f64, cell as f64 + 1.0);
        (cell, within(from), within(to))
    })
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shape {
            MarkerShape::Ellipse(width, height) => write!(f, "ellipse:{width}x{height}")?,
            MarkerShape::Image(image) => {
                write!(f, "image:{}x{}:", image.width, image.height)?;
                let mut digits = String::with_capacity(2 * image.alpha.len());
                for alpha in &image.alpha {
                    let _ = write!(digits, "{alpha:02x}");
                }
                f.write_str(&digits)?;
            }
        }
        write!(f, "@{}", self.opacity)?;
        f.write_str(if self.weighted { "*weight" } else { "" })
    }
}

impl Marker {
    /// Parses the text of a marker, like `ellipse:10x10@0.2`, which `Display` writes. Returns
    /// `None` if the text is not legal.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (shape, opacity) = text.trim().split_once('@').unwrap_or((text.trim(), "1"));
        let (opacity, weighted) = match opacity.strip_suffix("*weight") {
            Some(opacity) => (opacity, true),
            None => (opacity, false),
        };
        let opacity: f64 = opacity.trim().parse().ok()?;
        let (kind, rest) = shape.split_once(':')?;
        let (size, digits) = match rest.split_once(':') {
            Some((size, digits)) => (size, Some(digits)),
            None => (rest, None),
        };
        let (width, height) = size.split_once('x')?;
        let shape = match (kind, digits) {
            ("ellipse", None) => {
                let side = |t: &str| {
                    let n = t.trim().parse::<f64>().ok();
                    n.filter(|n| (0.1..=f64::from(MarkerImage::MAX_SIDE)).contains(n))
                };
                MarkerShape::Ellipse(side(width)?, side(height)?)
            }
            ("image", Some(digits)) => {
                let side = |t: &str| t.trim().parse::<u32>().ok();
                let byte = |pair: &[u8]| {
                    let pair = std::str::from_utf8(pair).ok()?;
                    u8::from_str_radix(pair, 16).ok()
                };
                let alpha: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
                MarkerShape::Image(MarkerImage::new(side(width)?, side(height)?, alpha?)?)
            }
            _ => return None,
        };
        let legal = (0.0..=1.0).contains(&opacity);
        legal.then_some(Self {
            shape,
            opacity,
            weighted,
        })
    }
}

impl FromStr for Marker {
    type Err = ParseStyleError;

    fn from_str(text: &str) -> Result<Self, ParseStyleError> {
        Self::parse(text).ok_or(ParseStyleError::new(
            "expected a marker like ellipse:10x10@0.2, or image:2x1:80ff@0.5*weight",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expects the alpha values that Mapnik 3.1 draws for an ellipse of 10 × 10 pixels.
    #[test]
    fn an_ellipse_is_mapniks_polygon() {
        let marker: Marker = "ellipse:10x10@1".parse().unwrap();
        let raster = marker.raster(1.0);
        let (side, left) = (raster.width as usize, -raster.corner.0 as usize);
        let close = |got: &[u8], expected: &[u8]| {
            let mut pairs = got.iter().zip(expected);
            assert!(
                pairs.all(|(a, b)| a.abs_diff(*b) <= 1),
                "{got:?} {expected:?}"
            );
        };
        let at = |phase| raster.alphas((phase, 0), 255);
        let middle = |row: usize, alphas: &[u8]| {
            let from = (left + row) * side + left - 5;
            alphas[from..from + 11].to_vec()
        };
        close(
            &middle(0, &at(0)),
            &[227, 255, 255, 255, 255, 255, 255, 255, 255, 227, 0],
        );
        close(
            &middle(4, &at(0)),
            &[0, 0, 54, 176, 224, 224, 176, 54, 0, 0, 0],
        );
        close(
            &middle(0, &at(PHASES / 2)),
            &[99, 255, 255, 255, 255, 255, 255, 255, 255, 255, 99],
        );
        assert_eq!(raster.alphas((0, 0), 77)[(left + 4) * side + left], 68);
    }

    #[test]
    fn what_corners_span_lies_around_the_point() {
        for size in [(7.0, 5.0), (10.0, 10.0), (3.0, 200.0)] {
            let corners = corners(size, (size.0 / 2.0, size.1 / 2.0));
            let ends = |axis: fn(&(f64, f64)) -> f64| {
                let all = || corners.iter().map(axis);
                let (least, most) = (
                    all().fold(f64::MAX, f64::min),
                    all().fold(f64::MIN, f64::max),
                );
                (least + most).abs()
            };
            assert!(ends(|c| c.0) < 1e-9 && ends(|c| c.1) < 1e-9, "{size:?}");
        }
    }

    #[test]
    fn a_squares_alphas_are_its_areas() {
        let corners = [(-2.0, -2.0), (2.0, -2.0), (2.0, 2.0), (-2.0, 2.0)];
        let alphas = filled(&corners, (2.5, 2.5), 5, 5);
        let row = |y: usize| alphas[5 * y..5 * y + 5].to_vec();
        assert_eq!(row(0), [64, 128, 128, 128, 64]);
        assert_eq!(row(2), [128, 255, 255, 255, 128]);
        assert_eq!(row(4), row(0));
    }

    #[test]
    fn a_png_is_its_alpha() {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(png::ColorType::Rgba);
        let mut writer = encoder.write_header().unwrap();
        writer
            .write_image_data(&[1, 2, 3, 40, 5, 6, 7, 200])
            .unwrap();
        writer.finish().unwrap();
        let image = MarkerImage::from_png(&bytes).unwrap();
        assert_eq!(image, MarkerImage::new(2, 1, vec![40, 200]).unwrap());
        assert_eq!(
            image.enlarged(2).alpha,
            [40, 40, 200, 200, 40, 40, 200, 200]
        );
        assert!(MarkerImage::from_png(b"no").is_err());
    }
}
