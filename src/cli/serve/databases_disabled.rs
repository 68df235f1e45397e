//! The replacement of `databases.rs` in a program that is built without PostGIS. Each section
//! `[sources.NAME]` is an error here.

use super::config::ConfigError;
use super::config::raw::{ConfigSection, NamedSection};
use crate::cli::error::BoxError;
use crate::cli::layer_style::LayerStyle;
use crate::cli::postgis::ServeDatabaseFlags;
use crate::cli::source_flags::SourceFlags;
use heatsplat::{Backend, Style};
use heatsplat_server::{LiveLayer, Posting};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const DISABLED: &str = "this heatsplat was built without the feature `postgis`";

/// A type without values in place of a configured database: without PostGIS there is none.
pub(super) enum DatabaseConfig {}

/// A type without values in place of the connections to a database: without PostGIS there are none.
pub(super) enum Pool {}

impl DatabaseConfig {
    pub(super) fn new(
        named: &NamedSection,
        _style: (LayerStyle, &str),
    ) -> Result<Self, ConfigError> {
        Err(ConfigError::new(named.section.line(), DISABLED))
    }

    pub(super) fn name(&self) -> &str {
        match *self {}
    }

    pub(super) fn url(&self) -> &str {
        match *self {}
    }

    pub(super) fn key(&self) -> &str {
        match *self {}
    }

    pub(super) fn style(&self) -> &LayerStyle {
        match *self {}
    }

    pub(super) fn publishes(&self) -> bool {
        match *self {}
    }

    pub(super) fn refuses(&self, _read: &SourceFlags) -> Option<&'static str> {
        match *self {}
    }

    pub(super) fn layer_name(&self, _read: &SourceFlags) -> String {
        match *self {}
    }

    pub(super) fn pool(&self) -> Result<Arc<Pool>, BoxError> {
        match *self {}
    }

    pub(super) fn snapshot_flags(&self, _read: &SourceFlags) -> SourceFlags {
        match *self {}
    }

    pub(super) fn published(&self) -> Result<Option<Vec<(String, SourceFlags)>>, BoxError> {
        match *self {}
    }

    pub(super) fn check_layer(&self, _name: &str, _read: &SourceFlags) -> Result<bool, BoxError> {
        match *self {}
    }

    pub(super) fn live(
        &self,
        _name: &str,
        _read: &SourceFlags,
        _pool: &Arc<Pool>,
        _drawn: (&Style, &Arc<dyn Backend>),
        _known: bool,
    ) -> Result<LiveLayer, BoxError> {
        match *self {}
    }

    pub(super) fn listen(
        &self,
        _wanted: Arc<AtomicBool>,
        _notify: impl Fn(Option<String>) -> bool + Send + 'static,
    ) {
        match *self {}
    }
}

/// A type without values in place of the settings of posting: without PostGIS no layer can be
/// posted.
pub(super) enum PostingConfig {}

impl PostingConfig {
    pub(super) fn new(
        section: &ConfigSection,
        _databases: &[Arc<DatabaseConfig>],
    ) -> Result<Self, ConfigError> {
        Err(ConfigError::new(section.line(), DISABLED))
    }

    pub(super) fn uses(&self, _key: &str) -> bool {
        match *self {}
    }

    pub(super) fn check_token(&self) -> Result<(), ConfigError> {
        match *self {}
    }

    pub(super) fn check_database(&self) -> Result<(), ConfigError> {
        match *self {}
    }

    pub(super) fn posting(&self, _backend: &Arc<dyn Backend>) -> Result<Posting, ConfigError> {
        match *self {}
    }
}

pub(super) fn has_token(_flags: &ServeDatabaseFlags) -> bool {
    false
}
