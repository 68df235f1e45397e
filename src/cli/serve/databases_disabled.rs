//! What stands for databases in a program that was built without PostGIS.

use super::config::from_toml::Named;
use super::config::raw::{Mistake, Words};
use crate::cli::Failure;
use crate::cli::source_flags::SourceFlags;
use heatsplat::{Backend, Style};
use heatsplat_server::{Live, Posting};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const LEFT_OUT: &str = "this heatsplat was built without the feature `postgis`";

/// There is no database.
pub(super) enum DatabaseSetup {}

/// Nor are there connections.
pub(super) enum Pool {}

/// Addresses of databases are files that are not there.
pub(super) fn is_address(_source: &str) -> bool {
    false
}

impl DatabaseSetup {
    pub(super) fn of(named: &Named, _style: Style, _looks: &Words) -> Result<Self, Mistake> {
        let line = named.words.0.first().and_then(|word| word.line);
        Err(Mistake::new(line, LEFT_OUT))
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

    pub(super) fn style(&self) -> &Style {
        match *self {}
    }

    pub(super) fn publishes(&self) -> bool {
        match *self {}
    }

    pub(super) fn refuses(&self, _read: &SourceFlags) -> Option<&'static str> {
        match *self {}
    }

    pub(super) fn pool(&self) -> Result<Arc<Pool>, Failure> {
        match *self {}
    }

    pub(super) fn reading(&self, _read: &SourceFlags) -> SourceFlags {
        match *self {}
    }

    pub(super) fn published(&self) -> Result<Option<Vec<(String, SourceFlags)>>, Failure> {
        match *self {}
    }

    pub(super) fn ask(&self, _name: &str, _read: &SourceFlags) -> Result<bool, Failure> {
        match *self {}
    }

    pub(super) fn live(
        &self,
        _name: &str,
        _read: &SourceFlags,
        _pool: &Arc<Pool>,
        _drawn: (&Style, &Arc<dyn Backend>),
        _known: bool,
    ) -> Result<Live, Failure> {
        match *self {}
    }

    pub(super) fn listen(
        &self,
        _wanted: Arc<AtomicBool>,
        _say: impl Fn(Option<String>) -> bool + Send + 'static,
    ) {
        match *self {}
    }
}

pub(super) fn check_posting(
    words: &Words,
    _databases: &[Arc<DatabaseSetup>],
) -> Result<(), Mistake> {
    let line = words.0.first().and_then(|word| word.line);
    Err(Mistake::new(line, LEFT_OUT))
}

pub(super) fn check_token(words: &Words) -> Result<(), Mistake> {
    check_posting(words, &[])
}

pub(super) fn ask_for_posting(
    words: &Words,
    databases: &[Arc<DatabaseSetup>],
) -> Result<(), Failure> {
    Ok(check_posting(words, databases)?)
}

pub(super) fn posting(
    words: &Words,
    _databases: &[Arc<DatabaseSetup>],
    _backend: &Arc<dyn Backend>,
) -> Result<Posting, Mistake> {
    let line = words.0.first().and_then(|word| word.line);
    Err(Mistake::new(line, LEFT_OUT))
}
