// The third stage, for wide kernels: the convolution's outputs are coefficients of a cubic B-spline
// on cells several pixels wide; it is evaluated at the pixels.
//
// A thread computes eight pixels of a row. For each column of cells it sums five cells down once,
// with the weights in `weights`, and the sum counts for all eight pixels. The CPU's twin is
// cpu/splat_refine.rs.

// The number of cells that a pixel reads along each axis.
const CELLS = 5u;

@group(0) @binding(0) var<storage, read> jobs: array<Job>;
// For each pixel of a cell, five weights down.
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// For each pixel of a cell that eight pixels can begin at, and for each column of cells from there
// on: the column's weights in the eight pixels.
@group(0) @binding(2) var<storage, read> tables: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(64)
fn refine(@builtin(global_invocation_id) id: vec3<u32>) {
    let job = jobs[id.z];
    let x = id.y * OUTPUTS;
    let y = id.x;
    if x >= job.width || y >= job.height {
        return;
    }
    let side = job.coarser;
    let row = (y + job.phase_y) / side;
    let down = (y + job.phase_y) % side * CELLS;
    let column = (x + job.phase_x) / side;
    let columns = (OUTPUTS + side - 2u) / side + CELLS;
    var table = 2u * columns * ((x + job.phase_x) % side);
    var first = vec4<f32>(0.0);
    var second = vec4<f32>(0.0);
    let available = min(columns, job.outputs - column);
    for (var i = 0u; i < available; i += 1u) {
        let at = job.spread + row * job.stride + column + i;
        var value = 0.0;
        for (var k = 0u; k < CELLS; k += 1u) {
            value += weights[down + k] * values[at + k * job.stride];
        }
        first += value * tables[table];
        second += value * tables[table + 1u];
        table += 2u;
    }
    let to = job.density + y * job.pitch + x;
    for (var k = 0u; k < 4u; k += 1u) {
        values[to + k] = first[k];
        values[to + 4u + k] = second[k];
    }
}
