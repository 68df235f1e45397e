//! The rendering of quads: a quad is drawn as one picture, the picture is cut into tiles, and each
//! tile is encoded.

use crate::error::ExportError;
use crate::quad_walk::{QuadWalk, TileQuad};
use crate::tiff_tile;
use crate::tile::{EncodedTile, RenderedQuad, TileContent};
use heatsplat_points::mercator::WORLD;
use heatsplat_points::{LonLatBox, Points, TileId, Window, level};
use heatsplat_render::encode::{self, EncodeError, ImageEncoding};
use heatsplat_render::{Layer, Length, PictureRequest, Shape, TileSize, Transform, View};
use std::sync::Arc;

/// The width and height in pixels of one picture that a thread draws: measured. Tiles in one
/// picture share the work for the margins into which kernels reach. Larger pictures bring no gain,
/// since they are drawn in parts anyway.
const WINDOW: u32 = 512;

/// The renderer of an export's tiles.
#[derive(Clone, Copy)]
pub(crate) struct TileRenderer<'a> {
    pub(crate) layer: &'a Layer,
    pub(crate) area: Option<LonLatBox>,
    pub(crate) size: TileSize,
    pub(crate) content: TileContent,
    /// `true` if the tiles are parts of one raster, `false` if they are separate pictures.
    pub(crate) raster: bool,
}

impl<'a> TileRenderer<'a> {
    /// The quads (squares of neighbouring tiles) of zoom `z` that may show something. Quads that
    /// end before the tile id `from` are left out.
    pub(crate) fn walk(&self, z: u8, from: u64) -> impl Iterator<Item = TileQuad> + use<'a> {
        let renderer = *self;
        let margin = move |tile| renderer.margin(z, tile);
        let side = self.quad_side(z).min(1 << z);
        QuadWalk::new(self.points(), self.area, z, side, margin, from)
    }

    /// The points whose kernels show in tiles. In a comparison these are the points of both sets.
    pub(crate) fn points(&self) -> Vec<&'a Points> {
        let set = self.layer.data();
        let versus = set.versus().map(|(_, other)| &**other.points());
        std::iter::once(self.layer.points()).chain(versus).collect()
    }

    /// The number of tiles along the side of a quad, a square of tiles that are drawn as one
    /// picture. It is more than 1 only where a tile has exactly the bits of its part of a larger
    /// picture: with a smooth kernel and a radius in pixels. The number is 1 in these cases, in
    /// which colour indices may differ by one:
    ///
    /// * other kernels,
    /// * radii in metres,
    /// * tiles that mix the colours of categories,
    /// * local scales.
    fn quad_side(&self, z: u8) -> u32 {
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

    /// The distance in world units that kernels at zoom `z` reach beyond the edges of `tile`.
    fn margin(&self, z: u8, tile: TileId) -> f64 {
        let pixel = WORLD / (f64::from(self.size.pixels()) * (1u64 << z) as f64);
        let own = Window::tile(tile, 1);
        // A radius in metres has the most pixels in the first or in the last row of the tile.
        let margin = |y: f64| {
            let row = Window::new(own.left(), y, pixel, 1, 1);
            self.layer.margin_in(View::new(row, self.size.ratio()))
        };
        margin(own.top()).max(margin(own.bottom() - pixel)) * pixel
    }

    /// Measures the statistics from which the colour scale of a zoom follows. This happens before
    /// the first tiles of the zoom are drawn.
    pub(crate) fn prepare(&self, z: u8) {
        if self.content != TileContent::Density {
            let css = self.size.pixels() / self.size.ratio();
            let level = level::of_tile(z, css);
            self.layer.normalizer(level, self.layer.style());
        }
    }

    /// Draws the tiles of a quad, a square of neighbouring tiles, and encodes them.
    pub(crate) fn render(&self, quad: TileQuad) -> Result<RenderedQuad, ExportError> {
        let window = Window::tile(quad.root, self.size.pixels() * quad.side());
        let tiles = if self.content == TileContent::Density {
            self.densities(quad, window)?
        } else if self.layer.is_mixed(self.layer.style()) {
            self.mixed_pictures(quad, window)?
        } else {
            self.pictures(quad, window)?
        };
        let end = quad.end();
        Ok(RenderedQuad { tiles, end })
    }

    fn request(&self, window: Window) -> PictureRequest<'_> {
        self.layer.map(View::new(window, self.size.ratio()))
    }

    /// Draws the tiles of a quad in the colours of the layer's ramp.
    fn pictures(&self, quad: TileQuad, window: Window) -> Result<Vec<EncodedTile>, ExportError> {
        let (style, side) = (self.layer.style(), self.size.pixels());
        let picture = self.request(window).picture();
        let ramp = style.ramp();
        let empty = |&index: &u8| index == 0;
        self.cut(quad, &picture.indices, empty, |indices| {
            if self.raster {
                let pixels = encode::rgba(indices, ramp);
                return Ok(tiff_tile::colors(&pixels, side as usize)?);
            }
            let encoding = ImageEncoding::from(self.content.format());
            Ok(encoding.indices(indices, side, side, ramp)?)
        })
    }

    /// Draws tiles in which the colours of several categories are mixed.
    fn mixed_pictures(
        &self,
        quad: TileQuad,
        window: Window,
    ) -> Result<Vec<EncodedTile>, ExportError> {
        let side = self.size.pixels();
        let pixels = self.request(window).pixels();
        let (pixels, _) = pixels.as_chunks::<4>();
        let empty = |&[.., alpha]: &[u8; 4]| alpha == 0;
        self.cut(quad, pixels, empty, |pixels| {
            let pixels = pixels.as_flattened();
            if self.raster {
                return Ok(tiff_tile::colors(pixels, side as usize)?);
            }
            let encoding = ImageEncoding::from(self.content.format());
            Ok(encoding.pixels(pixels, side, side)?)
        })
    }

    fn densities(&self, quad: TileQuad, window: Window) -> Result<Vec<EncodedTile>, ExportError> {
        let style = self.layer.style();
        let density = self.request(window).density();
        let zero = self.layer.value_kind(style).zero_is_nothing();
        let empty = |&value: &f32| value.is_nan() || (zero && value == 0.0);
        let side = self.size.pixels() as usize;
        if density.values.iter().any(|value| value.is_infinite()) {
            return Err(EncodeError::Beyond.into());
        }
        self.cut(quad, &density.values, empty, |values| {
            Ok(tiff_tile::floats(values, side)?)
        })
    }

    /// Cuts the pixels of a quad into tiles. Encodes the tiles that touch the export's area, except
    /// those all of whose pixels are `empty`.
    fn cut<T: Copy>(
        &self,
        quad: TileQuad,
        pixels: &[T],
        empty: impl Fn(&T) -> bool,
        encode: impl Fn(&[T]) -> Result<Arc<[u8]>, ExportError>,
    ) -> Result<Vec<EncodedTile>, ExportError> {
        if pixels.iter().all(&empty) {
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
            if !own.iter().all(&empty) {
                tiles.push(EncodedTile::new(number, encode(&own)?));
            }
        }
        Ok(tiles)
    }
}
