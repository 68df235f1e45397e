//! The layers that a set-up asks for, read and put in their places.

use super::config::{LayerSetup, Setup};
use super::databases::{DatabaseSetup, Pool};
use super::folder;
use crate::cli::Failure;
use crate::cli::archive_layer::Archived;
use crate::cli::source_flags::{negative, shown, version};
use heatsplat::{Backend, Layer, Style};
use heatsplat_loader::is_remote;
use heatsplat_render::say;
use heatsplat_server::{Arrived, LayerId, Layers};
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// What is known of a file without reading it; of a pipe or a device nothing is.
pub(super) type State = Option<(u64, SystemTime)>;

pub(super) fn state(path: &Path) -> State {
    let metadata = path.metadata().ok().filter(|m| m.is_file())?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// A layer in its place.
struct Placed {
    id: LayerId,
    setup: LayerSetup,
    /// Of the file when it was read last, and when it was looked at last.
    read: State,
    seen: State,
    /// Of an address when it was read last.
    version: Option<String>,
    /// When it was read last.
    at: Instant,
    /// Whether its colours lie to both sides of zero, which a reload does not change.
    signed: Option<bool>,
}

impl Placed {
    fn now(&self) -> State {
        if self.setup.is_of_database() {
            return None;
        }
        state(Path::new(&self.setup.source))
    }

    /// Whether it is to be read again, now that its time has come. The server of an address is asked,
    /// and believed if it says anything.
    fn is_to_be_read(&self) -> Result<bool, Failure> {
        if !is_remote(&self.setup.source) {
            return Ok(self.setup.is_of_database() || self.has_changed());
        }
        let now = version(&self.setup.source, self.version.as_deref())?;
        Ok(now.is_none() || now != self.version)
    }

    fn has_changed(&self) -> bool {
        let now = self.now();
        now.is_some() && now != self.read
    }
}

/// Which layers are read again although nothing is said of them that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Files that have changed.
    Files,
    /// The same; and tables that publish themselves are looked for, since the set-up is new.
    Setup,
    /// Those and all of databases.
    Everything,
    /// One, by its name or its name in addresses.
    Layer(String),
    /// Those whose time has come: of files if they have changed.
    Due,
}

/// All layers, and what they are made with.
pub(super) struct Shelf {
    layers: Layers,
    backend: Arc<dyn Backend>,
    placed: Vec<Placed>,
    pools: Vec<(String, Arc<Pool>)>,
}

impl Shelf {
    pub(super) fn new(layers: Layers, backend: Arc<dyn Backend>) -> Self {
        Self {
            layers,
            backend,
            placed: Vec::new(),
            pools: Vec::new(),
        }
    }

    /// Makes room for the layers that a set-up names.
    pub(super) fn announce(&mut self, setup: &Setup) -> Result<(), Failure> {
        let wanted = named(setup)?;
        self.layers.arrange(&ids(&wanted), Vec::new());
        Ok(())
    }

    /// Reads all layers, one after the other, and puts each in its place.
    pub(super) fn fill(&mut self, setup: &Setup) -> Result<(), Failure> {
        let wanted = named(setup)?;
        let announced = ids(&wanted);
        for (id, layer) in announced.iter().zip(wanted) {
            let read = self.read(id, layer.clone(), None);
            let (placed, arrived) = read.map_err(|error| layer.failed(error))?;
            self.layers.arrange(&announced, vec![(id.clone(), arrived)]);
            self.placed.push(placed);
        }
        self.update(setup, &Again::Setup)?;
        for (name, derived) in &setup.server.derive {
            let derived = derived.clone().styled(setup.look.clone());
            let made = self.layers.derive(name, derived);
            made.map_err(|e| format!("derive {name}: {e}"))?;
        }
        Ok(())
    }

