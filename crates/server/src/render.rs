//! Drawing of tiles and maps, and computing of scales and values, for layers in memory and live
//! layers.

use crate::cache::keys::{Densities, DensityKey};
use crate::cost;
use crate::http::error::ApiError;
use crate::http::timing::RequestTiming;
use crate::layers::entry::{LayerRequest, ServedLayer};
use crate::layers::live::{LiveLayer, RowRequest, SourceError};
use crate::render_queue::{RenderQueue, WorkSize};
use crate::state::Server;
use crate::style::ResolvedStyle;
use heatsplat_points::{TileId, Window, WorldCoord, mercator};
use heatsplat_render::encode::{ImageEncoding, ImageFormat};
use heatsplat_render::{
    KernelSums, Layer, Level, NearbyPoint, NearestPoints, Normalizer, PointQuery, PointSet,
    PointValue, Statistics, Style, TileSize, ValueKind, View, evaluate,
};
use std::sync::Arc;

pub(crate) use heatsplat_points::level::of_tile as level;

impl LayerRequest {
    /// Draws a tile and encodes it as an image file. It also returns the time that this took.
    pub(crate) async fn tile(
        &self,
        server: &Server,
        work: WorkSize,
        tile: TileId,
        size: TileSize,
        format: ImageFormat,
    ) -> Result<(Arc<[u8]>, RequestTiming), ApiError> {
        let queue = &server.render_queue;
        if let Some(live) = self.layer.source.live() {
            let view = View::tile(tile, size);
            return draw_live(live, queue, work, view, &self.style, format).await;
        }
        let scale = level(tile.z(), size.pixels() / size.ratio());
        let densities = Arc::clone(&server.densities);
        let (served, style) = self.cloned();
        let draw = move || {
            let (layer, style) = (served.source.drawable()?, &style.style);
            if layer.backend().batch() > 1 || layer.is_mixed(style) {
                // In two cases densities are not cached. A GPU splats as quickly as a density is
                // downloaded from it. A mixed picture has colours besides those of the ramp, so it
                // can't be made from one density alone.
                let request = layer.tile(tile).size(size).style(style);
                return Ok(request.format(format).encode()?);
            }
            let key = DensityKey {
                version: served.version,
                tile,
                size,
                style: style.values_key(scale),
            };
            draw_tile(layer, &densities, key, style, format)
        };
        queue.run(work, draw).await
    }

    /// Draws a map, which is a picture of any box, and encodes it as an image file. It also returns
    /// the time that this took. `work` states the turns that the map takes in the render queue, and
    /// its expected time.
    pub(crate) async fn map(
        &self,
        queue: &RenderQueue,
        work: WorkSize,
        view: View,
        format: ImageFormat,
    ) -> Result<(Arc<[u8]>, RequestTiming), ApiError> {
        if let Some(live) = self.layer.source.live() {
            return draw_live(live, queue, work, view, &self.style, format).await;
        }
        let (served, style) = self.cloned();
        let draw = move || draw_map(served.source.drawable()?, view, &style.style, format);
        queue.run(work, draw).await
    }

    /// The colour scale of the request's style at a level.
    pub(crate) async fn normalizer(
        &self,
        queue: &RenderQueue,
        work: WorkSize,
        level: Level,
    ) -> Result<Arc<Normalizer>, ApiError> {
        if let Some(live) = self.layer.source.live() {
            return scale_of(live, level, &self.style.style).await;
        }
        let (served, style) = self.cloned();
        // If the scale needs statistics, tiles are drawn to measure them. So this work waits in the
        // queue, as pictures do.
        let find = move || {
            let _span = tracing::debug_span!("statistics", layer = served.name()).entered();
            Ok(served.source.drawable()?.normalizer_at(level, &style.style))
        };
        Ok(queue.run(work, find).await?.0)
    }

