//! `heatsplat serve`: a map in the browser, and tiles for any other.

use super::Failure;
use super::archived::Archived;
use super::backend::{self, BackendFlags};
#[cfg(feature = "postgis")]
use super::live::LiveRows;
#[cfg(feature = "postgis")]
use super::live_flags::LiveFlags;
#[cfg(feature = "postgis")]
use super::published::Published;
#[cfg(feature = "postgis")]
use super::reload;
use super::source::SourceFlags;
use super::style_flags::StyleFlags;
use clap::Args;
use heatsplat::{Backend, Layer, Style};
#[cfg(feature = "postgis")]
use heatsplat_loader::postgis::{Address, Change, Database, is_address};
#[cfg(feature = "postgis")]
use heatsplat_server::Live;
use heatsplat_server::{Bound, Derived, LayerId, Layers, Options};
use std::io::{self, Write as _};
use std::path::Path;
#[cfg(feature = "postgis")]
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;

const EXAMPLES: &str = "\
Examples:
  heatsplat serve examples/cities.csv.gz
  heatsplat serve examples/cities.csv.gz --weight none --radius 8 --ramp viridis
  heatsplat serve quakes.csv.gz shops.geojson --listen 0.0.0.0:8080
  heatsplat generate 1M | heatsplat serve - --name made-up
  heatsplat serve data/ --watch
  heatsplat serve cities.pmtiles                       tiles that `heatsplat export` has drawn
  heatsplat serve crimes.fgb --keep offense,time
  heatsplat serve postgres://heat@db/gis --table quakes --weight mag
  heatsplat serve postgres://heat@db/gis --live --sql 'select geom from trips where geom && !bbox!'

A layer's tiles are at /{layer}/{z}/{x}/{y}.png, its TileJSON is at /{layer}, and /catalog lists
all layers. Every flag of the look can be given per request too: …/0/0/0.png?ramp=viridis&radius=8
With --keep a request may say which points it wants: …/0/0/0.png?filter=offense='theft'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// Files of points: CSV, GeoJSON, Shapefile, GeoPackage, FlatGeobuf, Parquet, Arrow or GPX, text packed or not; `-` is
    /// standard input. Each becomes a layer, and so does each file of a folder. Or postgres://user@host/database, of which every
    /// --table becomes one, or the --sql
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<String>,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(short, long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    listen: String,
    /// The address that clients reach the server by, where a proxy stands before it
    #[arg(long, value_name = "URL", value_parser = public_url)]
    public_url: Option<String>,
    /// What the layer is called; once for each source [default: the file's name]
    #[arg(long)]
    name: Vec<String>,
    /// Who the data come from, shown in the corner of maps
    #[arg(long, value_name = "TEXT")]
    attribution: Option<String>,
    /// Memory for tiles that were drawn, so that they need not be drawn again, like 64M or 2G; 0
    /// keeps none
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = backend::size)]
    cache_size: u64,
    /// A layer made of two others, such as `change = new - old` or `rate = cases / people`: a
    /// difference or a quotient of what the style measures
    #[arg(long, value_name = "NAME = A - B", value_parser = derive)]
    derive: Vec<(String, Derived)>,
    /// Read files again when they change
    #[cfg(feature = "postgis")]
    #[arg(long)]
    watch: bool,
    #[cfg(feature = "postgis")]
    #[command(flatten)]
    live: LiveFlags,
    #[command(flatten)]
    source: SourceFlags,
    #[command(flatten)]
    style: StyleFlags,
    #[command(flatten)]
    backend: BackendFlags,
}

/// A source on its way to being a layer.
struct Coming {
    source: String,
    /// How to read it.
    flags: SourceFlags,
    name: String,
    id: LayerId,
    /// Who draws it.
    backend: Arc<dyn Backend>,
}

