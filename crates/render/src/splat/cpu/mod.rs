//! The CPU backend. It is the default if there is no hardware GPU, and other backends are tested
//! against it.
//!
//! Tiles are drawn in parallel, each by one thread; large pictures are cut into rectangles, their
//! blocks, which are drawn like tiles. Vector instructions are chosen at run time and change no bit
//! of the result.

mod blend;
mod blend_u8;
mod colorize_alpha;
mod gather;
mod place;
mod sites;
mod splat_bin;
mod splat_direct;
mod splat_discs;
mod splat_edge;
mod splat_edge_sparse;
mod splat_exact;
mod splat_pixels;
mod splat_refine;
mod splat_signed;
mod splat_spread;
mod stack_blur;

use crate::memo::Memo;
use crate::scale::normalizer::Normalizer;
use crate::splat::blend_job::BlendJob;
use crate::splat::density::{Density, Picture};
use crate::splat::lattice;
use crate::splat::plan::{self, Plan};
use crate::splat::stamp::{Deposit, KernelStamp};
use crate::splat::tiling::{BLOCK, Block, PaddedBlock};
use crate::splat::timing::{Phase, lap};
use crate::splat::{Backend, Job};
use crate::style::kernel::{Kernel, KernelKey};
use crate::style::precision::Precision;
use crate::unit_costs::{self as ns, report};
pub(crate) use colorize_alpha::indices;
use gather::Needs;
use heatsplat_points::{Window, cancel};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use splat_bin::Bins;
use splat_edge::Spectra;
use splat_edge_sparse::StampRows;
use splat_refine::Refine;
pub use splat_signed::MOST_PIXELS;
pub(crate) use splat_signed::cancel;
use splat_spread::SpreadScratch;
use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

/// The number of plans in the cache. It is a choice: a server draws with few kernels at a time.
const PLANS: usize = 64;

/// The backend that draws on the CPU.
#[derive(Debug)]
pub struct CpuBackend {
    plans: Memo<KernelKey, CpuPlan>,
}

/// A kernel's plan, with tables that are computed once.
#[derive(Debug)]
struct CpuPlan {
    kernel: Kernel,
    plan: Plan,
    /// The rows of the plan's stamp, a table of the weights of a convolution. They are used for
    /// pictures with few cells, where they cost less than an FFT. `None` for a plan that uses no
    /// stamp.
    taps: Option<StampRows>,
    spectra: Spectra,
}

/// Buffers that a thread reuses from tile to tile.
#[derive(Default)]
struct Workspace {
    bins: Bins,
    scratch: SpreadScratch,
    edge: splat_edge::EdgeScratch,
    discs: splat_discs::DiscsScratch,
    coarse: Vec<f32>,
    rows: splat_refine::RefineRows,
    exact: splat_exact::ExactScratch,
    sums: Vec<f64>,
    density: Vec<f32>,
    cropped: Vec<f32>,
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

impl Default for CpuBackend {
    fn default() -> Self {
        Self {
            plans: Memo::new(PLANS),
        }
    }
}

impl CpuBackend {
    /// A backend whose cache of plans is empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// The backend, shared by the whole process, that measures the statistics of layers that
    /// devices draw.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<CpuBackend> = LazyLock::new(CpuBackend::new);
        &SHARED
    }

    /// The plan of a kernel with its tables. It comes from the cache if it is there.
    fn plan(&self, kernel: &Kernel) -> Arc<CpuPlan> {
        let make = || {
            let plan = Plan::for_kernel(kernel);
            report(1, plan.preparation(kernel));
            let taps = match &plan {
                Plan::Edge(stamp) => Some(StampRows::new(stamp)),
                Plan::Discs(discs) => discs.grid.as_ref().map(StampRows::new),
                Plan::Exact | Plan::Direct | Plan::Spread(_) | Plan::Pixels => None,
            };
            CpuPlan {
                kernel: *kernel,
                plan,
                taps,
                spectra: Spectra::default(),
            }
        };
        // Exact kernels are not cached: they have no tables, and a radius in metres would add a
        // kernel for each row.
        if kernel.precision() == Precision::Exact {
            return Arc::new(make());
        }
        self.plans.get_or_compute(&kernel.key(), make)
    }