    /// The statistics of all values at a zoom, and the kind of these values. `None` for a live
    /// layer whose scale needs no statistics, or whose statistics can't be measured.
    pub(crate) async fn distribution(
        &self,
        queue: &RenderQueue,
        work: WorkSize,
        z: u8,
    ) -> Result<Option<(Arc<Statistics>, ValueKind)>, ApiError> {
        let level = level(z, 256);
        if let Some(live) = self.layer.source.live() {
            let style = &self.style.style;
            if !style.scale().needs_statistics() {
                return Ok(None);
            }
            // Callers can do without the statistics, so an error is dropped.
            let statistics = live.statistics(level, style).await.ok();
            return Ok(statistics.map(|statistics| (statistics, live.value_kind(style))));
        }
        let (served, style) = self.cloned();
        let find = move || {
            let _span = tracing::debug_span!("statistics", layer = served.name(), z).entered();
            let (layer, style) = (served.source.drawable()?, &style.style);
            Ok(Some((
                layer.statistics(level, style),
                layer.value_kind(style),
            )))
        };
        Ok(queue.run(work, find).await?.0)
    }

    /// The value at a coordinate, and at most `rows` points, nearest first. Only points from which
    /// the kernel reaches the coordinate are returned.
    pub(crate) async fn value(
        &self,
        queue: &RenderQueue,
        work: WorkSize,
        at: WorldCoord,
        z: u8,
        rows: usize,
    ) -> Result<(PointValue, Vec<NearbyPoint>), ApiError> {
        if let Some(live) = self.layer.source.live() {
            return value_live(live, at, z, &self.style, rows).await;
        }
        let (served, style) = self.cloned();
        let value = move || {
            let (layer, style) = (served.source.drawable()?, &style.style);
            let near = if rows == 0 {
                Vec::new()
            } else {
                let query = PointQuery::new(at, f64::from(z), style);
                let nearest = NearestPoints::new(&query, rows);
                nearest.among(layer.points()).finish()
            };
            Ok((layer.value(at, z, style), near))
        };
        Ok(queue.run(work, value).await?.0)
    }

    /// Clones of the references to the layer and the style, for work that runs on another thread.
    fn cloned(&self) -> (Arc<ServedLayer>, Arc<ResolvedStyle>) {
        (Arc::clone(&self.layer), Arc::clone(&self.style))
    }
}

/// Draws a tile from its cached density. If there is none, the points are splatted, and the
/// resulting density is cached.
fn draw_tile(
    layer: &Layer,
    cache: &Densities,
    key: DensityKey,
    style: &Style,
    format: ImageFormat,
) -> Result<Arc<[u8]>, ApiError> {
    let request = layer.tile(key.tile).size(key.size).style(style);
    let cached = cache.find(&key);
    let density = match &cached {
        Some(density) => Arc::clone(density),
        None => Arc::new(request.density()),
    };
    let encoding = ImageEncoding::from(format);
    let bytes = if format.is_density() {
        let window = Window::tile(key.tile, key.size.pixels());
        encoding.density(&density, &window)
    } else {
        encoding.picture(&request.colorize(&density), style.ramp())
    }?;
    // Empty densities are not cached, since they are made quickly.
    let is_something = |v: &f32| *v != 0.0 && !v.is_nan();
    if cached.is_none() && density.values.iter().any(is_something) {
        cache.keep(key, density);
    }
    Ok(bytes)
}

fn draw_map(
    layer: &Layer,
    view: View,
    style: &Style,
    format: ImageFormat,
) -> Result<Arc<[u8]>, ApiError> {
    let request = layer.map(view).style(style).format(format);
    if !format.is_density() && layer.is_mixed(style) {
        let (width, height) = (view.window().width(), view.window().height());
        return Ok(ImageEncoding::from(format).pixels(&request.pixels(), width, height)?);
    }
    Ok(request.encode()?)
}

/// The colour scale of a live layer at a level.
async fn scale_of(
    live: &LiveLayer,
    level: Level,
    style: &Style,
) -> Result<Arc<Normalizer>, ApiError> {
    live.normalizer(level, style).await.map_err(|error| {
        if matches!(error, SourceError::Deadline | SourceError::TooMuch) {
            return ApiError::scale_too_slow();
        }
        error.into()
    })
}

