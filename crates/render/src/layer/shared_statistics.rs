//! Statistics that several layers share: those of windows of time of about one length, for example,
//! whose colours then hold still.

use crate::layer::point_set::PointSet;
use crate::memo::Memo;
use crate::memo::budget::{BudgetShare, MemoryBudget};
use crate::scale::histogram::Statistics;
use crate::style::keys::ValuesKey;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The most statistics that are kept. A choice: those of all zooms in some styles.
const CACHED: usize = 256;

/// A function that makes the sets of points whose statistics are merged.
type MakeSets = dyn Fn() -> Vec<PointSet> + Send + Sync;

/// Statistics of several sets of points, merged, which several layers share.
///
/// They don't depend on the layer that needs them first. The sets are made when statistics are
/// first needed.
pub struct SharedStatistics {
    make: Box<MakeSets>,
    sets: OnceLock<(Vec<PointSet>, BudgetShare)>,
    merged: Memo<(u8, ValuesKey), Statistics>,
    budget: Arc<MemoryBudget>,
}

impl SharedStatistics {
    /// Statistics of the sets that `make` makes, which must always be equal. Their memory is
    /// counted in `budget`.
    pub fn new(
        budget: &Arc<MemoryBudget>,
        make: impl Fn() -> Vec<PointSet> + Send + Sync + 'static,
    ) -> Self {
        Self {
            make: Box::new(make),
            sets: OnceLock::new(),
            merged: Memo::counted(CACHED, budget, |(_, key), statistics| {
                key.text_bytes() + statistics.heap_bytes()
            }),
            budget: Arc::clone(budget),
        }
    }

    /// The merged statistics under a key. `measure` measures those of one set. If several threads
    /// need them at a time, one of them measures.
    pub(crate) fn get(
        &self,
        key: &(u8, ValuesKey),
        measure: impl Fn(&PointSet) -> Statistics,
    ) -> Arc<Statistics> {
        self.merged.get_or_compute(key, || {
            let mut all = Statistics::default();
            for set in self.sets() {
                all.merge(&measure(set));
            }
            all
        })
    }

    fn sets(&self) -> &[PointSet] {
        let make = || {
            let sets = (self.make)();
            let parts = sets.iter().flat_map(PointSet::parts);
            let bytes: usize = parts.map(|(_, points)| points.bytes()).sum();
            (sets, self.budget.count(bytes))
        };
        &self.sets.get_or_init(make).0
    }

    /// Returns true if a thread is measuring the statistics under a key.
    pub(crate) fn is_pending(&self, key: &(u8, ValuesKey)) -> bool {
        self.merged.is_pending(key)
    }
}

impl fmt::Debug for SharedStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sets = self.sets.get().map(|(sets, _)| sets.len());
        f.debug_struct("SharedStatistics")
            .field("sets", &sets)
            .finish_non_exhaustive()
    }
}
