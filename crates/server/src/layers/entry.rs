//! A layer as requests use it: its data, the numbers by which caches distinguish its states, and
//! its styles.

use super::archived::{ArchiveInfo, TileArchive};
use super::attributes::Attribute;
use super::filtered::time_dimension::{TimeDimension, select_window};
use super::filtered::{self, FilterColumns, FilteredLayer};
use super::live::{self, LiveLayer};
use super::windows::LayerWindow;
use crate::cost::{self, DataProfile};
use crate::http::error::ApiError;
use crate::http::etag::{CacheHeaders, Fingerprint};
use crate::http::query::Query;
use crate::render_queue::{RunningMean, WorkSize};
use crate::style::ResolvedStyle;
use axum::http::HeaderValue;
use heatsplat_loader::Table;
use heatsplat_points::cancel::CancelToken;
use heatsplat_points::{Focus, LonLatBox, MAX_ZOOM, Points, Window};
use heatsplat_render::memo::Memo;
use heatsplat_render::memo::budget::MemoryBudget;
use heatsplat_render::{Backend, Layer, Level, Style, TileSize};
use heatsplat_time::Timeline;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// The largest number of styles that a layer keeps ready for requests with style parameters. Beyond
/// it, those that are rarely used are dropped. A choice.
const MAX_STYLES: usize = 256;

/// The number of states of layers that this process has made so far: the version of the next state.
/// A new state, a [`ServedLayer`], is made whenever a layer is loaded or changed.
static VERSIONS: AtomicU64 = AtomicU64::new(0);

/// The source of a layer's data: one of four kinds.
#[derive(Debug)]
pub(crate) enum LayerSource {
    /// Points in memory, with their style and the backend that draws them.
    InMemory(Arc<Layer>),
    /// Those points of another layer, which is in memory, that fulfil a condition, lie in a window
    /// of time, or both.
    Filtered(FilteredLayer),
    /// Rows of a database, which are read for every picture.
    Live(LiveLayer),
    /// Tiles that were rendered earlier, in an archive.
    Archive(Arc<dyn TileArchive>),
}

impl LayerSource {
    pub(crate) fn in_memory(layer: Layer) -> Self {
        Self::InMemory(Arc::new(layer))
    }

    /// The layer whose points are in memory. For a filtered layer this is the unfiltered layer.
    /// `None` for live layers and archives.
    pub(crate) fn layer(&self) -> Option<&Layer> {
        match self {
            Self::InMemory(layer) => Some(layer),
            Self::Filtered(filtered) => Some(filtered.base()),
            Self::Live(_) | Self::Archive(_) => None,
        }
    }

    /// The live layer, if the rows are read for every picture; otherwise `None`.
    pub(crate) fn live(&self) -> Option<&LiveLayer> {
        match self {
            Self::Live(live) => Some(live),
            _ => None,
        }
    }

    /// The archive's description, if the tiles come from an archive; otherwise `None`.
    pub(crate) fn archive(&self) -> Option<&ArchiveInfo> {
        match self {
            Self::Archive(archive) => Some(archive.info()),
            _ => None,
        }
    }

    /// Returns true if everything that pictures in `style` need is in memory already: the points of
    /// the layer's filter and, if `level` is not `None`, the scale at that level.
    fn is_prepared(&self, level: Option<Level>, style: &Style) -> bool {
        let layer = match self {
            Self::InMemory(layer) => Some(&**layer),
            Self::Filtered(filtered) => filtered.selected(),
            Self::Archive(_) => return true,
            // Rows are sorted for each picture.
            Self::Live(_) => return false,
        };
        layer.is_some_and(|layer| level.is_none_or(|level| layer.has_normalizer(level, style)))
    }

    /// Returns true if a thread is preparing the points of the layer's filter or the scale of
    /// `style` at `level`, so that a picture would wait for that thread.
    pub(crate) fn is_being_prepared(&self, level: Option<Level>, style: &Style) -> bool {
        let layer = match self {
            Self::InMemory(layer) => Some(&**layer),
            Self::Filtered(filtered) if filtered.is_selecting() => return true,
            Self::Filtered(filtered) => filtered.selected(),
            Self::Archive(_) | Self::Live(_) => None,
        };
        let is_measuring = |(layer, level): (&Layer, _)| layer.is_measuring(level, style);
        layer.zip(level).is_some_and(is_measuring)
    }

