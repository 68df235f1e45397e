//! The comparison of two backends on a layer's own tiles.

use serde::Serialize;
use std::collections::BTreeMap;

/// The outcome of a race: two backends have drawn tiles of a layer. The faster one draws the layer
/// from the next reading of its data on; until then the backend stays the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BackendRace {
    /// The number of tiles per second that each of the two backends has drawn, by the backend's
    /// name.
    pub tiles_per_second: BTreeMap<String, f64>,
    /// The name of the backend that draws the layer from the next reading of its data on.
    pub next: String,
}
