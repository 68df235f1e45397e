// Shared declarations: pictures, runs of cells, mappings from the world to a grid, and the words of
// a job's counters. The host prepends this to each stage.

// Spare cells on each side of a grid, so that a deposit never leaves it.
const PAD = 2u;
// The number of outputs that a thread computes side by side in the convolutions.
const OUTPUTS = 8u;
// The number of invocations of a workgroup.
const GROUP = 64u;
// The number of bins that one invocation handles in the stage that visits all of them.
const EACH = 8u;
// The number of 32-bit words of a picture that one invocation writes.
const WORDS = 2u;
// The number of copies (slots) of a job's counters. Invocations use different slots, so that they
// rarely wait for each other.
const SLOTS = 16u;
// The number of words of 32 bits in a slot.
const SLOT = 8u;

// The grid that cells are deposited on by quadratic B-splines: the pixels' centres, or rows of
// their centres and rows of their lower right corners in turn.
const QUADRATIC = 0u;
const QUINCUNX = 1u;

// The plan of a picture: its cells are stamped into it; or they are deposited on a grid that is
// convolved with separable terms, or with a stamp; or it has no cells at all.
const DIRECT = 0u;
const SPREAD = 1u;
const EDGE = 2u;
const NOTHING = 3u;

// The words of a slot, each by the index of its first word: the number of cells, the sum of their
// weights (low, high), the sum of the bins (low, high) and the picture's checksum.
const SEEN = 0u;
const WEIGHED = 1u;
const HELD = 3u;
const SEAL = 5u;

// One picture, or a block of a large one. Offsets in a buffer are counted in the buffer's elements.
struct Job {
    // DIRECT, SPREAD, EDGE or NOTHING: a batch has pictures of several plans, and each stage leaves
    // out those that don't need it.
    plan: u32,
    // The grid that cells are deposited on, padding included, column by column.
    bins: u32,
    bin_count: u32,
    columns: u32,
    rows: u32,
    // The grid's rows after the first pass: all rows of one term, then those of the next.
    across: u32,
    inner_rows: u32,
    // The convolution's outputs.
    spread: u32,
    outputs: u32,
    lines: u32,
    stride: u32,
    // Grid cells from one output to the next.
    step: u32,
    // The length of a table of taps: the number of values that a thread reads along an axis. And
    // the number of separable terms.
    span: u32,
    terms: u32,
    // The most terms of any job of the batch.
    most_terms: u32,
    // The tables of the plan, each by the index of its first element in the buffer of tables: taps
    // (vec4), the rows of a stamp (vec2), and for coarse grids the weights across (vec4) and the
    // table down (vec4).
    taps: u32,
    stamp_rows: u32,
    refine_across: u32,
    refine_down: u32,
    // The picture's densities.
    density: u32,
    width: u32,
    height: u32,
    pitch: u32,
    // Pixels along a cell's side, and the offset of the picture's corner from the first cell's
    // corner.
    coarser: u32,
    phase_x: u32,
    phase_y: u32,
    // The picture as it is written: its words, those of a row, and the words from one row to the
    // next in the buffer.
    picture: u32,
    words: u32,
    row_words: u32,
    row_pitch: u32,
    thresholds: u32,
    // Fixed point: the units to a weight of 1, a power of two, and the inverse of that number.
    scale: f32,
    unscale: f32,
    // A stamp's shape and its reach in pixels; the inverse of the kernel's radius, and its height.
    shape: u32,
    margin: u32,
    per_radius: f32,
    peak: f32,
    // The grid of the deposit: QUADRATIC or QUINCUNX.
    deposit: u32,
}

// A run of cells that one workgroup deposits.
struct Item {
    job: u32,
    first: u32,
    count: u32,
    place: u32,
}

// The mapping from the world to a grid, in one copy of the world, in integers. A position is the
// distance from the anchor, times the factor 0.mantissa · 2^(before − after), plus the anchor's own
// position on the grid as (fraction, whole). Cells further from the anchor than the span are not on
// the grid.
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

// Numbers of 64 bits are pairs of words: (low, high).
fn plus(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn minus(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2<u32>(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}
