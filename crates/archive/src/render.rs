//! Quads drawn, cut into tiles, encoded: what the workers of an export do.

use crate::area::Area;
use crate::error::ExportError;
use crate::quad_walk::{Quad, Walk};
use crate::tiff_tile;
use heatsplat_points::mercator::WORLD;
use heatsplat_points::{Points, TileId, Window};
use heatsplat_render::encode::{self, EncodeError, Encoding, ImageFormat};
use heatsplat_render::{Layer, Length, PictureRequest, Shape, TileSize, Transform, View};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// What tiles hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Paint {
    /// Colours as PNG with a palette.
    Png,
    /// Colours in four channels: PNG without a palette, or the bands of a raster.
    Rgba,
    /// Colours as WebP without loss.
    WebP,
    /// Densities in 32-bit floats; rasters only.
    Density,
}

impl Paint {
    pub(crate) fn format(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Rgba => ImageFormat::PngRgba,
            Self::WebP => ImageFormat::WebP,
            Self::Density => ImageFormat::Tiff,
        }
    }
}

/// The side of a window that is drawn at once by one thread, in pixels: measured. Neighbouring
/// tiles share the margin of their kernels in it; larger windows are cut into such again.
const WINDOW: u32 = 512;

/// How tiles are drawn.
#[derive(Clone, Copy)]
pub(crate) struct Brush<'a> {
    pub(crate) layer: &'a Layer,
    pub(crate) area: Option<Area>,
    pub(crate) size: TileSize,
    pub(crate) paint: Paint,
    /// Whether tiles are those of a raster rather than pictures of their own.
    pub(crate) raster: bool,
}

/// A tile as it is stored.
pub(crate) struct Tile {
    pub(crate) number: u64,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) digest: [u8; 16],
}

/// What a quad shows: nothing, often.
pub(crate) struct Drawn {
    pub(crate) tiles: Vec<Tile>,
    /// The number after the quad's last tile.
    pub(crate) end: u64,
}

