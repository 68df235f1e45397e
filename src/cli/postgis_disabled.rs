//! The replacement of `postgis/` in a program that is built without the feature `postgis`. The
//! address of a database is taken for the name of a file, which doesn't exist.

use super::error::BoxError;
use super::source_flags::SourceFlags;
use clap::Args;
use heatsplat::Layer;
use heatsplat_loader::Source;
use std::ops::RangeInclusive;

/// No flags: the flags about databases need the feature `postgis`.
#[derive(Args, Clone, Default)]
pub(super) struct DatabaseFlags {}

impl DatabaseFlags {
    pub(super) fn check_unused(&self) -> Result<(), &'static str> {
        Ok(())
    }
}

/// No flags: the flags about databases need the feature `postgis`.
#[derive(Args, Clone, Default)]
pub(super) struct RoleFlags {}

/// No flags: the flags about databases need the feature `postgis`.
#[derive(Args)]
pub(super) struct ServeDatabaseFlags {
    /// Always false: without PostGIS no layer is live.
    #[arg(skip)]
    pub(super) live: bool,
    #[arg(skip)]
    pub(super) pool: PoolFlags,
}

/// No flags: the flags about databases need the feature `postgis`.
#[derive(Args, Default)]
pub(super) struct PoolFlags {
    /// Always false: without PostGIS no table is published.
    #[arg(skip)]
    pub(super) auto_publish: bool,
}

/// No flags: the flags about databases need the feature `postgis`.
#[derive(Args)]
pub(super) struct PostFlags {}

/// A type without values in place of a table of PostGIS rasters: without PostGIS none can be named.
#[derive(Clone, Debug)]
pub(super) enum RasterTable {}

impl RasterTable {
    pub(super) fn parse(_text: &str) -> Option<Result<Self, String>> {
        None
    }

    pub(super) fn check(&self, _: RangeInclusive<u8>, _overwrite: bool) -> Result<(), BoxError> {
        match *self {}
    }

    pub(super) fn write(
        &self,
        _layer: &Layer,
        _zooms: RangeInclusive<u8>,
        _overwrite: bool,
    ) -> Result<(), BoxError> {
        match *self {}
    }
}

pub(super) fn is_address(_source: &str) -> bool {
    false
}

pub(super) fn open(_source: &str, _: &SourceFlags) -> Option<Result<Box<dyn Source>, BoxError>> {
    None
}

pub(super) fn redact(_source: &str) -> Option<String> {
    None
}

pub(super) fn datasource<'a>(
    _get: &impl Fn(&str) -> Option<&'a str>,
    _flags: &mut SourceFlags,
) -> Result<String, &'static str> {
    Err("this heatsplat was built without the feature `postgis`")
}
