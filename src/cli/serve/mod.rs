//! `heatsplat serve`: a map in the browser, and tiles for any other.
//!
//! ```text
//! flags ── said ──┐
//!                 ├─▶ Document (words) ─▶ Setup (checked) ─▶ Shelf (layers in their places)
//! file ─ document ┘        └─▶ save                             ▲ keep: what changes later
//! ```

mod config;
#[cfg(feature = "postgis")]
mod databases;
#[cfg(not(feature = "postgis"))]
#[path = "databases_disabled.rs"]
mod databases;
mod flags;
mod folder;
mod reconcile;
mod signals;
mod watch;

use super::backend::BackendFlags;
use super::source_flags::SourceFlags;
use super::style_flags::StyleFlags;
use super::{Failure, output, usage};
use clap::{ArgMatches, Args};
use config::from_toml::Document;
use config::source::Book;
use config::{Setup, from_args, to_toml};
use flags::{CacheFlags, LimitFlags, ServerFlags};
#[cfg(feature = "postgis")]
use flags::{PoolFlags, PostFlags};
use heatsplat_render::say;
use heatsplat_server::{Bound, Layers};
use reconcile::Shelf;
pub(super) use reconcile::file_name as layer_name;
use signals::Ending;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use watch::{Keeper, Told};

/// What the keeper is told, and by what others tell it.
type Channel = (mpsc::Sender<Told>, mpsc::Receiver<Told>);

const EXAMPLES: &str = "\
Examples:
  heatsplat serve examples/cities.csv.gz
  heatsplat serve examples/cities.csv.gz --weight none --radius 8 --ramp viridis
  heatsplat serve quakes.csv.gz shops.geojson --listen 0.0.0.0:8080
  heatsplat generate 1M | heatsplat serve - --name made-up
  heatsplat serve data/ --watch
  heatsplat serve cities.pmtiles                       tiles that `heatsplat export` has drawn
  heatsplat serve crimes.fgb --keep offense,time
  heatsplat serve https://example.org/quakes.parquet --reload 10m    with the feature `remote`
  heatsplat serve postgres://heat@db/gis --table quakes --weight mag
  heatsplat serve postgres://heat@db/gis --live --sql 'select geom from trips where geom && !bbox!'
  heatsplat serve quakes.csv.gz --radius 8 --save-config heatsplat.toml --check
  heatsplat serve --config heatsplat.toml

A layer's tiles are at /{layer}/{z}/{x}/{y}.png, its TileJSON is at /{layer}, and /catalog lists
all layers. Every flag of the look can be given per request too: …/0/0/0.png?ramp=viridis&radius=8
With --keep a request may say which points it wants: …/0/0/0.png?filter=offense='theft'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// Files of points: CSV, GeoJSON, Shapefile, GeoPackage, FlatGeobuf, Parquet, Arrow or GPX, text packed or not; `-` is
    /// standard input, and http(s):// and s3:// addresses are read where the feature `remote` is built
    /// in. Each becomes a layer, and so does each file of a folder. Or postgres://user@host/database, of which every
    /// --table becomes one, or the --sql
    #[arg(value_name = "SOURCE", required_unless_present = "config")]
    sources: Vec<String>,
    /// Serve what a file says: its sections and keys are in docs/config.md. It is read again on
    /// SIGHUP and when it changes
    #[arg(short, long, value_name = "FILE", conflicts_with = "sources")]
    config: Option<PathBuf>,
    /// Write a file for --config that does the same as this command line; passwords are left out
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    save_config: Option<PathBuf>,
    /// Only look whether all that is said can be, whether the files are there, and whether databases
    /// have the tables, columns and roles
    #[arg(long)]
    check: bool,
    /// What the layer is called; once for each source [default: the file's name]
    #[arg(long)]
    name: Vec<String>,
    #[command(flatten)]
    server: ServerFlags,
    #[command(flatten)]
    limits: LimitFlags,
    #[command(flatten)]
    cache: CacheFlags,
    /// Read the rows of each picture when it is asked for, instead of all rows beforehand
    #[cfg(feature = "postgis")]
    #[arg(long, help_heading = "How to serve a database")]
    live: bool,
    #[cfg(feature = "postgis")]
    #[command(flatten)]
    pool: PoolFlags,
    #[cfg(feature = "postgis")]
    #[command(flatten)]
    post: PostFlags,
    #[command(flatten)]
    source: SourceFlags,
    #[command(flatten)]
    style: StyleFlags,
    #[command(flatten)]
    backend: BackendFlags,
}

