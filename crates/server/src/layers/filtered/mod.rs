//! The parameter `?filter=`: makes a layer of those points of another layer that fulfil a condition
//! on its columns. The points may also be limited to a window of time (see [`time_dimension`]).
//!
//! The condition is parsed into a small tree, which is evaluated on columns in memory. It never
//! reaches a database.

pub(crate) mod time_dimension;

use super::attributes::Attribute;
use super::entry::{LayerSource, ServedLayer};
use super::windows::LayerWindow;
use crate::http::error::{ApiError, shown};
use crate::http::etag::Fingerprint;
use crate::style::ResolvedStyle;
use axum::http::StatusCode;
use heatsplat_loader::{Filter, Table, TableError};
use heatsplat_points::Points;
use heatsplat_render::memo::Memo;
use heatsplat_render::memo::budget::MemoryBudget;
use heatsplat_render::{Category, Layer, PointSet, SharedStatistics};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// The largest number of filtered layers without a window of time that one layer keeps, one for
/// each condition. A choice.
const MAX_FILTERS: usize = 32;

/// The points of a layer that fulfil a condition, lie in a window of time, or both. They are
/// selected when they are first needed.
#[derive(Debug)]
pub(crate) struct FilteredLayer {
    base: FilterBase,
    /// The condition and the window as text, which is this layer's key in `all`.
    text: String,
    selection: Selection,
    selected: OnceLock<Result<Layer, ApiError>>,
    /// The number of rows on the pages of a packed file that the condition is compared with; `None`
    /// if the points are in memory. It is found when it is first needed.
    rows: OnceLock<Option<u64>>,
    /// The number of threads that select the points, or that wait for the selecting thread.
    selecting: AtomicUsize,
    /// All filtered layers of the unfiltered layer. This layer is one of them, so the reference is
    /// weak.
    all: Weak<FilteredLayers>,
}

/// The criteria by which a filtered layer's points are selected, and where its statistics come
/// from.
#[derive(Debug, Default)]
struct Selection {
    /// The condition; `None` if only a window of time selects the points.
    filter: Option<Filter>,
    /// The window of time; `None` if only a condition selects the points.
    window: Option<LayerWindow>,
    /// The statistics that the layer shares with others; `None` if it has its own.
    shared: Option<Arc<SharedStatistics>>,
}

/// The filtered layers of one unfiltered layer, by the texts of their conditions and windows. The
/// memory of their points is counted in the memory budget.
type FilteredLayers = Memo<String, ServedLayer>;

/// The points and columns from which a filtered layer's points are selected. This holds the
/// [`Layer`] and the [`Table`] themselves, and not the unfiltered [`ServedLayer`]: that one owns
/// its filtered layers, so the two would own each other, and neither would ever be freed.
#[derive(Clone, Debug)]
struct FilterBase {
    layer: Arc<Layer>,
    table: Arc<Table>,
}

impl FilterBase {
    /// Selects the points that fulfil the condition and lie in the window of time; `None` for
    /// either stands for all points. The categories keep their names and colours, even if a
    /// category has no points left.
    fn select(
        &self,
        filter: Option<&Filter>,
        window: Option<&LayerWindow>,
    ) -> Result<PointSet, TableError> {
        let (points, table) = (self.layer.points(), &self.table);
        let among = |row: usize| window.is_none_or(|window| window.holds(row));
        let set = PointSet::new(match (filter, window) {
            (Some(filter), _) => table.select_among(points, filter, among)?,
            (None, Some(window)) => window.select(points),
            (None, None) => Points::from_slice(&[]),
        });
        let categories = self.layer.data().categories();
        let Some(by) = table.by().filter(|_| !categories.is_empty()) else {
            return Ok(set);
        };
        let names: Vec<&str> = categories.iter().map(|c| c.name.as_str()).collect();
        let parts = match filter {
            Some(filter) => table.select_parts_among(points, filter, (by, &names), among)?,
            None => table.parts_among(points, by, &names, among)?,
        };
        let parts = categories.iter().zip(parts);
        let parts = parts.map(|(whole, part)| Category::new(&whole.name, part, whole.color));
        Ok(set.in_categories(parts.collect()))
    }
}

/// The size in bytes of all indexes of points that a layer draws: the whole set, and one for each
/// category or radius.
fn bytes(layer: &Layer) -> usize {
    let parts = layer.data().parts();
    parts.iter().map(|(_, points)| points.bytes()).sum()
}

impl FilteredLayer {
    /// The unfiltered layer, from whose points this layer selects.
    pub(crate) fn base(&self) -> &Layer {
        &self.base.layer
    }

