//! Prepares pictures for the device: finds the cells of a window, and computes the grid and the
//! sizes that each shader stage needs. Callers do this on their own threads, so that the worker
//! thread of the device has little to do.

use super::health::FallbackReason;
use super::layout::{DIRECT, EDGE, GpuJob, GpuPlace, NOTHING, OUTPUTS, PAD, SPREAD};
use super::pipelines::EntryPoint;
use super::plan::{GpuPlan, GpuPlanKind};
use super::point_buffers::GpuPoints;
use crate::splat::plan;
use crate::splat::stamp::Deposit;
use crate::splat::tiling::{BLOCK, Block};
use heatsplat_points::{CellBatch, Point, Points, Window};
use std::ops::Range;
use std::sync::Arc;

/// The kind of a picture's output, and the place where it goes.
#[derive(Clone, Debug)]
pub(super) enum OutputTarget {
    /// Colour indices that are read back, one byte for each pixel. The field is the list of
    /// thresholds; a colour index is the number of thresholds that the density reaches.
    Indices(Arc<[u32]>),
    /// Densities that are read back.
    Densities,
    /// A picture that stays in a buffer on the device. The first field is a table of thresholds
    /// followed by a ramp's colours; the picture then consists of colours. If it is `None`, the
    /// picture consists of densities.
    Buffer(Option<Arc<[u32]>>, OutputBuffer),
}

/// A buffer on the device in which a picture stays.
#[derive(Clone, Debug)]
pub(super) struct OutputBuffer {
    pub(super) buffer: wgpu::Buffer,
    /// The index of the block's first pixel in the buffer, counted in words of 32 bits.
    pub(super) first: u64,
    /// The number of 32-bit words from the start of one row of the picture to the start of the
    /// next.
    pub(super) pitch: u64,
}

impl OutputBuffer {
    /// The range of the buffer's 32-bit words from the first word that a job writes to the last.
    pub(super) fn words(&self, job: &GpuJob) -> Range<u64> {
        let rows = u64::from(job.height).saturating_sub(1) * self.pitch;
        self.first..self.first + rows + u64::from(job.width)
    }
}

impl OutputTarget {
    /// The output of a block, for this output of the whole picture. If the picture stays in a
    /// buffer, the block's output begins at the block's first pixel there.
    pub(super) fn for_block(&self, block: &Block) -> Self {
        let mut target = self.clone();
        if let Self::Buffer(_, kept) = &mut target {
            kept.first += u64::from(block.y) * kept.pitch + u64::from(block.x);
        }
        target
    }

    /// The entry point of the last shader stage, which writes this kind of output.
    pub(super) fn entry(&self) -> EntryPoint {
        match self {
            Self::Indices(_) => EntryPoint::Indices,
            Self::Densities | Self::Buffer(None, _) => EntryPoint::Unchanged,
            Self::Buffer(Some(_), _) => EntryPoint::Colors,
        }
    }

    pub(super) fn kept(&self) -> Option<&OutputBuffer> {
        match self {
            Self::Buffer(_, kept) => Some(kept),
            _ => None,
        }
    }

    /// The table that the last shader stage reads: the thresholds and, for an output of colours,
    /// the ramp's colours after them. `None` for an output of densities.
    pub(super) fn table(&self) -> Option<&Arc<[u32]>> {
        match self {
            Self::Indices(table) | Self::Buffer(Some(table), _) => Some(table),
            _ => None,
        }
    }
}

/// A block of a picture, with all that the device needs to draw it.
#[derive(Debug)]
pub(super) struct PreparedBlock {
    pub(super) plan: Arc<GpuPlan>,
    pub(super) target: OutputTarget,
    /// All parameters of the picture, except for its offsets in the device's buffers. The batch
    /// assigns these.
    pub(super) job: GpuJob,
    pub(super) places: Vec<GpuPlace>,
    pub(super) runs: Vec<CellRun>,
    /// The device's copy of the points from which the picture is drawn. `None` if the device has no
    /// such copy.
    pub(super) resident: Option<Arc<GpuPoints>>,
    /// The block's cells that are not on the device. They are sent with the block.
    pub(super) cells: Vec<Point>,
}

/// The greatest number of cells in a [`CellRun`], which one workgroup deposits.
const RUN_CELLS: usize = 256;

/// Consecutive cells in one copy of the world, at most 256. They have one mapping to the grid, and
/// one workgroup deposits them, as an item of the batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct CellRun {
    /// The index, among the block's `places`, of the mapping from world coordinates to the grid.
    pub(super) place: u32,
    /// The number, from 0, of the buffer of points on the device that has the cells. `None` if the
    /// cells are sent with the block.
    pub(super) buffer: Option<usize>,
    pub(super) first: u32,
    pub(super) count: u32,
}