    /// The layer whose points are drawn. If this layer is filtered, the first call selects the
    /// points. For live layers and archives, which have no points in memory, it is an error.
    pub(crate) fn drawable(&self) -> Result<&Layer, ApiError> {
        match self {
            Self::InMemory(layer) => Ok(layer),
            Self::Filtered(filtered) => filtered.layer(),
            Self::Live(_) => Err(ApiError::internal()),
            Self::Archive(_) => Err(ApiError::not_found(
                "this layer is an archive of tiles: it has no maps, legends and values",
            )),
        }
    }
}

/// One state of a layer, with everything about it that is computed before the first request.
#[derive(Debug)]
pub(crate) struct ServedLayer {
    pub(crate) source: LayerSource,
    /// A number that no other state of any layer has in this process. It distinguishes states in
    /// the keys of caches.
    pub(crate) version: u64,
    /// A hash of the layer's data, for ETags. The data of a live layer aren't known: its hash is
    /// that of its name and its epoch.
    pub(crate) fingerprint: Fingerprint,
    /// The style of requests without style parameters.
    pub(crate) own_style: Arc<ResolvedStyle>,
    /// The columns that requests may filter by; `None` if the layer keeps no columns.
    pub(crate) filter_columns: Option<FilterColumns>,
    /// The times of the points, of which requests may ask for a window; `None` if the layer has no
    /// times.
    pub(crate) times: Option<TimeDimension>,
    styles: Memo<String, ResolvedStyle>,
    /// The limit of memory for everything that all layers of the server prepare for requests, like
    /// scales. What this layer prepares is counted in it.
    pub(crate) budget: Arc<MemoryBudget>,
    /// The running mean of the drawing times of pictures with the overlap, kernel and radius of the
    /// layer's own style.
    pub(crate) usual: RunningMean,
    /// True if points are read from another machine, so that a thread may have to wait for them.
    is_remote: bool,
}

impl ServedLayer {
    /// Makes a state of a layer. What it prepares for requests is counted in `budget`.
    pub(crate) fn new(
        source: LayerSource,
        table: Option<Arc<Table>>,
        budget: &Arc<MemoryBudget>,
    ) -> Self {
        let (fingerprint, style) = match &source {
            LayerSource::InMemory(layer) => {
                let named = Fingerprint::new().text(layer.name()).number(layer.epoch());
                // Pictures of two backends may differ by one colour index.
                let named = named.text(&layer.backend().identity());
                let all = layer.data().parts().into_iter();
                let add = |tag: Fingerprint, (what, points): (String, &Points)| {
                    tag.text(&what).points(points)
                };
                (all.fold(named, add), layer.style().clone())
            }
            LayerSource::Filtered(filtered) => {
                (Fingerprint::new(), filtered.base().style().clone())
            }
            LayerSource::Live(live) => {
                let named = Fingerprint::new().text(live.name()).number(live.epoch());
                (named, live.style().clone())
            }
            LayerSource::Archive(archive) => {
                let named = Fingerprint::new().text(&archive.info().name);
                (named, Style::default())
            }
        };
        let source = match source {
            LayerSource::Live(live) => LayerSource::Live(live.within(budget)),
            other => other,
        };
        let own_style = Arc::new(ResolvedStyle::new(style, false));
        Self::with_style(
            source,
            fingerprint,
            own_style,
            table.map(|table| FilterColumns::new(table, budget)),
            budget,
        )
    }

    pub(crate) fn with_style(
        source: LayerSource,
        fingerprint: Fingerprint,
        own_style: Arc<ResolvedStyle>,
        filter_columns: Option<FilterColumns>,
        budget: &Arc<MemoryBudget>,
    ) -> Self {
        Self {
            is_remote: source.layer().is_some_and(is_remote),
            source,
            version: VERSIONS.fetch_add(1, Ordering::Relaxed),
            fingerprint,
            own_style,
            filter_columns,
            times: None,
            styles: Memo::counted(MAX_STYLES, budget, |key, style| {
                key.len() + style.heap_bytes()
            }),
            budget: Arc::clone(budget),
            usual: RunningMean::default(),
        }
    }