    /// Draws a picture block by block, and calls `finish` with each block's place in the picture
    /// and density. Returns each block with the result of `finish`.
    fn blocks<T: Send>(
        &self,
        job: &Job<'_>,
        finish: impl Fn(Block, &[f32]) -> T + Sync,
    ) -> Vec<(Block, T)> {
        let plan = self.plan(&job.kernel);
        let blocks = plan.blocks(job);
        let draw = |padded: &PaddedBlock| {
            let finished = plan.draw(job, padded, |values| finish(padded.block, values));
            (padded.block, finished)
        };
        let drawn = for_each(&blocks, draw);
        if blocks.len() > 1 {
            lap(Phase::Draw);
        }
        drawn
    }
}

/// Calls `draw` with each item, on all cores, and returns the results in the order of the items. A
/// single item is drawn on the calling thread, which saves the way to the thread pool and back.
fn for_each<T: Sync, R: Send>(items: &[T], draw: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    match items {
        [only] => vec![draw(only)],
        many => {
            let work = cancel::inherit();
            let draw = |item| work.run(|| draw(item));
            many.par_iter().map(draw).collect()
        }
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> &str {
        "cpu"
    }

    fn measurer(&self) -> &dyn Backend {
        self
    }

    fn densities(&self, jobs: &[Job<'_>]) -> Vec<Density> {
        let draw = |job: &Job<'_>| {
            let grid = |b: Block, values: &[f32]| Density {
                width: b.width,
                height: b.height,
                values: values.to_vec(),
            };
            let mut blocks = self.blocks(job, grid);
            if blocks.len() == 1 {
                return blocks.remove(0).1;
            }
            let mut whole = Density::empty(job.window.width(), job.window.height());
            for (block, part) in blocks {
                whole.paste(&part, block.x, block.y);
            }
            whole
        };
        for_each(jobs, draw)
    }

    fn with_density(&self, job: &Job<'_>, consume: &mut dyn FnMut(&[f32])) {
        let plan = self.plan(&job.kernel);
        if let [block] = plan.blocks(job).as_slice() {
            plan.draw(job, block, consume);
            return;
        }
        for density in self.densities(&[*job]) {
            consume(&density.values);
        }
    }

    fn blend(&self, job: &BlendJob<'_>) -> Density {
        let blocks = Block::split(&job.window, BLOCK);
        let mut whole = Density::empty(job.window.width(), job.window.height());
        let part = |block: &Block| {
            let window = block.window(&job.window);
            blend::draw(&BlendJob {
                window,
                ..job.clone()
            })
        };
        for (block, part) in blocks.iter().zip(for_each(&blocks, part)) {
            whole.paste(&part, block.x, block.y);
        }
        lap(Phase::Draw);
        whole
    }

    fn pictures(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<Picture> {
        let draw = |(job, normalizer): &(Job<'_>, &Normalizer)| {
            let colorize = |b: Block, values: &[f32]| Picture {
                width: b.width,
                height: b.height,
                indices: colorize_alpha::indices(normalizer.threshold_table(), values),
            };
            let mut blocks = self.blocks(job, colorize);
            if blocks.len() == 1 {
                lap(Phase::Scale);
                return blocks.remove(0).1;
            }
            let mut whole = Picture::empty(job.window.width(), job.window.height());
            for (block, part) in blocks {
                whole.paste(&part, block.x, block.y);
            }
            whole
        };
        for_each(jobs, draw)
    }
}

/// A task that draws one block of a picture. It is compiled for each width of vector instructions.
/// A function that it calls must be inlined, or else it isn't compiled for that width.
struct SplatBlock<'a> {
    plan: &'a CpuPlan,
    job: &'a Job<'a>,
    phase: (u32, u32),
    workspace: &'a mut Workspace,
}

impl WithSimd for SplatBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.plan.splat(self.job, self.phase, self.workspace);
    }
}

/// The side, in pixels, of the squares in which smooth kernels are convolved by FFT. It is the side
/// of an ordinary tile.
const SQUARE: u32 = 256;
/// The height, in pixels, of the rectangles that replace the squares of [`SQUARE`] pixels if a
/// picture is drawn in strips of a few rows.
const STRIP_ROWS: u32 = 32;

