//! Windows of time: finds the layer of those points of another layer that lie in a window and
//! fulfil a condition, if there is one. Windows of about one length share the statistics of their
//! scales.

use super::{FilterBase, FilteredLayers, NO_CATEGORIES, NO_COLUMNS, Selection, add, counted_bytes};
use crate::http::error::ApiError;
use crate::http::query::AskedTime;
use crate::layers::entry::{LayerSource, ServedLayer};
use crate::layers::windows::LayerWindow;
use heatsplat_loader::Filter;
use heatsplat_render::memo::Memo;
use heatsplat_render::memo::budget::MemoryBudget;
use heatsplat_render::{Layer, PointSet, SharedStatistics};
use heatsplat_time::{LengthClass, Timeline};
use std::sync::Arc;

/// The largest number of windows that one layer keeps. A choice: a map that plays asks for some
/// sixty.
const MAX_WINDOWS: usize = 128;

/// The largest number of statistics that one layer keeps for its windows: one for each class of
/// lengths and each condition. A choice.
const MAX_HELD: usize = 16;

/// The times of a layer's points, and the windows that are in use.
#[derive(Debug)]
pub(crate) struct TimeDimension {
    pub(crate) timeline: Arc<Timeline>,
    layers: Arc<FilteredLayers>,
    /// The statistics that windows of about one length share. The key is a text of the class of the
    /// length and of the condition.
    held: Memo<String, SharedStatistics>,
}

impl TimeDimension {
    /// Makes the times of a layer. The memory of the windows that requests ask for is counted in
    /// `budget`.
    pub(crate) fn new(timeline: Timeline, budget: &Arc<MemoryBudget>) -> Self {
        let bytes = |text: &String, layer: &ServedLayer| text.len() + counted_bytes(layer);
        Self {
            timeline: Arc::new(timeline),
            layers: Arc::new(Memo::counted(MAX_WINDOWS, budget, bytes)),
            held: Memo::counted(MAX_HELD, budget, |text, _| text.len()),
        }
    }

    /// The statistics that all windows of a class of lengths share if the points also fulfil
    /// `filter`, whose text is `condition`; without a filter, it is empty. They are measured in
    /// windows of the points in `from`, which belong to the layer `own`.
    fn shared(
        &self,
        class: LengthClass,
        condition: &str,
        filter: Option<&Filter>,
        from: &FilterBase,
        own: &ServedLayer,
    ) -> Arc<SharedStatistics> {
        let (timeline, from, filter) = (Arc::clone(&self.timeline), from.clone(), filter.cloned());
        let sets = move || {
            let windows = LayerWindow::positions(&timeline, class).into_iter();
            // The condition fits the columns, which was checked before.
            let sets = windows.filter_map(|at| from.select(filter.as_ref(), Some(&at)).ok());
            let signed = from.layer.data().is_signed();
            let sets = sets.map(|mut set| {
                set.set_signed(signed);
                set
            });
            sets.collect::<Vec<PointSet>>()
        };
        // Anyone may ask for a window. A condition is the wish of one request.
        let make = || match condition {
            "" => SharedStatistics::new(&own.budget, sets).measured_to_the_end(),
            _ => SharedStatistics::new(&own.budget, sets),
        };
        let key = format!("{}\n{condition}", class.number());
        self.held.get_or_compute(&key, make)
    }
}

/// Finds or makes the layer of those points of `own` that lie in a window of time and fulfil the
/// condition `filter`, if there is one. The layer is kept in `times`, apart from the filtered
/// layers that show all times. `base` has the points of the unfiltered layer `own`.
fn window_of(
    times: &TimeDimension,
    (base, own): (&Arc<Layer>, &ServedLayer),
    filter: Option<&str>,
    window: LayerWindow,
) -> Result<Arc<ServedLayer>, ApiError> {
    let filter = filter.map(str::trim);
    let condition = filter.unwrap_or_default();
    let text = format!("{}\n{condition}", window.key());
    if let Some(layer) = times.layers.get(&text) {
        return Ok(layer);
    }
    let columns = own.filter_columns.as_ref();
    let filter = match (filter, columns) {
        (None, _) => None,
        (Some(filter), Some(columns)) => Some(columns.parse(filter)?),
        (Some(_), None) => return Err(ApiError::bad_request(NO_COLUMNS)),
    };
    let table = columns.map_or_else(Arc::default, |columns| Arc::clone(&columns.table));
    let set = base.data();
    if set.versus().is_some() || set.widest().is_some() {
        return Err(ApiError::bad_request(
            "time: windows of time are for points of one layer with one radius; ask the layers that \
             a comparison is made of",
        ));
    }
    if !set.categories().is_empty() && table.by().is_none() {
        return Err(ApiError::bad_request(NO_CATEGORIES));
    }
    let from = FilterBase {
        layer: Arc::clone(base),
        table: Arc::clone(&table),
    };
    let class = window.class();
    let shared = class.map(|class| times.shared(class, condition, filter.as_ref(), &from, own));
    let selection = Selection {
        filter,
        window: Some(window),
        shared,
    };
    Ok(add(&times.layers, (base, own), text, table, selection))
}

/// Finds or makes the layer of those points of `layer` that lie in a window of time and fulfil the
/// condition `filter`, if there is one. Layers without times get an error with the reason.
pub(crate) fn select_window(
    layer: &ServedLayer,
    filter: Option<&str>,
    asked: &AskedTime,
) -> Result<Arc<ServedLayer>, ApiError> {
    let AskedTime {
        name,
        query,
        is_held,
    } = asked;
    let (LayerSource::InMemory(base), Some(times)) = (&layer.source, &layer.times) else {
        let why = why_timeless(layer);
        return Err(ApiError::bad_request(format!("{name}: {why}")));
    };
    let window = query.resolve(times.timeline.buckets());
    let window = window.map_err(|e| ApiError::bad_request(format!("{name}: {e}")))?;
    let window = LayerWindow::new(&times.timeline, window, *is_held);
    window_of(times, (base, layer), filter, window)
}

/// The reason why a layer has no windows of time.
pub(crate) fn why_timeless(layer: &ServedLayer) -> &'static str {
    match &layer.source {
        LayerSource::Live(_) => LIVE_TIMES,
        LayerSource::Archive(_) => ARCHIVE,
        LayerSource::InMemory(layer) if layer.data().versus().is_some() => COMPARISON,
        LayerSource::InMemory(layer) if layer.points().paged().is_some() => PACKED,
        _ => NO_TIMES,
    }
}

const ARCHIVE: &str = "this layer is an archive of tiles, which are drawn already";
const LIVE_TIMES: &str = "this layer is read from its database for every picture, and windows of time are \
                    for layers in memory; the condition belongs into its query";
const PACKED: &str = "windows of time are for layers in memory, and a packed file has no times";
const COMPARISON: &str = "a comparison of two layers has no windows of time; ask the layers that it \
                          compares";
const NO_TIMES: &str = "this layer's rows have no times; its operator can name their column \
                        (heatsplat serve --time COLUMN)";
