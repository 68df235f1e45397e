//! Implements `serve --check`, which tests whether a configuration can be served, but doesn't serve
//! it.

use super::config::{LayerConfig, ServeConfig};
use super::databases::DatabaseConfig;
use super::expand::{self, is_pipe, layer_name};
use crate::cli::archive_layer::ArchiveLayer;
use crate::cli::error::BoxError;
use crate::cli::logging::say;
use std::sync::Arc;

/// The result of the check of a configuration that can be served.
pub(super) struct CheckedLayers {
    /// The names of all layers of the configuration.
    pub(super) names: Vec<String>,
    /// The names of the layers that were not checked, since their database doesn't answer.
    pub(super) unchecked: Vec<String>,
}

/// Checks that all files can be opened and that the databases have the tables of their layers. A
/// database that doesn't answer is reported but is no error, since it may answer again when the
/// server starts.
pub(super) fn check(config: &ServeConfig) -> Result<CheckedLayers, BoxError> {
    let names = check_files(config)?;
    if let Some(posting) = &config.posting {
        posting.check_token()?;
    }
    let unchecked = check_databases(config)?;
    if let Some(posting) = &config.posting {
        posting.check_database()?;
    }
    Ok(CheckedLayers { names, unchecked })
}

fn check_files(config: &ServeConfig) -> Result<Vec<String>, BoxError> {
    let layers = expand::layers(config)?;
    for layer in &layers {
        if ArchiveLayer::is_archive(&layer.source) {
            let opened = ArchiveLayer::open(&layer.source, &layer_name(layer));
            opened.map_err(|error| layer.name_line(error))?;
        } else if !layer.is_without_file() && layer.source != "-" && !is_pipe(&layer.source) {
            let opened = layer.read.can_open(&layer.source);
            opened.map_err(|error| layer.name_line(error))?;
        }
    }
    let ids = expand::layer_ids(&layers);
    for (name, derived) in &config.server.derive {
        let exists = |of: &&str| ids.iter().any(|id| id.as_str() == *of);
        if let Some(missing) = derived.sources().iter().find(|of| !exists(of)) {
            return Err(format!("derive: {name}: `{missing}` is no layer here").into());
        }
    }
    Ok(layers.iter().map(layer_name).collect())
}

/// Checks the layers that are read from databases. Returns the names of the layers whose database
/// doesn't answer.
fn check_databases(config: &ServeConfig) -> Result<Vec<String>, BoxError> {
    let mut away: Vec<&str> = Vec::new();
    let mut unchecked = Vec::new();
    for layer in &config.layers {
        let Some(database) = layer.database.as_deref() else {
            continue;
        };
        if away.contains(&database.key()) {
            unchecked.push(layer_name(layer));
            continue;
        }
        let answers = database.check_layer(&layer_name(layer), &layer.read);
        if !answers.map_err(|error| layer.name_line(error))? {
            away.push(database.key());
            unchecked.push(layer_name(layer));
        }
    }
    let is_used = |database: &&Arc<DatabaseConfig>| {
        let key = database.key();
        let of_layer =
            |layer: &LayerConfig| layer.database.as_ref().is_some_and(|d| d.key() == key);
        let posting = config
            .posting
            .as_ref()
            .is_some_and(|posting| posting.uses(key));
        database.publishes() || posting || config.layers.iter().any(of_layer)
    };
    for database in config
        .databases
        .iter()
        .filter(|database| !is_used(database))
    {
        say!(
            "heatsplat: no layer reads source {}, so it was not asked",
            database.name()
        );
    }
    let publishing = config.databases.iter().filter(|d| d.publishes());
    for database in publishing.filter(|d| !away.contains(&d.key())) {
        database.published()?;
    }
    Ok(unchecked)
}