    /// Gives the layer the times of its points. `timeline` must be made for these points, in this
    /// order.
    pub(crate) fn with_times(mut self, timeline: Timeline) -> Self {
        self.times = Some(TimeDimension::new(timeline, &self.budget));
        self
    }

    /// The window of time that the layer shows; `None` if it shows all times.
    pub(crate) fn window(&self) -> Option<&LayerWindow> {
        match &self.source {
            LayerSource::Filtered(filtered) => filtered.window(),
            _ => None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match &self.source {
            LayerSource::Live(live) => live.name(),
            LayerSource::Archive(archive) => &archive.info().name,
            memory => memory.layer().map_or("", Layer::name),
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        match &self.source {
            LayerSource::Live(live) => live.epoch(),
            other => other.layer().map_or(1, Layer::epoch),
        }
    }

    /// The layer's points. For a filtered layer these are all points of the unfiltered layer.
    /// `None` for live layers and archives.
    pub(crate) fn points(&self) -> Option<&Points> {
        self.source.layer().map(Layer::points)
    }

    /// Returns true if the layer's rows are read from a database for each picture, so that they may
    /// change without notice.
    pub(crate) fn is_live(&self) -> bool {
        self.source.live().is_some()
    }

    /// The backend that draws the layer; `None` for archives.
    pub(crate) fn backend(&self) -> Option<&Arc<dyn Backend>> {
        match self.source.live() {
            Some(live) => Some(live.backend()),
            None => self.source.layer().map(Layer::backend),
        }
    }

    /// The extension of the tiles in URLs, without the dot, if the layer is an archive; `None` for
    /// all other layers.
    pub(crate) fn archive_extension(&self) -> Option<&'static str> {
        self.source.archive().map(|info| info.extension)
    }

    /// The columns that requests may filter by; `None` if the layer keeps no columns.
    pub(crate) fn attributes(&self) -> Option<&[Attribute]> {
        let columns = self.filter_columns.as_ref();
        columns.map(|columns| columns.attributes.as_slice())
    }

    /// Returns true if the layer's database didn't answer its last query. `None` for layers without
    /// a database.
    pub(crate) fn is_away(&self) -> Option<bool> {
        let live = self.source.live()?;
        Some(!live.rows().is_available())
    }

    /// The layer's own style, in which requests without style parameters are drawn.
    pub(crate) fn style(&self) -> &Style {
        &self.own_style.style
    }

    /// Makes a request's style from the layer's own style and the request's parameters. If the
    /// request has a filter or a window of time, the result has the filtered layer in place of this
    /// one.
    pub(crate) fn prepare(self: Arc<Self>, query: Query) -> Result<LayerRequest, ApiError> {
        let style = self.resolve_style(&query)?;
        let layer = match (query.filter(), query.time()?) {
            (None, None) => self,
            (Some(filter), None) => filtered::select(&self, filter)?,
            (filter, Some(time)) => select_window(&self, filter, &time)?,
        };
        Ok(LayerRequest {
            layer,
            style,
            query,
        })
    }

    /// The layer's own style with the changes that a request asks for. It is kept for further
    /// requests, since a map requests many tiles in one style, and mixing a ramp's colours takes
    /// longer than finding the style again.
    pub(crate) fn resolve_style(&self, query: &Query) -> Result<Arc<ResolvedStyle>, ApiError> {
        if query.style().is_empty() {
            return Ok(Arc::clone(&self.own_style));
        }
        let key = query.style_suffix();
        if let Some(style) = self.styles.get(&key) {
            return Ok(style);
        }
        let own = &self.own_style.style;
        let mut style = own.clone();
        let asked = query.style().iter();
        style
            .set_all(asked.map(|(name, value)| (*name, value.as_str())))
            .map_err(|e| ApiError::bad_request(e.to_string()))?;
        cost::refuse_unbounded(own, &style)?;
        let has_other_splats = cost::has_other_splats(own, &style);
        match &self.source {
            LayerSource::InMemory(layer) => {
                style = layer.suited(style);
                let checked = layer.data().check(style.measure());
                checked.map_err(|e| ApiError::bad_request(e.to_string()))?;
            }
            LayerSource::Live(_) => style = live::suited(style),
            LayerSource::Filtered(_) | LayerSource::Archive(_) => {}
        }
        let resolve = || ResolvedStyle::new(style, has_other_splats);
        Ok(self.styles.get_or_compute(&key, resolve))
    }

    /// The box around the points. If that isn't known, it is the box that an archive's tiles show
    /// or, for any other layer, the whole map. The box's east is over 180° if the points lie on
    /// both sides of ±180°.
    pub(crate) fn bounds(&self) -> LonLatBox {
        let archive = || self.source.archive().map(|info| info.bounds);
        self.data_bounds()
            .or_else(archive)
            .unwrap_or(LonLatBox::WORLD)
    }

    /// The field `bounds` of TileJSON:
    ///
    /// * for points in memory, the box around the points and everything that their kernels reach at
    ///   any zoom; one that crosses ±180° is replaced by one of all longitudes
    /// * for an archive, the box of its tiles
    /// * for a live layer, the whole map, since rows may be added anywhere
    pub(crate) fn tile_bounds(&self, style: &Style, size: TileSize) -> LonLatBox {
        let bounds = match (self.source.layer(), self.source.archive()) {
            (Some(layer), _) => layer.heat_bounds(style, 0..=MAX_ZOOM, size),
            (None, archive) => archive.map(|info| info.bounds),
        };
        bounds.map_or(LonLatBox::WORLD, LonLatBox::within_180)
    }

    /// The box that a map shows if its request has no `bbox`: the box around the points with a
    /// margin. If the points aren't known, it is the box that an archive's tiles show or, for any
    /// other layer, the whole map.
    pub(crate) fn frame(&self) -> LonLatBox {
        match (self.data_bounds(), self.source.archive()) {
            (Some(bounds), _) => bounds.with_margin(),
            (None, archive) => archive.map_or(LonLatBox::WORLD, |info| info.bounds),
        }
    }

    /// The box around the points; `None` if it isn't known or there are no points.
    pub(crate) fn data_bounds(&self) -> Option<LonLatBox> {
        match &self.source {
            LayerSource::Live(live) => live.bounds(),
            LayerSource::Archive(archive) => archive.info().data_bounds,
            memory => memory.layer()?.data_bounds(),
        }
    }

    /// The part of the world that a map shows first: where most of the weight is. `None` if no
    /// points are known.
    fn focus(&self) -> Option<Focus> {
        match &self.source {
            LayerSource::Live(live) => live.focus(),
            LayerSource::Archive(_) => None,
            memory => memory.layer()?.points().focus(),
        }
    }

    /// The box that a map shows first, with at least 98 % of the weight that is not at exactly 0,0.
    /// If no points are known, it is [`bounds`](Self::bounds).
    pub(crate) fn view(&self) -> LonLatBox {
        self.focus()
            .map_or_else(|| self.bounds(), |focus| focus.bounds)
    }

    /// The field `center` of TileJSON: the longitude and latitude in degrees of the middle of the
    /// box that a map shows first, and the zoom at which a screen shows this box. An archive states
    /// its own center. If no points are known, the box is [`bounds`](Self::bounds).
    pub(crate) fn center(&self) -> [f64; 3] {
        if let LayerSource::Archive(archive) = &self.source {
            return archive.info().center;
        }
        self.focus().map_or_else(
            || {
                let (lon, lat) = self.bounds().center();
                [lon, lat, f64::from(self.zoom())]
            },
            |Focus { lon, lat, zoom, .. }| [lon, lat, f64::from(zoom)],
        )
    }

    /// The deepest whole zoom, at most 14, at which a screen of 1024 × 768 CSS pixels shows all
    /// points: [`frame`](Self::frame).
    pub(crate) fn zoom(&self) -> u8 {
        let zoom = Window::around(self.frame(), 1024, 768).map(|w| w.zoom());
        zoom.map_or(0.0, |zoom| zoom.floor().clamp(0.0, 14.0)) as u8
    }

    /// The facts about the layer's data on which estimates of a request's cost are based.
    fn profile(&self) -> DataProfile<'_> {
        match (self.source.layer(), self.source.live()) {
            (Some(layer), _) => DataProfile::Points(layer.data()),
            (None, Some(_)) => DataProfile::unknown_rows(),
            (None, None) => DataProfile::Nothing,
        }
    }
}

