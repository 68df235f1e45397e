//! Live layers, whose rows are read for every picture: the trait of the sources of their rows, and
//! the colour scales that are measured from these rows.

use crate::cost::{self, LIVE_DENSEST, LIVE_SPREAD};
use crate::http::error::ApiError;
use crate::render_queue::{RenderQueue, WorkSize};
use crate::style::ResolvedStyle;
use axum::http::StatusCode;
use heatsplat_points::{Focus, LonLatBox, MAX_ZOOM, Point, Points, TileId, TileWeight, Window};
use heatsplat_render::memo::Memo;
use heatsplat_render::memo::budget::MemoryBudget;
use heatsplat_render::{
    Backend, Domain, Level, Measure, NEGATIVE_SHARE, Normalizer, PointSet, Shape, Statistics,
    Style, ValueKind, ValuesKey, View, evaluate, sample,
};
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use tokio::sync::OnceCell;
use tracing::Instrument as _;

/// The future that a source's method returns. Dropping it cancels the query.
pub type SourceFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, SourceError>> + Send + 'a>>;

/// A source of rows outside of this process: a database, for example.
pub trait RowSource: Send + Sync + Debug {
    /// Fetches all points that a picture shows, and those around it whose kernels reach into it.
    fn fetch(&self, request: RowRequest) -> SourceFuture<'_, FetchedPoints>;

    /// The box around nearly all points; `None` if it is not known without a query. It only serves
    /// for the first view of a map, since rows come and go.
    fn bounds(&self) -> Option<LonLatBox> {
        None
    }

    /// Returns false if the source didn't answer its last query.
    fn is_available(&self) -> bool {
        true
    }
}

/// A request for the points of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowRequest {
    /// The window of the picture, without the margin.
    pub window: Window,
    /// The width in pixels of a margin on each side of the picture. Points in the margin are
    /// fetched too, since their kernels reach into the picture.
    pub margin: u32,
    /// The side, in pixels of `window`, of the largest square whose points may be replaced by one
    /// cell; `None` if every single point is needed.
    pub cell: Option<f64>,
    /// True if the points are needed to measure a colour scale. A scale is measured once, so its
    /// query may take longer than a picture's.
    pub for_scale: bool,
}

/// The points of a picture, as a source returns them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchedPoints {
    /// The points, or cells that stand for several points.
    pub points: Vec<Point>,
    /// The number of points for which each entry of `points` stands, in the order of `points`.
    /// Empty if each entry is one point.
    pub counts: Vec<u32>,
}

/// The reason why rows could not be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The source doesn't answer, or can't be reached.
    #[error("away")]
    Away,
    /// Too many queries run already.
    #[error("busy")]
    Busy,
    /// The query took longer than its limit.
    #[error("too slow")]
    Deadline,
    /// The picture has more points than may be read for one picture.
    #[error("too much")]
    TooMuch,
    /// The source refuses the query as wrong or not permitted.
    #[error("broken")]
    Broken,
}

impl From<SourceError> for ApiError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Away => {
                Self::unavailable("this layer's database does not answer; other layers are served")
            }
            SourceError::Busy => {
                Self::unavailable("this layer's database is busy; try again in a second")
            }
            SourceError::Deadline => {
                Self::unavailable("this layer's database took longer than it may")
            }
            SourceError::Broken => Self::unavailable(
                "this layer's database refuses its query; the server has logged why",
            ),
            SourceError::TooMuch => Self::with_status(
                StatusCode::UNPROCESSABLE_ENTITY,
                "this shows more rows than may be read for one picture; zoom in",
            ),
        }
    }
}

/// The zoom of the overview's tiles. One query divides the whole world into cells and sums the
/// weights in each; a cell is as large as a tile of this zoom. A choice.
const OVERVIEW_ZOOM: u8 = 9;
/// The number of tiles in which points are searched for at zooms deeper than the overview's: the
/// densest tiles that were found at the zooms before. A choice.
const SEARCHED: usize = 2;

