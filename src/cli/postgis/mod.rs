//! PostGIS as a source and a target of the program.

pub(super) mod flags;
pub(super) mod live;
pub(super) mod queries;
pub(super) mod rasters;