/// Returns true if pictures of a layer may wait for another machine, from which its points are
/// read.
pub(super) fn is_remote(layer: &Layer) -> bool {
    let parts = layer.data().parts();
    let mut indices = parts.iter().filter_map(|(_, points)| points.paged());
    indices.any(|index| index.is_remote())
}

/// The longest time for which the estimate of a request's work may wait for points from another
/// machine. A choice.
const LONGEST_ESTIMATE: Duration = Duration::from_secs(2);

const NO_ESTIMATE: &str =
    "the layer's file can't be read in time for an estimate of this request's work; try again";

/// Calls `wait`, which may wait for another machine. Meanwhile another thread answers the requests
/// that this thread would answer.
fn without_other_requests<T>(wait: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(wait),
        _ => wait(),
    }
}

/// A request for a picture or a number of a layer, with its style and filter resolved.
#[derive(Debug)]
pub(crate) struct LayerRequest {
    pub(crate) layer: Arc<ServedLayer>,
    pub(crate) style: Arc<ResolvedStyle>,
    pub(crate) query: Query,
}

impl LayerRequest {
    /// The headers of an answer: `ETag`, `Cache-Control` and, if the layer shows a window of time,
    /// the header that states the window. The ETag depends on the layer, the style, and `answer`, a
    /// hash of everything else in the request. `control` is the value of `Cache-Control`.
    pub(crate) fn cache_headers(&self, answer: Fingerprint, control: &HeaderValue) -> CacheHeaders {
        let layer = answer.then(self.layer.fingerprint);
        let headers = CacheHeaders::new(layer.then(self.style.fingerprint), control);
        headers.in_window(self.layer.window().map(LayerWindow::header))
    }

