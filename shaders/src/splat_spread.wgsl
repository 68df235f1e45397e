// The second stage: the grid is convolved with each separable term, across and then down.
//
// A thread computes eight outputs side by side: each value that it reads counts for all of them, by
// eight taps for the value in the table `taps`. Neighbouring threads read neighbouring values: the
// grid is stored column by column, and its rows after the first pass are stored row by row. So the
// first pass has to write to many rows at a time, and does so in fours. The CPU's twin is
// cpu/splat_spread.rs.

@group(0) @binding(0) var<storage, read> jobs: array<Job>;
@group(0) @binding(1) var<storage, read> taps: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
// The results of `across`, and those of `down`.
@group(0) @binding(3) var<storage, read_write> fours: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> results: array<f32>;

struct Eight {
    first: vec4<f32>,
    second: vec4<f32>,
}

// The sum of values · taps for eight outputs, over `available` values from the index `from_value`
// on, which are `apart` elements from each other.
fn convolve(table: u32, from_value: u32, apart: u32, available: u32) -> Eight {
    var sums = Eight(vec4<f32>(0.0), vec4<f32>(0.0));
    var at = from_value;
    var tap = table;
    for (var i = 0u; i < available; i += 1u) {
        let value = values[at];
        sums.first += value * taps[tap];
        sums.second += value * taps[tap + 1u];
        at += apart;
        tap += 2u;
    }
    return sums;
}

@compute @workgroup_size(64)
fn across(@builtin(global_invocation_id) id: vec3<u32>) {
    let most_terms = jobs[0].most_terms;
    let job = jobs[id.z / most_terms];
    let term = id.z % most_terms;
    let row = id.x;
    let output = id.y * OUTPUTS;
    if term >= job.terms || row >= job.inner_rows || output >= job.outputs {
        return;
    }
    let column = PAD + job.step / 2u + output * job.step;
    let table = job.taps + 4u * term * job.span;
    let available = min(job.span, job.columns - column);
    let sums = convolve(table, job.bins + column * job.rows + PAD + row, job.rows, available);
    let to = (job.across + (term * job.inner_rows + row) * job.stride + output) / 4u;
    fours[to] = sums.first;
    fours[to + 1u] = sums.second;
}

@compute @workgroup_size(64)
fn down(@builtin(global_invocation_id) id: vec3<u32>) {
    let job = jobs[id.z];
    let column = id.x;
    let output = id.y * OUTPUTS;
    if job.plan != SPREAD || column >= job.outputs || output >= job.lines {
        return;
    }
    var sums = Eight(vec4<f32>(0.0), vec4<f32>(0.0));
    let row = job.step / 2u + output * job.step;
    let available = min(job.span, job.inner_rows - row);
    for (var term = 0u; term < job.terms; term += 1u) {
        let table = job.taps + 2u * (2u * term + 1u) * job.span;
        let first = job.across + (term * job.inner_rows + row) * job.stride + column;
        let part = convolve(table, first, job.stride, available);
        sums.first += part.first;
        sums.second += part.second;
    }
    let to = job.spread + output * job.stride + column;
    let lines = job.lines - output;
    results[to] = sums.first.x;
    if lines > 1u { results[to + job.stride] = sums.first.y; }
    if lines > 2u { results[to + 2u * job.stride] = sums.first.z; }
    if lines > 3u { results[to + 3u * job.stride] = sums.first.w; }
    if lines > 4u { results[to + 4u * job.stride] = sums.second.x; }
    if lines > 5u { results[to + 5u * job.stride] = sums.second.y; }
    if lines > 6u { results[to + 6u * job.stride] = sums.second.z; }
    if lines > 7u { results[to + 7u * job.stride] = sums.second.w; }
}
