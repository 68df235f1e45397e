// The stage between depositing and spreading: bins are converted from fixed point to floating
// point, and added up for the host to check. Bins of a stamped picture are its densities already.

@group(0) @binding(0) var<storage, read> jobs: array<Job>;
@group(0) @binding(1) var<storage, read> bins: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> grid: array<f32>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;
@group(0) @binding(4) var<storage, read_write> sums: array<atomic<u32>>;

// Converts the bin `i` of a job, if there is such a bin. Returns the bin, or 0.
fn converted(i: u32, job: Job) -> vec2<u32> {
    if i >= job.bin_count {
        return vec2<u32>(0u, 0u);
    }
    let bin = bins[job.bins + i];
    let negative = bin.y >= 0x80000000u;
    let size = select(bin, minus(vec2<u32>(0u, 0u), bin), vec2<bool>(negative));
    let positive = (f32(size.y) * 0x1p32 + f32(size.x)) * job.unscale;
    let value = select(positive, -positive, negative);
    if job.plan == DIRECT {
        values[job.density + i] = value;
    } else {
        grid[job.bins + i] = value;
    }
    return bin;
}

@compute @workgroup_size(64)
fn settle(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let job = jobs[group.z];
    let i = group.x * EACH * GROUP + local.x;
    // The EACH bins are written out, since every loop costs a counter of its turns.
    var held = converted(i, job);
    held = plus(held, converted(i + GROUP, job));
    held = plus(held, converted(i + 2u * GROUP, job));
    held = plus(held, converted(i + 3u * GROUP, job));
    held = plus(held, converted(i + 4u * GROUP, job));
    held = plus(held, converted(i + 5u * GROUP, job));
    held = plus(held, converted(i + 6u * GROUP, job));
    held = plus(held, converted(i + 7u * GROUP, job));
    if (held.x | held.y) != 0u {
        let at = (group.z * SLOTS + local.x % SLOTS) * SLOT + HELD;
        let old = atomicAdd(&sums[at], held.x);
        let carried = held.y + select(0u, 1u, old > 0xffffffffu - held.x);
        if carried != 0u {
            atomicAdd(&sums[at + 1u], carried);
        }
    }
}