    /// The window of time in which the points lie; `None` if all times are shown.
    pub(crate) fn window(&self) -> Option<&LayerWindow> {
        self.selection.window.as_ref()
    }

    /// The layer of the selected points. The points are selected once, even if several requests
    /// need them at the same time.
    pub(crate) fn layer(&self) -> Result<&Layer, ApiError> {
        if let Some(selected) = self.selected.get() {
            return selected.as_ref().map_err(ApiError::clone);
        }
        let mut is_new = false;
        let selecting = SelectingThread::new(&self.selecting);
        let selected = self.selected.get_or_init(|| {
            is_new = true;
            self.select()
        });
        drop(selecting);
        // The size of this layer is known only now.
        if is_new && let Some(all) = self.all.upgrade() {
            all.recount(&self.text);
        }
        selected.as_ref().map_err(ApiError::clone)
    }

    /// Returns true if a thread is selecting the points, so that a caller that needs them would
    /// wait for it.
    pub(crate) fn is_selecting(&self) -> bool {
        self.selected.get().is_none() && self.selecting.load(Ordering::Relaxed) > 0
    }

    /// The number of points that a request compares with the condition: the `all` points of the
    /// layer or, of a packed file, the points on the pages that are read. The result is twice this
    /// number if the request also measures a scale in several windows of time, which together have
    /// about as many points as the layer.
    pub(crate) fn compared(&self, all: f64) -> f64 {
        let times = match self.selection.shared.is_some() {
            true => 2.0,
            false => 1.0,
        };
        let rows = self.rows.get_or_init(|| {
            let filter = self.selection.filter.as_ref();
            let filter = filter.filter(|_| self.base.table.is_paged())?;
            self.base.table.rows_for(filter).ok()
        });
        times * rows.map_or(all, |rows| rows as f64)
    }

    /// The layer of the selected points; `None` before they are selected.
    pub(crate) fn selected(&self) -> Option<&Layer> {
        self.selected.get()?.as_ref().ok()
    }

    fn select(&self) -> Result<Layer, ApiError> {
        let layer = &self.base.layer;
        let Selection { filter, window, .. } = &self.selection;
        let selected = self.base.select(filter.as_ref(), window.as_ref());
        let mut set = selected.map_err(|error| refused(&error))?;
        // The filtered layer keeps the kind of scale and ramp that the unfiltered one has.
        set.set_signed(layer.data().is_signed());
        let backend = Arc::clone(layer.backend());
        let part = Layer::new(layer.name(), Arc::new(set), layer.style().clone(), backend);
        let part = part.at_epoch(layer.epoch()).measured_for_requests();
        let part = part.within(layer.budget());
        Ok(match &self.selection.shared {
            Some(shared) => part.sharing(Arc::clone(shared)),
            None => part,
        })
    }
}

/// Makes the error for a filter that a table refuses.
fn refused(error: &TableError) -> ApiError {
    match error.is_too_many() {
        true => ApiError::with_status(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("filter: {error}: {FEWER}"),
        ),
        false => ApiError::bad_request(error.to_string()),
    }
}

/// The bytes that a filtered layer's points count for in the memory budget; 0 before they are
/// selected. Even if they take more memory, at most half of the budget is counted for one layer, so
/// that scales have room beside them.
fn counted_bytes(layer: &ServedLayer) -> usize {
    let LayerSource::Filtered(filtered) = &layer.source else {
        return 0;
    };
    let counted = |layer: &Layer| bytes(layer).min(layer.budget().limit() / 2);
    filtered.selected().map_or(0, counted)
}

/// One thread in the count of threads that select points or wait until they are selected. Dropping
/// it lowers the count by one, even if the thread panics.
struct SelectingThread<'a>(&'a AtomicUsize);

impl<'a> SelectingThread<'a> {
    fn new(threads: &'a AtomicUsize) -> Self {
        threads.fetch_add(1, Ordering::Relaxed);
        Self(threads)
    }
}

impl Drop for SelectingThread<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The columns by which requests may filter a layer, and the filtered layers that are in use.
#[derive(Debug)]
pub(crate) struct FilterColumns {
    table: Arc<Table>,
    /// The descriptions of the columns for the catalog and for TileJSON.
    pub(crate) attributes: Vec<Attribute>,
    layers: Arc<FilteredLayers>,
}