    /// Serves what a set-up asks for from one moment to the next: what is new or said differently,
    /// and what is to be read again, in its place; the rest as it was. If one of the former can't be
    /// read nothing changes; one of the latter stays as it was.
    pub(super) fn update(&mut self, setup: &Setup, again: &Again) -> Result<(), Failure> {
        let mut wanted = self.named(setup, again)?;
        let published = self.published(setup, again)?;
        wanted.extend(published);
        let ids = ids(&wanted);
        let (mut placed, mut arrived) = (Vec::new(), Vec::new());
        let mut renewed = Vec::new();
        for (id, layer) in ids.iter().zip(wanted) {
            let known = self.placed.iter().find(|placed| placed.id == *id);
            let known = known.filter(|placed| placed.setup.key == layer.key);
            let Some(known) = known else {
                if is_pipe(&layer.source) {
                    let message =
                        format!("{}: a pipe is read when the server starts", layer.source);
                    return Err(layer.failed(message));
                }
                let read = self.read(id, layer.clone(), None);
                let (new, layer) = read.map_err(|error| layer.failed(error))?;
                placed.push(new);
                arrived.push((id.clone(), layer));
                continue;
            };
            let mut kept = Placed {
                id: id.clone(),
                setup: layer.clone(),
                version: known.version.clone(),
                ..*known
            };
            if is_wanted(&kept, again) {
                let is_read = kept.is_to_be_read();
                kept.read = kept.now();
                kept.at = Instant::now();
                if let Err(error) = &is_read {
                    say!("heatsplat: {id} stays as it was: {error}");
                } else if matches!(is_read, Ok(false)) {
                    // A file whose time has come, and which is as it was.
                } else if layer.live {
                    renewed.push(id.clone());
                } else {
                    match self.read(id, layer, kept.signed) {
                        Ok((new, layer)) => {
                            kept = new;
                            arrived.push((id.clone(), layer));
                        }
                        Err(error) => say!("heatsplat: {id} stays as it was: {error}"),
                    }
                }
            }
            placed.push(kept);
        }
        // connections of databases that are gone, or are said differently now
        let wanted = |key: &str| setup.databases.iter().any(|d| d.key() == key);
        self.pools.retain(|(key, _)| wanted(key));
        self.layers.arrange(&ids, arrived);
        renewed.iter().for_each(|id| self.layers.renew(id));
        self.placed = placed;
        Ok(())
    }

    /// Looks at the files: whether one has changed that is to be read again. Not before it is the
    /// same twice, since it may be half written.
    pub(super) fn look(&mut self) -> bool {
        let mut changed = false;
        for placed in &mut self.placed {
            let now = placed.now();
            changed |= now.is_some() && now != placed.read && now == placed.seen;
            placed.seen = now;
        }
        changed
    }

    /// Lets what is due wait for its time once more.
    pub(super) fn put_off(&mut self) {
        for placed in &mut self.placed {
            if is_wanted(placed, &Again::Due) {
                placed.at = Instant::now();
            }
        }
    }

    /// When a layer is to be read again next, if one is.
    pub(super) fn next(&self) -> Option<Instant> {
        let due = |placed: &Placed| placed.at.checked_add(placed.setup.reload?);
        self.placed.iter().filter_map(due).min()
    }

    /// The layers that a set-up names. A folder that has become empty keeps those it had, unless
    /// somebody asked for all of the set-up: others are read again in their time all the same.
    fn named(&self, setup: &Setup, again: &Again) -> Result<Vec<LayerSetup>, Failure> {
        named_or(setup, |folder, error| {
            if matches!(again, Again::Setup | Again::Everything) {
                return Err(error);
            }
            let key = |placed: &Placed| format!("{}{}", folder.key, placed.setup.source);
            let own = |placed: &&Placed| placed.setup.key == key(placed);
            let known = || self.placed.iter().filter(own);
            if known().any(|placed| is_wanted(placed, again)) {
                say!("heatsplat: {error}; its layers stay as they were");
            }
            Ok(known().map(|placed| placed.setup.clone()).collect())
        })
    }

    /// Layers of tables that publish themselves; while a database is away, those that it had.
    fn published(&self, setup: &Setup, again: &Again) -> Result<Vec<LayerSetup>, Failure> {
        let mut all = Vec::new();
        for database in setup.databases.iter().filter(|d| d.publishes()) {
            let tables = match again {
                Again::Files | Again::Layer(_) => None,
                Again::Due => database.published().unwrap_or_else(|error| {
                    say!("heatsplat: {error}; its tables stay as they were");
                    None
                }),
                Again::Setup | Again::Everything => database.published()?,
            };
            let Some(tables) = tables else {
                let known = self.placed.iter().map(|placed| &placed.setup);
                let own = known.filter(|l| l.is_published && l.source == database.url());
                all.extend(own.cloned());
                continue;
            };
            all.extend(tables.into_iter().map(|(name, read)| LayerSetup {
                key: format!("{name}\n{}", database.key()),
                name: Some(name),
                source: database.url().to_owned(),
                database: Some(Arc::clone(database)),
                read,
                live: true,
                is_published: true,
                line: None,
                reload: setup.server.reload,
                style: database.style().clone(),
            }));
        }
        Ok(all)
    }

