//! Requests for pictures. A chain of calls describes the picture; the chain's last call draws it.

use crate::encode::{Effort, EncodeError, ImageEncoding, ImageFormat, rgba};
use crate::layer::Layer;
use crate::layer::evaluate;
use crate::layer::isolines::pixels_with_isolines;
use crate::layer::mix_colors::mixed_pixels;
use crate::scale::level::Level;
use crate::splat::density::{Density, Picture};
use crate::splat::view::{TileSize, View};
use crate::style::Style;
use heatsplat_points::TileId;
use std::sync::Arc;

/// A description of a picture of a layer. Nothing is drawn before a call that asks for the result,
/// for example [`png`](Self::png) or [`density`](Self::density).
///
/// [`Layer::tile`] and [`Layer::map`] make it. At first it has the layer's own style and the file
/// format PNG; its methods change them. `Of` is [`TileId`] for a tile, whose size can be set, and
/// `()` for any other picture.
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is drawn before the last step"]
pub struct PictureRequest<'a, Of = ()> {
    layer: &'a Layer,
    view: View,
    style: &'a Style,
    encoding: ImageEncoding,
    of: Of,
}

impl PictureRequest<'_, TileId> {
    /// Sets the size of the tile's picture in pixels.
    pub fn size(mut self, size: TileSize) -> Self {
        self.view = View::tile(self.of, size);
        self
    }
}

impl<'a, Of> PictureRequest<'a, Of> {
    pub(super) fn new(layer: &'a Layer, view: View, of: Of) -> Self {
        Self {
            layer,
            view,
            style: layer.style(),
            encoding: ImageFormat::Png.into(),
            of,
        }
    }

    /// Sets the style that the picture is drawn in.
    pub fn style(mut self, style: &'a Style) -> Self {
        self.style = style;
        self
    }

    /// Sets the file format that [`encode`](Self::encode) writes.
    pub fn format(mut self, format: ImageFormat) -> Self {
        self.encoding.format = format;
        self
    }

    /// Sets the effort of the compression: more effort makes a smaller file and takes longer.
    pub fn effort(mut self, effort: Effort) -> Self {
        self.encoding.effort = effort;
        self
    }

    /// Draws the picture as an image file in the format that is set.
    ///
    /// # Errors
    /// A picture with a width or height of 0, or of more than [`MAX_EDGE`](crate::encode::MAX_EDGE)
    /// pixels. In a format that stores values and not colours, also a value beyond the range of
    /// 32-bit floats.
    pub fn encode(&self) -> Result<Arc<[u8]>, EncodeError> {
        let window = self.view.window();
        if self.encoding.format.is_density() {
            return self.encoding.density(&self.density(), &window);
        }
        match self.drawn() {
            (_, Some(pixels)) => {
                let (width, height) = (window.width(), window.height());
                self.encoding.pixels(&pixels, width, height)
            }
            (picture, None) => self.encoding.picture(&picture, self.style.ramp()),
        }
    }

    /// Draws the picture as a PNG.
    ///
    /// # Errors
    /// A picture with a width or height of 0, or of more than [`MAX_EDGE`](crate::encode::MAX_EDGE)
    /// pixels.
    pub fn png(self) -> Result<Arc<[u8]>, EncodeError> {
        self.format(ImageFormat::Png).encode()
    }

    /// Draws the picture as a lossless WebP.
    ///
    /// # Errors
    /// The errors of [`png`](Self::png).
    pub fn webp(self) -> Result<Arc<[u8]>, EncodeError> {
        self.format(ImageFormat::WebP).encode()
    }

    /// Draws the picture as numbers: the value of the style's measure at each pixel. NaN stands for
    /// no value.
    pub fn density(&self) -> Density {
        let backend = self.layer.backend.as_ref();
        evaluate::density(&self.layer.data, self.style, &self.view, backend)
    }

