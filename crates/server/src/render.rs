//! What layers draw, whether their points are here or have to be fetched first.

use crate::cache::keys::{Densities, DensityKey};
use crate::cost;
use crate::http::error::Refused;
use crate::http::router::Server;
use crate::http::timing::Spent;
use crate::layers::entry::{Data, Look, Served};
use crate::layers::live::{Live, Trouble};
use crate::render_queue::Renders;
use crate::routes::tile;
use heatsplat_points::{TileId, Window, WorldCoord, mercator};
use heatsplat_render::encode::{EncodeError, Encoding, ImageFormat};
use heatsplat_render::{
    KernelSums, Layer, Level, NearbyPoint, NearestPoints, Normalizer, PointQuery, PointSet,
    PointValue, Statistics, Style, TileSize, ValueKind, View, evaluate,
};
use std::sync::Arc;

/// Zooms of tiles and CSS pixels: a tile of 256 of them is at level z + 8.
pub(crate) fn level(z: u8, css: u32) -> u8 {
    z + css.ilog2() as u8
}

impl Served {
    /// A tile as an image file.
    pub(crate) async fn tile(
        self: Arc<Self>,
        server: &Server,
        tile: TileId,
        size: TileSize,
        look: Arc<Look>,
        format: ImageFormat,
    ) -> Result<(Arc<[u8]>, Spent), Refused> {
        let renders = &server.renders;
        if let Data::Live(live) = &self.data {
            let view = View::tile(tile, size);
            return draw_live(live, renders, 1, view, &look, format).await;
        }
        let scale = level(tile.z(), size.pixels() / size.ratio());
        let densities = Arc::clone(&server.densities);
        let draw = move || {
            let (layer, style) = (self.here()?, &look.style);
            if layer.backend().batch() > 1 || layer.is_mixed(style) {
                // A device is as quick to splat again as to give a density away; and some
                // pictures are made of more than one.
                let bytes = layer
                    .tile(tile)
                    .size(size)
                    .style(style)
                    .format(format)
                    .encode();
                return bytes.map_err(|e| tile::failed(&e));
            }
            let key = DensityKey {
                version: self.version,
                tile,
                size,
                measured: style.statistics_key(scale),
            };
            draw_tile(layer, &densities, key, style, format)
        };
        renders.run(1, draw).await
    }

    /// A picture of any box as an image file.
    pub(crate) async fn map(
        self: Arc<Self>,
        renders: &Renders,
        cost: u32,
        view: View,
        look: Arc<Look>,
        format: ImageFormat,
    ) -> Result<(Arc<[u8]>, Spent), Refused> {
        if let Data::Live(live) = &self.data {
            return draw_live(live, renders, cost, view, &look, format).await;
        }
        let draw = move || draw_map(self.here()?, view, &look.style, format);
        renders.run(cost, draw).await
    }

    /// The scale of a level.
    pub(crate) async fn normalizer(
        self: Arc<Self>,
        renders: &Renders,
        level: Level,
        look: Arc<Look>,
    ) -> Result<Arc<Normalizer>, Refused> {
        if let Data::Live(live) = &self.data {
            return scale_of(live, level, &look.style).await;
        }
        // The scale may need statistics, which are measured by drawing.
        let find = move || Ok(self.here()?.normalizer_at(level, &look.style));
        Ok(renders.run(1, find).await?.0)
    }

    /// The distribution of a zoom's numbers, and what they are like; not of live layers whose
    /// scale needs none.
    pub(crate) async fn distribution(
        self: Arc<Self>,
        renders: &Renders,
        z: u8,
        look: Arc<Look>,
    ) -> Result<Option<(Arc<Statistics>, ValueKind)>, Refused> {
        let level = level(z, 256);
        if let Data::Live(live) = &self.data {
            if !look.style.scale().needs_statistics() {
                return Ok(None);
            }
            // A value is worth having without it.
            let measured = live.statistics(level, &look.style).await.ok();
            return Ok(measured.map(|statistics| (statistics, live.value_kind(&look.style))));
        }
        let find = move || {
            let (layer, style) = (self.here()?, &look.style);
            let nature = layer.value_kind(style);
            Ok(Some((layer.statistics(level, style), nature)))
        };
        Ok(renders.run(1, find).await?.0)
    }

    /// The density at a coordinate, and the nearest of the points that make it up.
    pub(crate) async fn value(
        self: Arc<Self>,
        renders: &Renders,
        at: WorldCoord,
        z: u8,
        look: Arc<Look>,
        rows: usize,
    ) -> Result<(PointValue, Vec<NearbyPoint>), Refused> {
        if let Data::Live(live) = &self.data {
            return value_live(live, at, z, &look, rows).await;
        }
        let value = move || {
            let (layer, style) = (self.here()?, &look.style);
            let near = if rows == 0 {
                Vec::new()
            } else {
                let query = PointQuery::new(at, f64::from(z), style);
                NearestPoints::new(&query, rows)
                    .among(layer.points())
                    .finish()
            };
            Ok((layer.value(at, z, style), near))
        };
        Ok(renders.run(1, value).await?.0)
    }

    fn here(&self) -> Result<&Layer, Refused> {
        match &self.data {
            Data::Here(layer) => Ok(layer),
            Data::Part(part) => part.layer(),
            Data::Live(_) => Err(Refused::internal()),
            Data::Stored(_) => Err(Refused::not_found(
                "this layer is an archive of tiles: it has no maps, legends and values",
            )),
        }
    }
}