    /// Reads a layer, or looks a live one up. One that was there before keeps the side of zero that
    /// its colours lie to, `signed`.
    fn read(
        &mut self,
        id: &LayerId,
        setup: LayerSetup,
        mut signed: Option<bool>,
    ) -> Result<(Placed, Arrived), Failure> {
        let state = if setup.is_of_database() {
            None
        } else {
            state(Path::new(&setup.source))
        };
        // before it is read: what changes meanwhile is new
        let version = version(&setup.source, None)?;
        let name = name(&setup);
        let drawn: (&Style, _) = (&setup.style, &Arc::clone(&self.backend));
        let arrived = match &setup.database {
            Some(database) if setup.live => {
                let pool = self.pool(database)?;
                let known = setup.is_published;
                Arrived::Live(database.live(&name, &setup.read, &pool, drawn, known)?)
            }
            None if Archived::is_one(&setup.source) => {
                let archived = Archived::open(&setup.source, &name)?;
                say!("{id}: {}", archived.summary());
                Arrived::Stored(Arc::new(archived))
            }
            database => {
                let read = match database {
                    Some(database) => database.reading(&setup.read),
                    None => setup.read.clone(),
                };
                let loaded = read.read(&setup.source)?;
                say!("{}", loaded.summary(id.as_str()));
                let share = loaded.points.summary().negative_share();
                let (mut set, table) = loaded.into_set()?;
                let before = *signed.get_or_insert(set.is_signed());
                if before != set.is_signed()
                    && let Some(set) = Arc::get_mut(&mut set)
                {
                    let share = negative(share);
                    say!("  {share}: colours stay as they were (a restart changes them)");
                    set.set_signed(before);
                }
                let (style, backend) = (setup.style.clone(), Arc::clone(drawn.1));
                Arrived::Here(Layer::of(&name, set, style, backend), table)
            }
        };
        let placed = Placed {
            id: id.clone(),
            read: state,
            seen: state,
            version,
            at: Instant::now(),
            signed,
            setup,
        };
        Ok((placed, arrived))
    }

    /// The connections of a database: its layers share them.
    fn pool(&mut self, database: &DatabaseSetup) -> Result<Arc<Pool>, Failure> {
        if let Some((_, pool)) = self.pools.iter().find(|(key, _)| key == database.key()) {
            return Ok(Arc::clone(pool));
        }
        let pool = database.pool()?;
        self.pools
            .push((database.key().to_owned(), Arc::clone(&pool)));
        Ok(pool)
    }
}

/// Whether whoever reads a source waits for whoever writes it.
fn is_pipe(source: &str) -> bool {
    let kind = Path::new(source).metadata();
    kind.is_ok_and(|kind| !kind.is_file() && !kind.is_dir())
}

/// The names of all layers that a set-up names, if their files can be opened.
pub(super) fn check(setup: &Setup) -> Result<Vec<String>, Failure> {
    let layers = named(setup)?;
    for layer in &layers {
        if Archived::is_one(&layer.source) {
            let opened = Archived::open(&layer.source, &name(layer));
            opened.map_err(|error| layer.failed(error))?;
        } else if !layer.is_of_database() && layer.source != "-" && !is_pipe(&layer.source) {
            let opened = layer.read.can_open(&layer.source);
            opened.map_err(|error| layer.failed(error))?;
        }
    }
    let ids = ids(&layers);
    for (name, derived) in &setup.server.derive {
        let there = |of: &&str| ids.iter().any(|id| id.as_str() == *of);
        if let Some(missing) = derived.of().iter().find(|of| !there(of)) {
            return Err(format!("derive: {name}: `{missing}` is no layer here").into());
        }
    }
    Ok(layers.iter().map(name).collect())
}

/// Asks each database whether it can give what the set-up asks of it. One that is away is named,
/// and no error: it may be there when the server starts.
pub(super) fn ask_databases(setup: &Setup) -> Result<(), Failure> {
    let mut away: Vec<&str> = Vec::new();
    for layer in &setup.layers {
        let Some(database) = layer.database.as_deref() else {
            continue;
        };
        if away.contains(&database.key()) {
            continue;
        }
        let there = database.ask(&name(layer), &layer.read);
        if !there.map_err(|error| layer.failed(error))? {
            away.push(database.key());
        }
    }
    let publishing = setup.databases.iter().filter(|d| d.publishes());
    for database in publishing.filter(|d| !away.contains(&d.key())) {
        database.published()?;
    }
    Ok(())
}

