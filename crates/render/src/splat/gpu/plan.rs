//! Plans for the GPU: a kernel's algorithm together with its tables, which are computed once.

use super::tables::{PlanTables, RefineTable, SpreadTable, StampTable};
use crate::memo::Memo;
use crate::splat::lattice::{self, Lattice};
use crate::splat::plan::Plan;
use crate::splat::stamp::Deposit;
use crate::style::kernel::{Kernel, KernelKey, Shape};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The number of plans in the cache. It is a choice: a server draws with few kernels at a time.
const PLANS: usize = 64;

/// The number of pictures of a kernel with wrong sums (the failure `WrongSum`) after which the
/// kernel's pictures are drawn by the CPU only. One wrong sum may be the device's fault. But if a
/// driver compiles a shader wrongly, each picture would fail, and each failure costs the device and
/// all points on it. The number is a choice.
const MOST_WRONG: u32 = 2;

/// The algorithm that turns cells into a density on the GPU, for one kernel.
#[derive(Debug)]
pub(super) struct GpuPlan {
    /// A number that no other plan of this process has.
    pub(super) id: u64,
    pub(super) kernel: Kernel,
    /// The greatest side, in pixels, of the cells that the kernel may be splatted from.
    pub(super) finest: f64,
    pub(super) kind: GpuPlanKind,
    pub(super) tables: PlanTables,
    /// The number of pictures of this plan that had wrong sums: the failure `WrongSum`.
    wrong: AtomicU32,
}

/// The algorithm of a plan, which decides the shader stages that run.
#[derive(Debug)]
pub(super) enum GpuPlanKind {
    /// Adds the kernel around each cell, in fixed point. The kernel reaches `margin` pixels to each
    /// side of the cell's pixel.
    Direct { margin: u32 },
    /// Deposits cells on a grid and convolves the grid with each of `terms` separable terms, along
    /// the rows and then along the columns. If the grid is coarser than the picture, the result is
    /// refined to pixels. A term reaches `reach` grid cells to each side. A thread, which computes
    /// several outputs, reads `span` values along an axis.
    Spread {
        lattice: Lattice,
        reach: u32,
        terms: u32,
        span: u32,
    },
    /// Deposits cells on a grid and convolves the grid with a stamp, a two-dimensional table of
    /// weights that reaches `reach` pixels to each side of its middle.
    Edge { reach: u32, deposit: Deposit },
    /// No shader stages: the CPU draws the kernel.
    Beyond,
}

impl GpuPlan {
    fn new(kernel: &Kernel) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let (kind, tables) = match Plan::for_kernel(kernel) {
            // The shaders stamp only smooth kernels.
            Plan::Direct if lattice::follows(kernel.shape()) => {
                let margin = (kernel.reach() + 0.5).floor() as u32;
                (GpuPlanKind::Direct { margin }, PlanTables::default())
            }
            Plan::Spread(spread) => {
                let coarse = spread.lattice.coarser() > 1;
                let refine = coarse.then(|| RefineTable::new(spread.lattice));
                let table = SpreadTable::new(&spread);
                let kind = GpuPlanKind::Spread {
                    lattice: spread.lattice,
                    reach: spread.reach(),
                    terms: spread.terms.len() as u32,
                    span: table.span,
                };
                (kind, PlanTables::for_spread(&table, refine.as_ref()))
            }
            Plan::Edge(stamp) => {
                let kind = GpuPlanKind::Edge {
                    reach: stamp.reach(),
                    deposit: stamp.deposit,
                };
                (kind, PlanTables::for_stamp(&StampTable::new(&stamp)))
            }
            Plan::Direct | Plan::Exact | Plan::Discs(_) | Plan::Pixels => {
                (GpuPlanKind::Beyond, PlanTables::default())
            }
        };
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            kernel: *kernel,
            finest: kernel.finest_cell(),
            kind,
            tables,
            wrong: AtomicU32::new(0),
        }
    }

    /// Counts a picture of this plan that had wrong sums: the failure `WrongSum`.
    pub(super) fn count_wrong(&self) {
        self.wrong.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns true if so many pictures of this plan had wrong sums that the CPU draws the kernel
    /// from now on.
    pub(super) fn is_quarantined(&self) -> bool {
        self.wrong.load(Ordering::Relaxed) >= MOST_WRONG
    }

    /// The number that stands for the kernel's shape in shaders.
    pub(super) fn shape(&self) -> u32 {
        let shape = self.kernel.shape();
        Shape::ALL
            .iter()
            .position(|(_, s)| *s == shape)
            .unwrap_or(0) as u32
    }
}

/// A cache that has a plan for each kernel.
#[derive(Debug)]
pub(super) struct Plans(Memo<KernelKey, GpuPlan>);

impl Default for Plans {
    fn default() -> Self {
        Self(Memo::new(PLANS))
    }
}

impl Plans {
    pub(super) fn get(&self, kernel: &Kernel) -> Arc<GpuPlan> {
        self.0
            .get_or_compute(&kernel.key(), || GpuPlan::new(kernel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::kernel::Normalize;
    use crate::style::precision::Precision;

    #[test]
    fn a_plan_that_is_wrong_twice_is_left_to_the_processor() {
        let plans = Plans::default();
        let [wide, narrow] =
            [20.0, 1.5].map(|r| Kernel::new(Shape::Gaussian, r, Normalize::Peak).unwrap());
        plans.get(&wide).count_wrong();
        assert!(!plans.get(&wide).is_quarantined());
        plans.get(&wide).count_wrong();
        assert!(plans.get(&wide).is_quarantined() && !plans.get(&narrow).is_quarantined());
    }

    #[test]
    fn what_is_exact_is_the_processors() {
        let plans = Plans::default();
        for (_, shape) in Shape::ALL {
            let fast = Kernel::new(shape, 9.0, Normalize::Peak).unwrap();
            let exact = fast.with_precision(Precision::Exact);
            assert!(
                matches!(plans.get(&exact).kind, GpuPlanKind::Beyond),
                "{shape}"
            );
            assert_ne!(plans.get(&fast).id, plans.get(&exact).id);
        }
    }
}
