//! From a window to what the device is told: which cells, onto which grid, in how many steps.
//! This is done by who asks, so that the thread that drives the device has little to do.

use super::health::Failure;
use super::layout::{GpuJob, GpuPlace, OUTPUTS, PAD};
use super::pipelines::Entry;
use super::plan::{GpuPlan, Way};
use super::point_buffers::GpuPoints;
use crate::splat::plan::{self, Deposit};
use crate::splat::tiling::{BLOCK, Block};
use heatsplat_points::{Point, Points, Window};
use std::sync::Arc;

/// What becomes of a picture's densities.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// One byte a pixel comes back: how many of these thresholds the density passes.
    Indices(Arc<[u32]>),
    /// The densities come back.
    Densities,
    /// Densities, or colours by thresholds and a ramp, stay on the device.
    Kept(Option<Arc<[u32]>>, Kept),
}

/// Where a picture stays on the device.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) buffer: wgpu::Buffer,
    /// The word of the block's first pixel.
    pub(super) first: u64,
    /// Words from one row to the next.
    pub(super) pitch: u64,
}

impl Wanted {
    /// The same for a block of the picture.
    pub(super) fn at(&self, block: &Block) -> Self {
        let mut wanted = self.clone();
        if let Self::Kept(_, kept) = &mut wanted {
            kept.first += u64::from(block.y) * kept.pitch + u64::from(block.x);
        }
        wanted
    }

    /// The last stage.
    pub(super) fn entry(&self) -> Entry {
        match self {
            Self::Indices(_) => Entry::Indices,
            Self::Densities | Self::Kept(None, _) => Entry::Unchanged,
            Self::Kept(Some(_), _) => Entry::Colors,
        }
    }

    pub(super) fn kept(&self) -> Option<&Kept> {
        match self {
            Self::Kept(_, kept) => Some(kept),
            _ => None,
        }
    }

    /// Thresholds, and colours where there are any.
    pub(super) fn table(&self) -> &[u32] {
        match self {
            Self::Indices(table) | Self::Kept(Some(table), _) => table,
            _ => &[],
        }
    }
}

/// A block of a picture, ready for the device.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) plan: Arc<GpuPlan>,
    pub(super) wanted: Wanted,
    /// All but its places in the arenas, which the batch gives it.
    pub(super) job: GpuJob,
    pub(super) places: Vec<GpuPlace>,
    pub(super) stretches: Vec<Stretch>,
    /// Points that are on the device.
    pub(super) resident: Option<Arc<GpuPoints>>,
    /// Cells that are not.
    pub(super) cells: Vec<Point>,
}

/// Cells one after the other, in one copy of the world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) place: u32,
    /// The buffer on the device that they are in, or else they are among those sent.
    pub(super) buffer: Option<usize>,
    pub(super) first: u32,
    pub(super) count: u32,
}

/// The widest pixels that a picture is drawn of on the GPU, in world units: beyond, many copies of
/// the world share a pixel.
const WIDEST_PIXEL: f64 = 4_294_967_296.0 / 4.0;

/// The narrowest: a finer grid's cells would not be told apart by integers of 64 bits.
const NARROWEST_PIXEL: f64 = 1.0 / 1024.0;

impl Prepared {
    /// `None` where nothing is to be seen.
    ///
    /// # Errors
    /// [`Failure::Beyond`] for what the shaders can't draw.
    pub(super) fn new(
        points: &Points,
        window: &Window,
        phase: (u32, u32),
        plan: &Arc<GpuPlan>,
        wanted: Wanted,
        resident: Option<Arc<GpuPoints>>,
    ) -> Result<Option<Self>, Failure> {
        let (mut job, grid, finest) = geometry(window, phase, plan);
        let seen = points.cells(&grid.grown(1), plan::finest_of(points, finest));
        let padded = grid.grown(PAD);
        let mut places: Vec<(f64, GpuPlace)> = Vec::new();
        let (mut stretches, mut cells) = (Vec::new(), Vec::new());
        for (run, (slice, shift)) in seen.runs().iter().zip(seen.slices()) {
            if places.last().is_none_or(|(s, _)| *s != shift) {
                places.push((shift, GpuPlace::new(&padded, shift)));
            }
            let place = places.len() as u32 - 1;
            split(
                run.range.start,
                slice,
                resident.as_deref(),
                |buffer, first, part| {
                    let first = if buffer.is_some() {
                        first
                    } else {
                        cells.extend_from_slice(part);
                        cells.len() - part.len()
                    };
                    stretches.push(Stretch {
                        place,
                        buffer,
                        first: first as u32,
                        count: part.len() as u32,
                    });
                },
            );
        }
        if stretches.is_empty() {
            return Ok(None);
        }
        (job.scale, job.unscale) = scale(points, plan).ok_or(Failure::Beyond)?;
        job.row_words = match wanted {
            Wanted::Indices(_) => job.width.div_ceil(4),
            _ => job.width,
        };
        job.words = job.row_words * job.height;
        Ok(Some(Self {
            plan: Arc::clone(plan),
            wanted,
            job,
            places: places.into_iter().map(|(_, place)| place).collect(),
            stretches,
            resident,
            cells,
        }))
    }
}