/// The widest pixels that the GPU draws, in world units: a quarter of the world. Many copies of the
/// world would share a wider pixel.
const WIDEST_PIXEL: f64 = 4_294_967_296.0 / 4.0;

/// The narrowest pixels that the GPU draws, in world units. With narrower pixels, integers of 64
/// bits could not distinguish the positions of cells.
const NARROWEST_PIXEL: f64 = 1.0 / 1024.0;

impl PreparedBlock {
    /// Prepares a block of a picture, whose window is `window`. `phase` is the picture's offset, as
    /// [`blocks`] returns it, and `resident` is the device's copy of the points. `None` if the
    /// block has no cells, unless the picture stays on the device: then the device writes the
    /// block, too.
    ///
    /// # Errors
    /// [`FallbackReason::Beyond`] for pictures that the shaders can't draw.
    pub(super) fn new(
        points: &Points,
        window: &Window,
        phase: (u32, u32),
        plan: &Arc<GpuPlan>,
        target: OutputTarget,
        resident: Option<Arc<GpuPoints>>,
    ) -> Result<Option<Self>, FallbackReason> {
        let (mut job, grid, finest) = geometry(window, phase, plan);
        let seen = points.cells(&grid.grown(1), plan::finest_for(points, finest));
        let padded = grid.grown(PAD);
        let mut places: Vec<(f64, GpuPlace)> = Vec::new();
        let (mut runs, mut cells) = (Vec::new(), Vec::new());
        for batch in seen.batches() {
            let shift = batch.shift;
            if places.last().is_none_or(|(s, _)| *s != shift) {
                places.push((shift, GpuPlace::new(&padded, shift)));
            }
            let place = places.len() as u32 - 1;
            split(&batch, resident.as_deref(), |buffer, first, part| {
                let first = if buffer.is_some() {
                    first
                } else {
                    cells.extend_from_slice(part);
                    cells.len() - part.len()
                };
                let starts = (0..part.len()).step_by(RUN_CELLS);
                runs.extend(starts.map(|from| CellRun {
                    place,
                    buffer,
                    first: (first + from) as u32,
                    count: (part.len() - from).min(RUN_CELLS) as u32,
                }));
            });
        }
        if runs.is_empty() {
            if target.kept().is_none() {
                return Ok(None);
            }
            job = GpuJob {
                plan: NOTHING,
                width: job.width,
                height: job.height,
                coarser: 1,
                ..GpuJob::default()
            };
        } else {
            (job.scale, job.unscale) = scale(points, plan).ok_or(FallbackReason::Beyond)?;
        }
        job.row_words = match target {
            OutputTarget::Indices(_) => job.width.div_ceil(4),
            _ => job.width,
        };
        job.words = job.row_words * job.height;
        job.row_pitch = job.row_words;
        if let Some(kept) = target.kept() {
            // A buffer of more words is larger than any device allows.
            let word = |n: u64| u32::try_from(n).map_err(|_| FallbackReason::Beyond);
            (job.picture, job.row_pitch) = (word(kept.first)?, word(kept.pitch)?);
        }
        Ok(Some(Self {
            plan: Arc::clone(plan),
            target,
            job,
            places: places.into_iter().map(|(_, place)| place).collect(),
            runs,
            resident,
            cells,
        }))
    }
}

impl PreparedBlock {
    /// The number of cells that the device deposits for the block.
    pub(super) fn cells_of_runs(&self) -> u64 {
        self.runs.iter().map(|run| u64::from(run.count)).sum()
    }
}

/// Splits consecutive cells where the buffers of points on the device end. Calls `part` for each
/// part with three arguments: the number of its buffer, counted from 0, or `None` if the part is
/// not on the device; the offset of its first cell in that buffer, in cells; and its cells.
fn split(
    batch: &CellBatch<'_>,
    on_device: Option<&GpuPoints>,
    mut part: impl FnMut(Option<usize>, usize, &[Point]),
) {
    let mut cells = batch.cells;
    let (Some(points), Some(resident)) = (on_device, &batch.resident) else {
        return part(None, 0, cells);
    };
    let mut address = resident.start;
    while !cells.is_empty() {
        let found = points.find(address);
        let room = points.until_next(address);
        let (now, later) = cells.split_at(room.min(cells.len()));
        match found {
            Some((buffer, first)) => part(Some(buffer), first, now),
            None => part(None, 0, now),
        }
        address += now.len();
        cells = later;
    }
}

