// The third stage, for wide kernels: the convolution's outputs are coefficients of a cubic B-spline
// on cells several pixels wide; it is evaluated at the pixels.
//
// A thread computes eight pixels of a column, so that neighbouring threads read and write
// neighbouring values. For each row of cells it sums five cells across once, and the sum counts for
// all eight pixels. The CPU's twin is cpu/splat_refine.rs.

// The number of cells that a pixel reads along each axis.
const CELLS = 5u;

@group(0) @binding(0) var<storage, read> jobs: array<Job>;
// For each pixel of a cell, eight weights, of which the first five are those of the cells across.
// And for each pixel of a cell that eight pixels can begin at, and for each row of cells from there
// on: the row's weights in the eight pixels.
@group(0) @binding(1) var<storage, read> tables: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(64)
fn refine(@builtin(global_invocation_id) id: vec3<u32>) {
    let job = jobs[id.z];
    let x = id.x;
    let y = id.y * OUTPUTS;
    if job.coarser == 1u || x >= job.width || y >= job.height {
        return;
    }
    let side = job.coarser;
    let across = job.refine_across + (x + job.phase_x) % side * 2u;
    let four = tables[across];
    let fifth = tables[across + 1u].x;
    let row = (y + job.phase_y) / side;
    let rows = (OUTPUTS + side - 2u) / side + CELLS;
    var table = job.refine_down + (y + job.phase_y) % side * rows * 2u;
    var at = job.spread + row * job.stride + (x + job.phase_x) / side;
    var first = vec4<f32>(0.0);
    var second = vec4<f32>(0.0);
    let available = min(rows, job.lines - row);
    for (var i = 0u; i < available; i += 1u) {
        let cells = vec4<f32>(values[at], values[at + 1u], values[at + 2u], values[at + 3u]);
        let value = dot(four, cells) + fifth * values[at + 4u];
        first += value * tables[table];
        second += value * tables[table + 1u];
        at += job.stride;
        table += 2u;
    }
    let to = job.density + y * job.pitch + x;
    let lines = job.height - y;
    values[to] = first.x;
    if lines > 1u { values[to + job.pitch] = first.y; }
    if lines > 2u { values[to + 2u * job.pitch] = first.z; }
    if lines > 3u { values[to + 3u * job.pitch] = first.w; }
    if lines > 4u { values[to + 4u * job.pitch] = second.x; }
    if lines > 5u { values[to + 5u * job.pitch] = second.y; }
    if lines > 6u { values[to + 6u * job.pitch] = second.z; }
    if lines > 7u { values[to + 7u * job.pitch] = second.w; }
}