/// Cuts cells that begin at an address where one of the device's buffers ends: each part with the
/// buffer it is in, if it is on the device, and its place there.
fn split(
    mut address: usize,
    mut cells: &[Point],
    resident: Option<&GpuPoints>,
    mut part: impl FnMut(Option<usize>, usize, &[Point]),
) {
    while !cells.is_empty() {
        let found = resident.and_then(|points| points.find(address));
        let room = resident.map_or(cells.len(), |points| points.until_next(address));
        let (now, later) = cells.split_at(room.min(cells.len()));
        match found {
            Some((buffer, first)) => part(Some(buffer), first, now),
            None => part(None, 0, now),
        }
        address += now.len();
        cells = later;
    }
}

/// Whether pictures of a window can be drawn on the GPU at all.
pub(super) fn can_draw(window: &Window, plan: &GpuPlan) -> bool {
    let is_beyond = matches!(plan.way, Way::Beyond);
    !is_beyond && (NARROWEST_PIXEL..=WIDEST_PIXEL).contains(&window.pixel())
}

/// The sizes of a picture and its grid, the grid's window with the kernel's margin, and the
/// coarsest cells that it may be filled from, in its own.
fn geometry(window: &Window, phase: (u32, u32), plan: &GpuPlan) -> (GpuJob, Window, f64) {
    let kernel = &plan.kernel;
    let (width, height) = (window.width(), window.height());
    let pitch = width.next_multiple_of(OUTPUTS);
    let mut job = GpuJob {
        outputs: width,
        lines: height,
        stride: pitch,
        step: 1,
        width,
        height,
        pitch,
        coarser: 1,
        shape: plan.shape(),
        per_radius: kernel.radius().recip() as f32,
        peak: kernel.height() as f32,
        ..GpuJob::default()
    };
    let mut each = 1;
    let (grid, finest) = match &plan.way {
        // such pictures don't come here
        Way::Beyond => return (job, *window, plan.finest),
        Way::Direct { margin } => {
            job.margin = *margin;
            job.bin_count = pitch * height;
            return (job, window.grown(*margin), plan.finest);
        }
        Way::Spread {
            lattice,
            reach,
            terms,
            table,
            ..
        } => {
            let laid = lattice.lay(window, phase);
            (job.outputs, job.lines) = laid.outputs;
            job.stride = job.outputs.next_multiple_of(OUTPUTS);
            job.step = lattice.finer();
            job.span = table.span;
            job.terms = *terms;
            job.coarser = lattice.coarser();
            (job.phase_x, job.phase_y) = phase;
            (laid.grid.grown(*reach), plan.finest / lattice.cell())
        }
        Way::Edge { reach, deposit, .. } => {
            job.margin = *reach;
            job.deposit = match deposit {
                Deposit::Quadratic => 0,
                Deposit::Quincunx => 1,
            };
            each = deposit.rows() as u32;
            (window.grown(*reach), plan.finest)
        }
    };
    job.columns = grid.width() + 2 * PAD;
    job.rows = each * (grid.height() + 2 * PAD);
    job.inner_rows = grid.height();
    job.bin_count = job.columns * job.rows;
    (job, grid, finest)
}

/// Bits that all |weight| together may take: in a bin there is room for as much of 32 copies of
/// the world …
const SUM_BITS: i32 = 58;
/// … those of a common weight, whose upper half is then rarely touched …
const WEIGHT_BITS: i32 = 30;
/// … and the fewest of the least that there is: a tile may hold no other, and what it is rounded
/// by has to be less than a 100,000th of it.
const LEAST_BITS: i32 = 17;

/// The exponents of powers of two that are floats, and their inverses too.
const EXPONENTS: i32 = 126;

/// Fixed-point units to a weight of 1, and the inverse: powers of two, the same for all pictures
/// of a set of points by a kernel, so that tiles meet without a seam. `None` where no such float
/// leaves room for all weights and tells the least from nothing.
fn scale(points: &Points, plan: &GpuPlan) -> Option<(f32, f32)> {
    let summary = points.summary();
    if summary.mass == 0.0 {
        return Some((1.0, 1.0));
    }
    // a stamp is rounded when it has the kernel's height
    let height = match plan.way {
        Way::Direct { .. } => plan.kernel.height(),
        Way::Spread { .. } | Way::Edge { .. } | Way::Beyond => 1.0,
    };
    let bits = |v: f64| v.log2().ceil() as i32;
    let least = f64::from(summary.mass_min) * height.min(1.0);
    let needed = LEAST_BITS - least.log2().floor() as i32;
    let common = summary.mass / (summary.count - summary.without_weight).max(1) as f64;
    let wanted = needed.max(WEIGHT_BITS - bits(common));
    let exponent = wanted.min(SUM_BITS - bits(summary.mass * height.max(1.0)));
    let power = |exponent| 2f64.powi(exponent) as f32;
    let possible = exponent >= needed && exponent.abs() <= EXPONENTS;
    possible.then(|| (power(exponent), power(-exponent)))
}

/// A picture cut into blocks, with where its corner lies on the plan's lattice.
pub(super) fn blocks(window: &Window, plan: &GpuPlan) -> (Vec<Block>, (u32, u32)) {
    let phase = match &plan.way {
        Way::Spread { lattice, .. } => lattice.phase(window),
        _ => (0, 0),
    };
    // a stamp's work grows with its area: smaller blocks, so that none takes long
    let side = match &plan.way {
        Way::Edge { .. } => 256,
        _ => BLOCK,
    };
    (Block::cut(window, side), phase)
}
