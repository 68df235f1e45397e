//! Layers: their registry, and the kinds of data from which they are drawn.

pub(crate) mod archived;
pub(crate) mod attributes;
pub(crate) mod backend_race;
pub(crate) mod derived;
pub(crate) mod entry;
pub(crate) mod filtered;
pub(crate) mod layer_id;
pub(crate) mod live;
pub(crate) mod point_posting;
pub(crate) mod posted;
pub(crate) mod posted_points;
pub(crate) mod posting;
pub(crate) mod registry;
pub(crate) mod windows;