impl FilterColumns {
    /// Makes the filter columns of a layer from the table of its kept columns. The memory of
    /// filtered layers is counted in `budget`.
    pub(crate) fn new(table: Arc<Table>, budget: &Arc<MemoryBudget>) -> Self {
        let bytes = |text: &String, layer: &ServedLayer| text.len() + counted_bytes(layer);
        Self {
            attributes: table.columns().iter().map(Attribute::new).collect(),
            table,
            layers: Arc::new(Memo::counted(MAX_FILTERS, budget, bytes)),
        }
    }

    /// Returns true if a layer can be filtered. It must not be computed from two layers, and its
    /// points must not have radii of their own. If it shows categories, the column of the
    /// categories must be kept.
    fn can_filter(&self, layer: &Layer) -> bool {
        let set = layer.data();
        let shown = set.categories().is_empty() || self.table.by().is_some();
        set.versus().is_none() && set.widest().is_none() && shown
    }

    /// Finds the filtered layer for the condition `text`, or makes it without selecting its points.
    /// `base` is the unfiltered layer and `own` its state, whose style the filtered layer gets.
    fn filtered(
        &self,
        base: &Arc<Layer>,
        own: &ServedLayer,
        text: &str,
    ) -> Result<Arc<ServedLayer>, ApiError> {
        if let Some(layer) = self.layers.get(&text.to_owned()) {
            return Ok(layer);
        }
        let filter = self.parse(text)?;
        let (text, table) = (text.to_owned(), Arc::clone(&self.table));
        let selection = Selection {
            filter: Some(filter),
            ..Selection::default()
        };
        Ok(add(&self.layers, (base, own), text, table, selection))
    }

    /// Parses a condition and checks that it fits the columns.
    fn parse(&self, text: &str) -> Result<Filter, ApiError> {
        let filter: Filter = text.parse().map_err(|e| {
            ApiError::bad_request(format!("filter can't be `{}`: {e}", shown(text)))
        })?;
        self.table
            .check(&filter)
            .map_err(|e| ApiError::bad_request(format!("filter: {e}")))?;
        Ok(filter)
    }
}

/// Makes a filtered layer without selecting its points, and adds it to `layers` under the key
/// `text`. `base` is the unfiltered layer and `own` its state.
fn add(
    layers: &Arc<FilteredLayers>,
    (base, own): (&Arc<Layer>, &ServedLayer),
    text: String,
    table: Arc<Table>,
    selection: Selection,
) -> Arc<ServedLayer> {
    let mut fingerprint = own.fingerprint.then(Fingerprint::new().text(&text));
    if table.is_paged() {
        // Packs of one content may be of sources that write the values in several ways, on which
        // comparisons with texts depend.
        fingerprint = fingerprint.then(Fingerprint::new().text(&table.spellings()));
    }
    let layer = FilteredLayer {
        base: FilterBase {
            layer: Arc::clone(base),
            table,
        },
        text: text.clone(),
        selection,
        selected: OnceLock::new(),
        rows: OnceLock::new(),
        selecting: AtomicUsize::new(0),
        all: Arc::downgrade(layers),
    };
    let style: Arc<ResolvedStyle> = Arc::clone(&own.own_style);
    let source = LayerSource::Filtered(layer);
    let layer = ServedLayer::with_style(source, fingerprint, style, None, &own.budget);
    // If another request has added a layer for this condition meanwhile, that one is returned.
    layers.get_or_compute(&text, || layer)
}

/// Finds or makes the layer of those points of `layer` that fulfil the condition `filter`. Layers
/// without kept columns get an error with the reason.
pub(crate) fn select(layer: &ServedLayer, filter: &str) -> Result<Arc<ServedLayer>, ApiError> {
    let LayerSource::InMemory(base) = &layer.source else {
        return Err(ApiError::bad_request(match layer.is_live() {
            true => LIVE,
            false => NO_COLUMNS,
        }));
    };
    match &layer.filter_columns {
        Some(columns) if columns.can_filter(base) => columns.filtered(base, layer, filter.trim()),
        _ if base.data().versus().is_some() => Err(ApiError::bad_request(
            "filter: a comparison can't be filtered; filter the layers that it compares",
        )),
        _ if !base.data().categories().is_empty() => Err(ApiError::bad_request(NO_CATEGORIES)),
        _ if base.points().paged().is_some() => Err(ApiError::bad_request(PACKED_FILTER)),
        _ => Err(ApiError::bad_request(NO_COLUMNS)),
    }
}

const LIVE: &str = "filter: this layer is read from its database for every picture, which keeps no \
                    columns here; the condition belongs into its query";