impl CpuPlan {
    /// Draws a block of a picture, calls `finish` with the block's density, row by row, and returns
    /// the result of `finish`.
    fn draw<T>(&self, job: &Job<'_>, block: &PaddedBlock, finish: impl FnOnce(&[f32]) -> T) -> T {
        // The workspace is taken out of its thread-local cell, so `finish` may draw another picture
        // on this thread.
        let mut workspace = WORKSPACE.take();
        let pixels = block.window.width() as usize * block.window.height() as usize;
        report(pixels, ns::PIXEL);
        let phase = self.phase(&job.window);
        let job = &Job {
            window: block.window,
            ..*job
        };
        if !self.evaluate(job, &mut workspace) {
            Arch::new().dispatch(SplatBlock {
                plan: self,
                phase,
                job,
                workspace: &mut workspace,
            });
        }
        let Workspace {
            density, cropped, ..
        } = &mut workspace;
        let finished = finish(block.cropped(density, cropped));
        WORKSPACE.set(workspace);
        finished
    }

    /// The blocks in which a picture is drawn. A smooth kernel that is convolved with a stamp gets
    /// squares of fixed size and position in the world. Two things would otherwise differ between
    /// neighbouring tiles in the last bits: the rounding of an FFT depends on the grid's origin,
    /// and the choice between FFT and stamps depends on the cells in view.
    fn blocks(&self, job: &Job<'_>) -> Vec<PaddedBlock> {
        let smooth = lattice::follows(self.kernel.shape());
        if !matches!(self.plan, Plan::Edge(_)) || !smooth {
            return PaddedBlock::unpadded(&job.window);
        }
        let rows = if job.strip { STRIP_ROWS } else { SQUARE };
        PaddedBlock::on_world_grid(&job.window, SQUARE, rows)
    }

    /// The offset (across, down), in pixels, of a picture's top left corner from the corner of the
    /// lattice cell in which it lies; 0 for a plan without a lattice. The blocks of a picture all
    /// have this offset, since their sides are multiples of the coarsest lattice's cell.
    fn phase(&self, window: &Window) -> (u32, u32) {
        match &self.plan {
            Plan::Spread(spread) => spread.lattice.phase(window),
            Plan::Exact | Plan::Direct | Plan::Edge(_) | Plan::Discs(_) | Plan::Pixels => (0, 0),
        }
    }

    /// If positive and negative weights nearly cancel, computes the density of a window into the
    /// workspace by evaluating the kernel at each point, or for a narrow kernel at each cell.
    /// Returns false, and computes nothing, if weights don't cancel or if there are too many
    /// points.
    #[inline(never)]
    fn evaluate(&self, job: &Job<'_>, workspace: &mut Workspace) -> bool {
        // The plans *exact* and *pixels* add weights exactly anyway.
        let is_exact = matches!(self.plan, Plan::Exact | Plan::Pixels);
        if is_exact || !cancel(job.points, &self.kernel, &job.window) {
            return false;
        }
        let finest = if splat_signed::is_affordable(job.points, &self.kernel) {
            0.0
        } else if matches!(self.plan, Plan::Direct) {
            plan::finest_for(job.points, plan::finest_cell(&self.kernel))
        } else {
            return false;
        };
        let reach = self.kernel.reach().ceil() as u32 + 1;
        let cells = job.points.cells(&job.window.grown(reach), finest);
        lap(Phase::Find);
        let (width, height) = (job.window.width(), job.window.height());
        let Workspace { exact, density, .. } = workspace;
        density.resize(width as usize * height as usize, 0.0);
        Arch::new().dispatch(splat_exact::Evaluate {
            window: &job.window,
            cells: &cells,
            kernel: &self.kernel,
            scratch: exact,
            out: density,
        });
        lap(Phase::Convolve);
        true
    }

