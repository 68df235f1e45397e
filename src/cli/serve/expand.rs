//! The list of all layers of a configuration, with their names. A folder in the configuration
//! becomes a layer for each of its files.

use super::config::{LayerConfig, ServeConfig};
use super::folder;
use crate::cli::error::BoxError;
use crate::cli::source_name;
use heatsplat_loader::program_name;
use heatsplat_server::{LayerId, Registry};
use std::path::Path;

/// Lists all layers that a configuration names. A folder becomes a layer for each of its files.
///
/// # Errors
/// An error if a folder holds no file of points.
pub(super) fn layers(config: &ServeConfig) -> Result<Vec<LayerConfig>, BoxError> {
    layers_or(config, |_, error| Err(error))
}

/// Lists all layers that a configuration names, like [`layers`]. For a folder without files of
/// points it calls `empty`, with the folder and the error about it. `empty` returns the layers that
/// take the place of the folder, or an error.
pub(super) fn layers_or(
    config: &ServeConfig,
    empty: impl Fn(&LayerConfig, BoxError) -> Result<Vec<LayerConfig>, BoxError>,
) -> Result<Vec<LayerConfig>, BoxError> {
    let mut all = Vec::new();
    for layer in &config.layers {
        all.extend(of_entry(layer).or_else(|error| empty(layer, error))?);
    }
    Ok(all)
}

/// The layers of one entry of the configuration: one layer or, for a folder, a layer for each of
/// its files.
fn of_entry(layer: &LayerConfig) -> Result<Vec<LayerConfig>, BoxError> {
    let folder = Path::new(&layer.source);
    if layer.is_without_file() || !folder.is_dir() {
        return Ok(vec![layer.clone()]);
    }
    let files = folder::files(folder, &layer.read);
    if files.is_empty() {
        let folder = &layer.source;
        let message = format!("{folder}: there are no files of points in the folder");
        return Err(layer.name_line(message));
    }
    let layer = |file: String| LayerConfig {
        key: format!("{}{file}", layer.key),
        source: file,
        ..layer.clone()
    };
    Ok(files.into_iter().map(layer).collect())
}

/// Lists the layers that can be served at the start, and the configuration keys
/// ([`LayerConfig::key`]) of the folders without files of points, which are left out of the layers.
///
/// # Errors
/// An error if no layer is left, or if a folder was left out and the configuration requires all
/// layers.
pub(super) fn layers_at_start(
    config: &ServeConfig,
) -> Result<(Vec<LayerConfig>, Vec<String>), BoxError> {
    let mut empty = Vec::new();
    let mut all = Vec::new();
    let mut errors = Vec::new();
    for layer in &config.layers {
        match of_entry(layer) {
            Ok(layers) => all.extend(layers),
            Err(error) => {
                empty.push(layer.key.clone());
                errors.push(error);
            }
        }
    }
    let is_needed = all.is_empty() || config.server.require_all;
    match errors.into_iter().next() {
        Some(error) if is_needed => Err(error),
        _ => Ok((all, empty)),
    }
}

/// The ids of layers, which are parts of their URLs, in the order of `layers`. Each is made from a
/// layer's name.
pub(super) fn layer_ids(layers: &[LayerConfig]) -> Vec<LayerId> {
    let names: Vec<_> = layers.iter().map(layer_name).collect();
    Registry::ids_for(names.iter().map(String::as_str))
}

/// The name of a layer: the one in its configuration; without one, the name of its file, table or
/// program.
pub(super) fn layer_name(layer: &LayerConfig) -> String {
    match (&layer.name, &layer.database, &layer.read.command) {
        (Some(name), ..) => name.clone(),
        (None, Some(database), _) => database.layer_name(&layer.read),
        (None, None, Some(command)) => program_name(command).to_owned(),
        (None, None, None) => source_name::layer_name(&layer.source),
    }
}

/// Returns true if a source is a pipe or a device. Reading from a pipe waits for its writer.
pub(super) fn is_pipe(source: &str) -> bool {
    let kind = Path::new(source).metadata();
    kind.is_ok_and(|kind| !kind.is_file() && !kind.is_dir())
}
