//! Reconciliation of the server with a configuration: first the layers that the configuration asks
//! for are read, then they replace the server's layers all at once.

use super::config::{LayerConfig, ServeConfig};
use super::databases::{DatabaseConfig, Pool};
use super::expand::{self, is_pipe, layer_ids, layer_name};
use super::failed_layer::FailedLayer;
use super::layer_backends::LayerBackends;
use super::loaded_layer::{FirstReading, LoadedLayer, Reload, file_state};
use crate::cli::archive_layer::ArchiveLayer;
use crate::cli::error::{BoxError, with_causes};
use crate::cli::layer_style::LayerStyle;
use crate::cli::load::{negative_share, validator};
use crate::cli::logging::say;
use crate::cli::packed_rows;
use heatsplat::Layer;
use heatsplat::points::cancel::CancelToken;
use heatsplat_server::{
    BearerToken, Derivation, DeriveError, LayerId, NewLayer, Registry, check_own_style,
};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The action that an update takes for one layer.
pub(super) enum Action {
    /// Reads a layer that is new or has a new configuration.
    Add(LayerId, LayerConfig),
    /// Reads a layer again. If the reading fails, the layer stays unchanged.
    Reload(LoadedLayer),
    /// Discards the scales and the cached tiles of a live layer. Its rows are read for each picture
    /// anyway.
    Renew(LoadedLayer),
    /// Leaves a layer as it is.
    Keep(LoadedLayer),
    /// Tries again to read a layer that has not been read successfully so far.
    Retry(FailedLayer),
    Leave(FailedLayer),
}

/// The layers of a server, the backends that draw them, and the connections to databases from which
/// they are read. Its methods bring the layers up to date with a configuration.
pub(super) struct LayerSet {
    layers: Registry,
    backends: LayerBackends,
    /// The longest time that the server spends on drawing one picture.
    draw_deadline: Duration,
    pub(super) loaded: Vec<LoadedLayer>,
    failed: Vec<FailedLayer>,
    /// The configuration keys ([`LayerConfig::key`]) of the folders that had no files of points at
    /// the start.
    pub(super) empty: Vec<String>,
    /// The names and definitions of derived layers that could not be made so far.
    underived: Vec<(String, Derivation)>,
    /// The style of derived layers.
    derived_style: LayerStyle,
    pools: Vec<(String, Arc<Pool>)>,
}

impl LayerSet {
    pub(super) fn new(layers: Registry, backends: LayerBackends, draw_deadline: Duration) -> Self {
        Self {
            layers,
            backends,
            draw_deadline,
            loaded: Vec::new(),
            failed: Vec::new(),
            empty: Vec::new(),
            underived: Vec::new(),
            derived_style: LayerStyle::default(),
            pools: Vec::new(),
        }
    }

    /// Announces the ids of a configuration's layers to the server, before the layers are read. So
    /// the server knows the layers while they are loading.
    pub(super) fn announce(&mut self, config: &ServeConfig) -> Result<(), BoxError> {
        let (wanted, _) = expand::layers_at_start(config)?;
        self.layers
            .replace_all_with_keys(&with_keys(&wanted), Vec::new());
        Ok(())
    }