/// A tile of the density that is kept, or of a new one, which is then.
fn draw_tile(
    layer: &Layer,
    kept: &Densities,
    key: DensityKey,
    style: &Style,
    format: ImageFormat,
) -> Result<Arc<[u8]>, Refused> {
    let request = layer.tile(key.tile).size(key.size).style(style);
    let found = kept.find(&key);
    let numbers = match &found {
        Some(numbers) => Arc::clone(numbers),
        None => Arc::new(request.density()),
    };
    let encoding = Encoding::from(format);
    let bytes = answer(if format.is_density() {
        let window = Window::tile(key.tile, key.size.pixels());
        encoding.density(&numbers, &window)
    } else {
        encoding.picture(&request.colorize(&numbers), style.ramp())
    })?;
    // Where nothing is, there was next to nothing to do.
    let something = |v: &f32| *v != 0.0 && !v.is_nan();
    if found.is_none() && numbers.values.iter().any(something) {
        kept.keep(key, numbers);
    }
    Ok(bytes)
}

fn draw_map(
    layer: &Layer,
    view: View,
    style: &Style,
    format: ImageFormat,
) -> Result<Arc<[u8]>, Refused> {
    let request = layer.map(view).style(style).format(format);
    if !format.is_density() && layer.is_mixed(style) {
        let (width, height) = (view.window().width(), view.window().height());
        return answer(Encoding::from(format).pixels(&request.pixels(), width, height));
    }
    answer(request.encode())
}

fn answer(bytes: Result<Arc<[u8]>, EncodeError>) -> Result<Arc<[u8]>, Refused> {
    bytes.map_err(|e| tile::failed(&e))
}

async fn scale_of(live: &Live, level: Level, style: &Style) -> Result<Arc<Normalizer>, Refused> {
    live.normalizer(level, style).await.map_err(|trouble| {
        if matches!(trouble, Trouble::Deadline | Trouble::TooMuch) {
            return Refused::unmeasured();
        }
        trouble.into()
    })
}

async fn draw_live(
    live: &Live,
    renders: &Renders,
    cost: u32,
    view: View,
    look: &Arc<Look>,
    format: ImageFormat,
) -> Result<(Arc<[u8]>, Spent), Refused> {
    let (window, ratio) = (view.window(), view.ratio());
    let normalizer = if format.is_density() {
        None
    } else {
        let level = look.style.level_in(view);
        Some(scale_of(live, level, &look.style).await?)
    };
    let fetched = live.points(window, ratio, &look.style).await?;
    cost::bound_fetched(&fetched.points, look, &window, ratio)?;
    let (backend, look) = (Arc::clone(live.backend()), Arc::clone(look));
    let signed = live.is_signed(&look.style);
    let draw = move || {
        let mut set = PointSet::with_counts(&fetched.points, &fetched.counts);
        set.set_signed(signed);
        let (style, backend) = (&look.style, &*backend);
        let encoding = Encoding::from(format);
        answer(match normalizer {
            None => {
                let density = evaluate::density(&set, style, &view, backend);
                encoding.density(&density, &window)
            }
            Some(scale) => {
                let picture = evaluate::picture(&set, style, &view, &scale, backend);
                encoding.picture(&picture, style.ramp())
            }
        })
    };
    renders.run(cost, draw).await
}

/// The exact sum of what lies within the kernel's reach, from the rows themselves.
async fn value_live(
    live: &Live,
    at: WorldCoord,
    z: u8,
    look: &Look,
    rows: usize,
) -> Result<(PointValue, Vec<NearbyPoint>), Refused> {
    let style = &look.style;
    let query = PointQuery::new(at, f64::from(z), style);
    let (kernel, pixel) = query.kernel();
    let (x, y) = (f64::from(at.x), f64::from(at.y));
    // splats that don't add up are what a pixel here would say
    let stamped = style.is_stamped();
    let reach = if stamped {
        style.reach_in(Window::new(x, y, pixel, 1, 1)) + 1.0
    } else {
        kernel.reach()
    };
    let side = (2.0 * reach).ceil() as u32 + 2;
    let half = f64::from(side) / 2.0 * pixel;
    let want = crate::layers::live::Want {
        window: Window::new(x - half, y - half, pixel, side, side),
        margin: 0,
        cell: None,
        patient: false,
    };
    let fetched = live.rows().fetch(want).await?;
    let mut sums = KernelSums::default();
    let mut nearest = NearestPoints::new(&query, rows);
    let counts = fetched.counts.iter().copied().map(Some);
    let counts = counts.chain(std::iter::repeat(None));
    for (point, count) in fetched.points.iter().zip(counts) {
        nearest.add(*point);
        let count = count.map_or(1, |count| count as usize);
        // where the world is small the kernel has several copies of it
        for turn in -2..=2 {
            let east = f64::from(turn) * mercator::WORLD;
            sums.add_from(at, (&kernel, pixel), point, east, count);
        }
    }
    let value = if stamped {
        let css_pixel = Window::new(x, y, pixel, 1, 1);
        cost::bound_fetched(&fetched.points, look, &css_pixel, 1)?;
        let set = PointSet::with_counts(&fetched.points, &fetched.counts);
        query.run(&set)
    } else {
        query.value(sums, None)
    };
    Ok((value, nearest.finish()))
}