/// The distribution of a live layer's points over the world, which the layer's first query finds.
#[derive(Debug)]
struct Overview {
    /// The tiles of [`OVERVIEW_ZOOM`] that contain points, each with the sum of the |weight| of the
    /// points in it.
    tiles: Vec<TileWeight>,
    /// The centres of the tiles of [`OVERVIEW_ZOOM`] that contain points, as points. The weight of
    /// each is the sum of |weight| in its tile.
    middles: Points,
}

impl Overview {
    fn new(tiles: Vec<TileWeight>) -> Self {
        let middle = |t: &TileWeight| {
            let window = Window::tile(t.tile, 2);
            Point {
                x: (window.left() + window.pixel()) as u32,
                y: (window.top() + window.pixel()) as u32,
                weight: t.mass as f32,
            }
        };
        let middles: Vec<Point> = tiles.iter().map(middle).collect();
        Self {
            middles: Points::from_slice(&middles),
            tiles,
        }
    }

    /// The west and the east edge, in degrees, of the smallest interval of longitudes that contains
    /// all tiles, if it crosses ±180°: then its east is over 180. Otherwise `None`.
    fn across_180(&self) -> Option<[f64; 2]> {
        let bounds = self.middles.summary().bounds?;
        let (west, east) = (bounds.west(), bounds.east());
        let half = 180.0 / f64::from(1u32 << OVERVIEW_ZOOM);
        (east > 180.0 && east - west + 2.0 * half < 360.0).then_some([west - half, east + half])
    }
}

/// The largest number of statistics that a layer keeps, one for each level and kind of values.
/// Beyond it, those that are rarely used are dropped. A choice.
const MAX_STATISTICS: usize = 512;

/// The key of measured statistics: a level, and the parts of a style on which the statistics at
/// that level depend.
type LevelKey = (u8, ValuesKey);

/// A layer whose rows are read for every picture.
#[derive(Debug)]
pub struct LiveLayer {
    name: String,
    style: Style,
    rows: Arc<dyn RowSource>,
    backend: Arc<dyn Backend>,
    epoch: u64,
    /// The distribution of the points over the world. The first request that needs it fetches it.
    overview: OnceCell<Overview>,
    /// The statistics of scales. The cell of a key is empty until its statistics are measured.
    statistics: Memo<LevelKey, OnceCell<Arc<Statistics>>>,
    /// True if the share of negative weights is at least [`NEGATIVE_SHARE`], so that the layer's
    /// values are shown on both sides of zero. Set once, when the overview is fetched; empty
    /// before.
    signed: OnceLock<bool>,
}

