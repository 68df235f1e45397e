//! The registry of layers. A layer is announced before its data are loaded, so that requests for it
//! are answered by 503 and not by 404. It is served as soon as its data are loaded.

use super::archived::TileArchive;
use super::backend_race::BackendRace;
use super::derived::{Derivation, DeriveError};
use super::entry::{LayerSource, ServedLayer, is_remote};
use super::layer_id::LayerId;
use super::live::LiveLayer;
use super::posted_points::PostedPoints;
use super::posting::{self, BearerToken};
use crate::cost::check_own_style;
use crate::http::error::ApiError;
use heatsplat_loader::Table;
use heatsplat_points::cancel::CancelToken;
use heatsplat_points::level;
use heatsplat_render::Layer;
use heatsplat_render::memo::budget::MemoryBudget;
use heatsplat_time::Timeline;
use indexmap::IndexMap;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant, SystemTime};

/// The deepest zoom whose scale is measured before requests need it. The tiles of deeper zooms show
/// few points, so measuring their scales takes hardly any time. A choice.
const WARM_ZOOM: u8 = 14;

/// The longest time that measuring a zoom's scale beforehand may take for a layer whose points come
/// from another machine. A choice.
const LONGEST_WARMING: Duration = Duration::from_secs(10);

/// The layers of a server. All clones refer to the same layers, so that another thread can load and
/// replace layers while the server runs.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    state: Arc<RwLock<State>>,
    watch: Arc<WatchCounters>,
    /// The memory budget of everything that layers prepare for requests: styles, statistics,
    /// scales, and the points of filters.
    budget: Arc<MemoryBudget>,
}

/// Counters of the thread that reads layers again when their sources change, if there is such a
/// thread.
#[derive(Debug, Default)]
pub(crate) struct WatchCounters {
    /// The time of the last sign of life of the thread that reads layers again, in seconds since
    /// 1970; 0 before the first one.
    pub(crate) last_look: AtomicU64,
    /// The number of times that a source or the configuration could not be read again.
    pub(crate) failures: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// The layers in the order of their announcement.
    pub(super) layers: IndexMap<LayerId, RegistryEntry>,
    /// The highest epoch of any removed layer. A new layer begins with a higher epoch, so that its
    /// ETags differ from the ETags of a removed layer with the same id, and clients don't use stale
    /// copies.
    removed_epoch: u64,
}

impl State {
    /// Finds a layer by its id. `sent` are the keys that a request has sent: the layer is found
    /// only if they open it. With `None`, keys are not checked.
    fn find(&self, id: &str, sent: Option<&[String]>) -> Result<Arc<ServedLayer>, ApiError> {
        let entry = self.layers.get(id);
        let entry = entry
            .filter(|entry| entry.expires.is_none() || !entry.is_expired(SystemTime::now()))
            .filter(|entry| sent.is_none_or(|sent| self.opens(entry, sent)))
            .ok_or(ApiError::not_found(
                "there is no such layer, or it needs a key; /catalog lists those there are",
            ))?;
        let why = match entry.failed {
            true => "this layer's source can't be read; the server has logged why",
            false => "this layer is still loading",
        };
        entry.layer.clone().ok_or(ApiError::unavailable(why))
    }

    /// Returns true if the keys `sent` open a layer. A layer that is computed from two others shows
    /// their data, so it needs the keys of both too. If one of the two is gone, the computed layer
    /// is closed, since the one that is gone may have had keys.
    fn opens(&self, entry: &RegistryEntry, sent: &[String]) -> bool {
        let derivation = entry.derivation.iter();
        let mut sources = derivation.flat_map(|derivation| derivation.sources());
        let is_open = |entry: &RegistryEntry| posting::is_open(&entry.keys, sent);
        is_open(entry) && sources.all(|id| self.layers.get(id).is_some_and(is_open))
    }
}

#[derive(Debug, Default)]
pub(super) struct RegistryEntry {
    /// The layer; `None` while it is loading.
    pub(super) layer: Option<Arc<ServedLayer>>,
    /// True if the layer's source can't be read, and has never been read.
    failed: bool,
    /// The formula, if the layer is computed from two others; otherwise `None`.
    derivation: Option<Derivation>,
    /// The time when a posted layer expires; `None` for other layers.
    pub(super) expires: Option<SystemTime>,
    /// The facts about a layer whose points were posted; `None` for all other layers.
    pub(super) points: Option<PostedPoints>,
    /// The keys of the layer, each of which opens it. If there are none, the layer is open to all
    /// requests.
    keys: Vec<BearerToken>,
    /// The last race of two backends on the layer's tiles; `None` if there was none.
    race: Option<BackendRace>,
}