    /// Reads all layers one after the other. Each is served as soon as it is read. A layer that
    /// can't be read is reported, and is tried again later.
    ///
    /// # Errors
    /// An error if no layer can be read, or if any can't be read and the configuration requires all
    /// of them.
    pub(super) fn fill(&mut self, config: &ServeConfig) -> Result<(), BoxError> {
        let wanted;
        (wanted, self.empty) = expand::layers_at_start(config)?;
        let announced = with_keys(&wanted);
        let mut all: Vec<_> = announced.iter().zip(wanted).collect();
        // A pipe may wait for its writer, so pipes come last.
        all.sort_by_key(|(_, layer)| layer.source == "-" || is_pipe(&layer.source));
        let mut first_error = None;
        let mut unsaid: Vec<String> = Vec::new();
        for ((id, _), layer) in all {
            // The state of the file is noted before the file is read, so that a change during the
            // reading is noticed later.
            let unread = LoadedLayer::new(id.clone(), layer.clone());
            match self.read(id, layer.clone(), FirstReading::default()) {
                Ok((loaded, arrived)) => {
                    self.layers
                        .replace_all_with_keys(&announced, vec![(id.clone(), arrived)]);
                    self.loaded.push(loaded);
                }
                Err(error) => {
                    let why = with_causes(&*error);
                    unsaid.push(format!("heatsplat: {id} is not served for now: {why}"));
                    let error = layer.name_line(error);
                    if config.server.require_all {
                        return Err(error);
                    }
                    first_error.get_or_insert(error);
                    self.failed.push(FailedLayer { layer: unread, why });
                    self.layers.mark_failed(id);
                }
            }
            // Messages wait until one layer is served. If none is ever served, the program ends
            // with an error, which has the reason.
            if !self.loaded.is_empty() {
                unsaid.drain(..).for_each(|line| say!("{line}"));
            }
        }
        // If layers are served already, a database that can't publish its tables ends nothing.
        let is_needed = config.server.require_all || self.loaded.is_empty();
        let published = match self.published_layers(config, &Reload::Config) {
            Err(error) if is_needed => return Err(error),
            Err(error) => {
                say!("heatsplat: {error}; its tables are not served for now");
                Vec::new()
            }
            Ok(published) => published,
        };
        let wanted = self.configured_layers(config, &Reload::Config)?;
        self.update_to(config, &Reload::Config, wanted, published)?;
        match first_error {
            Some(error) if self.loaded.is_empty() => return Err(error),
            _ => unsaid.into_iter().for_each(|line| say!("{line}")),
        }
        self.underived.clone_from(&config.server.derive);
        self.derived_style = config.default_style.clone();
        self.derive_missing()
    }

    /// Makes the derived layers in `underived`. A derived layer stays there as long as one of the
    /// two layers that it is made of can't be read.
    fn derive_missing(&mut self) -> Result<(), BoxError> {
        let failed = |id: &str| self.failed.iter().any(|f| f.layer.id.as_str() == id);
        let (later, now): (Vec<_>, Vec<_>) = std::mem::take(&mut self.underived)
            .into_iter()
            .partition(|(_, derived)| derived.sources().into_iter().any(failed));
        self.underived = later;
        for (name, derived) in now {
            let made = self.layers.derive(
                &name,
                self.derived_style.applied_to(derived),
                self.draw_deadline,
            );
            made.map_err(|error| match error {
                DeriveError::Style(_) => format!("derive {name}: {error} (--draw-deadline)"),
                _ => format!("derive {name}: {error}"),
            })?;
        }
        Ok(())
    }

    /// Replaces the layers of the server by those of a configuration, all at once. Before that it
    /// reads the new layers, the layers whose configuration has changed, and the layers that
    /// `reload` concerns. All other layers stay unchanged.
    ///
    /// # Errors
    /// An error if a layer can't be read that is new or whose configuration has changed; then all
    /// layers stay unchanged. If a layer can't be read again for `reload`, this is no error: it is
    /// reported, and only this layer stays unchanged.
    pub(super) fn update(&mut self, config: &ServeConfig, reload: &Reload) -> Result<(), BoxError> {
        let wanted = self.configured_layers(config, reload)?;
        let published = self.published_layers(config, reload)?;
        self.update_to(config, reload, wanted, published)
    }

