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
use heatsplat_render::encode::{self, Effort, Format};
use heatsplat_render::{
    Density, Layer, Level, Nature, Near, Nearest, Normalizer, Picture, PointSet, Statistics, Style,
    Sums, TileSize, Value, View, field,
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
        format: Format,
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
                let bytes = layer.tile_bytes(tile, size, style, format);
                return bytes.map_err(|e| tile::failed(&e));
            }
            let key = DensityKey {
                version: self.version,
                tile,
                size,
                measured: style.statistics_key(scale),
            };
            draw_tile(layer, &densities, key, scale, style, format)
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
        format: Format,
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
    ) -> Result<Option<(Arc<Statistics>, Nature)>, Refused> {
        let level = level(z, 256);
        if let Data::Live(live) = &self.data {
            if !look.style.scale.needs_statistics() {
                return Ok(None);
            }
            // A value is worth having without it.
            let measured = live.statistics(level, &look.style).await.ok();
            return Ok(measured.map(|statistics| (statistics, live.nature(&look.style))));
        }
        let find = move || {
            let (layer, style) = (self.here()?, &look.style);
            let nature = layer.set().nature(style.measure);
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
    ) -> Result<(Value, Vec<Near>), Refused> {
        if let Data::Live(live) = &self.data {
            return value_live(live, at, z, &look, rows).await;
        }
        let value = move || {
            let (layer, style) = (self.here()?, &look.style);
            let near = if rows == 0 {
                Vec::new()
            } else {
                let nearest = Nearest::new(at, f64::from(z), style, rows);
                nearest.among(layer.points()).finish()
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
    level: u8,
    style: &Style,
    format: Format,
) -> Result<Arc<[u8]>, Refused> {
    let window = Window::tile(key.tile, key.size.pixels());
    let found = kept.find(&key);
    let numbers = match &found {
        Some(numbers) => Arc::clone(numbers),
        None => Arc::new(layer.density(window, key.size.ratio(), style)),
    };
    let bytes = if format.is_density() {
        densities(&numbers, window, format)?
    } else {
        let drawn = layer.colorize(&numbers, &window, level, style);
        picture(&drawn, style, format)?
    };
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
    format: Format,
) -> Result<Arc<[u8]>, Refused> {
    let (window, ratio) = (view.window(), view.ratio());
    if format.is_density() {
        let mut numbers = layer.density(window, ratio, style);
        view.clear_beside(
            &mut numbers.values,
            nothing(layer.set().nature(style.measure)),
        );
        return densities(&numbers, window, format);
    }
    if layer.is_mixed(style) {
        let mut pixels = layer.map_pixels(window, ratio, style);
        view.clear_beside(pixels.as_chunks_mut::<4>().0, [0; 4]);
        let (width, height) = (window.width(), window.height());
        let bytes = encode::pixels(format, &pixels, width, height, Effort::Live);
        return bytes.map_err(|e| tile::failed(&e));
    }
    let mut drawn = layer.map(window, ratio, style);
    view.clear_beside(&mut drawn.indices, 0);
    picture(&drawn, style, format)
}

/// The number where nothing is.
fn nothing(nature: Nature) -> f32 {
    if nature.zero_is_nothing() {
        0.0
    } else {
        f32::NAN
    }
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
    format: Format,
) -> Result<(Arc<[u8]>, Spent), Refused> {
    let (window, ratio) = (view.window(), view.ratio());
    let normalizer = if format.is_density() {
        None
    } else {
        let level = look.style.level_in(&window, view.level());
        Some(scale_of(live, level, &look.style).await?)
    };
    let fetched = live.points(window, ratio, &look.style).await?;
    cost::bound_fetched(&fetched.points, look, &window, ratio)?;
    let (backend, look) = (Arc::clone(live.backend()), Arc::clone(look));
    let signed = live.is_signed(&look.style);
    let draw = move || {
        let mut set = PointSet::counted(&fetched.points, &fetched.counts);
        set.set_signed(signed);
        let (style, backend) = (&look.style, &*backend);
        match normalizer {
            None => {
                let mut numbers = field::density(&set, style, window, ratio, backend);
                view.clear_beside(&mut numbers.values, nothing(set.nature(style.measure)));
                densities(&numbers, window, format)
            }
            Some(scale) => {
                let mut drawn = field::picture(&set, style, window, ratio, &scale, backend);
                view.clear_beside(&mut drawn.indices, 0);
                picture(&drawn, style, format)
            }
        }
    };
    renders.run(cost, draw).await
}

fn picture(drawn: &Picture, style: &Style, format: Format) -> Result<Arc<[u8]>, Refused> {
    let (indices, ramp) = (&drawn.indices, style.ramp());
    encode::picture(
        format,
        indices,
        drawn.width,
        drawn.height,
        ramp,
        Effort::Live,
    )
    .map_err(|e| tile::failed(&e))
}

fn densities(drawn: &Density, window: Window, format: Format) -> Result<Arc<[u8]>, Refused> {
    let bytes = encode::densities(format, drawn, &window);
    bytes.map(Arc::from).map_err(|e| tile::failed(&e))
}

/// The exact sum of what lies within the kernel's reach, from the rows themselves.
async fn value_live(
    live: &Live,
    at: WorldCoord,
    z: u8,
    look: &Look,
    rows: usize,
) -> Result<(Value, Vec<Near>), Refused> {
    let style = &look.style;
    let (kernel, pixel) = Value::kernel(at, f64::from(z), style);
    let (x, y) = (f64::from(at.x), f64::from(at.y));
    // splats that don't add up are what a pixel here would say
    let stamped = style.is_stamped();
    let reach = if stamped {
        style.reach_in(&Window::new(x, y, pixel, 1, 1), 1) + 1.0
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
    let mut sums = Sums::default();
    let mut nearest = Nearest::new(at, f64::from(z), style, rows);
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
        let set = PointSet::counted(&fetched.points, &fetched.counts);
        Value::at(&set, at, f64::from(z), style)
    } else {
        Value::of(sums, None, at, f64::from(z), style)
    };
    Ok((value, nearest.finish()))
}
