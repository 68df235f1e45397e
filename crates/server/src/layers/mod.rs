//! Layers: their registry, and the sources of data that they draw.

pub(crate) mod archived;
pub(crate) mod derived;
pub(crate) mod entry;
pub(crate) mod filtered;
pub(crate) mod live;
pub(crate) mod posting;
pub(crate) mod registry;
