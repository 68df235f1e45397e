//! `heatsplat serve`: serves a map for the browser, and tiles for other maps.
//!
//! ```text
//! command line or file ─ config ─▶ ServeConfig ─ reconcile ─▶ layers of the server
//!                                       ▲
//!                        watch: signals, files, databases, time
//! ```

mod arenas;
mod check;
mod config;
#[cfg(feature = "postgis")]
mod databases;
#[cfg(not(feature = "postgis"))]
#[path = "databases_disabled.rs"]
mod databases;
mod expand;
mod failed_layer;
mod flags;
mod folder;
mod layer_backends;
mod loaded_layer;
mod reconcile;
mod regular_file;
mod signals;
mod wanted;
mod watch;

pub(super) use flags::ServeCommand;

use super::error::{BoxError, UsageError};
use super::output;
use super::{packed, packed_rows};
use crate::cli::logging::say;
use clap::ArgMatches;
use config::raw::RawConfig;
use config::{
    ConfigSource, KEY_VARIABLE, PASSWORD_VARIABLE, ServeConfig, from_args, secret_address, to_toml,
};
use heatsplat::Backend;
use heatsplat::packed::{DEFAULT_FILTER_LIMIT, DEFAULT_PAGE_CACHE};
use heatsplat_server::{BoundServer, Registry};
use layer_backends::layer_backends;
use loaded_layer::{FileState, file_state};
use reconcile::LayerSet;
use signals::Shutdown;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use watch::{Events, Watcher};

/// Serves until a signal stops the server. `matches` has the arguments of `serve` as texts, and
/// shows which of them were given on the command line.
pub(super) fn run(serve: ServeCommand, matches: &ArgMatches) -> Result<(), BoxError> {
    if !serve.check {
        arenas::limit();
    }
    let events = Events::new();
    // With `--check`, a signal ends the program at once, as it ends any other command.
    let shutdown = match serve.check {
        true => Shutdown::default(),
        false => signals::listen(events.sender.clone()),
    };
    let source = config_source(&serve, matches)?;
    // The state of the file is noted before the file is read, so that a change during the reading
    // is noticed later.
    let state = source.path().and_then(file_state);
    let config = source.read()?;
    if let (Some(file), ConfigSource::Args(raw)) = (&serve.save_config, &source) {
        save(raw, file)?;
    }
    if serve.check {
        return run_check(&source, &config);
    }
    run_server((source, state), config, events, shutdown)
}

fn config_source(serve: &ServeCommand, matches: &ArgMatches) -> Result<ConfigSource, UsageError> {
    let Some(path) = &serve.config else {
        return from_args::raw_config(serve, matches).map(ConfigSource::Args);
    };
    if from_args::has_layer_flags(matches) || !serve.name.is_empty() {
        let message = "layers and their look belong in the --config file; flags beside it are for \
                       the server as a whole";
        return Err(UsageError::new("serve", message));
    }
    Ok(ConfigSource::File {
        path: path.clone(),
        overrides: from_args::server_sections(matches),
    })
}

fn save(config: &RawConfig, file: &Path) -> Result<(), BoxError> {
    if let Some(address) = secret_address(config) {
        let message = "what is left out of this address may be a secret, and secrets aren't written \
                       into files: put it into a variable and write file = \"${VARIABLE}\" there";
        return Err(format!("--save-config: {address}: {message}").into());
    }
    let text = to_toml(config, file.parent().unwrap_or(Path::new("")));
    output::write(file, |out| out.write_all(text.as_bytes()))?;
    if text.contains(PASSWORD_VARIABLE) {
        say!("heatsplat: the password is not in the file: set PGPASSWORD");
    }
    if text.contains(KEY_VARIABLE) {
        say!("heatsplat: the layers' keys are not in the file: set HEATSPLAT_KEY");
    }
    Ok(())
}

/// Checks that all files can be opened and that the databases can give their layers. Prints the
/// names of the layers that would be served.
fn run_check(source: &ConfigSource, config: &ServeConfig) -> Result<(), BoxError> {
    let checked = check::check(config).map_err(|e| source.name_file(e))?;
    let path = source.path().map(|path| path.display().to_string());
    let path = path.as_deref().unwrap_or("all");
    let layers = if checked.names.is_empty() {
        "no layers yet".to_owned()
    } else {
        checked.names.join(", ")
    };
    let but = match checked.unchecked.join(", ") {
        unchecked if unchecked.is_empty() => unchecked,
        unchecked => format!(", but not checked, since their database doesn't answer: {unchecked}"),
    };
    writeln!(io::stdout(), "heatsplat: {path} is well: {layers}{but}")?;
    Ok(())
}

fn run_server(
    (source, state): (ConfigSource, FileState),
    config: ServeConfig,
    events: Events,
    shutdown: Shutdown,
) -> Result<(), BoxError> {
    packed::limit_page_cache(config.page_cache().unwrap_or(DEFAULT_PAGE_CACHE));
    let filters = config.filter_limit().map(|points| points as u64);
    packed_rows::limit_filters(filters.unwrap_or(DEFAULT_FILTER_LIMIT));
    let layers = Registry::default();
    let renders = |backend: &dyn Backend| config.options(backend).renders;
    // The thread of races ends when this function does.
    let (backends, _races) = layer_backends(&config.backend, renders, &layers)?;
    let mut options = config.options(&**backends.common());
    if let Some(posting) = &config.posting {
        let posting = posting.posting(backends.common());
        options.posting = Some(posting.map_err(|e| source.name_file(e.into()))?);
    }
    options.points = config.points.posting(backends.common());
    let mut set = LayerSet::new(layers.clone(), backends, options.deadline);
    set.announce(&config).map_err(|e| source.name_file(e))?;

    // The port is opened before any points are read, so that no time is spent on reading if the
    // port is taken.
    let bound = BoundServer::new(layers.clone(), options)?;
    let (url, stop) = (bound.url(), bound.stop());
    shutdown.set_server(stop.clone());
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || {
        let filled = set.fill(&config).map_err(|e| source.name_file(e));
        let failed = filled.is_err();
        if !failed {
            layers.record_look();
            // If standard output is closed, the server runs without this message.
            let _ = writeln!(io::stdout(), "heatsplat: map at {url}");
        }
        let _ = done.send(filled);
        if failed {
            stop.stop_now();
            return;
        }
        layers.warm();
        Watcher::new((source, state), config, set, layers, events).run();
    });
    bound.run()?;
    // If the server is stopped while layers are still loading, the program ends at once and without
    // an error.
    outcome.try_recv().unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests;