/// Returns true if the GPU can draw a window with a plan.
pub(super) fn can_draw(window: &Window, plan: &GpuPlan) -> bool {
    let is_beyond = matches!(plan.kind, GpuPlanKind::Beyond);
    !is_beyond && (NARROWEST_PIXEL..=WIDEST_PIXEL).contains(&window.pixel())
}

/// Three results: the sizes of a picture and of its grid; the grid's window, with a margin for the
/// kernel; and the greatest side of the cells that may be deposited on the grid, in pixels of the
/// grid.
pub(super) fn geometry(
    window: &Window,
    phase: (u32, u32),
    plan: &GpuPlan,
) -> (GpuJob, Window, f64) {
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
    let (grid, finest) = match &plan.kind {
        // Pictures with this plan are not prepared.
        GpuPlanKind::Beyond => return (job, *window, plan.finest),
        GpuPlanKind::Direct { margin } => {
            job.plan = DIRECT;
            job.margin = *margin;
            job.bin_count = pitch * height;
            return (job, window.grown(*margin), plan.finest);
        }
        GpuPlanKind::Spread {
            lattice,
            reach,
            terms,
            span,
        } => {
            job.plan = SPREAD;
            let layout = lattice.layout(window, phase);
            (job.outputs, job.lines) = layout.outputs;
            job.stride = job.outputs.next_multiple_of(OUTPUTS);
            job.step = lattice.finer();
            job.span = *span;
            job.terms = *terms;
            job.coarser = lattice.coarser();
            (job.phase_x, job.phase_y) = phase;
            (layout.grid.grown(*reach), plan.finest / lattice.cell())
        }
        GpuPlanKind::Edge { reach, deposit } => {
            job.plan = EDGE;
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

/// The greatest number of bits that the sum of all |weight| may take in fixed point. A bin has 63
/// bits and a sign, so it has room for the sum of 32 copies of the world.
const SUM_BITS: i32 = 58;
/// The number of bits of an average weight in fixed point. It is smaller if the sum of weights
/// would have no room, and greater if the least weight needs it. With this number the upper half of
/// a bin is rarely used.
const WEIGHT_BITS: i32 = 30;
/// The least number of bits of the least weight in fixed point. A tile may contain no other weight,
/// and the rounding error must be less than a 100,000th of it.
const LEAST_BITS: i32 = 17;

/// The greatest exponent for which 2^exponent and its inverse are both normal f32 numbers.
const EXPONENTS: i32 = 126;

/// The number of fixed-point units in a weight of 1, and the inverse of that number. Both are
/// powers of two. They are the same for all pictures of a set of points with one kernel, so
/// neighbouring tiles fit without a seam. `None` if no such f32 leaves room for the sum of all
/// weights and enough bits for the least weight.
fn scale(points: &Points, plan: &GpuPlan) -> Option<(f32, f32)> {
    let summary = points.summary();
    if summary.mass == 0.0 {
        return Some((1.0, 1.0));
    }
    // Stamps are multiplied by the kernel's height before they are rounded, so the height counts
    // here.
    let height = match plan.kind {
        GpuPlanKind::Direct { .. } => plan.kernel.height(),
        GpuPlanKind::Spread { .. } | GpuPlanKind::Edge { .. } | GpuPlanKind::Beyond => 1.0,
    };
    let bits = |v: f64| v.log2().ceil() as i32;
    let least = f64::from(summary.mass_min) * height.min(1.0);
    let needed = LEAST_BITS - least.log2().floor() as i32;
    let common = summary.mass / (summary.count - summary.without_weight).max(1) as f64;
    let target = needed.max(WEIGHT_BITS - bits(common));
    let exponent = target.min(SUM_BITS - bits(summary.mass * height.max(1.0)));
    let power = |exponent| 2f64.powi(exponent) as f32;
    let possible = exponent >= needed && exponent.abs() <= EXPONENTS;
    possible.then(|| (power(exponent), power(-exponent)))
}

/// The blocks of a picture, and the offset (across, down), in pixels, of the picture's top left
/// corner from the corner of the cell of the plan's lattice that contains it.
pub(super) fn blocks(window: &Window, plan: &GpuPlan) -> (Vec<Block>, (u32, u32)) {
    let phase = match &plan.kind {
        GpuPlanKind::Spread { lattice, .. } => lattice.phase(window),
        _ => (0, 0),
    };
    // The work of a stamp grows with the stamp's area, so its blocks are smaller, and none takes
    // long.
    let side = match &plan.kind {
        GpuPlanKind::Edge { .. } => 256,
        _ => BLOCK,
    };
    (Block::split(window, side), phase)
}