    /// Computes the density of the job's window into the workspace. `phase` is the offset that the
    /// method `phase` returns for the whole picture.
    #[inline(always)]
    fn splat(&self, job: &Job<'_>, phase: (u32, u32), workspace: &mut Workspace) {
        let Workspace {
            bins,
            scratch,
            edge,
            discs: running,
            coarse,
            rows,
            exact,
            sums,
            density,
            cropped: _,
        } = workspace;
        let (width, height) = (job.window.width(), job.window.height());
        density.resize(width as usize * height as usize, 0.0);
        let finest = plan::finest_for(job.points, plan::finest_cell(&self.kernel));
        match &self.plan {
            Plan::Exact => {
                let reach = self.kernel.reach().ceil() as u32 + 1;
                let points = job.points.cells(&job.window.grown(reach), 0.0);
                lap(Phase::Find);
                splat_exact::evaluate(&job.window, &points, &self.kernel, exact, density);
            }
            Plan::Direct => {
                let reach = self.kernel.reach().ceil() as u32 + 1;
                let cells = job.points.cells(&job.window.grown(reach), finest);
                lap(Phase::Find);
                splat_direct::stamp(&job.window, &cells, &self.kernel, density);
            }
            Plan::Pixels => {
                let height = self.kernel.height();
                splat_pixels::draw(job.points, &job.window, height, sums, density);
            }
            Plan::Spread(spread) => {
                let layout = spread.lattice.layout(&job.window, phase);
                bins.reset(&layout.grid, spread.reach(), Deposit::Quadratic);
                if !bins.deposit(job.points, finest / spread.lattice.cell()) {
                    density.fill(0.0);
                } else if spread.lattice.coarser() == 1 {
                    splat_spread::spread(bins, spread, scratch, density, width as usize);
                } else {
                    let (outputs, lines) = layout.outputs;
                    coarse.resize(outputs as usize * lines as usize, 0.0);
                    splat_spread::spread(bins, spread, scratch, coarse, outputs as usize);
                    let refine = Refine::new(spread.lattice, phase, outputs as usize);
                    refine.refine(coarse, scratch.occupied(), rows, density, width as usize);
                }
            }
            Plan::Edge(stamp) => {
                bins.reset(&job.window, stamp.reach(), stamp.deposit);
                if bins.deposit(job.points, finest) {
                    self.convolve(stamp, bins, edge, density, width as usize);
                } else {
                    density.fill(0.0);
                }
            }
            Plan::Discs(discs) => {
                let needs = Needs {
                    reach: discs.reach(),
                    cell: finest,
                    bend: discs.bend,
                    // With weights of both signs no cell counts as light: where weights cancel, the
                    // blur of a grid would be visible.
                    light: discs.grid.is_some() && job.points.summary().weight_min >= 0.0,
                };
                running.gather(job.points, &job.window, &needs);
                match &discs.grid {
                    Some(stamp) if running.lay(&job.window, stamp, bins) => {
                        self.convolve(stamp, bins, edge, density, width as usize);
                    }
                    _ => density.fill(0.0),
                }
                running.add(&job.window, discs, density);
            }
        }
        lap(Phase::Convolve);
    }

    /// Writes the convolution of the grid `bins` with the kernel's stamp into the picture
    /// `density`, whose rows are `width` pixels long. If few bins are filled, the stamp is added
    /// around each of them; otherwise an FFT is used.
    #[inline(always)]
    fn convolve(
        &self,
        stamp: &KernelStamp,
        bins: &Bins,
        scratch: &mut splat_edge::EdgeScratch,
        density: &mut [f32],
        width: usize,
    ) {
        let few = |taps: &&StampRows| taps.are_cheaper(bins);
        if let Some(taps) = self.taps.as_ref().filter(few) {
            taps.stamp(bins, density, width);
        } else {
            splat_edge::convolve(bins, stamp, &self.spectra, scratch, density, width);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::kernel::{Normalize, Shape};

    #[test]
    fn exact_kernels_leave_the_plans_of_others_where_they_are() {
        let cpu = CpuBackend::new();
        let kernel = |radius| Kernel::new(Shape::Uniform, radius, Normalize::Peak).unwrap();
        let kept = cpu.plan(&kernel(9.0));
        for row in 0..2 * PLANS {
            let exact = kernel(9.0 + row as f64).with_precision(Precision::Exact);
            assert!(matches!(cpu.plan(&exact).plan, Plan::Exact));
        }
        assert!(Arc::ptr_eq(&kept, &cpu.plan(&kernel(9.0))));
    }

    #[test]
    fn plans_are_kept_until_there_are_too_many() {
        let cpu = CpuBackend::new();
        let plan = |i: usize| {
            let radius = 1.0 + i as f64 / PLANS as f64;
            cpu.plan(&Kernel::new(Shape::Gaussian, radius, Normalize::Peak).unwrap())
        };
        let first: Vec<_> = (0..PLANS).map(plan).collect();
        for (i, kept) in first.iter().enumerate() {
            assert!(Arc::ptr_eq(kept, &plan(i)), "{i}");
        }
        // One more plan replaces the oldest one.
        assert!(!Arc::ptr_eq(&first[0], &{
            plan(PLANS);
            plan(0)
        }));
    }
}
