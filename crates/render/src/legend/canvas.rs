//! A canvas of RGBA pixels, on which boxes and letters are drawn.

use crate::encode::{self, Effort, EncodeError};
use crate::legend::typeface::Typeface;

/// The font size of the text in legends and captions, in CSS pixels. It is a choice, and the same
/// in SVG.
pub(crate) const TEXT_SIZE: f32 = 12.0;

/// The height of a line of text in CSS pixels, for text of [`TEXT_SIZE`].
pub(crate) const TEXT_HEIGHT: f32 = 16.0;

/// The greatest number of pixels per CSS pixel. It is a choice: 4 is more than print at 300 dots
/// per inch needs.
pub(crate) const MAX_RATIO: u32 = 4;

/// A canvas of RGBA pixels, transparent at first. Its methods take lengths in CSS pixels. A ratio
/// says how many pixels wide and high a CSS pixel is drawn.
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    ratio: u32,
    /// The RGBA pixels, premultiplied by alpha. Each channel is 0 to 1.
    pixels: Vec<[f32; 4]>,
}

impl Canvas {
    /// Makes a canvas. `width` and `height` are in CSS pixels, and at most 4096: greater ones are
    /// reduced to this. `ratio`, the number of pixels per CSS pixel along a side, is from 1 to 4.
    pub(crate) fn new(width: f32, height: f32, ratio: u32) -> Self {
        let ratio = ratio.clamp(1, MAX_RATIO);
        let edge = |length: f32| (length.clamp(1.0, 4096.0).ceil() as usize) * ratio as usize;
        let (width, height) = (edge(width), edge(height));
        Self {
            width,
            height,
            ratio,
            pixels: vec![[0.0; 4]; width * height],
        }
    }

    /// Fills a box with a colour. The box is given as x, y, width and height. Its corners are
    /// rounded with the radius `radius`.
    pub(crate) fn fill(&mut self, [x, y, w, h]: [f32; 4], radius: f32, color: [u8; 4]) {
        let scale = self.ratio as f32;
        let [x, y, w, h, radius] = [x, y, w, h, radius].map(|length| length * scale);
        let [cx, cy] = [x + w / 2.0, y + h / 2.0];
        for row in pixel_range(y, y + h, self.height) {
            for column in pixel_range(x, x + w, self.width) {
                // This is the signed distance from the pixel to the edge of the box, negative
                // inside. Pixels within half a pixel of the edge are covered in part.
                let dx = (column as f32 + 0.5 - cx).abs() - w / 2.0 + radius;
                let dy = (row as f32 + 0.5 - cy).abs() - h / 2.0 + radius;
                let distance = dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0) - radius;
                let cover = (0.5 - distance).clamp(0.0, 1.0);
                self.blend(column, row, color, cover);
            }
        }
    }

    /// Fills a box, given as x, y, width and height, column by column. `color` is called with the
    /// column's position: 0 at the left edge of the box, and 1 at its right edge.
    pub(crate) fn sweep(&mut self, [x, y, w, h]: [f32; 4], color: impl Fn(f32) -> [u8; 4]) {
        let scale = self.ratio as f32;
        let [x, y, w, h] = [x, y, w, h].map(|length| length * scale);
        for column in pixel_range(x, x + w, self.width) {
            let color = color(((column as f32 + 0.5 - x) / w).clamp(0.0, 1.0));
            for row in pixel_range(y, y + h, self.height) {
                self.blend(column, row, color, 1.0);
            }
        }
    }

    /// Fills a box, given as x, y, width and height, row by row. `color` is called with the row's
    /// position: 0 at the bottom edge of the box, and 1 at its top edge.
    pub(crate) fn climb(&mut self, [x, y, w, h]: [f32; 4], color: impl Fn(f32) -> [u8; 4]) {
        let scale = self.ratio as f32;
        let [x, y, w, h] = [x, y, w, h].map(|length| length * scale);
        for row in pixel_range(y, y + h, self.height) {
            let color = color(((y + h - row as f32 - 0.5) / h).clamp(0.0, 1.0));
            for column in pixel_range(x, x + w, self.width) {
                self.blend(column, row, color, 1.0);
            }
        }
    }

    /// Draws a line of text whose top left corner is at (x, y), at a font size of `size` CSS
    /// pixels. A letter that the typeface doesn't have is drawn as `?`.
    pub(crate) fn text(
        &mut self,
        [x, y]: [f32; 2],
        size: f32,
        text: &str,
        typeface: &Typeface,
        color: [u8; 4],
    ) {
        let scale = self.ratio as f32;
        let corner = [(x * scale).round(), (y * scale).round()];
        let end = self.width as f32;
        typeface.draw(corner, size * scale, text, end, |column, row, cover| {
            if let (Ok(column), Ok(row)) = (usize::try_from(column), usize::try_from(row)) {
                self.blend(column, row, color, cover);
            }
        });
    }

    /// Blends a colour over a pixel, of which the colour covers the fraction `cover`. A pixel
    /// outside the canvas is ignored.
    fn blend(&mut self, column: usize, row: usize, color: [u8; 4], cover: f32) {
        if column >= self.width || cover <= 0.0 {
            return;
        }
        let Some(pixel) = self.pixels.get_mut(row * self.width + column) else {
            return;
        };
        let [r, g, b, a] = color.map(|c| f32::from(c) / 255.0);
        let alpha = a * cover;
        let over = [r * alpha, g * alpha, b * alpha, alpha];
        for (below, above) in pixel.iter_mut().zip(over) {
            *below = above + *below * (1.0 - alpha);
        }
    }

    /// The width of the canvas in its own pixels, not in CSS pixels.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The height of the canvas in its own pixels, not in CSS pixels.
    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// Blends the canvas over a picture of RGBA pixels, which are not premultiplied by alpha;
    /// `width` is the number of pixels in a row of the picture. The top left corner of the canvas
    /// is put at (`left`, `top`); `top` may be negative, which is above the picture. Parts of the
    /// canvas outside the picture are cut off.
    pub(crate) fn lay_over(&self, picture: &mut [u8], width: usize, left: usize, top: i64) {
        let above = usize::try_from(-top).unwrap_or(0);
        let below = usize::try_from(top).unwrap_or(0);
        let rows = picture.chunks_exact_mut(width.max(1) * 4).skip(below);
        let lines = self.pixels.chunks_exact(self.width).skip(above);
        for (row, line) in rows.zip(lines) {
            let (pixels, _) = row.as_chunks_mut::<4>();
            for (pixel, &above) in pixels.iter_mut().skip(left).zip(line) {
                *pixel = laid_over(*pixel, above);
            }
        }
    }

    /// Encodes the canvas as a PNG.
    pub(crate) fn png(&self) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::with_capacity(self.pixels.len() * 4);
        for &[r, g, b, a] in &self.pixels {
            let straight = |c: f32| if a > 0.0 { c / a } else { 0.0 };
            let color = [straight(r), straight(g), straight(b), a];
            bytes.extend(color.map(|c| (c * 255.0).round() as u8));
        }
        encode::png_rgba(&bytes, self.width as u32, self.height as u32, Effort::Small)
    }
}

