//! A static map: a picture file with the heat of a layer, a background behind it, and a coastline
//! and captions over it.

use super::coastline::Coastline;
use super::ground::{CssColor, over};
use heatsplat::render::View;
use heatsplat::render::encode::{
    Effort, EncodeError, Georeference, ImageEncoding, RowColors, png_in_rows,
};
use heatsplat::render::legend::PlacedCaptions;
use heatsplat::{ImageFormat, Layer, Style};
use std::io::Write;

/// The largest number of pixels in a strip: the rows of a large map that are drawn together before
/// they are written. It bounds the memory, since a strip takes 16 bytes for each of its pixels and
/// of the pixels of its margins. A choice.
const STRIP: u32 = 1 << 23;

/// A map of a layer, before it is drawn.
pub(super) struct StaticMap<'a> {
    pub(super) layer: &'a Layer,
    pub(super) style: Style,
    pub(super) view: View,
    /// The colour behind the heat; `None` if the map is transparent.
    pub(super) background: Option<CssColor>,
    pub(super) coastline: Option<Coastline>,
    pub(super) captions: Option<PlacedCaptions>,
    /// The place of the map, which a GeoTIFF states.
    pub(super) georeference: Georeference,
    /// The dots per inch that a PNG states; `None` if it states none.
    pub(super) dpi: Option<u32>,
}

impl StaticMap<'_> {
    /// Writes the map as a file in this format. A PNG is drawn and written in strips of rows, which
    /// gives the same pixels as drawing it as a whole; other formats are drawn as a whole.
    ///
    /// # Errors
    /// An error if the picture can't be encoded, or if writing to `out` fails.
    pub(super) fn write(
        &self,
        format: ImageFormat,
        out: &mut dyn Write,
    ) -> Result<(), EncodeError> {
        let window = self.view.window();
        let (width, height) = (window.width(), window.height());
        let is_small = width.saturating_mul(height) <= STRIP;
        let is_bare = self.is_plain() && self.background.is_none();
        if format.is_density() {
            let density = self.layer.map(self.view).style(&self.style).density();
            let encoding = ImageEncoding::new(format, Effort::Small);
            return Ok(out.write_all(&encoding.density(&density, self.georeference)?)?);
        }
        if is_bare && (format != ImageFormat::Png || is_small && self.dpi.is_none()) {
            let request = self.layer.map(self.view).style(&self.style);
            let bytes = request.format(format).effort(Effort::Small).encode()?;
            return Ok(out.write_all(&bytes)?);
        }
        if format == ImageFormat::Png {
            return self.write_strips(out, STRIP);
        }
        let pixels = self.pixels(0, height);
        let encoding = ImageEncoding::new(format, Effort::Small);
        let bytes = encoding.pixels(pixels.as_flattened(), width, height)?;
        Ok(out.write_all(&bytes)?)
    }

    /// True if each pixel's colour follows from the pixel's index in the ramp alone. Then a palette
    /// of 256 colours is enough for the file.
    fn is_plain(&self) -> bool {
        self.captions.is_none() && self.coastline.is_none() && !self.layer.is_mixed(&self.style)
    }

    /// Writes the map as a PNG: draws and writes strips of rows, one after the other. A strip has
    /// about `at_a_time` pixels.
    fn write_strips(&self, out: &mut dyn Write, at_a_time: u32) -> Result<(), EncodeError> {
        let window = self.view.window();
        let (width, height) = (window.width(), window.height());
        let ground = self.background.map_or([0; 4], |CssColor(color)| color);
        let palette = self.style.ramp().colors().map(|color| over(color, ground));
        let colors = match ground {
            _ if self.is_plain() => RowColors::Palette(&palette),
            [.., 255] => RowColors::Rgb,
            _ => RowColors::Rgba,
        };
        let strip = (at_a_time / width.max(1)).clamp(1, height);
        let strips = (0..height).step_by(strip as usize).map(|first| {
            let count = strip.min(height - first);
            match colors {
                RowColors::Palette(_) => {
                    let request = self.layer.map(self.view.rows(first, count));
                    request.style(&self.style).picture().indices
                }
                RowColors::Rgb => {
                    let pixels = self.pixels(first, count);
                    pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect()
                }
                _ => self.pixels(first, count).into_flattened(),
            }
        });
        png_in_rows(out, [width, height], colors, self.dpi, strips)
    }

    /// Draws `count` rows of the map, from row `first` on (0 is the top one), as RGBA pixels whose
    /// red, green and blue are not multiplied by alpha.
    fn pixels(&self, first: u32, count: u32) -> Vec<[u8; 4]> {
        let window = self.view.window();
        let ground = self.background.map_or([0; 4], |CssColor(color)| color);
        let size = window.width() as usize * count as usize;
        let mut pixels = vec![ground; size];
        // The coastline is drawn on sheets of its own, which are as large as a strip at most.
        let rows = (STRIP / window.width().max(1)).max(1);
        let strips = (first..).step_by(rows as usize);
        let strip = rows as usize * window.width() as usize;
        if let Some(coastline) = &self.coastline {
            let parts = pixels.chunks_mut(strip).zip(strips.clone());
            parts.for_each(|(part, first)| coastline.fill(part, first));
        }
        let request = self.layer.map(self.view.rows(first, count));
        let heat = request.style(&self.style).pixels();
        let (heat, _) = heat.as_chunks::<4>();
        for (pixel, &heat) in pixels.iter_mut().zip(heat) {
            *pixel = over(heat, *pixel);
        }
        if let Some(coastline) = &self.coastline {
            let parts = pixels.chunks_mut(strip).zip(strips);
            parts.for_each(|(part, first)| coastline.outline(part, first));
        }
        if let Some(captions) = &self.captions {
            captions.draw_rows(pixels.as_flattened_mut(), first);
        }
        pixels
    }
}

