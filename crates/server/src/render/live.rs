//! Pictures and values of live layers. Their rows are fetched before the request takes a turn in
//! the render queue.

use super::map_target::MapTarget;
use crate::cost;
use crate::http::error::ApiError;
use crate::layers::entry::LayerRequest;
use crate::layers::live::{FetchedPoints, LiveLayer, RowRequest};
use crate::render::EncodedPicture;
use crate::render_queue::{RenderQueue, WorkSize};
use crate::style::ResolvedStyle;
use heatsplat_points::{Window, WorldCoord, cancel, mercator};
use heatsplat_render::encode::ImageEncoding;
use heatsplat_render::unit_costs::{LISTED, SUMMED};
use heatsplat_render::{
    KernelSums, NearbyPoint, NearestPoints, PointQuery, PointSet, PointValue, View, evaluate,
};
use std::sync::Arc;

/// The estimated units of work (about a nanosecond each) for each row that is read for a value: to
/// add the row's kernel to the value, and to compare the row with the nearest ones so far.
const ROW_TIME: u64 = (SUMMED + LISTED) as u64;

/// Draws a picture of a live layer: measures its scale if needed, fetches its rows, waits in the
/// render queue, and draws them. `work` states the number of turns that the picture takes in the
/// queue.
pub(super) async fn draw_live(
    request: &LayerRequest,
    live: &LiveLayer,
    queue: &RenderQueue,
    work: WorkSize,
    view: View,
    target: MapTarget,
) -> Result<EncodedPicture, ApiError> {
    let style = &request.style;
    let (window, ratio) = (view.window(), view.ratio());
    let format = target.format;
    let normalizer = if format.is_density() {
        None
    } else {
        let level = style.style.level_in(view);
        Some(live.normalizer((queue, work), level, style).await?)
    };
    let fetched = live.points(window, ratio, &style.style).await?;
    cost::check_fetched(&fetched.points, style, &window, ratio)?;
    let (backend, style) = (Arc::clone(live.backend()), Arc::clone(style));
    let signed = live.is_signed(&style.style);
    let draw = move || {
        let mut set = PointSet::with_counts(&fetched.points, &fetched.counts);
        set.set_signed(signed);
        let (style, backend) = (&style.style, &*backend);
        Ok(match normalizer {
            None => {
                let density = evaluate::density(&set, style, &view, backend);
                ImageEncoding::from(format).density(&density, &window)
            }
            Some(scale) => {
                let picture = evaluate::picture(&set, style, &view, &scale, backend);
                target.picture(&picture, style.ramp())
            }
        }?)
    };
    let (bytes, timing) = queue.run(work, draw).await?;
    if work.is_typical {
        request.layer.usual.add(timing.turn);
    }
    Ok(EncodedPicture {
        bytes,
        timing,
        // The ETag is made of the bytes.
        is_repeatable: true,
    })
}

/// The exact value at a coordinate of a live layer, and at most `rows` of its points, nearest
/// first. Both are computed, in a turn of the render queue, from the rows whose kernels at zoom `z`
/// reach the coordinate.
pub(super) async fn value_live(
    live: &LiveLayer,
    (queue, work): (&RenderQueue, WorkSize),
    at: WorldCoord,
    z: u8,
    resolved: &Arc<ResolvedStyle>,
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
    if stamped {
        let css_pixel = Window::new(x, y, pixel, 1, 1);
        cost::check_fetched(&fetched.points, resolved, &css_pixel, 1)?;
    }
    let resolved = Arc::clone(resolved);
    let value = move || {
        let query = PointQuery::new(at, f64::from(z), &resolved.style);
        let mut nearest = NearestPoints::new(&query, rows);
        let summed = sum_rows(&query, at, &fetched, &mut nearest);
        let value = if stamped {
            query.run(&PointSet::with_counts(&fetched.points, &fetched.counts))
        } else {
            query.value(summed, None)
        };
        Ok((value, nearest.finish()))
    };
    Ok(queue.run(work.untypical(), value).await?.0)
}

/// Returns the sums of the kernels of fetched rows at the coordinate `at`, and offers each row to
/// `nearest`.
fn sum_rows(
    query: &PointQuery<'_>,
    at: WorldCoord,
    fetched: &FetchedPoints,
    nearest: &mut NearestPoints,
) -> KernelSums {
    let (kernel, pixel) = query.kernel();
    let mut sums = KernelSums::default();
    let counts = fetched.counts.iter().copied().map(Some);
    let counts = counts.chain(std::iter::repeat(None));
    for (point, count) in fetched.points.iter().zip(counts) {
        cancel::check(ROW_TIME);
        nearest.add(*point);
        let count = count.map_or(1, |count| count as usize);
        // At low zooms the kernel is wide enough to reach the coordinate from several copies of the
        // world side by side.
        for turn in -2..=2 {
            let east = f64::from(turn) * mercator::WORLD;
            sums.add_from(at, (&kernel, pixel), point, east, count);
        }
    }
    sums
}