/// Draws a picture of a live layer: measures its scale if needed, fetches its rows, waits in the
/// render queue, and draws them. `work` states the turns that the picture takes in the queue.
async fn draw_live(
    live: &LiveLayer,
    queue: &RenderQueue,
    work: WorkSize,
    view: View,
    style: &Arc<ResolvedStyle>,
    format: ImageFormat,
) -> Result<(Arc<[u8]>, RequestTiming), ApiError> {
    let (window, ratio) = (view.window(), view.ratio());
    let normalizer = if format.is_density() {
        None
    } else {
        let level = style.style.level_in(view);
        Some(scale_of(live, level, &style.style).await?)
    };
    let fetched = live.points(window, ratio, &style.style).await?;
    cost::check_fetched(&fetched.points, style, &window, ratio)?;
    let (backend, style) = (Arc::clone(live.backend()), Arc::clone(style));
    let signed = live.is_signed(&style.style);
    let draw = move || {
        let mut set = PointSet::with_counts(&fetched.points, &fetched.counts);
        set.set_signed(signed);
        let (style, backend) = (&style.style, &*backend);
        let encoding = ImageEncoding::from(format);
        Ok(match normalizer {
            None => {
                let density = evaluate::density(&set, style, &view, backend);
                encoding.density(&density, &window)
            }
            Some(scale) => {
                let picture = evaluate::picture(&set, style, &view, &scale, backend);
                encoding.picture(&picture, style.ramp())
            }
        }?)
    };
    queue.run(work, draw).await
}

/// The exact value at a coordinate of a live layer, and at most `rows` points, nearest first. Both
/// are computed from the rows whose kernels reach the coordinate.
async fn value_live(
    live: &LiveLayer,
    at: WorldCoord,
    z: u8,
    resolved: &ResolvedStyle,
    rows: usize,
) -> Result<(PointValue, Vec<NearbyPoint>), ApiError> {
    let style = &resolved.style;
    let query = PointQuery::new(at, f64::from(z), style);
    let (kernel, pixel) = query.kernel();
    let (x, y) = (f64::from(at.x), f64::from(at.y));
    // Stamped splats, each a small picture of the kernel, don't simply add up. For them the pixel
    // at the coordinate is drawn, and its value is returned.
    let stamped = style.is_stamped();
    let reach = if stamped {
        style.reach_in(Window::new(x, y, pixel, 1, 1)) + 1.0
    } else {
        kernel.reach()
    };
    let side = (2.0 * reach).ceil() as u32 + 2;
    let half = f64::from(side) / 2.0 * pixel;
    let request = RowRequest {
        window: Window::new(x - half, y - half, pixel, side, side),
        margin: 0,
        cell: None,
        for_scale: false,
    };
    let fetched = live.rows().fetch(request).await?;
    let mut sums = KernelSums::default();
    let mut nearest = NearestPoints::new(&query, rows);
    let counts = fetched.counts.iter().copied().map(Some);
    let counts = counts.chain(std::iter::repeat(None));
    for (point, count) in fetched.points.iter().zip(counts) {
        nearest.add(*point);
        let count = count.map_or(1, |count| count as usize);
        // At low zooms the kernel is wide enough to reach the coordinate from several copies of the
        // world side by side.
        for turn in -2..=2 {
            let east = f64::from(turn) * mercator::WORLD;
            sums.add_from(at, (&kernel, pixel), point, east, count);
        }
    }
    let value = if stamped {
        let css_pixel = Window::new(x, y, pixel, 1, 1);
        cost::check_fetched(&fetched.points, resolved, &css_pixel, 1)?;
        let set = PointSet::with_counts(&fetched.points, &fetched.counts);
        query.run(&set)
    } else {
        query.value(sums, None)
    };
    Ok((value, nearest.finish()))
}
