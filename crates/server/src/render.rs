//! Drawing of tiles and maps, and computing of scales and values, for layers in memory and live
//! layers.

mod live;
pub(crate) mod map_target;
pub(crate) mod warp;

use crate::cache::keys::{Densities, DensityKey};
use crate::http::error::ApiError;
use crate::http::timing::RequestTiming;
use crate::layers::entry::{LayerRequest, ServedLayer};
use crate::render_queue::{RenderQueue, WorkSize};
use crate::state::Server;
use crate::style::ResolvedStyle;
use heatsplat_points::{TileId, Window, WorldCoord};
use heatsplat_render::encode::{ImageEncoding, ImageFormat};
use heatsplat_render::{
    Backend, Layer, Level, NearbyPoint, NearestPoints, Normalizer, PointQuery, PointValue,
    Statistics, Style, TileSize, ValueKind, View,
};
use live::{draw_live, value_live};
use map_target::MapTarget;
use std::sync::Arc;
use std::time::Instant;

pub(crate) use heatsplat_points::level::of_tile as level;

/// A picture as the bytes of an image file, with the time that drawing it took.
pub(crate) struct EncodedPicture {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) timing: RequestTiming,
    /// False if the layer's device failed during the drawing. Then a later drawing may give other
    /// bytes, so the picture has no ETag and is not cached.
    pub(crate) is_repeatable: bool,
}

impl LayerRequest {
    /// Draws a tile and encodes it as an image file.
    pub(crate) async fn tile(
        &self,
        server: &Server,
        work: WorkSize,
        tile: TileId,
        size: TileSize,
        format: ImageFormat,
    ) -> Result<EncodedPicture, ApiError> {
        let queue = &server.render_queue;
        if let Some(live) = self.layer.source.live() {
            let view = View::tile(tile, size);
            return draw_live(self, live, queue, work, view, format.into()).await;
        }
        let scale = level(tile.z(), size.pixels() / size.ratio());
        let densities = Arc::clone(&server.densities);
        let needed = (!format.is_density()).then(|| Level::from(scale));
        let draw = move |served: &ServedLayer, style: &Style| {
            let layer = served.source.drawable()?;
            if layer.is_mixed(style) {
                // A mixed picture has colours besides those of the ramp, so it can't be made from
                // one density alone.
                let request = layer.tile(tile).size(size).style(style);
                let encode = || request.format(format).encode();
                return Ok(watched(layer.backend(), encode)?);
            }
            let key = DensityKey {
                version: served.version,
                tile,
                size,
                style: style.values_key(scale),
            };
            draw_tile(layer, &densities, key, style, format)
        };
        self.draw(queue, work, needed, draw).await
    }

    /// Draws a picture of a layer in memory in its turn of the render queue.
    async fn draw(
        &self,
        queue: &RenderQueue,
        work: WorkSize,
        level: Option<Level>,
        draw: impl Fn(&ServedLayer, &Style) -> Result<(Arc<[u8]>, bool), ApiError>
        + Clone
        + Send
        + 'static,
    ) -> Result<EncodedPicture, ApiError> {
        let ((bytes, is_repeatable), timing) = self.run(queue, work, level, draw).await?;
        Ok(EncodedPicture {
            bytes,
            timing,
            is_repeatable,
        })
    }