    /// Does the work of [`update`](Self::update) for given layers: `wanted`, those of the
    /// configuration, and `published`, those that its databases publish.
    fn update_to(
        &mut self,
        config: &ServeConfig,
        reload: &Reload,
        mut wanted: Vec<LayerConfig>,
        published: Vec<LayerConfig>,
    ) -> Result<(), BoxError> {
        wanted.extend(published);
        let ids = with_keys(&wanted);
        let actions = ids.iter().zip(wanted);
        let actions = actions.map(|((id, _), layer)| self.action(id, layer, reload));
        let actions: Vec<Action> = actions.collect::<Result<_, _>>()?;

        let (mut loaded, mut arrived, mut renewed) = (Vec::new(), Vec::new(), Vec::new());
        let mut failed = Vec::new();
        for action in actions {
            match action {
                Action::Add(id, layer) => {
                    let read = self.read(&id, layer.clone(), FirstReading::default());
                    let (new, data) = read.map_err(|error| layer.name_line(error))?;
                    loaded.push(new);
                    arrived.push((id, data));
                }
                Action::Reload(old) => match self.reread(&old) {
                    Ok((new, data)) => {
                        arrived.push((new.id.clone(), data));
                        loaded.push(new);
                    }
                    Err(error) => {
                        say!("heatsplat: {} stays as it was: {error}", old.id);
                        self.layers.record_failure();
                        loaded.push(old);
                    }
                },
                Action::Retry(old) => match self.retry(old) {
                    Ok((new, data)) => {
                        arrived.push((new.id.clone(), data));
                        loaded.push(new);
                    }
                    Err(old) => failed.push(*old),
                },
                Action::Leave(old) => failed.push(old),
                Action::Renew(old) => {
                    renewed.push(old.id.clone());
                    loaded.push(old);
                }
                Action::Keep(old) => loaded.push(old),
            }
        }
        // The connections to a database are closed if the database is no longer in the
        // configuration, or is configured differently now.
        let is_wanted = |key: &str| config.databases.iter().any(|d| d.key() == key);
        self.pools.retain(|(key, _)| is_wanted(key));
        self.layers.replace_all_with_keys(&ids, arrived);
        renewed.iter().for_each(|id| self.layers.reset_scales(id));
        self.loaded = loaded;
        self.failed = failed;
        if let Err(error) = self.derive_missing() {
            say!("heatsplat: {error}");
        }
        self.backends.start_races();
        Ok(())
    }

    /// Tries again to read a layer that could not be read before. If that fails for another reason
    /// than before, the reason is reported.
    fn retry(&mut self, old: FailedLayer) -> Result<(LoadedLayer, NewLayer), Box<FailedLayer>> {
        let FailedLayer { layer, why } = old;
        let layer = LoadedLayer::new(layer.id, layer.config);
        match self.read(&layer.id, layer.config.clone(), FirstReading::default()) {
            Ok(read) => {
                say!("heatsplat: {} is served now", layer.id);
                Ok(read)
            }
            Err(error) => {
                self.layers.record_failure();
                let now = with_causes(&*error);
                if now != why {
                    say!("heatsplat: {} is not served for now: {now}", layer.id);
                }
                Err(Box::new(FailedLayer { layer, why: now }))
            }
        }
    }

    /// Chooses the action that brings one layer up to date.
    fn action(
        &self,
        id: &LayerId,
        layer: LayerConfig,
        reload: &Reload,
    ) -> Result<Action, BoxError> {
        let old = self.loaded.iter().find(|loaded| loaded.id == *id);
        let Some(old) = old.filter(|old| old.config.key == layer.key) else {
            let failed = self.failed.iter().find(|failed| failed.layer.id == *id);
            if let Some(failed) = failed.filter(|failed| failed.layer.config.key == layer.key) {
                return Ok(failed.action(layer, reload));
            }
            if is_pipe(&layer.source) {
                let message = format!("{}: a pipe is read when the server starts", layer.source);
                return Err(layer.name_line(message));
            }
            return Ok(Action::Add(id.clone(), layer));
        };
        let mut kept = LoadedLayer {
            id: id.clone(),
            config: layer,
            validator: old.validator.clone(),
            ..old.clone()
        };
        if !kept.is_in(reload) {
            return Ok(Action::Keep(kept));
        }
        let is_stale = kept.is_stale();
        kept.read = kept.file_state();
        kept.at = Instant::now();
        Ok(match is_stale {
            Err(error) => {
                say!("heatsplat: {id} stays as it was: {error}");
                Action::Keep(kept)
            }
            Ok(false) => Action::Keep(kept),
            Ok(true) if kept.config.live => Action::Renew(kept),
            Ok(true) => Action::Reload(kept),
        })
    }