impl Serve {
    pub(super) fn run(mut self) -> Result<(), Failure> {
        if self.sources.iter().filter(|source| *source == "-").count() > 1 {
            super::usage("serve", "standard input can be one source only");
        }
        let layers = Layers::default();
        let backend = self.backend.backend()?;
        let (style, columns) = self.style.style_and_columns()?;
        self.source.suggest(&columns);
        let coming = self.coming(&layers, &backend);
        #[cfg(feature = "postgis")]
        let database = self.database()?;
        let defaults = Options::default();
        let options = Options {
            #[cfg(feature = "postgis")]
            posting: self
                .live
                .posting(database.as_ref(), self.source.database.allow_superuser)?,
            listen: self.listen,
            public_url: self.public_url,
            attribution: self.attribution,
            cache: self.cache_size,
            renders: backend::renders(&*backend).unwrap_or(defaults.renders),
            ..defaults
        };
        #[cfg(feature = "postgis")]
        let (live, watch, allow) = (self.live, self.watch, self.source.database.allow_superuser);

        // The port first: if it is taken, nobody waits for the points to be read.
        let bound = Bound::new(layers.clone(), options)?;
        let (url, stop) = (bound.url(), bound.stop());
        let (done, outcome) = mpsc::channel();
        let derived = self.derive;
        thread::spawn(move || {
            let loaded = coming.iter().try_for_each(|coming| {
                #[cfg(feature = "postgis")]
                if live.live && is_address(&coming.source) {
                    return coming.announce_live(&layers, &style, &live);
                }
                coming.load(&layers, &style)
            });
            #[cfg(feature = "postgis")]
            let mut published = Published::new(database.as_ref().filter(|_| live.auto_publish));
            #[cfg(feature = "postgis")]
            let loaded = loaded.and_then(|()| published.find(&layers, &style, &live, allow));
            let loaded = loaded.and_then(|()| {
                derived.into_iter().try_for_each(|(name, derived)| {
                    let made = layers.derive(&name, derived.styled(style.clone()));
                    made.map(|_| ())
                        .map_err(|e| format!("--derive {name}: {e}").into())
                })
            });
            let failed = loaded.is_err();
            if !failed {
                // Nobody may be listening there, and the server serves all the same.
                let _ = writeln!(io::stdout(), "heatsplat: map at {url}");
            }
            let _ = done.send(loaded);
            if failed {
                stop.stop();
                return;
            }
            layers.warm();
            #[cfg(feature = "postgis")]
            let files = if watch {
                files_watched(&coming)
            } else {
                Vec::new()
            };
            #[cfg(feature = "postgis")]
            keep_up(
                &coming,
                &layers,
                &style,
                (&live, files),
                database.clone(),
                |layers| published.find(layers, &style, &live, allow),
            );
        });
        bound.run()?;
        // Told to stop while it still loads, the program need not finish that.
        outcome.try_recv().unwrap_or(Ok(()))
    }

    /// The database that is served, if one is.
    #[cfg(feature = "postgis")]
    fn database(&self) -> Result<Option<Address>, Failure> {
        let mut addresses = self.sources.iter().filter(|source| is_address(source));
        let first = addresses.next();
        if addresses.next().is_some() {
            super::usage("serve", "one postgres:// address can be served at a time");
        }
        Ok(first.map(|url| super::database::address(url)).transpose()?)
    }

    /// Announces a layer for each source, for each table of a database.
    fn coming(&self, layers: &Layers, backend: &Arc<dyn Backend>) -> Vec<Coming> {
        let mut wanted = Vec::new();
        for source in &self.sources {
            if Path::new(source).is_dir() {
                for file in super::folder::files(Path::new(source), &self.source) {
                    let name = layer_name(&file);
                    wanted.push((file, self.source.clone(), name));
                }
                continue;
            }
            #[cfg(feature = "postgis")]
            if is_address(source) {
                let asks = self.source.asks();
                if asks.is_empty() && !self.live.auto_publish && self.live.token().is_none() {
                    super::usage(
                        "serve",
                        "a postgres:// address needs --table NAME, --sql QUERY or --auto-publish",
                    );
                }
                for ask in asks {
                    let name = super::database::layer_name(&ask.from);
                    wanted.push((source.clone(), self.source.of_one(&ask.from), name));
                }
                continue;
            }
            #[cfg(feature = "postgis")]
            let flags = if self.sources.iter().any(|source| is_address(source)) {
                self.source.of_files()
            } else {
                self.source.clone()
            };
            #[cfg(not(feature = "postgis"))]
            let flags = self.source.clone();
            wanted.push((source.clone(), flags, layer_name(source)));
        }
        #[cfg(feature = "postgis")]
        let nothing = wanted.is_empty() && !self.sources.iter().any(|source| is_address(source));
        #[cfg(not(feature = "postgis"))]
        let nothing = wanted.is_empty();
        if nothing {
            super::usage("serve", "there are no files of points in the folder");
        }
        if self.name.len() > wanted.len() {
            super::usage("serve", "there are more --name than layers");
        }
        let names = self.name.iter().map(Some).chain(std::iter::repeat(None));
        let all = wanted.into_iter().zip(names);
        all.map(|((source, flags, own), given)| {
            let name = given.cloned().unwrap_or(own);
            let id = layers.announce(&name);
            Coming {
                source,
                flags,
                name,
                id,
                backend: Arc::clone(backend),
            }
        })
        .collect()
    }
}

/// The files that layers come from, and the layers' names.
#[cfg(feature = "postgis")]
fn files_watched(coming: &[Coming]) -> Vec<(PathBuf, String)> {
    let files = coming
        .iter()
        .filter(|c| c.source != "-" && !is_address(&c.source));
    files
        .map(|c| (PathBuf::from(&c.source), c.id.as_str().to_owned()))
        .collect()
}