    /// Does work on a layer in memory when the render queue lets it begin. The work may need the
    /// points of a filter or the scale of `level`. While another request prepares these, this one
    /// waits without holding a turn.
    async fn run<T: Send + 'static>(
        &self,
        queue: &RenderQueue,
        work: WorkSize,
        level: Option<Level>,
        draw: impl Fn(&ServedLayer, &Style) -> Result<T, ApiError> + Clone + Send + 'static,
    ) -> Result<(T, RequestTiming), ApiError> {
        let is_waiting = move |served: &ServedLayer, style: &ResolvedStyle| {
            work.prepares && served.source.is_being_prepared(level, &style.style)
        };
        let since = work.since.unwrap_or_else(Instant::now);
        loop {
            let is_busy = || is_waiting(&self.layer, &self.style);
            queue.wait_while(since, is_busy).await?;
            let (served, style) = (Arc::clone(&self.layer), Arc::clone(&self.style));
            let draw = draw.clone();
            let draw = move || {
                // Another request may have begun to prepare it since this one entered the queue.
                if is_waiting(&served, &style) {
                    return Ok(None);
                }
                draw(&served, &style.style).map(Some)
            };
            if let (Some(drawn), timing) = queue.run_unless(work, draw).await? {
                if work.is_typical {
                    self.layer.usual.add(timing.turn);
                }
                return Ok((drawn, timing));
            }
        }
    }

    /// Draws a map, which is a picture of any box, and encodes it as an image file. `work` states
    /// the turns that the map takes in the render queue, and its expected time.
    pub(crate) async fn map(
        &self,
        queue: &RenderQueue,
        work: WorkSize,
        view: View,
        target: MapTarget,
    ) -> Result<EncodedPicture, ApiError> {
        if let Some(live) = self.layer.source.live() {
            return draw_live(self, live, queue, work, view, target).await;
        }
        let needed = (!target.format.is_density()).then(|| self.style.style.level_in(view));
        let draw = move |served: &ServedLayer, style: &Style| {
            let layer = served.source.drawable()?;
            watched(layer.backend(), || draw_map(layer, view, style, &target))
        };
        self.draw(queue, work, needed, draw).await
    }

    /// The colour scale of the request's style at a level.
    pub(crate) async fn normalizer(
        &self,
        queue: &RenderQueue,
        work: WorkSize,
        level: Level,
    ) -> Result<Arc<Normalizer>, ApiError> {
        if let Some(live) = self.layer.source.live() {
            return live.normalizer((queue, work), level, &self.style).await;
        }
        // If the scale needs statistics, tiles are drawn to measure them. So this work waits in the
        // queue, as pictures do.
        let find = move |served: &ServedLayer, style: &Style| {
            let _span = tracing::debug_span!("statistics", layer = served.name()).entered();
            Ok(served.source.drawable()?.normalizer_at(level, style))
        };
        let work = work.untypical();
        Ok(self.run(queue, work, Some(level), find).await?.0)
    }

    /// The statistics of the values in all tiles of a zoom, and the kind of these values. `None`
    /// for a live layer whose scale needs no statistics, or whose statistics can't be measured.
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
            let statistics = live
                .statistics((queue, work), level, &self.style)
                .await
                .ok();
            return Ok(statistics.map(|statistics| (statistics, live.value_kind(style))));
        }
        let find = move |served: &ServedLayer, style: &Style| {
            let _span = tracing::debug_span!("statistics", layer = served.name(), z).entered();
            let layer = served.source.drawable()?;
            Ok(Some((
                layer.statistics(level, style),
                layer.value_kind(style),
            )))
        };
        let (work, level) = (work.untypical(), Level::from_zoom(f64::from(z)));
        Ok(self.run(queue, work, Some(level), find).await?.0)
    }

    /// The layer's value at a coordinate, and at most `rows` points, nearest first. Only points
    /// whose kernels at zoom `z` reach the coordinate are returned.
    pub(crate) async fn value(
        &self,
        queue: &RenderQueue,
        work: WorkSize,
        at: WorldCoord,
        z: u8,
        rows: usize,
    ) -> Result<(PointValue, Vec<NearbyPoint>), ApiError> {
        if let Some(live) = self.layer.source.live() {
            return value_live(live, (queue, work), at, z, &self.style, rows).await;
        }
        let value = move |served: &ServedLayer, style: &Style| {
            let layer = served.source.drawable()?;
            let near = if rows == 0 {
                Vec::new()
            } else {
                let query = PointQuery::new(at, f64::from(z), style);
                let nearest = NearestPoints::new(&query, rows);
                nearest.among(layer.points()).finish()
            };
            Ok((layer.value(at, z, style), near))
        };
        Ok(self.run(queue, work.untypical(), None, value).await?.0)
    }
}

/// Runs `draw`, which draws with `backend`. The `bool` is true if a later drawing would give the
/// same result. It is false if the backend's device has failed meanwhile, so that the CPU may have
/// drawn in its place.
fn watched<T, E>(
    backend: &Arc<dyn Backend>,
    draw: impl FnOnce() -> Result<T, E>,
) -> Result<(T, bool), E> {
    let before = backend.fallbacks();
    let drawn = draw()?;
    Ok((drawn, backend.fallbacks() == before))
}

/// Draws a tile from its cached density. If there is none, the points are splatted, and the
/// resulting density is cached. Also returns whether the tile is repeatable, as [`watched`] does.
fn draw_tile(
    layer: &Layer,
    cache: &Densities,
    key: DensityKey,
    style: &Style,
    format: ImageFormat,
) -> Result<(Arc<[u8]>, bool), ApiError> {
    let request = layer.tile(key.tile).size(key.size).style(style);
    let cached = cache.find(&key);
    let (density, is_repeatable) = match &cached {
        Some(density) => (Arc::clone(density), true),
        None => watched(layer.backend(), || {
            Ok::<_, ApiError>(Arc::new(request.density()))
        })?,
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
    if cached.is_none() && is_repeatable && density.values.iter().any(is_something) {
        cache.keep(key, density);
    }
    Ok((bytes, is_repeatable))
}

fn draw_map(
    layer: &Layer,
    view: View,
    style: &Style,
    target: &MapTarget,
) -> Result<Arc<[u8]>, ApiError> {
    let format = target.format;
    let request = layer.map(view).style(style).format(format);
    if !format.is_density() && layer.is_mixed(style) {
        let size = (view.window().width(), view.window().height());
        return Ok(target.pixels(request.pixels(), size)?);
    }
    if target.is_plain() {
        return Ok(request.encode()?);
    }
    Ok(target.picture(&request.picture(), style.ramp())?)
}