/// Blends a colour over the colour `below`. The colour is premultiplied by alpha; `below` and the
/// result are not.
fn laid_over(below: [u8; 4], [r, g, b, a]: [f32; 4]) -> [u8; 4] {
    if a <= 0.0 {
        return below;
    }
    let [r0, g0, b0, a0] = below.map(|c| f32::from(c) / 255.0);
    let behind = a0 * (1.0 - a);
    let whole = a + behind;
    let mix = |above: f32, below: f32| (above + below * behind) / whole;
    let color = [mix(r, r0), mix(g, g0), mix(b, b0), whole];
    color.map(|c| (c * 255.0).round().clamp(0.0, 255.0) as u8)
}

/// The range of pixels of which the interval from `from` to `to` covers at least half. Only the
/// pixels 0 to `limit` − 1 count.
fn pixel_range(from: f32, to: f32, limit: usize) -> std::ops::Range<usize> {
    let clamp = |edge: f32| (edge.round().max(0.0) as usize).min(limit);
    clamp(from)..clamp(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_outside_the_sheet_is_cut_off() {
        let mut canvas = Canvas::new(10.0, 6.0, 2);
        canvas.fill([-5.0, -5.0, 100.0, 100.0], 3.0, [255, 0, 0, 255]);
        let typeface = Typeface::default();
        canvas.text(
            [-3.0, -3.0],
            12.0,
            "wide as the sea 🌊",
            &typeface,
            [0, 0, 0, 255],
        );
        canvas.sweep([8.0, 4.0, 0.0, 90.0], |_| [0; 4]);
        canvas.climb([8.0, 4.0, 9.0, f32::NAN], |_| [0; 4]);
        assert!(canvas.png().is_ok());
    }

    #[test]
    fn translucent_colours_mix() {
        let mut canvas = Canvas::new(1.0, 1.0, 1);
        canvas.fill([0.0, 0.0, 1.0, 1.0], 0.0, [255, 0, 0, 255]);
        canvas.fill([0.0, 0.0, 1.0, 1.0], 0.0, [0, 0, 255, 51]);
        let [r, g, b, a] = canvas.pixels[0];
        assert!((r - 0.8).abs() < 1e-3 && g == 0.0 && (b - 0.2).abs() < 1e-3 && a > 0.999);
    }
}