    /// Checks the state of all files. Returns `true` if a file has changed since it was read. A
    /// change counts only if two checks in succession find the same new state, since the file may
    /// be half written at the first.
    pub(super) fn look_at_files(&mut self) -> bool {
        let mut changed = false;
        let failed = self.failed.iter_mut().map(|failed| &mut failed.layer);
        for loaded in self.loaded.iter_mut().chain(failed) {
            let now = loaded.file_state();
            changed |= now.is_some() && now != loaded.read && now == loaded.seen;
            loaded.seen = now;
        }
        changed
    }

    /// Tests whether a read has found another file at a layer's address than the one that was
    /// opened, so that the layer must be opened again.
    pub(super) fn has_replaced(&self) -> bool {
        self.loaded.iter().any(LoadedLayer::is_to_be_reopened)
    }

    /// Tests whether a layer is read range by range from an address.
    pub(super) fn has_ranges(&self) -> bool {
        self.loaded.iter().any(|loaded| loaded.changed.is_some())
    }

    /// Restarts the reload period of each layer whose period is over.
    pub(super) fn postpone(&mut self) {
        for loaded in &mut self.loaded {
            if loaded.is_in(&Reload::Due) {
                loaded.at = Instant::now();
            }
        }
        for failed in &mut self.failed {
            failed.layer.at = Instant::now();
        }
    }