impl RegistryEntry {
    pub(super) fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// The data of a loaded layer, by their kind.
#[derive(Debug)]
pub enum NewLayer {
    /// Points in memory, and a table of the columns by which requests may filter the points. The
    /// table is empty if no columns are kept.
    InMemory(Layer, Table),
    /// Points in memory, a table of the columns by which requests may filter the points, and the
    /// points' times, of which requests may ask for a window.
    Timed(Layer, Table, Timeline),
    /// Rows that are read for every picture.
    Live(LiveLayer),
    /// Tiles that were rendered earlier.
    Archive(Arc<dyn TileArchive>),
}

impl NewLayer {
    fn served(self, epoch: u64, budget: &Arc<MemoryBudget>) -> ServedLayer {
        let in_memory = |layer: Layer, table: Table| {
            let table = (!table.is_empty()).then(|| Arc::new(table));
            let layer = layer.at_epoch(epoch).within(budget);
            let layer = match is_remote(&layer) {
                // A slow server may not hold a turn beyond the request that waits for it.
                true => layer.measured_for_requests(),
                false => layer,
            };
            (LayerSource::in_memory(layer), table)
        };
        let (source, table) = match self {
            Self::InMemory(layer, table) => in_memory(layer, table),
            Self::Timed(layer, table, timeline) => {
                let (source, table) = in_memory(layer, table);
                return ServedLayer::new(source, table, budget).with_times(timeline);
            }
            Self::Live(live) => (LayerSource::Live(live.at_epoch(epoch)), None),
            Self::Archive(archive) => (LayerSource::Archive(archive), None),
        };
        ServedLayer::new(source, table, budget)
    }
}

impl Registry {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a layer whose data are not loaded yet, and returns its id. The id is made from the
    /// name. If this id is taken, or begins the path of another route, `-2` or a higher number is
    /// appended.
    pub fn announce(&self, name: &str) -> LayerId {
        let mut state = self.write();
        let id = LayerId::free(name, |id| state.layers.contains_key(id));
        state.layers.insert(id.clone(), RegistryEntry::default());
        id
    }

    /// The ids that [`announce`](Self::announce) would give to layers named `names` if they were
    /// announced in this order in an empty registry.
    pub fn ids_for<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<LayerId> {
        let mut ids = Vec::new();
        for name in names {
            ids.push(LayerId::free(name, |id| ids.contains(id)));
        }
        ids
    }

    /// Replaces all layers in one step, except posted and derived ones, which stay. Afterwards the
    /// registry has the layers of `ids`, in this order. A layer that is in `new` has the data
    /// there. One that is not in `new` keeps its present data; if it has none, it counts as
    /// loading.
    pub fn replace_all(&self, ids: &[LayerId], new: Vec<(LayerId, NewLayer)>) {
        let open: Vec<_> = ids.iter().map(|id| (id.clone(), Vec::new())).collect();
        self.replace_all_with_keys(&open, new);
    }

    /// Replaces all layers in one step, as [`replace_all`](Self::replace_all) does, and sets the
    /// keys that open each of them. A layer with an empty list of keys is open to all requests.
    pub fn replace_all_with_keys(
        &self,
        layers: &[(LayerId, Vec<BearerToken>)],
        new: Vec<(LayerId, NewLayer)>,
    ) {
        let before = |id: &LayerId| match self.get(id.as_str()) {
            Ok(served) => served.epoch(),
            Err(_) => self.read().removed_epoch,
        };
        let changed: Vec<LayerId> = new.iter().map(|(id, _)| id.clone()).collect();
        // Preparing the layers takes time, so it is done before the lock is taken.
        let mut new: HashMap<LayerId, Arc<ServedLayer>> = new
            .into_iter()
            .map(|(id, layer)| {
                let served = layer.served(before(&id) + 1, &self.budget);
                (id, Arc::new(served))
            })
            .collect();
        let mut state = self.write();
        let mut old = std::mem::take(&mut state.layers);
        for (id, keys) in layers {
            let old = old.shift_remove(id).unwrap_or_default();
            let layer = new.remove(id).or(old.layer);
            let entry = RegistryEntry {
                failed: old.failed && layer.is_none(),
                layer,
                keys: keys.clone(),
                race: old.race,
                ..RegistryEntry::default()
            };
            state.layers.insert(id.clone(), entry);
        }
        for (id, entry) in old {
            if entry.expires.is_some() || entry.derivation.is_some() {
                state.layers.insert(id, entry);
            } else if let Some(layer) = entry.layer {
                state.removed_epoch = state.removed_epoch.max(layer.epoch());
            }
        }
        drop(state);
        changed.iter().for_each(|id| self.update_derived(id));
    }