#[cfg(test)]
mod tests {
    use super::super::ground::Ground;
    use super::*;
    use heatsplat::points::LonLatBox;
    use heatsplat::render::legend::Captions;
    use heatsplat::{Points, Style};

    /// A layer of a few hundred points in the shape of a spiral. `words` are pairs of a name and a
    /// value: the parameters of its style that aren't the default ones.
    fn layer(words: &[(&str, &str)]) -> Layer {
        let spiral = (0..400).map(f64::from).map(|i| {
            let (angle, reach) = (i * 0.3, i / 10.0);
            (
                10.0 + reach * angle.cos(),
                45.0 + reach * angle.sin() / 2.0,
                1.0 + i as f32,
            )
        });
        let points = Points::from_lon_lat(spiral).unwrap();
        let mut style = Style::default();
        style.set_all(words.iter().copied()).unwrap();
        Layer::on_cpu("spiral", points, style)
    }

    fn map<'a>(layer: &'a Layer, background: Option<CssColor>, with_all: bool) -> StaticMap<'a> {
        let bounds = LonLatBox::new(-20.0, 20.0, 50.0, 65.0).unwrap();
        let view = View::around(bounds, 301, 227, 2).unwrap();
        let land = heatsplat_server::land_geojson();
        let mut captions = Captions::default();
        captions.theme.ratio = 2;
        captions.title = Some("Spiral".to_owned());
        captions.scale_bar = true;
        StaticMap {
            layer,
            style: layer.style().clone(),
            view,
            background,
            coastline: with_all.then(|| Coastline::new(&land, view, None, Ground::of(background))),
            captions: with_all.then(|| captions.placed(view)),
            georeference: Georeference::from(&view.window()),
            dpi: None,
        }
    }

    fn decoded(bytes: &[u8]) -> Vec<u8> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(
            png::Transformations::normalize_to_color8() | png::Transformations::ALPHA,
        );
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        pixels
    }

    #[test]
    fn strips_join_to_the_whole_map() {
        let styles = [
            &[][..],
            &[("isolines", "5")],
            &[("scale", "local")],
            &[("radius", "40px"), ("kernel", "uniform")],
        ];
        let grounds = [None, Some([20, 30, 40, 255]), Some([255, 255, 255, 100])];
        for style in styles {
            let layer = layer(style);
            for (ground, with_all) in grounds.into_iter().flat_map(|g| [(g, false), (g, true)]) {
                let map = map(&layer, ground.map(CssColor), with_all);
                let window = map.view.window();
                let file = |at_a_time| {
                    let mut file = Vec::new();
                    map.write_strips(&mut file, at_a_time).unwrap();
                    decoded(&file)
                };
                let whole = file(STRIP);
                assert!(
                    whole == *map.pixels(0, window.height()).as_flattened(),
                    "{style:?}"
                );
                for rows in [1, 7, 200] {
                    let strips = file(rows * window.width());
                    let apart = strips.iter().zip(&whole).map(|(a, b)| a.abs_diff(*b));
                    let apart: Vec<u8> = apart.filter(|by| *by > 0).collect();
                    // Lines are cut where a strip ends, hence a few of their pixels are rounded
                    // otherwise.
                    let lines = if with_all { whole.len() / 5_000 } else { 0 };
                    let is_near = apart.len() <= lines && apart.iter().all(|by| *by <= 8);
                    assert!(is_near, "{style:?} {ground:?} {rows}: {apart:?}");
                }
            }
        }
    }
}