impl LiveLayer {
    /// Makes a live layer from a source of rows. `backend` draws its pictures. No rows are read
    /// before the first request.
    pub fn new(
        name: &str,
        style: Style,
        rows: Arc<dyn RowSource>,
        backend: Arc<dyn Backend>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            style: suited(style),
            rows,
            backend,
            epoch: 1,
            overview: OnceCell::new(),
            statistics: Memo::new(MAX_STATISTICS),
            signed: OnceLock::new(),
        }
    }

    /// Makes the layer's next state, after its rows have changed. Its epoch is higher by 1, and
    /// scales and overview are measured again. Only the decision whether the layer's values are
    /// signed stays.
    pub(crate) fn renewed(&self) -> Self {
        let (rows, backend) = (Arc::clone(&self.rows), Arc::clone(&self.backend));
        Self {
            signed: self.signed.clone(),
            ..Self::new(&self.name, self.style.clone(), rows, backend).at_epoch(self.epoch + 1)
        }
    }

    pub(crate) fn at_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// Forgets the measured statistics. The memory of the statistics that are measured from now on
    /// is counted in `budget`.
    pub(crate) fn within(mut self, budget: &Arc<MemoryBudget>) -> Self {
        self.statistics = Memo::counted(MAX_STATISTICS, budget, |(_, key), statistics| {
            let measured = statistics.get();
            key.text_bytes() + measured.map_or(0, |statistics| statistics.heap_bytes())
        });
        self
    }

    /// The name of the layer.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The style in which the layer is drawn for requests without style parameters.
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// A number that grows with every change of the layer that the server knows of.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn rows(&self) -> &dyn RowSource {
        &*self.rows
    }

    pub(crate) fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// The box around nearly all points, as the source of the rows states it; `None` if it isn't
    /// known. If points lie on both sides of ±180°, a database states a box of all longitudes,
    /// which is made narrower as soon as the overview is fetched.
    pub(crate) fn bounds(&self) -> Option<LonLatBox> {
        let [west, south, east, north] = self.rows.bounds()?.edges();
        let across = self.overview.get().and_then(Overview::across_180);
        let [west, east] = across.unwrap_or([west, east]);
        Some(LonLatBox::on_the_map(west, south, east, north))
    }

    /// The part of the world that a map shows first; `None` before the overview of the points is
    /// fetched.
    pub(crate) fn focus(&self) -> Option<Focus> {
        self.overview.get()?.middles.focus()
    }

    /// Fetches the points of a picture in a style. The source may send cells in their place, which
    /// are so small that the picture shows no difference. `ratio` is the number of device pixels
    /// per CSS pixel.
    pub(crate) async fn points(
        &self,
        window: Window,
        ratio: u32,
        style: &Style,
    ) -> Result<FetchedPoints, SourceError> {
        self.rows.fetch(rows_for(window, ratio, style, false)).await
    }

    /// The kind of values that a style shows in this layer, from which it follows where the style's
    /// scale begins and ends. Sums of weights are of the kind [`ValueKind::Signed`] if
    /// [`is_signed`](Self::is_signed) is true.
    pub(crate) fn value_kind(&self, style: &Style) -> ValueKind {
        if style.measure() == Measure::Mean {
            return ValueKind::Level;
        }
        if style.measure().weighs() && self.is_signed(style) {
            return ValueKind::Signed;
        }
        ValueKind::Amount
    }

    /// Returns true if the share of negative weights in the layer is at least [`NEGATIVE_SHARE`],
    /// or if the style's domain begins below zero. Before the overview is fetched, only the domain
    /// counts.
    pub(crate) fn is_signed(&self, style: &Style) -> bool {
        let given = matches!(style.scale().domain, Domain::Fixed(low, _) if low < 0.0);
        given || self.signed.get() == Some(&true)
    }

    /// The colour scale of a style at a level. At a fractional level, it is interpolated between
    /// the scales of the whole levels below and above. Scales are measured in some tiles, each of
    /// which is drawn in a turn of `queue`; `work` has the request's limits for this work.
    pub(crate) async fn normalizer(
        &self,
        (queue, work): (&RenderQueue, WorkSize),
        level: Level,
        resolved: &ResolvedStyle,
    ) -> Result<Arc<Normalizer>, ApiError> {
        let queue = (queue, work);
        let below = self.scale(queue, level.below(), resolved).await?;
        let Some((above, _)) = level.above() else {
            return Ok(below);
        };
        let above = self.scale(queue, above, resolved).await?;
        let style = &resolved.style;
        let kind = self.value_kind(style);
        Ok(Arc::new(style.scale().between(&below, &above, kind, level)))
    }

    /// The colour scale of a style at a whole level. If the scale needs statistics, they are
    /// measured once, in at most [`LIVE_DENSEST`] + [`LIVE_SPREAD`] tiles. The choice of the tiles
    /// depends on the data alone and not on the requests.
    async fn scale(
        &self,
        queue: (&RenderQueue, WorkSize),
        level: u8,
        resolved: &ResolvedStyle,
    ) -> Result<Arc<Normalizer>, ApiError> {
        let style = &resolved.style;
        if !style.scale().needs_statistics() {
            let kind = self.value_kind(style);
            let none = Statistics::default();
            return Ok(Arc::new(style.scale().resolve(&none, kind, level)));
        }
        let measured = style.scale().level(level);
        let statistics = self.statistics(queue, measured, resolved).await?;
        let kind = self.value_kind(style);
        Ok(Arc::new(style.scale().resolve(&statistics, kind, level)))
    }

    /// The statistics of the values that a style shows at a level. They are measured at the first
    /// call and kept for later calls. A request that waits for another request's measurement holds
    /// no turn of the queue.
    pub(crate) async fn statistics(
        &self,
        queue: (&RenderQueue, WorkSize),
        level: u8,
        resolved: &ResolvedStyle,
    ) -> Result<Arc<Statistics>, ApiError> {
        let key = (level, resolved.style.statistics_key(level));
        let cell = self.statistics.get_or_compute(&key, OnceCell::new);
        let mut is_new = false;
        // One request measures while others wait. If its client leaves, one of the waiting requests
        // takes over. Errors are not kept, so the next request tries again.
        let statistics = cell
            .get_or_try_init(|| {
                is_new = true;
                let span = tracing::debug_span!("statistics", layer = self.name, level);
                async { Ok::<_, ApiError>(Arc::new(self.measure(queue, level, resolved).await?)) }
                    .instrument(span)
            })
            .await?;
        // The size of the statistics is known only now.
        if is_new {
            self.statistics.recount(&key);
        }
        Ok(Arc::clone(statistics))
    }

    /// Measures statistics: draws the densities of a sample of tiles, each in a turn of the queue,
    /// and collects their values. `work` has the request's limits for this work.
    async fn measure(
        &self,
        (queue, work): (&RenderQueue, WorkSize),
        level: u8,
        resolved: &ResolvedStyle,
    ) -> Result<Statistics, ApiError> {
        let style = resolved.style.for_statistics(level);
        let z = level.saturating_sub(8).min(MAX_ZOOM);
        let side = 1u32 << (level - z).min(9);
        let mut statistics = Statistics::default();
        let other_splats = resolved.has_other_splats;
        let work = WorkSize {
            turns: 1,
            expected: None,
            turn: None,
            is_typical: false,
            prepares: true,
            // Every picture needs the scale of the layer's own splats, so each of its tiles has the
            // time that a request has.
            since: work.since.filter(|_| other_splats),
            ..work
        };
        let occupied = self.occupied(z).await.map_err(scale_error)?;
        for (tile, times) in sample(occupied, LIVE_DENSEST, LIVE_SPREAD) {
            let window = Window::tile(tile, side);
            let fetched = self.rows.fetch(rows_for(window, 1, &style, true)).await;
            let fetched = fetched.map_err(scale_error)?;
            if other_splats && cost::is_over_limit(&fetched.points, &style, &window) {
                return Err(scale_error(SourceError::TooMuch));
            }
            let (backend, style_now) = (Arc::clone(&self.backend), style.clone().into_owned());
            let kind = self.value_kind(&style);
            let draw = move || {
                let set = PointSet::with_counts(&fetched.points, &fetched.counts);
                let density =
                    evaluate::density(&set, &style_now, &window.into(), backend.measurer());
                statistics.add(kind, &density.values, times);
                Ok(statistics)
            };
            statistics = queue.run(work, draw).await?.0;
        }
        Ok(statistics)
    }

    /// The tiles of zoom `z` that contain points, each with the sum of |weight| in it. Up to
    /// [`OVERVIEW_ZOOM`] all such tiles are found, by one query. Deeper ones are found by a query
    /// for each [`OVERVIEW_ZOOM`] further zooms in each of the [`SEARCHED`] densest tiles, so only
    /// some are found.
    async fn occupied(&self, z: u8) -> Result<Vec<TileWeight>, SourceError> {
        let world = TileId::new(0, 0, 0).map_err(|_| SourceError::Broken)?;
        let overview = self
            .overview
            .get_or_try_init(|| async { Ok(Overview::new(self.search_tile(world).await?)) })
            .await?;
        if z <= OVERVIEW_ZOOM {
            return Ok(merged(&overview.tiles, z));
        }
        let mut tiles = overview.tiles.clone();
        let mut depth = OVERVIEW_ZOOM;
        while depth < z {
            tiles.sort_unstable_by(|a, b| b.mass.total_cmp(&a.mass).then(a.tile.cmp(&b.tile)));
            tiles.truncate(SEARCHED);
            let mut deeper = Vec::new();
            for dense in &tiles {
                deeper.extend(self.search_tile(dense.tile).await?);
            }
            depth = (depth + OVERVIEW_ZOOM).min(MAX_ZOOM);
            tiles = deeper;
        }
        Ok(merged(&tiles, z))
    }

    /// The tiles within `tile` that contain points, by one query: tiles that are [`OVERVIEW_ZOOM`]
    /// zooms deeper than `tile`, or of zoom [`MAX_ZOOM`] if that is less deep.
    async fn search_tile(&self, tile: TileId) -> Result<Vec<TileWeight>, SourceError> {
        let request = RowRequest {
            window: Window::tile(tile, 1 << OVERVIEW_ZOOM),
            margin: 0,
            cell: Some(1.0),
            for_scale: true,
        };
        let points = Points::from_slice(&self.rows.fetch(request).await?.points);
        if tile.z() == 0 && points.summary().mass > 0.0 {
            let share = points.summary().negative_share();
            self.signed.get_or_init(|| share >= NEGATIVE_SHARE);
        }
        let deeper = (tile.z() + OVERVIEW_ZOOM).min(MAX_ZOOM);
        let within = |t: &TileWeight| ancestor(t.tile, tile.z()) == Some(tile);
        let mut tiles = points.occupied_tiles(deeper);
        tiles.retain(within);
        Ok(tiles)
    }
}

