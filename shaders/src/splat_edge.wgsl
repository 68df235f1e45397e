// Kernels that no short sum of separable terms follows: the grid is convolved with their stamp,
// row by row of the stamp. The CPU's twin, cpu/splat_edge.rs, does it by FFT.
//
// As in splat_spread.wgsl a thread computes eight outputs, and a table holds eight taps for each
// value. Here every row of the stamp has a table of its own, as long as the row reaches.

@group(0) @binding(0) var<storage, read> jobs: array<Job>;
@group(0) @binding(1) var<storage, read> taps: array<vec4<f32>>;
// For each row of the stamp, from its middle on: the offset of its table, in groups of four taps,
// and the row's reach in taps.
@group(0) @binding(2) var<storage, read> stamp_rows: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> values: array<f32>;
@group(0) @binding(4) var<storage, read_write> results: array<vec4<f32>>;

@compute @workgroup_size(64)
fn convolve(@builtin(global_invocation_id) id: vec3<u32>) {
    let job = jobs[id.z];
    let line = id.x;
    let output = id.y * OUTPUTS;
    if job.plan != EDGE || line >= job.lines || output >= job.outputs {
        return;
    }
    // Rows of the grid for each row of pixels; the second of two has the pixels' lower right
    // corners.
    let each = select(1u, 2u, job.deposit == QUINCUNX);
    let reach = each * job.margin;
    var first = vec4<f32>(0.0);
    var second = vec4<f32>(0.0);
    for (var j = 0u; j <= 2u * reach; j += 1u) {
        let away = max(j, reach) - min(j, reach);
        let row = stamp_rows[job.stamp_rows + away];
        // A row of corners has no tap in the middle.
        let corner = away & (each - 1u);
        let column = PAD + output + job.margin - row.y;
        let available = min(2u * row.y + OUTPUTS - corner, job.columns - column);
        var at = job.bins + column * job.rows + each * (PAD + line) + j;
        var tap = job.taps + row.x;
        for (var i = 0u; i < available; i += 1u) {
            let value = values[at];
            first += value * taps[tap];
            second += value * taps[tap + 1u];
            at += job.rows;
            tap += 2u;
        }
    }
    let to = (job.spread + line * job.stride + output) / 4u;
    results[to] = first;
    results[to + 1u] = second;
}
