//! The CPU backend: the default without a real GPU, and the reference for all others.
//!
//! Tiles are drawn in parallel, each by one thread; large pictures are cut into
//! blocks that are drawn like tiles. Vector instructions are chosen at run time
//! and change no bit of the result.

mod blend;
mod colorize_alpha;
mod gather;
mod place;
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

use crate::scale::Normalizer;
use crate::splat::blend_job::Stamped;
use crate::splat::density::{Density, Picture};
use crate::splat::lattice;
use crate::splat::plan::{self, Deposit, Plan, Stamp};
use crate::splat::tiling::{BLOCK, Block, Drawn};
use crate::splat::timing::{Stage, lap};
use crate::splat::{Backend, Job};
use crate::style::kernel::{Kernel, KernelKey};
use crate::style::precision::Precision;
pub(crate) use blend::MAX_REACH;
pub(crate) use colorize_alpha::indices;
use gather::Needs;
use heatsplat_points::Window;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use splat_bin::Bins;
use splat_edge::Spectra;
use splat_edge_sparse::Taps;
use splat_refine::Refine;
pub(crate) use splat_signed::cancel;
use splat_spread::Scratch;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Plans kept ready; a server sees few kernels at a time.
const PLANS: usize = 64;

/// Splats on the processor.
#[derive(Debug, Default)]
pub struct CpuBackend {
    plans: Mutex<HashMap<KernelKey, Arc<Planned>>>,
}

/// A plan, and what the FFT keeps for it.
#[derive(Debug)]
struct Planned {
    kernel: Kernel,
    plan: Plan,
    /// Where the plan is a stamp: its taps, for pictures with little in them.
    taps: Option<Taps>,
    spectra: Spectra,
}

/// Buffers that a thread keeps from tile to tile.
#[derive(Default)]
struct Workspace {
    bins: Bins,
    scratch: Scratch,
    edge: splat_edge::Scratch,
    discs: splat_discs::Scratch,
    coarse: Vec<f32>,
    rows: splat_refine::Rows,
    exact: splat_exact::Scratch,
    sums: Vec<f64>,
    density: Vec<f32>,
    cropped: Vec<f32>,
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

impl CpuBackend {
    /// A backend with no plans made yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn plan(&self, kernel: &Kernel) -> Arc<Planned> {
        let make = || {
            let plan = Plan::of(kernel);
            let taps = match &plan {
                Plan::Edge(stamp) => Some(Taps::new(stamp)),
                Plan::Discs(discs) => discs.grid.as_ref().map(Taps::new),
                Plan::Exact | Plan::Direct | Plan::Spread(_) | Plan::Pixels => None,
            };
            Arc::new(Planned {
                kernel: *kernel,
                plan,
                taps,
                spectra: Spectra::default(),
            })
        };
        // nothing is made for these, and each row of a radius in metres has one
        if kernel.precision() == Precision::Exact {
            return make();
        }
        let key = kernel.key();
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if plans.len() >= PLANS && !plans.contains_key(&key) {
            plans.clear();
        }
        plans.entry(key).or_insert_with(make).clone()
    }

    /// Splats a window, block by block, and hands each block's density on.
    fn blocks<T: Send>(
        &self,
        job: &Job<'_>,
        finish: impl Fn(Block, &[f32]) -> T + Sync,
    ) -> Vec<(Block, T)> {
        let planned = self.plan(&job.kernel);
        let parts = planned.parts(job);
        let draw = |part: &Drawn| {
            let finished = self.part(&planned, job, part, |values| finish(part.block, values));
            (part.block, finished)
        };
        let drawn = for_each(&parts, draw);
        if parts.len() > 1 {
            lap(Stage::Draw);
        }
        drawn
    }

    /// Splats a part of a window and hands its density on.
    fn part<T>(
        &self,
        planned: &Planned,
        job: &Job<'_>,
        part: &Drawn,
        finish: impl FnOnce(&[f32]) -> T,
    ) -> T {
        // taken, so that who finishes may draw something else
        let mut workspace = WORKSPACE.take();
        let phase = planned.phase(&job.window);
        let job = &Job {
            window: part.window,
            ..*job
        };
        if !planned.evaluate(job, &mut workspace) {
            Arch::new().dispatch(Splat {
                planned,
                phase,
                job,
                workspace: &mut workspace,
            });
        }
        let Workspace {
            density, cropped, ..
        } = &mut workspace;
        let finished = finish(part.cropped(density, cropped));
        WORKSPACE.set(workspace);
        finished
    }
}