    /// Marks an announced layer as one whose source can't be read. If the layer has no data,
    /// [`ready`](Self::ready) doesn't wait for it any more. The mark ends when the layer gets data.
    pub fn mark_failed(&self, id: &LayerId) {
        if let Some(entry) = self.write().layers.get_mut(id) {
            entry.failed = entry.layer.is_none();
        }
    }

    /// Records the present time, for `/metrics`, as the last sign of life of the thread that reads
    /// layers again.
    pub fn record_look(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_secs());
        self.watch.last_look.store(now, Ordering::Relaxed);
    }

    /// Counts, for `/metrics`, one failure to read a source or the configuration again.
    pub fn record_failure(&self) {
        self.watch.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn budget(&self) -> &Arc<MemoryBudget> {
        &self.budget
    }

    pub(crate) fn watch_counters(&self) -> &WatchCounters {
        &self.watch
    }

    /// Records the outcome of a race of two backends on a layer's tiles, which the catalog shows.
    pub fn record_race(&self, id: &LayerId, race: BackendRace) {
        if let Some(entry) = self.write().layers.get_mut(id) {
            entry.race = Some(race);
        }
    }

    /// The last race of two backends on a layer's tiles; `None` if there was none.
    pub(crate) fn race(&self, id: &LayerId) -> Option<BackendRace> {
        self.read().layers.get(id)?.race.clone()
    }

    /// Gives data to an announced layer, or replaces its data. Requests that have begun finish with
    /// the previous data.
    pub fn put(&self, id: &LayerId, layer: Layer) {
        self.put_with_table(id, layer, Table::default());
    }

    /// Gives data to an announced layer, as [`put`](Self::put) does, and also the columns by which
    /// requests may filter its points.
    pub fn put_with_table(&self, id: &LayerId, layer: Layer, table: Table) {
        self.put_new(id, NewLayer::InMemory(layer, table));
    }

    /// Gives data to an announced layer, as [`put_with_table`](Self::put_with_table) does, and also
    /// the times of its points, of which requests may ask for a window. `timeline` must be made for
    /// the layer's points.
    pub fn put_timed(&self, id: &LayerId, layer: Layer, table: Table, timeline: Timeline) {
        self.put_new(id, NewLayer::Timed(layer, table, timeline));
    }

    /// Makes an announced layer a live one, whose rows are read for every picture.
    pub fn put_live(&self, id: &LayerId, live: LiveLayer) {
        self.put_new(id, NewLayer::Live(live));
    }

    /// Makes an announced layer one whose tiles come from an archive.
    pub fn put_archive(&self, id: &LayerId, archive: Arc<dyn TileArchive>) {
        self.put_new(id, NewLayer::Archive(archive));
    }

    fn put_new(&self, id: &LayerId, layer: NewLayer) {
        let before = self.get(id.as_str()).map_or(0, |served| served.epoch());
        let served = Arc::new(layer.served(before + 1, &self.budget));
        if let Some(entry) = self.write().layers.get_mut(id) {
            entry.layer = Some(served);
            entry.failed = false;
        }
        self.update_derived(id);
    }

    /// Adds a layer that is computed from two others by the formula `derivation`, and returns its
    /// id. Whenever one of the two changes, the layer is computed again.
    ///
    /// # Errors
    /// If one of the two layers doesn't exist, has no points in memory, or is itself computed from
    /// others. Also if tiles in the layer's style would take much longer than `deadline`, the
    /// longest time that drawing may take.
    pub fn derive(
        &self,
        name: &str,
        derivation: Derivation,
        deadline: Duration,
    ) -> Result<LayerId, DeriveError> {
        let layer = self.compute(name, &derivation)?;
        check_own_style(&layer, deadline)?;
        let id = self.announce(name);
        if let Some(entry) = self.write().layers.get_mut(&id) {
            entry.derivation = Some(derivation);
        }
        self.put(&id, layer);
        Ok(id)
    }

    fn compute(&self, name: &str, derivation: &Derivation) -> Result<Layer, DeriveError> {
        let find = |id: &str| -> Result<Arc<Layer>, DeriveError> {
            let refuse = |why| {
                Err(DeriveError::Source {
                    layer: id.to_owned(),
                    why,
                })
            };
            let Ok(served) = self.get(id) else {
                return refuse("is no layer here");
            };
            match &served.source {
                LayerSource::InMemory(layer) if layer.data().versus().is_some() => {
                    refuse("is itself made of others")
                }
                LayerSource::InMemory(layer) => Ok(Arc::clone(layer)),
                _ => refuse("has no points here: it is live, or an archive"),
            }
        };
        let (first, second) = (find(&derivation.first)?, find(&derivation.second)?);
        let (comparison, mut style) = (derivation.comparison, derivation.style.clone());
        if derivation.follows_radius {
            style = style.with_radius(first.style().radius().clone());
        }
        let made = first.against(comparison, &second, name, style);
        made.data().check(made.style().measure())?;
        Ok(made)
    }

    /// Computes all layers again whose formula contains the layer `id`.
    fn update_derived(&self, id: &LayerId) {
        let state = self.read();
        let entries = state.layers.iter();
        let derived: Vec<(LayerId, Derivation)> = entries
            .filter_map(|(id, entry)| Some((id.clone(), entry.derivation.clone()?)))
            .filter(|(_, derivation)| derivation.sources().contains(&id.as_str()))
            .collect();
        drop(state);
        for (id, derivation) in derived {
            let name = self.get(id.as_str()).map(|served| served.name().to_owned());
            let name = name.as_deref().unwrap_or(id.as_str());
            if let Ok(layer) = self.compute(name, &derivation) {
                self.put(&id, layer);
            }
        }
    }

    /// The ids of all layers, in the order in which the layers were announced.
    pub fn ids(&self) -> Vec<LayerId> {
        self.read().layers.keys().cloned().collect()
    }

    /// Discards the measured colour scales of a live layer, whose rows have changed. Layers of
    /// other kinds are left unchanged.
    pub fn reset_scales(&self, id: &LayerId) {
        let known = self.get(id.as_str()).ok();
        if let Some(live) = known.as_deref().and_then(|served| served.source.live()) {
            self.put_live(id, live.renewed());
        }
    }

    /// Measures the colour scales of all layers in memory at the zooms from 0 to 14, so that no
    /// request has to wait for them. This takes a while, so it should be called on a thread of its
    /// own. For a layer whose points come from another machine, the measuring ends at the first
    /// zoom that takes over 10 seconds, so that the other layers need not wait.
    pub fn warm(&self) {
        let mut given_up = HashSet::new();
        for z in 0..=WARM_ZOOM {
            for (id, served) in self.all().0 {
                let LayerSource::InMemory(layer) = &served.source else {
                    continue;
                };
                if given_up.contains(&id) {
                    continue;
                }
                let deadline = is_remote(layer).then(|| Instant::now() + LONGEST_WARMING);
                let token = CancelToken::new(deadline, u64::MAX);
                let scale = || layer.normalizer(level::of_zoom(z), served.style());
                let span = tracing::debug_span!("statistics", layer = %id, z);
                // Points that can't be read are reported to those who ask for pictures.
                let ended = span.in_scope(|| token.run(scale));
                if ended.is_err() && deadline.is_some() {
                    given_up.insert(id);
                }
            }
        }
    }

    /// Returns true if no announced layer is loading any more: each has its data, or its source
    /// can't be read.
    pub fn ready(&self) -> bool {
        let state = self.read();
        let mut entries = state.layers.values();
        entries.all(|entry| entry.layer.is_some() || entry.failed)
    }

    /// The ids of the layers whose sources can't be read.
    pub(crate) fn failed(&self) -> Vec<LayerId> {
        let state = self.read();
        let failed = state.layers.iter().filter(|(_, entry)| entry.failed);
        failed.map(|(id, _)| id.clone()).collect()
    }

    /// Sets the keys of a layer, each of which opens it. With an empty list, the layer is open to
    /// all requests.
    pub fn protect(&self, id: &LayerId, keys: Vec<BearerToken>) {
        if let Some(entry) = self.write().layers.get_mut(id) {
            entry.keys = keys;
        }
    }

    /// Finds a layer by its id, without checking keys.
    pub(crate) fn get(&self, id: &str) -> Result<Arc<ServedLayer>, ApiError> {
        self.read().find(id, None)
    }

    /// Finds a layer by its id for a request that has sent the keys `sent`. A layer that these keys
    /// don't open is not found, as if it didn't exist.
    pub(crate) fn open(&self, id: &str, sent: &[String]) -> Result<Arc<ServedLayer>, ApiError> {
        self.read().find(id, Some(sent))
    }

    /// Returns true if the layer exists and a request that has sent the keys `sent` may see it.
    pub(crate) fn is_open(&self, id: &LayerId, sent: &[String]) -> bool {
        let state = self.read();
        let entry = state.layers.get(id);
        entry.is_some_and(|entry| state.opens(entry, sent))
    }

    /// Returns whether any layer has keys.
    pub(crate) fn has_keys(&self) -> bool {
        let state = self.read();
        state.layers.values().any(|entry| !entry.keys.is_empty())
    }

    /// All layers that have data, with their ids, and the ids of the layers that are still loading.
    pub(crate) fn all(&self) -> (Vec<(LayerId, Arc<ServedLayer>)>, Vec<LayerId>) {
        let state = self.read();
        let (mut loaded, mut loading) = (Vec::new(), Vec::new());
        let now = SystemTime::now();
        let entries = state.layers.iter();
        for (id, entry) in entries.filter(|(_, entry)| !entry.is_expired(now)) {
            match &entry.layer {
                Some(layer) => loaded.push((id.clone(), Arc::clone(layer))),
                None if entry.failed => {}
                None => loading.push(id.clone()),
            }
        }
        (loaded, loading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::Points;

    #[test]
    fn no_two_layers_share_a_name_and_none_hides_a_route() {
        let layers = Registry::default();
        let mut names = vec!["a", "A", "a-2", "a", "health", "viewer"];
        let long = "y".repeat(100);
        names.extend([long.as_str(), long.as_str()]);
        let ids: Vec<_> = names.iter().map(|name| layers.announce(name)).collect();
        let text: Vec<_> = ids.iter().map(LayerId::as_str).collect();
        assert_eq!(
            text[..6],
            ["a", "a-2", "a-2-2", "a-3", "health-2", "viewer-2"]
        );
        assert_eq!((text[6].len(), text[7].len()), (64, 64));
        assert_ne!(text[6], text[7]);
        assert_eq!(Registry::ids_for(names), ids);
    }

    fn loaded(id: &LayerId) -> (LayerId, NewLayer) {
        let points = Points::from_lon_lat([(1.0, 2.0, 1.0)]).unwrap();
        let layer = Layer::on_cpu(id.as_str(), points, heatsplat_render::Style::default());
        (id.clone(), NewLayer::InMemory(layer, Table::default()))
    }

    #[test]
    fn layers_are_arranged_at_once_and_epochs_never_fall() {
        let layers = Registry::default();
        let ids = Registry::ids_for(["a", "b"]);
        layers.replace_all(&ids, vec![loaded(&ids[0])]);
        assert!(!layers.ready());
        layers.replace_all(&ids, vec![loaded(&ids[1])]);
        layers.replace_all(&ids, vec![loaded(&ids[1])]);
        let epochs = |layers: &Registry| -> Vec<_> {
            let (there, _) = layers.all();
            there
                .iter()
                .map(|(id, s)| (id.to_string(), s.epoch()))
                .collect()
        };
        assert_eq!(epochs(&layers), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
        layers.replace_all(&ids[..1], vec![]);
        assert!(layers.get("b").is_err() && layers.ready());
        layers.replace_all(&[ids[1].clone(), ids[0].clone()], vec![loaded(&ids[1])]);
        assert_eq!(epochs(&layers), [("b".to_owned(), 3), ("a".to_owned(), 1)]);
    }

    #[test]
    fn a_layer_that_failed_is_not_waited_for() {
        let layers = Registry::default();
        let ids = Registry::ids_for(["a", "b"]);
        layers.replace_all(&ids, vec![loaded(&ids[0])]);
        assert!(!layers.ready());
        layers.mark_failed(&ids[1]);
        // A layer that has data doesn't count as failed, even if reading it again fails.
        layers.mark_failed(&ids[0]);
        layers.replace_all(&ids, vec![]);
        assert!(layers.ready() && layers.get("b").is_err() && layers.get("a").is_ok());
        assert_eq!(layers.failed(), [ids[1].clone()]);
        assert!(layers.all().1.is_empty());
        layers.replace_all(&ids, vec![loaded(&ids[1])]);
        assert!(layers.failed().is_empty() && layers.get("b").is_ok());
    }
}