    /// Draws the picture as colour indices: for each pixel the number, 0 to 255, of a colour of the
    /// style's ramp.
    pub fn picture(&self) -> Picture {
        let (layer, view) = (self.layer, &self.view);
        let backend = layer.backend.as_ref();
        if !layer.is_local(self.style) {
            let scale = layer.normalizer_at(self.level(), self.style);
            return evaluate::picture(&layer.data, self.style, view, &scale, backend);
        }
        let window = view.window();
        let mut picture = Picture::empty(window.width(), window.height());
        let mut colorize = |density: &[f32]| picture = self.equalize_locally(density);
        evaluate::with_density(&layer.data, self.style, view, backend, &mut colorize);
        view.clear_beside(&mut picture.indices, 0);
        picture
    }

    /// Draws the picture as RGBA pixels of four bytes each, row by row from the north. The colours
    /// are not premultiplied by alpha.
    pub fn pixels(&self) -> Vec<u8> {
        let (picture, pixels) = self.drawn();
        pixels.unwrap_or_else(|| rgba(&picture.indices, self.style.ramp()))
    }

    /// Turns values that [`density`](Self::density) has returned for this request into colour
    /// indices.
    pub fn colorize(&self, density: &Density) -> Picture {
        if self.layer.is_local(self.style) {
            return self.equalize_locally(&density.values);
        }
        let scale = self.layer.normalizer_at(self.level(), self.style);
        evaluate::colorize(density, &scale, self.layer.value_kind(self.style))
    }

    /// The level whose scale colours the picture. At level L the world is 2ᴸ CSS pixels wide.
    fn level(&self) -> Level {
        self.style.level_in(self.view)
    }

    /// Turns values into colour indices by a scale that follows the densities in the neighbourhood.
    /// A picture between two whole levels is coloured by the scales of both levels, and each
    /// pixel's two indices are mixed.
    fn equalize_locally(&self, density: &[f32]) -> Picture {
        let (layer, window, level) = (self.layer, self.view.window(), self.level());
        let colorize = |level| {
            let local = &layer.local;
            local.colorize(layer, density, &window, level, self.style)
        };
        let mut picture = colorize(level.below());
        if let Some((above, share)) = level.above() {
            let other = colorize(above);
            for (index, other) in picture.indices.iter_mut().zip(other.indices) {
                let (below, above) = (f64::from(*index), f64::from(other));
                *index = (below + (above - below) * share).round() as u8;
            }
        }
        picture
    }

    /// Draws the picture as colour indices and, where categories or isolines need colours beyond
    /// the ramp's 256, as RGBA pixels too. The RGBA pixels are not premultiplied by alpha. `None`
    /// where the indices suffice.
    fn drawn(&self) -> (Picture, Option<Vec<u8>>) {
        let (layer, style, view) = (self.layer, self.style, &self.view);
        let categories = layer.data.categories();
        if categories.is_empty() && layer.is_mixed(style) {
            return self.with_isolines();
        }
        let picture = self.picture();
        let mixed = !categories.is_empty() && !picture.is_empty();
        let pixels = mixed.then(|| {
            let backend = layer.backend.as_ref();
            mixed_pixels(categories, &picture, style, view, backend)
        });
        (picture, pixels)
    }

    fn with_isolines(&self) -> (Picture, Option<Vec<u8>>) {
        let (layer, style, view) = (self.layer, self.style, self.view);
        // The values are drawn one pixel further on each side, because the slope at an edge pixel
        // depends on the pixel beyond the edge.
        let window = view.window().grown(1);
        let density = layer.map(view.with_window(window)).style(style).density();
        let mut picture = self.colorize(&density.without_rim());
        if picture.is_empty() {
            return (picture, None);
        }
        view.clear_beside(&mut picture.indices, 0);
        let scale = layer.normalizer_at(self.level(), style);
        let lines = style.isolines().unwrap_or(0);
        let ramp = style.ramp();
        let mut pixels =
            pixels_with_isolines(&density, &picture, &scale, lines, view.ratio(), ramp);
        view.clear_beside(pixels.as_chunks_mut::<4>().0, [0; 4]);
        (picture, Some(pixels))
    }
}
