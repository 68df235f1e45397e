//! The comparison of two backends on a layer's own tiles.

use serde::Serialize;
use std::collections::BTreeMap;

/// The outcome of a race: two backends have drawn tiles of a layer, and one of them draws the layer
/// when its data are read again. Until then nothing changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BackendRace {
    /// The tiles a second that each backend has drawn, by the backend's name.
    pub tiles_per_second: BTreeMap<String, f64>,
    /// The name of the backend that draws the layer from the next reading of its data on.
    pub next: String,
}