/// Each item's result, on all cores; a lone item on the calling thread, without
/// the way to the thread pool and back.
fn for_each<T: Sync, R: Send>(items: &[T], draw: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    match items {
        [only] => vec![draw(only)],
        many => many.par_iter().map(draw).collect(),
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> &str {
        "cpu"
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

    fn show(&self, job: &Job<'_>, see: &mut dyn FnMut(&[f32])) {
        let planned = self.plan(&job.kernel);
        if let [part] = planned.parts(job).as_slice() {
            self.part(&planned, job, part, see);
            return;
        }
        for density in self.densities(&[*job]) {
            see(&density.values);
        }
    }

    fn stamped(&self, job: &Stamped<'_>) -> Density {
        let blocks = Block::cut(&job.window, BLOCK);
        let mut whole = Density::empty(job.window.width(), job.window.height());
        let part = |block: &Block| {
            let window = block.window(&job.window);
            blend::draw(&Stamped {
                window,
                ..job.clone()
            })
        };
        for (block, part) in blocks.iter().zip(for_each(&blocks, part)) {
            whole.paste(&part, block.x, block.y);
        }
        lap(Stage::Draw);
        whole
    }

    fn pictures(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<Picture> {
        let draw = |(job, normalizer): &(Job<'_>, &Normalizer)| {
            let colour = |b: Block, values: &[f32]| Picture {
                width: b.width,
                height: b.height,
                indices: colorize_alpha::indices(normalizer.steps(), values),
            };
            let mut blocks = self.blocks(job, colour);
            if blocks.len() == 1 {
                lap(Stage::Scale);
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

/// A splat that is compiled for each vector width: everything below must be inlined here.
struct Splat<'a> {
    planned: &'a Planned,
    job: &'a Job<'a>,
    phase: (u32, u32),
    workspace: &'a mut Workspace,
}

impl WithSimd for Splat<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.planned.splat(self.job, self.phase, self.workspace);
    }
}

/// The side of the squares that smooth kernels are transformed in: an ordinary tile.
const SQUARE: u32 = 256;
/// Their rows where a picture is drawn in strips of a few.
const STRIP_ROWS: u32 = 32;

impl Planned {
    /// The parts that a picture is drawn in. A transform rounds by where it begins, and whether
    /// there is one by what it sees; so that of a smooth kernel, whose tiles are to meet bit for
    /// bit, is always of a square of the world.
    fn parts(&self, job: &Job<'_>) -> Vec<Drawn> {
        let smooth = lattice::follows(self.kernel.shape());
        if !matches!(self.plan, Plan::Edge(_)) || !smooth {
            return Drawn::plain(&job.window);
        }
        let rows = if job.strip { STRIP_ROWS } else { SQUARE };
        Drawn::on_board(&job.window, SQUARE, rows)
    }

    /// Where a picture's corner lies on the plan's lattice; the same for all its blocks,
    /// whose sides are a multiple of the coarsest cell's.
    fn phase(&self, window: &Window) -> (u32, u32) {
        match &self.plan {
            Plan::Spread(spread) => spread.lattice.phase(window),
            Plan::Exact | Plan::Direct | Plan::Edge(_) | Plan::Discs(_) | Plan::Pixels => (0, 0),
        }
    }

    /// Leaves the density of a window in the workspace where weights cancel and each point, or
    /// cell, is evaluated; false where it is not.
    #[inline(never)]
    fn evaluate(&self, job: &Job<'_>, workspace: &mut Workspace) -> bool {
        // these are exact in any case
        let is_exact = matches!(self.plan, Plan::Exact | Plan::Pixels);
        if is_exact || !cancel(job.points, &self.kernel, &job.window) {
            return false;
        }
        let finest = if splat_signed::is_affordable(job.points, &self.kernel) {
            0.0
        } else if matches!(self.plan, Plan::Direct) {
            plan::finest_of(job.points, plan::finest_cell(&self.kernel))
        } else {
            return false;
        };
        let reach = self.kernel.reach().ceil() as u32 + 1;
        let cells = job.points.cells(&job.window.grown(reach), finest);
        lap(Stage::Find);
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
        lap(Stage::Convolve);
        true
    }

    /// Leaves the density of the job's window in the workspace.
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
        let finest = plan::finest_of(job.points, plan::finest_cell(&self.kernel));
        match &self.plan {
            Plan::Exact => {
                let reach = self.kernel.reach().ceil() as u32 + 1;
                let points = job.points.cells(&job.window.grown(reach), 0.0);
                lap(Stage::Find);
                splat_exact::evaluate(&job.window, &points, &self.kernel, exact, density);
            }
            Plan::Direct => {
                let reach = self.kernel.reach().ceil() as u32 + 1;
                let cells = job.points.cells(&job.window.grown(reach), finest);
                lap(Stage::Find);
                splat_direct::stamp(&job.window, &cells, &self.kernel, density);
            }
            Plan::Pixels => {
                let height = self.kernel.height();
                splat_pixels::draw(job.points, &job.window, height, sums, density);
            }
            Plan::Spread(spread) => {
                let laid = spread.lattice.lay(&job.window, phase);
                bins.reset(&laid.grid, spread.reach(), Deposit::Quadratic);
                if !bins.deposit(job.points, finest / spread.lattice.cell()) {
                    density.fill(0.0);
                } else if spread.lattice.coarser() == 1 {
                    splat_spread::spread(bins, spread, scratch, density, width as usize);
                } else {
                    let (outputs, lines) = laid.outputs;
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
                    // what is left of both signs may be little beside what a grid blurs
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
        lap(Stage::Convolve);
    }

    /// Writes bins ∗ stamp into `density`: stamped where they hold little.
    #[inline(always)]
    fn convolve(
        &self,
        stamp: &Stamp,
        bins: &Bins,
        scratch: &mut splat_edge::Scratch,
        density: &mut [f32],
        width: usize,
    ) {
        let few = |taps: &&Taps| taps.are_cheaper(bins);
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
        // one more makes room for itself
        assert!(!Arc::ptr_eq(&first[0], &{
            plan(PLANS);
            plan(0)
        }));
    }
}