impl Serve {
    /// Serves until it is told to stop. `matches` are what these flags were read from.
    pub(super) fn run(self, matches: &ArgMatches) -> Result<(), Failure> {
        let told = mpsc::channel();
        // one that only looks is ended as any other command
        let ending = match self.check {
            true => Ending::default(),
            false => signals::hear(told.0.clone()),
        };
        let book = self.book(matches);
        // Before it is read: what is written meanwhile is new.
        let written = book.file().and_then(reconcile::state);
        let setup = book.read()?;
        if let (Some(file), Book::Said(document)) = (&self.save_config, &book) {
            save(document, file)?;
        }
        if self.check {
            return check(&book, &setup);
        }
        serve(book, written, setup, (told, ending))
    }

    fn book(&self, matches: &ArgMatches) -> Book {
        let Some(file) = &self.config else {
            return Book::Said(from_args::all(self, matches));
        };
        if !from_args::of_layers(matches).0.is_empty() || !self.name.is_empty() {
            usage(
                "serve",
                "layers and their look are said in the --config file; flags say only what concerns the server as a whole",
            );
        }
        Book::Written {
            file: file.clone(),
            said: from_args::of_server(matches),
        }
    }
}

fn save(document: &Document, file: &Path) -> Result<(), Failure> {
    if let Some(address) = to_toml::secret_address(document) {
        let message = "what is left out of this address may be a secret, and secrets aren't written \
                       into files: put it into a variable and write file = \"${VARIABLE}\" there";
        return Err(format!("--save-config: {address}: {message}").into());
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    let text = to_toml::text(document, folder);
    output::write(file, |out| out.write_all(text.as_bytes()))?;
    if text.contains(config::secrets::VARIABLE) {
        say!("heatsplat: the password is not in the file: set PGPASSWORD");
    }
    Ok(())
}

/// Opens what there is to open, and says what would be served.
fn check(book: &Book, setup: &Setup) -> Result<(), Failure> {
    let names = reconcile::check(setup).map_err(|e| book.failed(e))?;
    if let Some(words) = &setup.posting {
        databases::check_token(words).map_err(|e| book.failed(e.into()))?;
    }
    reconcile::ask_databases(setup).map_err(|e| book.failed(e))?;
    if let Some(words) = &setup.posting {
        let asked = databases::ask_for_posting(words, &setup.databases);
        asked.map_err(|e| book.failed(e))?;
    }
    let what = book
        .file()
        .map_or("all".to_owned(), |file| file.display().to_string());
    let layers = if names.is_empty() {
        "no layers yet".to_owned()
    } else {
        names.join(", ")
    };
    writeln!(io::stdout(), "heatsplat: {what} is well: {layers}")?;
    Ok(())
}

fn serve(
    book: Book,
    written: reconcile::State,
    setup: Setup,
    (told, ending): (Channel, Ending),
) -> Result<(), Failure> {
    let backend = setup.backend.backend()?;
    let mut options = setup.options(&*backend);
    if let Some(words) = &setup.posting {
        let posting = databases::posting(words, &setup.databases, &backend);
        options.posting = Some(posting.map_err(|e| book.failed(e.into()))?);
    }
    let layers = Layers::default();
    let mut shelf = Shelf::new(layers.clone(), backend);
    shelf.announce(&setup).map_err(|e| book.failed(e))?;

    // The port first: if it is taken, nobody waits for the points to be read.
    let bound = Bound::new(layers.clone(), options)?;
    let (url, stop) = (bound.url(), bound.stop());
    ending.stops(stop.clone());
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || {
        let filled = shelf.fill(&setup).map_err(|e| book.failed(e));
        let failed = filled.is_err();
        if !failed {
            // Nobody may be listening there, and the server serves all the same.
            let _ = writeln!(io::stdout(), "heatsplat: map at {url}");
        }
        let _ = done.send(filled);
        if failed {
            stop.stop();
            return;
        }
        layers.warm();
        Keeper::new((book, written), setup, shelf, layers, told).run();
    });
    bound.run()?;
    // Told to stop while it still loads, the program need not finish that.
    outcome.try_recv().unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests;