fn is_wanted(placed: &Placed, again: &Again) -> bool {
    // of which nobody sees from here whether they have changed
    let is_away = placed.setup.is_of_database() || is_remote(&placed.setup.source);
    match again {
        Again::Files | Again::Setup => placed.has_changed(),
        Again::Everything => is_away || placed.has_changed(),
        Again::Layer(wanted) => placed.id.as_str() == wanted || name(&placed.setup) == *wanted,
        Again::Due => {
            let reload = placed.setup.reload;
            reload.is_some_and(|after| placed.at.elapsed() >= after)
        }
    }
}

/// The layers that a set-up names, those of folders one by one.
fn named(setup: &Setup) -> Result<Vec<LayerSetup>, Failure> {
    named_or(setup, |_, error| Err(error))
}

/// The same; `empty` tells what is made of a folder without any.
fn named_or(
    setup: &Setup,
    empty: impl Fn(&LayerSetup, Failure) -> Result<Vec<LayerSetup>, Failure>,
) -> Result<Vec<LayerSetup>, Failure> {
    let mut all = Vec::new();
    for layer in &setup.layers {
        if !Path::new(&layer.source).is_dir() {
            all.push(layer.clone());
            continue;
        }
        let files = folder::files(Path::new(&layer.source), &layer.read);
        if files.is_empty() {
            let folder = &layer.source;
            let message = format!("{folder}: there are no files of points in the folder");
            all.extend(empty(layer, layer.failed(message))?);
            continue;
        }
        all.extend(files.into_iter().map(|file| LayerSetup {
            key: format!("{}{file}", layer.key),
            source: file,
            ..layer.clone()
        }));
    }
    Ok(all)
}

fn ids(layers: &[LayerSetup]) -> Vec<LayerId> {
    let names: Vec<_> = layers.iter().map(name).collect();
    Layers::ids_of(names.iter().map(String::as_str))
}

/// What a layer is called: as it says, or like its file or table.
pub(super) fn name(layer: &LayerSetup) -> String {
    if let Some(name) = &layer.name {
        return name.clone();
    }
    if layer.is_of_database() {
        return layer.read.table_name();
    }
    file_name(&layer.source)
}

/// A file's name without folders and extensions.
pub(in crate::cli) fn file_name(source: &str) -> String {
    if source == "-" {
        return "points".to_owned();
    }
    let source = shown(source);
    let name = Path::new(&source)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let name = [".gz", ".zst", ".zstd"]
        .iter()
        .find_map(|packed| name.strip_suffix(packed))
        .unwrap_or(&name);
    Path::new(name)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A set-up that is read again and again keeps the connections of the last.
    #[cfg(feature = "postgis")]
    #[test]
    fn connections_of_other_set_ups_are_let_go() {
        use super::super::config::from_toml::Document;
        let mut shelf = Shelf::new(
            Layers::default(),
            Arc::new(heatsplat::CpuBackend::default()),
        );
        for size in 1..5 {
            let text = format!(
                "[sources.a]\nurl = \"postgres://127.0.0.1:1/gis\"\npool_size = {size}\n\
                 [[layers]]\nsource = \"a\"\ntable = \"t\"\nmode = \"live\"\n"
            );
            let document = Document::parse(&text, Path::new("/"), &|_| None).unwrap();
            let setup = Setup::of(&document).unwrap();
            shelf.update(&setup, &Again::Setup).unwrap();
            let keys: Vec<_> = shelf.pools.iter().map(|(key, _)| key.as_str()).collect();
            assert_eq!(keys, [setup.databases[0].key()]);
        }
    }

    #[test]
    fn layers_are_called_like_their_files() {
        for (source, name) in [
            ("examples/cities.csv.gz", "cities"),
            ("/data/My Points.geojson", "My Points"),
            ("a.b.csv", "a.b"),
            ("points", "points"),
            ("https://host/a/b.csv.gz?key=c/d.e", "b"),
            ("s3://bucket/folder/points.parquet", "points"),
            ("-", "points"),
        ] {
            assert_eq!(file_name(source), name);
        }
    }
}