    /// Returns an error if the request is estimated to take longer than a request may. A request
    /// with the blend mode, kernel and radius of the layer's own style always passes without an
    /// estimate: it is expected to take as long as the layer's recent pictures. `level` is the
    /// level whose statistics the request needs for its scale, since measuring them takes time too;
    /// `None` if it needs no scale.
    pub(crate) fn check_cost(
        &self,
        level: Option<Level>,
        work: impl IntoIterator<Item = cost::Work>,
    ) -> Result<WorkSize, ApiError> {
        let is_prepared = self.layer.source.is_prepared(level, &self.style.style);
        let has_own_splats = !self.style.has_other_splats;
        let usual = has_own_splats.then(|| self.layer.usual.get()).flatten();
        let mut size = WorkSize {
            // A layer whose pictures may be slow is not drawn on the runtime's workers.
            prepares: !is_prepared || (has_own_splats && usual.is_none()) || self.layer.is_remote,
            is_typical: has_own_splats && (is_prepared || self.layer.is_live()),
            turn: usual,
            since: Some(Instant::now()),
            ..WorkSize::SMALL
        };
        if self.query.filter().is_none() && !self.style.has_other_splats {
            return Ok(size);
        }
        let profile = self.layer.profile();
        let filter = self.query.filter().map(|text| {
            let all = profile.points();
            let compared = match &self.layer.source {
                LayerSource::Filtered(filtered) => filtered.compared(all),
                _ => all,
            };
            (text, compared)
        });
        let check = || cost::check_limit(&profile, filter, &self.style, work);
        let estimate = match self.layer.is_remote {
            true => {
                let token = CancelToken::new(Some(Instant::now() + LONGEST_ESTIMATE), u64::MAX);
                let estimate = without_other_requests(|| token.run(check));
                estimate.map_err(|_| ApiError::unavailable(NO_ESTIMATE))??
            }
            false => check()?,
        };
        if self.style.has_other_splats {
            size.expected = Some(match size.prepares {
                true => estimate.all,
                false => estimate.drawn,
            });
            size.most = cost::MAX_UNITS;
        } else if size.prepares {
            // The time of drawing itself is counted in turns.
            size.before = estimate.all.saturating_sub(estimate.drawn);
        }
        Ok(size)
    }
}
