//! The layers that a configuration asks for at present: those that it names, those of the files in
//! its folders, and those of the tables that its databases publish.

use super::config::{LayerConfig, ServeConfig};
use super::expand;
use super::loaded_layer::{LoadedLayer, Reload};
use super::reconcile::LayerSet;
use crate::cli::error::BoxError;
use crate::cli::logging::say;
use std::sync::Arc;

impl LayerSet {
    /// Lists the layers that a configuration names, those of its folders included. A folder that
    /// had no files of points at the start ([`LayerSet::empty`]) may still have none. A folder that
    /// has become empty since then is an error if the configuration or all layers are read again.
    /// Otherwise the folder keeps its former layers, so that the reload of other layers doesn't
    /// fail.
    pub(super) fn configured_layers(
        &self,
        config: &ServeConfig,
        reload: &Reload,
    ) -> Result<Vec<LayerConfig>, BoxError> {
        expand::layers_or(config, |folder, error| {
            if self.empty.contains(&folder.key) {
                return Ok(Vec::new());
            }
            if matches!(reload, Reload::Config | Reload::All) {
                return Err(error);
            }
            let is_in_folder = |loaded: &&LoadedLayer| {
                loaded.config.key == format!("{}{}", folder.key, loaded.config.source)
            };
            let old = || self.loaded.iter().filter(is_in_folder);
            if old().any(|loaded| loaded.is_in(reload)) {
                say!("heatsplat: {error}; its layers stay as they were");
            }
            Ok(old().map(|loaded| loaded.config.clone()).collect())
        })
    }

    /// Lists a layer for each table that a database publishes. If a database doesn't answer, its
    /// previous layers stay in the list.
    pub(super) fn published_layers(
        &self,
        config: &ServeConfig,
        reload: &Reload,
    ) -> Result<Vec<LayerConfig>, BoxError> {
        let mut all = Vec::new();
        for database in config.databases.iter().filter(|d| d.publishes()) {
            let tables = match reload {
                Reload::Files | Reload::Layer(_) | Reload::Replaced => None,
                Reload::Due | Reload::All => database.published().unwrap_or_else(|error| {
                    say!("heatsplat: {error}; its tables stay as they were");
                    None
                }),
                Reload::Config => database.published()?,
            };
            let Some(tables) = tables else {
                let old = self.loaded.iter().map(|loaded| &loaded.config);
                let own = old.filter(|l| l.is_published && l.source == database.url());
                all.extend(own.cloned());
                continue;
            };
            all.extend(tables.into_iter().map(|(name, read)| LayerConfig {
                key: format!("{name}\n{}", database.key()),
                name: Some(name),
                source: database.url().to_owned(),
                database: Some(Arc::clone(database)),
                read,
                live: true,
                is_published: true,
                line: None,
                reload: config.server.reload,
                keys: Vec::new(),
                style: database.style().clone(),
            }));
        }
        Ok(all)
    }
}
