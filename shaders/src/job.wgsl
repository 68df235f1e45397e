// Shared declarations: pictures, runs of cells, and the places of a job's sums. The host prepends
// this to each stage.

// Spare cells around a grid, so that a deposit never leaves it.
const PAD = 2u;
// Outputs a thread computes side by side in the convolutions.
const OUTPUTS = 8u;
// Invocations of a workgroup.
const GROUP = 64u;
// Bins, or words of a picture, that an invocation takes in the stages that go over them all.
const EACH = 8u;
// The copies of the counters, so that invocations rarely wait for each other.
const SLOTS = 16u;
// The words of a copy.
const SLOT = 8u;

// The grid that cells are deposited on by quadratic B-splines: the pixels' centres, or their
// centres and lower right corners, whose rows alternate.
const QUADRATIC = 0u;
const QUINCUNX = 1u;

// The words of a slot: the number of cells, the sum of their weights (low, high), the sum of the
// bins (low, high) and the picture's checksum.
const SEEN = 0u;
const WEIGHED = 1u;
const HELD = 3u;
const SEAL = 5u;

// One picture, or a block of a large one. Offsets in buffers are counted in their elements.
struct Job {
    // The grid that cells are deposited on, padding included, column by column.
    bins: u32,
    bin_count: u32,
    columns: u32,
    rows: u32,
    // The grid's rows after the first pass: those of each term, row by row.
    across: u32,
    inner_rows: u32,
    // The convolution's outputs.
    spread: u32,
    outputs: u32,
    lines: u32,
    stride: u32,
    // Grid cells from one output to the next.
    step: u32,
    // The table of taps: values that a thread reads along an axis.
    span: u32,
    terms: u32,
    // The picture's densities.
    density: u32,
    width: u32,
    height: u32,
    pitch: u32,
    // Pixels to a cell, and the offset of the picture's corner from the first cell's.
    coarser: u32,
    phase_x: u32,
    phase_y: u32,
    // The picture as it is read back.
    picture: u32,
    words: u32,
    row_words: u32,
    thresholds: u32,
    // Fixed point: units to a weight of 1, a power of two, and its inverse.
    scale: f32,
    unscale: f32,
    // A stamp's shape, its reach in pixels, and the kernel's size.
    shape: u32,
    margin: u32,
    per_radius: f32,
    peak: f32,
    // The grid of the deposit.
    deposit: u32,
}

// A run of cells of one workgroup.
struct Item {
    job: u32,
    first: u32,
    count: u32,
    place: u32,
}

// The mapping from the world to a grid, in one copy of the world, in integers: the distance from
// the anchor, at most a span; times a factor 0.mantissa · 2^(before − after); plus the place of the
// anchor as (fraction, whole).
struct Place {
    anchor_x: u32,
    anchor_y: u32,
    span_x: u32,
    span_y: u32,
    offset_x: vec2<u32>,
    offset_y: vec2<u32>,
    mantissa: u32,
    before: u32,
    after: u32,
    spare: u32,
}

// 64-bit numbers are (low, high).
fn plus(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn minus(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2<u32>(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}