/// Converts an error of the source of rows to the server's error for a scale that can't be
/// measured.
fn scale_error(error: SourceError) -> ApiError {
    match error {
        SourceError::Deadline | SourceError::TooMuch => ApiError::scale_too_slow(),
        other => other.into(),
    }
}

/// Completes a style for a live layer. In a style that shows means, parameters that are not set,
/// like the ramp, get values that suit means. They get no values that suit weights of both signs,
/// since only a query shows whether there are negative weights.
pub(crate) fn suited(style: Style) -> Style {
    if style.measure() == Measure::Mean {
        return style.suited_to(ValueKind::Level);
    }
    style
}

/// Makes the request for the rows of a picture: all points whose kernels reach the picture. Cells
/// may take the points' place if the cells are too small to be seen.
fn rows_for(window: Window, ratio: u32, style: &Style, for_scale: bool) -> RowRequest {
    // The kernel `pixel` counts the points in each pixel. If the window's pixels are not aligned
    // with the world's grid, a cell may lie in two pixels, so cells can't be used.
    let grouped = style.shape() != Shape::Pixel || window.is_on_grid();
    let cell = style.finest_cell_in(View::new(window, ratio)).min(0.5);
    RowRequest {
        window,
        margin: style.reach_in(View::new(window, ratio)).ceil() as u32 + 2,
        cell: Some(cell).filter(|cell| *cell > 0.0 && grouped),
        for_scale,
    }
}

/// The tile of zoom `z` that contains `tile`; `None` if `tile` is of a lower zoom.
fn ancestor(tile: TileId, z: u8) -> Option<TileId> {
    let up = tile.z().checked_sub(z)?;
    TileId::new(z, tile.x() >> up, tile.y() >> up).ok()
}

/// The tiles of zoom `z` that contain `tiles`, each with the sum of |weight| in those of `tiles`
/// that lie in it. `tiles` must be in Z-order, so that tiles within one tile are neighbours in the
/// list. Tiles of a lower zoom than `z` stay unchanged.
fn merged(tiles: &[TileWeight], z: u8) -> Vec<TileWeight> {
    let mut merged: Vec<TileWeight> = Vec::new();
    for deep in tiles {
        let Some(tile) = ancestor(deep.tile, z.min(deep.tile.z())) else {
            continue;
        };
        match merged.last_mut() {
            Some(last) if last.tile == tile => last.mass += deep.mass,
            _ => merged.push(TileWeight {
                times: 1.0,
                tile,
                mass: deep.mass,
            }),
        }
    }
    merged
}
