//! The routes: one file each.

pub(crate) mod catalog;
pub(crate) mod dem;
pub(crate) mod gdal;
pub(crate) mod health;
pub(crate) mod legend;
pub(crate) mod map;
pub(crate) mod metrics;
pub(crate) mod post_layer;
pub(crate) mod tile;
pub(crate) mod tilejson;
pub(crate) mod value;
pub(crate) mod viewer;