impl<'a> Brush<'a> {
    /// The quads of a zoom that may show something, from a number on.
    pub(crate) fn walk(&self, z: u8, from: u64) -> impl Iterator<Item = Quad> + use<'a> {
        let brush = *self;
        let margin = move |tile| brush.margin(z, tile);
        let side = self.side(z).min(1 << z);
        Walk::new(self.points(), self.area, z, side, margin, from)
    }

    /// All points that show in tiles: of a comparison, both sets.
    pub(crate) fn points(&self) -> Vec<&'a Points> {
        let set = self.layer.data();
        let versus = set.versus().map(|(_, other)| &**other.points());
        std::iter::once(self.layer.points()).chain(versus).collect()
    }

    /// Tiles of a quad's side. Smooth kernels' tiles are crops of one picture, bit for bit; those
    /// of kernels with an edge are so to one colour step, and are drawn one by one. So are those
    /// that are put together of several pictures.
    fn side(&self, z: u8) -> u32 {
        let style = self.layer.style();
        let smooth = matches!(
            style.shape(),
            Shape::Gaussian | Shape::Quartic | Shape::Triweight
        );
        let pixels = matches!(style.radius().at_zoom(f64::from(z)), Length::Pixels(_));
        let plain = style.scale().transform != Transform::Local && !self.layer.is_mixed(style);
        if smooth && pixels && plain {
            (WINDOW / self.size.pixels()).max(1)
        } else {
            1
        }
    }

    /// How far around a place points matter, in world units.
    fn margin(&self, z: u8, place: TileId) -> f64 {
        let pixel = WORLD / (f64::from(self.size.pixels()) * (1u64 << z) as f64);
        let own = Window::tile(place, 1);
        // a radius in metres has the most pixels in a place's first row, or its last
        let margin = |y: f64| {
            let row = Window::new(own.left(), y, pixel, 1, 1);
            self.layer.margin_in(View::new(row, self.size.ratio()))
        };
        margin(own.top()).max(margin(own.bottom() - pixel)) * pixel
    }

    /// Measures what a zoom's colours need, so that no quad's drawing has to.
    pub(crate) fn prepare(&self, z: u8) {
        if self.paint != Paint::Density {
            let css = self.size.pixels() / self.size.ratio();
            let level = z + css.ilog2() as u8;
            self.layer.normalizer(level, self.layer.style());
        }
    }

    /// Draws a quad.
    pub(crate) fn draw(&self, quad: Quad) -> Result<Drawn, ExportError> {
        let window = Window::tile(quad.root, self.size.pixels() * quad.side());
        let tiles = if self.paint == Paint::Density {
            self.densities(quad, window)?
        } else {
            self.pictures(quad, window)?
        };
        let end = quad.end();
        Ok(Drawn { tiles, end })
    }

    fn view(&self, window: Window) -> PictureRequest<'_> {
        self.layer.map(View::new(window, self.size.ratio()))
    }

    fn pictures(&self, quad: Quad, window: Window) -> Result<Vec<Tile>, ExportError> {
        let (style, side) = (self.layer.style(), self.size.pixels());
        if self.layer.is_mixed(style) {
            return self.mixed(quad, window);
        }
        let picture = self.view(window).picture();
        self.cut(
            quad,
            &picture.indices,
            |&index| index == 0,
            |indices| {
                if self.raster {
                    let pixels = encode::rgba(indices, style.ramp());
                    return Ok(tiff_tile::colors(&pixels, side as usize)?);
                }
                let encoding = Encoding::from(self.paint.format());
                Ok(encoding.indices(indices, side, side, style.ramp())?)
            },
        )
    }

    /// A tile of more colours than the ramp has.
    fn mixed(&self, quad: Quad, window: Window) -> Result<Vec<Tile>, ExportError> {
        let side = self.size.pixels();
        let pixels = self.view(window).pixels();
        let (pixels, _) = pixels.as_chunks::<4>();
        let nothing = |&[.., alpha]: &[u8; 4]| alpha == 0;
        self.cut(quad, pixels, nothing, |pixels| {
            let pixels = pixels.as_flattened();
            if self.raster {
                return Ok(tiff_tile::colors(pixels, side as usize)?);
            }
            let encoding = Encoding::from(self.paint.format());
            Ok(encoding.pixels(pixels, side, side)?)
        })
    }

    fn densities(&self, quad: Quad, window: Window) -> Result<Vec<Tile>, ExportError> {
        let style = self.layer.style();
        let density = self.view(window).density();
        let zero = self.layer.value_kind(style).zero_is_nothing();
        let nothing = |&value: &f32| value.is_nan() || (zero && value == 0.0);
        let side = self.size.pixels() as usize;
        if density.values.iter().any(|value| value.is_infinite()) {
            return Err(EncodeError::Beyond.into());
        }
        self.cut(quad, &density.values, nothing, |values| {
            Ok(tiff_tile::floats(values, side)?)
        })
    }

    /// Cuts a quad's pixels into tiles, leaves out those with nothing in them and those beyond
    /// the area, and encodes the others.
    fn cut<T: Copy>(
        &self,
        quad: Quad,
        pixels: &[T],
        nothing: impl Fn(&T) -> bool,
        encode: impl Fn(&[T]) -> Result<Arc<[u8]>, ExportError>,
    ) -> Result<Vec<Tile>, ExportError> {
        if pixels.iter().all(&nothing) {
            return Ok(Vec::new());
        }
        let side = self.size.pixels() as usize;
        let across = side * quad.side() as usize;
        let mut tiles = Vec::new();
        let mut own = Vec::new();
        for (tile, number, [x, y]) in quad.tiles() {
            if self.area.is_some_and(|area| !area.touches(tile)) {
                continue;
            }
            own.clear();
            let rows = pixels
                .chunks_exact(across)
                .skip(y as usize * side)
                .take(side);
            for row in rows {
                let start = x as usize * side;
                own.extend_from_slice(row.get(start..start + side).unwrap_or_default());
            }
            if own.iter().all(&nothing) {
                continue;
            }
            let bytes = encode(&own)?;
            let digest = digest(&bytes);
            tiles.push(Tile {
                number,
                bytes,
                digest,
            });
        }
        Ok(tiles)
    }
}

/// What tells tiles apart: 128 bits of a cryptographic digest.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 16] {
    let whole = Sha256::digest(bytes);
    let mut half = [0; 16];
    half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    half
}