    /// The time at which a layer's reload period ends next; `None` if no layer has a reload period.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = |loaded: &LoadedLayer| loaded.at.checked_add(loaded.config.reload?);
        let failed = self.failed.iter();
        let retries = failed.filter_map(|failed| failed.layer.at.checked_add(failed.retry_after()));
        self.loaded.iter().filter_map(due).chain(retries).min()
    }

    /// Reads the source of a layer again, with the layer's configuration and the properties of its
    /// first reading.
    fn reread(&mut self, old: &LoadedLayer) -> Result<(LoadedLayer, NewLayer), BoxError> {
        self.read(&old.id, old.config.clone(), old.first_reading.clone())
    }

    /// Reads all rows of a layer; a live layer is only looked up in its database. `first_reading`
    /// has the properties that a layer keeps when it is read again; for a new layer they are
    /// `None`.
    fn read(
        &mut self,
        id: &LayerId,
        config: LayerConfig,
        mut first_reading: FirstReading,
    ) -> Result<(LoadedLayer, NewLayer), BoxError> {
        let _span = tracing::debug_span!("load", layer = id.as_str()).entered();
        let state = if config.is_without_file() {
            None
        } else {
            file_state(Path::new(&config.source))
        };
        // State and validator are taken before the source is read, so that a change during the
        // reading is noticed later.
        let validator = validator(&config.source, None)?;
        let name = layer_name(&config);
        let mut changed = None;
        let arrived = match &config.database {
            Some(database) if config.live => {
                let pool = self.pool(database)?;
                let known = config.is_published;
                let drawn = (config.style.without_points(), self.backends.common());
                NewLayer::Live(database.live(&name, &config.read, &pool, drawn, known)?)
            }
            None if ArchiveLayer::is_archive(&config.source) => {
                let archive = ArchiveLayer::open(&config.source, &name)?;
                say!("{id}: {}", archive.summary());
                changed.clone_from(&archive.changed);
                NewLayer::Archive(Arc::new(archive))
            }
            database => {
                let mut flags = match database {
                    Some(database) => database.snapshot_flags(&config.read),
                    None => config.read.clone(),
                };
                // Requests may filter by all columns of a packed file, also if the layer has only
                // some of its rows.
                flags.keeps_all = true;
                let loaded = flags.load(&config.source)?;
                say!("{}", loaded.summary(id.as_str()));
                let is_packed = loaded.packed.is_some();
                changed = loaded.packed.as_ref().and_then(|p| p.changed.clone());
                let share = loaded.points.summary().negative_share();
                // Points of a packed file may be read for it, and may turn out to be damaged.
                let style = CancelToken::default()
                    .run(|| loaded.style(&config.style, first_reading.radius.as_ref()))?;
                first_reading.radius = Some(style.radius().clone());
                let mut loaded = loaded;
                let timeline = loaded.timeline.take();
                let filters = loaded.packed.take();
                let (mut set, mut table) = loaded.into_set()?;
                if let Some(packed) = filters {
                    let most = packed_rows::filter_limit();
                    table =
                        heatsplat::packed::filter_table(&packed.file, &flags.time_format, most)?;
                }
                let before = *first_reading.signed.get_or_insert(set.is_signed());
                if before != set.is_signed()
                    && let Some(set) = Arc::get_mut(&mut set)
                {
                    let share = negative_share(share);
                    say!("  {share}: colours stay as they were (a restart changes them)");
                    set.set_signed(before);
                }
                let backend = self.backends.of_layer(id, &config.key);
                let layer = Layer::new(&name, set, style, backend);
                layer.data().check(layer.style().measure())?;
                check_own_style(&layer, self.draw_deadline)
                    .map_err(|e| format!("{e} (--draw-deadline)"))?;
                // Cells of a packed file are sent to a device with each picture: no race is held.
                if !is_packed {
                    self.backends.enter(id, &config.key, &layer);
                }
                match timeline {
                    Some(timeline) => NewLayer::Timed(layer, table, timeline),
                    None => NewLayer::InMemory(layer, table),
                }
            }
        };
        let loaded = LoadedLayer {
            id: id.clone(),
            read: state,
            seen: state,
            validator,
            changed,
            at: Instant::now(),
            first_reading,
            config,
        };
        Ok((loaded, arrived))
    }

    /// The connections to a database, which all of its layers share. They are made at the first
    /// call.
    fn pool(&mut self, database: &DatabaseConfig) -> Result<Arc<Pool>, BoxError> {
        if let Some((_, pool)) = self.pools.iter().find(|(key, _)| key == database.key()) {
            return Ok(Arc::clone(pool));
        }
        let pool = database.pool()?;
        self.pools
            .push((database.key().to_owned(), Arc::clone(&pool)));
        Ok(pool)
    }
}

/// The id of each layer, and the keys that open it.
fn with_keys(layers: &[LayerConfig]) -> Vec<(LayerId, Vec<BearerToken>)> {
    let keys = layers.iter().map(|layer| layer.keys.clone());
    layer_ids(layers).into_iter().zip(keys).collect()
}

#[cfg(all(test, feature = "postgis"))]
mod tests {
    use super::*;

    /// After several changes of the configuration, only connections to the databases that it names
    /// at last are left.
    #[test]
    fn connections_of_other_set_ups_are_let_go() {
        use super::super::config::raw::RawConfig;
        let mut set = LayerSet::new(
            Registry::default(),
            LayerBackends::pinned(Arc::new(heatsplat::CpuBackend::default())),
            Duration::from_secs(10),
        );
        for size in 1..5 {
            let text = format!(
                "[sources.a]\nurl = \"postgres://127.0.0.1:1/gis\"\npool_size = {size}\n\
                 [[layers]]\nsource = \"a\"\ntable = \"t\"\nmode = \"live\"\n"
            );
            let raw = RawConfig::from_toml(&text, Path::new("/"), &|_| None).unwrap();
            let config = ServeConfig::new(&raw).unwrap();
            set.update(&config, &Reload::Config).unwrap();
            let keys: Vec<_> = set.pools.iter().map(|(key, _)| key.as_str()).collect();
            assert_eq!(keys, [config.databases[0].key()]);
        }
    }
}
