//! Layers: their registry, and the kinds of data that they serve.

pub(crate) mod archived;
pub(crate) mod derived;
pub(crate) mod entry;
pub(crate) mod filtered;
pub(crate) mod live;
pub(crate) mod registry;