/// Reads layers again whenever that is due; blocks for as long as the program runs.
#[cfg(feature = "postgis")]
fn keep_up(
    coming: &[Coming],
    layers: &Layers,
    style: &Style,
    (flags, files): (&LiveFlags, Vec<(PathBuf, String)>),
    database: Option<Address>,
    mut publish: impl FnMut(&Layers) -> Result<(), Failure>,
) {
    let (sender, changes) = mpsc::channel();
    reload::watch_signals(sender.clone());
    if !files.is_empty() {
        reload::watch_files(files, sender.clone());
    }
    if let Some(address) = database {
        reload::watch_database(address, sender);
    }
    reload::on_changes(&changes, flags.reload, |change| {
        let named = |coming: &&Coming| match change {
            Change::Everything => true,
            Change::Layer(name) => *name == coming.name || name == coming.id.as_str(),
        };
        for coming in coming.iter().filter(named) {
            coming.reload(layers, style, flags);
        }
        if let Err(error) = publish(layers) {
            eprintln!("heatsplat: {error}");
        }
        layers.warm();
    });
}

impl Coming {
    /// Reads the source and puts its layer in place.
    fn load(&self, layers: &Layers, style: &Style) -> Result<(), Failure> {
        if Archived::is_one(&self.source) {
            let archived = Archived::open(&self.source, &self.name)?;
            eprintln!("{}: {}", self.id, archived.summary());
            layers.put_stored(&self.id, Arc::new(archived));
            return Ok(());
        }
        let loaded = self.flags.read(&self.source)?;
        eprintln!("{}", loaded.summary(self.id.as_str()));
        let backend = Arc::clone(&self.backend);
        let (set, table) = loaded.into_set()?;
        let layer = Layer::of(&self.name, set, style.clone(), backend);
        layers.put_with(&self.id, layer, table);
        Ok(())
    }

    /// Looks the layer up, unless its database is away for now, and puts it in place.
    #[cfg(feature = "postgis")]
    fn announce_live(
        &self,
        layers: &Layers,
        style: &Style,
        flags: &LiveFlags,
    ) -> Result<(), Failure> {
        let address = super::database::address(&self.source)?;
        let limits = flags.limits();
        let allow = self.flags.database.allow_superuser;
        for ask in self.flags.asks() {
            match super::live::look_up(&address, limits, &ask, allow) {
                Ok(why) => eprintln!("{}: live, {why}", self.id),
                Err(error) if error.is_away() => eprintln!("{}: for now {error}", self.id),
                Err(error) => return Err(Box::new(error)),
            }
            let database = Arc::new(Database::new(address.clone(), limits)?);
            let rows = LiveRows::new(&self.name, database, ask, allow);
            layers.put_live(
                &self.id,
                Live::new(&self.name, style.clone(), Arc::new(rows)),
            );
        }
        Ok(())
    }

    /// Reads the layer again; what was served before stays if that fails.
    #[cfg(feature = "postgis")]
    fn reload(&self, layers: &Layers, style: &Style, flags: &LiveFlags) {
        if flags.live && is_address(&self.source) {
            return layers.renew(&self.id);
        }
        if self.source != "-"
            && let Err(error) = self.load(layers, style)
        {
            eprintln!("heatsplat: {} stays as it was: {error}", self.id);
        }
    }
}

/// A file's name without folders and extensions.
pub(super) fn layer_name(source: &str) -> String {
    if source == "-" {
        return "points".to_owned();
    }
    let name = Path::new(source)
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

fn derive(text: &str) -> Result<(String, Derived), &'static str> {
    let (name, what) = text
        .split_once('=')
        .ok_or("expected NAME = A - B or NAME = A / B")?;
    Ok((name.trim().to_owned(), what.parse()?))
}

fn public_url(text: &str) -> Result<String, &'static str> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let plain =
        |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '?' | '#' | '{' | '}');
    match rest {
        Some(rest) if !rest.is_empty() && rest.chars().all(plain) => Ok(text.to_owned()),
        _ => Err("expected an address like https://maps.example.org/heat"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_called_like_their_files() {
        for (source, name) in [
            ("examples/cities.csv.gz", "cities"),
            ("/data/My Points.geojson", "My Points"),
            ("a.b.csv", "a.b"),
            ("points", "points"),
            ("-", "points"),
        ] {
            assert_eq!(layer_name(source), name);
        }
    }

    #[test]
    fn public_urls() {
        assert!(public_url("https://maps.example.org/heat/").is_ok());
        for bad in [
            "maps.example.org",
            "ftp://a",
            "http://",
            "http://a b",
            "http://a?x=1",
        ] {
            assert!(public_url(bad).is_err(), "{bad}");
        }
    }
}
