//! Prepares pictures for the device: the cells of a window, the grid, and the sizes that each stage
//! needs. Callers do this on their own threads, so that the thread of the device has little to do.

use super::health::FallbackReason;
use super::layout::{GpuJob, GpuPlace, OUTPUTS, PAD};
use super::pipelines::EntryPoint;
use super::plan::{GpuPlan, GpuPlanKind};
use super::point_buffers::GpuPoints;
use crate::splat::plan;
use crate::splat::stamp::Deposit;
use crate::splat::tiling::{BLOCK, Block};
use heatsplat_points::{Point, Points, Window};
use std::sync::Arc;

/// The kind of a picture's output, and the place that it goes to.
#[derive(Clone, Debug)]
pub(super) enum OutputTarget {
    /// Colour indices that are read back, one byte a pixel. An index is the number of these
    /// thresholds that the density reaches.
    Indices(Arc<[u32]>),
    /// Densities that are read back.
    Densities,
    /// A picture that stays on the device: densities, or with a table of thresholds and a ramp's
    /// colours, colours.
    Buffer(Option<Arc<[u32]>>, OutputBuffer),
}

/// A buffer on the device that a picture stays in.
#[derive(Clone, Debug)]
pub(super) struct OutputBuffer {
    pub(super) buffer: wgpu::Buffer,
    /// The index of the block's first pixel in words of 32 bits.
    pub(super) first: u64,
    /// Words from the start of one row to the start of the next.
    pub(super) pitch: u64,
}

impl OutputTarget {
    /// The output of a block of the picture: for a buffer, one that begins at the block's first
    /// pixel.
    pub(super) fn for_block(&self, block: &Block) -> Self {
        let mut target = self.clone();
        if let Self::Buffer(_, kept) = &mut target {
            kept.first += u64::from(block.y) * kept.pitch + u64::from(block.x);
        }
        target
    }

    /// The entry point of the last stage.
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

    /// The thresholds, followed by the colours for an output of colours; empty for densities.
    pub(super) fn table(&self) -> &[u32] {
        match self {
            Self::Indices(table) | Self::Buffer(Some(table), _) => table,
            _ => &[],
        }
    }
}

/// A block of a picture with everything that the device needs to draw it.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) plan: Arc<GpuPlan>,
    pub(super) target: OutputTarget,
    /// All parameters of the picture, except for its offsets in the buffers, which the batch
    /// assigns.
    pub(super) job: GpuJob,
    pub(super) places: Vec<GpuPlace>,
    pub(super) runs: Vec<CellRun>,
    /// The points that are on the device, if any are.
    pub(super) resident: Option<Arc<GpuPoints>>,
    /// The block's cells that are not on the device, and are sent with it.
    pub(super) cells: Vec<Point>,
}

/// Consecutive cells in one copy of the world.
#[derive(Clone, Copy, Debug)]
pub(super) struct CellRun {
    /// The index of their mapping to the grid among the block's `places`.
    pub(super) place: u32,
    /// The number of the buffer of points that they are in; `None` where they are sent.
    pub(super) buffer: Option<usize>,
    pub(super) first: u32,
    pub(super) count: u32,
}

/// The widest pixels that the GPU draws, in world units: a quarter of the world. Many copies of the
/// world share a wider one.
const WIDEST_PIXEL: f64 = 4_294_967_296.0 / 4.0;

/// The narrowest pixels that the GPU draws, in world units. Integers of 64 bits could not
/// distinguish the cells of a finer grid.
const NARROWEST_PIXEL: f64 = 1.0 / 1024.0;

impl Prepared {
    /// Prepares a block of a picture; `None` where the block has no cells.
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
                    runs.push(CellRun {
                        place,
                        buffer,
                        first: first as u32,
                        count: part.len() as u32,
                    });
                },
            );
        }
        if runs.is_empty() {
            return Ok(None);
        }
        (job.scale, job.unscale) = scale(points, plan).ok_or(FallbackReason::Beyond)?;
        job.row_words = match target {
            OutputTarget::Indices(_) => job.width.div_ceil(4),
            _ => job.width,
        };
        job.words = job.row_words * job.height;
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

/// Splits consecutive cells, of which the first has the address `address`, where buffers of points
/// end. Calls `part` with the number of each part's buffer, or `None` where it is not on the
/// device; with the part's offset in that buffer; and with its cells.
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

/// True where the GPU can draw a window with a plan.
pub(super) fn can_draw(window: &Window, plan: &GpuPlan) -> bool {
    let is_beyond = matches!(plan.kind, GpuPlanKind::Beyond);
    !is_beyond && (NARROWEST_PIXEL..=WIDEST_PIXEL).contains(&window.pixel())
}

/// The sizes of a picture and its grid; the grid's window with the kernel's margin; and the side of
/// the coarsest cells that the grid may be filled from, in the grid's pixels.
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
    let (grid, finest) = match &plan.kind {
        // Pictures of such plans are not prepared.
        GpuPlanKind::Beyond => return (job, *window, plan.finest),
        GpuPlanKind::Direct { margin } => {
            job.margin = *margin;
            job.bin_count = pitch * height;
            return (job, window.grown(*margin), plan.finest);
        }
        GpuPlanKind::Spread {
            lattice,
            reach,
            terms,
            table,
            ..
        } => {
            let layout = lattice.layout(window, phase);
            (job.outputs, job.lines) = layout.outputs;
            job.stride = job.outputs.next_multiple_of(OUTPUTS);
            job.step = lattice.finer();
            job.span = table.span;
            job.terms = *terms;
            job.coarser = lattice.coarser();
            (job.phase_x, job.phase_y) = phase;
            (layout.grid.grown(*reach), plan.finest / lattice.cell())
        }
        GpuPlanKind::Edge { reach, deposit, .. } => {
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

/// The most bits that the sum of all |weight| may take in fixed point. A bin has 63 bits and a
/// sign, so it has room for 32 copies of the world.
const SUM_BITS: i32 = 58;
/// The bits of an average weight in fixed point, unless the least weight needs more or the sum has
/// no room. The upper half of a bin is rarely used then.
const WEIGHT_BITS: i32 = 30;
/// The fewest bits of the least weight in fixed point. A tile may hold no other weight, and the
/// rounding error must be less than a 100,000th of this one.
const LEAST_BITS: i32 = 17;

/// The greatest exponent for which 2^exponent and its inverse are both normal f32.
const EXPONENTS: i32 = 126;

/// The fixed-point units to a weight of 1, and the inverse of that number. Both are powers of two
/// and the same for all pictures of a set of points by a kernel, so that tiles meet without a seam.
/// `None` where no such f32 leaves room for all weights and enough bits for the least.
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

/// The blocks of a picture; and the offset (across, down) of its corner from the corner of its cell
/// on the plan's lattice, in pixels.
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
