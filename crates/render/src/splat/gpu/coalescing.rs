//! A test that neighbouring threads read and write neighbouring memory. A GPU reads memory in
//! sectors of 32 bytes, and does so for a warp, 32 threads, together: an access that touches many
//! sectors is slow.
//!
//! The test computes the addresses of each access of the shader stages, from the expressions in the
//! shaders, and counts sectors. A software driver can't show this.

use super::layout::{GpuJob, OUTPUTS, PAD};
use super::plan::{GpuPlan, Plans};
use super::prepare::{blocks, geometry};
use crate::style::kernel::{Kernel, Normalize, Shape};
use heatsplat_points::Window;
use heatsplat_shaders as shaders;
use std::sync::Arc;

const WARP: u32 = 32;
/// The number of 32-bit words in a sector.
const SECTOR: u32 = 8;
/// The limit for the mean number of sectors, of 32 bytes each, that the threads of a warp touch in
/// an access, divided by the number of 32-bit words that each thread accesses. If consecutive
/// threads access consecutive words, it is four, or five if they begin within a sector.
const MOST: f64 = 8.0;

/// An access of a shader stage to memory.
struct Access {
    stage: shaders::Stage,
    /// The expressions in the shader that give the address. If they change, this test must too.
    expressions: &'static [&'static str],
    /// The number of consecutive 32-bit words that a thread accesses at once.
    words: u32,
    /// Computes the index of the first word that a thread accesses for a job. The two numbers are
    /// the thread's number along x and its number along y.
    at: fn(&GpuJob, u32, u32) -> u32,
    /// The number of threads along x that access memory for a job.
    lanes: fn(&GpuJob) -> u32,
}

const ACCESSES: [Access; 9] = [
    Access {
        stage: shaders::SPLAT_SETTLE,
        expressions: &[
            "let i = group.x * EACH * GROUP + local.x",
            "bins[job.bins + i]",
        ],
        words: 2,
        at: |job, x, _| 2 * (job.bins + x),
        lanes: |job| job.bin_count,
    },
    Access {
        stage: shaders::SPLAT_SETTLE,
        expressions: &["grid[job.bins + i] = value"],
        words: 1,
        at: |job, x, _| job.bins + x,
        lanes: |job| job.bin_count,
    },
    Access {
        stage: shaders::SPLAT_SPREAD,
        expressions: &["job.bins + column * job.rows + PAD + row, job.rows"],
        words: 1,
        at: |job, x, y| job.bins + (PAD + y * OUTPUTS) * job.rows + PAD + x,
        lanes: |job| job.inner_rows,
    },
    Access {
        stage: shaders::SPLAT_SPREAD,
        expressions: &[
            "(job.across + (term * job.inner_rows + row) * job.stride + output) / 4u",
            "fours[to + 1u] = sums.second",
        ],
        words: 4,
        at: |job, x, y| job.across + x * job.stride + y * OUTPUTS,
        lanes: |job| job.inner_rows,
    },
    Access {
        stage: shaders::SPLAT_SPREAD,
        expressions: &["job.across + (term * job.inner_rows + row) * job.stride + column"],
        words: 1,
        at: |job, x, y| job.across + y * OUTPUTS * job.stride + x,
        lanes: |job| job.outputs,
    },
    Access {
        stage: shaders::SPLAT_SPREAD,
        expressions: &["job.spread + output * job.stride + column"],
        words: 1,
        at: |job, x, y| job.spread + y * OUTPUTS * job.stride + x,
        lanes: |job| job.outputs,
    },
    Access {
        stage: shaders::SPLAT_REFINE,
        expressions: &[
            "let row = (y + job.phase_y) / side",
            "job.spread + row * job.stride + (x + job.phase_x) / side",
        ],
        words: 1,
        at: |job, x, y| {
            let row = (y * OUTPUTS + job.phase_y) / job.coarser;
            job.spread + row * job.stride + (x + job.phase_x) / job.coarser
        },
        lanes: |job| job.width,
    },
    Access {
        stage: shaders::SPLAT_REFINE,
        expressions: &["let to = job.density + y * job.pitch + x"],
        words: 1,
        at: |job, x, y| job.density + y * OUTPUTS * job.pitch + x,
        lanes: |job| job.width,
    },
    Access {
        stage: shaders::COLORIZE_ALPHA,
        expressions: &[
            "group.x * WORDS * GROUP + local.x",
            "let column = i % job.row_words * 4u",
            "fours[(job.density + i / job.row_words * job.pitch + column) / 4u]",
        ],
        words: 4,
        at: |job, x, _| {
            let (row, column) = (x / job.width.div_ceil(4), x % job.width.div_ceil(4));
            job.density + row * job.pitch + 4 * column
        },
        lanes: |job| job.width.div_ceil(4) * job.height,
    },
];

/// The mean number of sectors that a warp touches in an access, divided by the number of 32-bit
/// words that each thread accesses.
fn sectors(access: &Access, job: &GpuJob) -> f64 {
    let (mut warps, mut touched) = (0, 0);
    for y in 0..4 {
        for warp in 0..(access.lanes)(job) / WARP {
            let lanes = (warp * WARP..(warp + 1) * WARP).map(|x| (access.at)(job, x, y));
            let words = lanes.flat_map(|first| first..first + access.words);
            let mut all: Vec<u32> = words.map(|word| word / SECTOR).collect();
            all.sort_unstable();
            all.dedup();
            warps += 1;
            touched += all.len();
        }
    }
    touched as f64 / (f64::from(warps) * f64::from(access.words))
}

fn jobs() -> Vec<GpuJob> {
    let plans = Plans::default();
    let plan = |radius| -> Arc<GpuPlan> {
        plans.get(&Kernel::new(Shape::Gaussian, radius, Normalize::Peak).unwrap())
    };
    [4.0, 16.0, 60.0]
        .into_iter()
        .flat_map(|radius| [(256, 256), (200, 120)].map(|size| (plan(radius), size)))
        .map(|(plan, (width, height))| {
            let window = Window::at_level(12, 700, 900, width, height);
            let (_, phase) = blocks(&window, &plan);
            geometry(&window, phase, &plan).0
        })
        .collect()
}

#[test]
fn warps_touch_few_sectors() {
    for access in &ACCESSES {
        for expression in access.expressions {
            let source = access.stage.source;
            assert!(
                source.contains(expression),
                "{}: {expression}",
                access.stage.name
            );
        }
        for job in jobs() {
            if access.stage == shaders::SPLAT_REFINE && job.coarser == 1 {
                continue;
            }
            let touched = sectors(access, &job);
            let what = access.expressions.last().unwrap();
            assert!(
                touched > 0.0 && touched <= MOST,
                "{what}: {touched} in {job:?}"
            );
        }
    }
    // A stage whose threads lie along the other axis is caught.
    let turned = Access {
        at: |job, x, y| job.density + x * job.pitch + y * OUTPUTS,
        ..ACCESSES[7]
    };
    assert!(sectors(&turned, &jobs()[2]) > 3.0 * MOST);
}