const NO_CATEGORIES: &str = "this layer shows its points by category, and no column is kept that \
                             says which";
const PACKED_FILTER: &str = "filter: this layer's packed file has no columns; its operator can keep \
                             some (heatsplat pack --keep COLUMN)";
const FEWER: &str = "give one that fewer fulfil; its operator can allow more (heatsplat serve \
                     --filter-limit), or serve the points of a condition from a file of their own \
                     (heatsplat pack --filter)";
const NO_COLUMNS: &str = "filter: no columns are kept for this layer; its operator can keep \
                          some (heatsplat serve --keep COLUMN)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::query::Query;
    use heatsplat_loader::{LoadOptions, load_table, read};
    use heatsplat_render::{Level, Style};
    use heatsplat_time::{Timeline, Zone};
    use std::time::Duration;

    fn served(rows: usize) -> Arc<ServedLayer> {
        served_within(rows, &Arc::default())
    }

    fn served_within(rows: usize, budget: &Arc<MemoryBudget>) -> Arc<ServedLayer> {
        let rows: String = (0..rows)
            .map(|i| format!("{}.{i:06},{},{i}\n", i % 90, i % 60))
            .collect();
        let options = LoadOptions {
            keep: vec!["n".into()],
            ..LoadOptions::default()
        };
        let csv = std::io::Cursor::new(format!("lon,lat,n\n{rows}").into_bytes());
        let mut source = read(csv, "a.csv", &options).unwrap();
        let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
        let layer = Layer::on_cpu("a", points, Style::default());
        Arc::new(ServedLayer::new(
            LayerSource::InMemory(Arc::new(layer)),
            Some(Arc::new(table)),
            budget,
        ))
    }

    fn ask(served: &Arc<ServedLayer>, filter: &str) -> Arc<ServedLayer> {
        let text: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let query = Query::parse(Some(&format!("filter={text}")), &["filter"]).unwrap();
        Arc::clone(served).prepare(query).unwrap().layer
    }

    fn points(part: &ServedLayer) -> usize {
        match &part.source {
            LayerSource::Filtered(part) => part.layer().unwrap().points().summary().count,
            _ => 0,
        }
    }

    #[test]
    fn points_are_found_once_however_many_ask() {
        let served = served(50_000);
        let parts: Vec<_> = (0..8).map(|_| ask(&served, "n < 25000")).collect();
        std::thread::scope(|scope| {
            for part in &parts {
                scope.spawn(|| assert_eq!(points(part), 25_000));
            }
        });
        let layer = |part: &Arc<ServedLayer>| match &part.source {
            LayerSource::Filtered(part) => std::ptr::from_ref(part.layer().unwrap()),
            _ => std::ptr::null(),
        };
        assert!(parts.iter().all(|part| layer(part) == layer(&parts[0])));
        let other = ask(&served, "n < 25001").fingerprint;
        assert_ne!(parts[0].fingerprint, other);
        assert_ne!(served.fingerprint, other);
    }

    #[test]
    fn conditions_and_their_memory_are_bounded() {
        let served = served(1000);
        for i in 0..200 {
            assert_eq!(points(&ask(&served, &format!("n < {i}"))), i);
        }
        let is_there = |text: String| {
            let columns = served.filter_columns.as_ref().unwrap();
            columns.layers.has(&text)
        };
        let count =
            |texts: &mut dyn Iterator<Item = String>| texts.filter(|t| is_there(t.clone())).count();
        assert_eq!(
            count(&mut (0..200).map(|i| format!("n < {i}"))),
            MAX_FILTERS
        );
        // A layer whose condition is used again and again stays.
        for i in 0..100 {
            ask(&served, "n < 199");
            ask(&served, &format!("n > {i}"));
        }
        assert!(is_there("n < 199".to_owned()));
    }

    #[test]
    fn categories_keep_their_colours_and_count_as_memory() {
        let csv = "lon,lat,kind,n\n1,2,a,1\n3,4,a,2\n5,6,b,3\n7,8,other,4\n9,9,,5\n9,8,c,6\n";
        let options = LoadOptions {
            keep: vec!["kind".into(), "n".into()],
            ..LoadOptions::default()
        };
        let mut source = read(csv.as_bytes(), "a.csv", &options).unwrap();
        let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
        let parts = table.split(&points, "kind", 4).unwrap();
        let set = PointSet::new(points).in_categories(Category::with_palette(parts));
        let none = Layer::on_cpu("a", Points::from_slice(&[]), Style::default());
        let backend = Arc::clone(none.backend());
        let layer = Arc::new(Layer::new("a", Arc::new(set), Style::default(), backend));
        let whole = FilterBase {
            layer: Arc::clone(&layer),
            table: Arc::new(table.shown_by("kind")),
        };
        let shown = |set: &PointSet| -> Vec<_> {
            let all = set.categories().iter();
            let one = |c: &Category| (c.name.clone(), c.color, c.points().summary().count);
            all.map(one).collect()
        };
        let all = shown(layer.data());
        assert_eq!(
            all.iter().map(|c| c.2).collect::<Vec<_>>(),
            [2, 1, 1, 1, 1],
            "{all:?}"
        );
        for (filter, counts) in [
            ("n >= 2", [1, 1, 1, 1, 1]),
            ("n >= 5", [0, 0, 1, 0, 1]),
            ("kind = 'other'", [0, 0, 0, 1, 0]),
            ("n < 0", [0; 5]),
        ] {
            let part = whole.select(Some(&filter.parse().unwrap()), None).unwrap();
            let expected = all.iter().zip(counts);
            let expected: Vec<_> = expected.map(|((n, c, _), k)| (n.clone(), *c, k)).collect();
            assert_eq!(shown(&part), expected, "{filter}");
        }
        // Each point counts twice: in the whole set and in its category. There is a category for
        // the value `other`, and another one for the points whose value is not listed.
        assert!(bytes(&layer) > layer.points().bytes() * 3 / 2);
    }

    /// Windows of all lengths measure the scales that they share. Even so the points stay within
    /// the budget, and a scale has room in it.
    #[test]
    fn windows_and_the_sets_of_their_scales_are_bounded_too() {
        let budget = Arc::<MemoryBudget>::default();
        let served = served_within(20_000, &budget);
        let LayerSource::InMemory(layer) = &served.source else {
            unreachable!()
        };
        let layer = Arc::clone(layer);
        let hours = |row: usize| Some(row as i64 * 3_600_000_000);
        let step = Some("1d".parse().unwrap());
        let zone = Zone::UTC;
        let times = Timeline::new("n", layer.points(), hours, step, &zone).unwrap();
        budget.set_limit(layer.points().bytes());
        let style = layer.style();
        layer.normalizer(10, style);
        let served = Arc::into_inner(served).unwrap().with_times(times);
        let served = Arc::new(served);
        for time in [
            "1970",
            "1971",
            "1970-05",
            "1970-06-01/P20D",
            "../1971-05-01",
            "1970/P2Y",
        ] {
            let query = format!("time={time}");
            let query = Query::parse(Some(&query), &["filter", "time"]).unwrap();
            let part = Arc::clone(&served).prepare(query).unwrap().layer;
            assert!(points(&part) > 0, "{time}");
            if let LayerSource::Filtered(part) = &part.source {
                part.layer().unwrap().normalizer(10, style);
            }
            assert!(!budget.is_over(), "{time}: {budget:?}");
        }
    }

    /// Requests many filtered layers of two layers before the points of any are selected. Even so
    /// the points stay within the common budget, and a scale has room in it.
    #[test]
    fn points_that_are_selected_later_are_bounded_too() {
        let budget = Arc::<MemoryBudget>::default();
        let layers = [0, 1].map(|_| served_within(50_000, &budget));
        let LayerSource::InMemory(layer) = &layers[0].source else {
            unreachable!()
        };
        budget.set_limit(layer.points().bytes() * 5);
        let before = budget.used();
        let ask_all = || -> Vec<_> {
            let asked = layers
                .iter()
                .flat_map(|layer| (0..10).map(move |i| ask(layer, &format!("n >= {i}"))));
            asked.collect()
        };
        for part in ask_all() {
            points(&part);
            assert!(!budget.is_over(), "{budget:?}");
        }
        assert!(
            budget.used() - before > layer.points().bytes() * 3,
            "{budget:?}"
        );
        let style = Style::default();
        layer.normalizer(10, &style);
        assert!(!budget.is_over() && layer.has_normalizer(Level::from(10), &style));
    }

    #[test]
    fn a_short_condition_is_never_refused_but_its_time_is_expected() {
        let rows = 5000;
        let filter = "n < 25 or n > 75";
        let text: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let query = Query::parse(Some(&format!("filter={text}")), &["filter"]).unwrap();
        let request = served(rows).prepare(query).unwrap();
        let size = request.check_cost(None, []).unwrap();
        let compared = (rows * filter.len()) as u32;
        assert!(size.prepares && size.before > Duration::from_nanos(1) * compared);
    }
}
