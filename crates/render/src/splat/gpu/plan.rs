//! What the GPU needs to know of a kernel, made once and kept.

use super::tables::{RefineTable, SpreadTable, StampTable};
use crate::splat::lattice::{self, Lattice};
use crate::splat::plan::{Deposit, Plan};
use crate::style::kernel::{Kernel, KernelKey, Shape};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Plans kept ready; a server sees few kernels at a time.
pub(super) const PLANS: usize = 64;

/// The way from cells to density on the GPU.
#[derive(Debug)]
pub(super) struct GpuPlan {
    /// Never the same for two plans of a process.
    pub(super) id: u64,
    pub(super) kernel: Kernel,
    /// The coarsest cells that it may be splatted from, in pixels.
    pub(super) finest: f64,
    pub(super) way: Way,
}

/// The stages of a plan.
#[derive(Debug)]
pub(super) enum Way {
    /// Stamps of so many pixels to each side, in fixed point.
    Direct { margin: u32 },
    /// Deposit, terms across and down, and refining on coarse lattices.
    Spread {
        lattice: Lattice,
        reach: u32,
        terms: u32,
        table: SpreadTable,
        refine: Option<RefineTable>,
    },
    /// Deposit and a stamp.
    Edge {
        reach: u32,
        deposit: Deposit,
        table: StampTable,
    },
    /// No stage: the processor draws it.
    Beyond,
}

impl GpuPlan {
    fn new(kernel: &Kernel) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let way = match Plan::of(kernel) {
            // the shaders' stamps are those of smooth kernels
            Plan::Direct if !lattice::follows(kernel.shape()) => Way::Beyond,
            Plan::Direct => Way::Direct {
                margin: (kernel.reach() + 0.5).floor() as u32,
            },
            Plan::Spread(spread) => Way::Spread {
                lattice: spread.lattice,
                reach: spread.reach(),
                terms: spread.terms.len() as u32,
                table: SpreadTable::new(&spread),
                refine: (spread.lattice.coarser() > 1).then(|| RefineTable::new(spread.lattice)),
            },
            Plan::Edge(stamp) => Way::Edge {
                reach: stamp.reach(),
                deposit: stamp.deposit,
                table: StampTable::new(&stamp),
            },
            Plan::Exact | Plan::Discs(_) | Plan::Pixels => Way::Beyond,
        };
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            kernel: *kernel,
            finest: kernel.finest_cell(),
            way,
        }
    }

    /// The shape as the shader numbers it.
    pub(super) fn shape(&self) -> u32 {
        let shape = self.kernel.shape();
        Shape::ALL
            .iter()
            .position(|(_, s)| *s == shape)
            .unwrap_or(0) as u32
    }
}

/// Plans by kernel.
#[derive(Debug, Default)]
pub(super) struct Plans(Mutex<HashMap<KernelKey, Arc<GpuPlan>>>);

impl Plans {
    pub(super) fn get(&self, kernel: &Kernel) -> Arc<GpuPlan> {
        let key = kernel.key();
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if plans.len() >= PLANS && !plans.contains_key(&key) {
            plans.clear();
        }
        let make = || Arc::new(GpuPlan::new(kernel));
        plans.entry(key).or_insert_with(make).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::kernel::Normalize;
    use crate::style::precision::Precision;

    #[test]
    fn what_is_exact_is_the_processors() {
        let plans = Plans::default();
        for (_, shape) in Shape::ALL {
            let fast = Kernel::new(shape, 9.0, Normalize::Peak).unwrap();
            let exact = fast.with_precision(Precision::Exact);
            assert!(matches!(plans.get(&exact).way, Way::Beyond), "{shape}");
            assert_ne!(plans.get(&fast).id, plans.get(&exact).id);
        }
    }
}
