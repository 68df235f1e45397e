//! Statistics that several layers share, for example the layers of all windows of time of about one
//! length. So at one zoom a colour stands for the same value in all of these layers.

use crate::layer::point_set::PointSet;
use crate::layer::sampling::{SampledTile, sampled_tiles};
use crate::memo::Memo;
use crate::memo::budget::MemoryBudget;
use crate::scale::histogram::Statistics;
use crate::style::keys::ValuesKey;
use std::fmt;
use std::sync::Arc;

/// The greatest number of statistics in the cache, one for each level and style. A choice: enough
/// for all zooms in some styles.
const CACHED: usize = 256;

/// A function that makes the sets of points whose statistics are merged.
type MakeSets = dyn Fn() -> Vec<PointSet> + Send + Sync;

/// Statistics of several sets of points, merged, which several layers share.
///
/// They don't depend on the layer that needs them first. The sets are made when statistics are
/// needed, and stay in memory for the statistics of other zooms as long as the budget has room for
/// the sets.
pub struct SharedStatistics {
    make: Box<MakeSets>,
    sets: Memo<(), MadeSets>,
    budget: Arc<MemoryBudget>,
    merged: Memo<(u8, ValuesKey), Statistics>,
    /// The tiles to measure, by the number of the set and the level.
    tiles: Memo<(usize, u8), Vec<SampledTile>>,
    measures_to_the_end: bool,
}

impl SharedStatistics {
    /// Statistics of the sets that `make` makes; it must return equal sets each time. The memory of
    /// sets and statistics is counted in `budget`.
    pub fn new(
        budget: &Arc<MemoryBudget>,
        make: impl Fn() -> Vec<PointSet> + Send + Sync + 'static,
    ) -> Self {
        Self {
            make: Box::new(make),
            sets: Memo::counted(1, budget, |(), made| made.counted),
            budget: Arc::clone(budget),
            merged: Memo::counted(CACHED, budget, |(_, key), statistics| {
                key.text_bytes() + statistics.heap_bytes()
            }),
            tiles: Memo::counted(CACHED, budget, |_, tiles| size_of_val(&**tiles)),
            measures_to_the_end: false,
        }
    }

    /// Marks the statistics as needed by all requests: they are measured to the end even if the
    /// request that needs them first is cancelled. Without this mark the measurement ends with that
    /// request.
    #[must_use]
    pub fn measured_to_the_end(mut self) -> Self {
        self.measures_to_the_end = true;
        self
    }

    /// Returns true if the statistics are measured to the end even if the request that needs them
    /// first is cancelled: see [`measured_to_the_end`](Self::measured_to_the_end).
    pub(crate) fn measures_to_the_end(&self) -> bool {
        self.measures_to_the_end
    }

    /// The merged statistics under a key, the level and the style. `measure` measures the
    /// statistics of one set in tiles that a function gives. If several threads need them at the
    /// same time, one of them measures.
    pub(crate) fn get(
        &self,
        key: &(u8, ValuesKey),
        measure: impl Fn(&PointSet, &dyn Fn() -> Arc<Vec<SampledTile>>) -> Statistics,
    ) -> Arc<Statistics> {
        self.merged.get_or_compute(key, || {
            let mut all = Statistics::default();
            let made = self.sets.get_or_compute(&(), || {
                MadeSets::new((self.make)(), self.budget.limit() / 2)
            });
            for (i, set) in made.sets.iter().enumerate() {
                let key = (i, key.0);
                let tiles = || {
                    self.tiles
                        .get_or_compute(&key, || sampled_tiles(set, key.1))
                };
                all.merge(&measure(set, &tiles));
            }
            all
        })
    }

    /// Returns true if a thread is measuring the statistics under a key, or is making the sets that
    /// they need.
    pub(crate) fn is_pending(&self, key: &(u8, ValuesKey)) -> bool {
        self.merged.is_pending(key) || !self.merged.has(key) && self.sets.is_pending(&())
    }
}

/// Sets of points with the bytes by which they count in the budget.
struct MadeSets {
    sets: Vec<PointSet>,
    counted: usize,
}

impl MadeSets {
    /// Counts the bytes of sets. Even if they take more memory, at most `most` bytes are counted,
    /// so that scales have room beside them.
    fn new(sets: Vec<PointSet>, most: usize) -> Self {
        let parts = sets.iter().flat_map(PointSet::parts);
        let bytes: usize = parts.map(|(_, points)| points.bytes()).sum();
        Self {
            counted: bytes.min(most),
            sets,
        }
    }
}

impl fmt::Debug for SharedStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sets = self.sets.get(&()).map(|made| made.sets.len());
        f.debug_struct("SharedStatistics")
            .field("sets", &sets)
            .finish_non_exhaustive()
    }
}
