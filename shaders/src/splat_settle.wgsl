// The stage between depositing and spreading: bins are converted from fixed point to floating
// point, and added up for the host to check.

@group(0) @binding(0) var<storage, read> jobs: array<Job>;
@group(0) @binding(1) var<storage, read> bins: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> grid: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<atomic<u32>>;

@compute @workgroup_size(64)
fn settle(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let job = jobs[group.z];
    var held = vec2<u32>(0u, 0u);
    for (var k = 0u; k < EACH; k += 1u) {
        let i = (group.x * EACH + k) * GROUP + local.x;
        if i >= job.bin_count {
            break;
        }
        let bin = bins[job.bins + i];
        held = plus(held, bin);
        let negative = bin.y >= 0x80000000u;
        let size = select(bin, minus(vec2<u32>(0u, 0u), bin), vec2<bool>(negative));
        let value = (f32(size.y) * 0x1p32 + f32(size.x)) * job.unscale;
        grid[job.bins + i] = select(value, -value, negative);
    }
    if (held.x | held.y) != 0u {
        let at = (group.z * SLOTS + local.x % SLOTS) * SLOT + HELD;
        let old = atomicAdd(&sums[at], held.x);
        let carried = held.y + select(0u, 1u, old > 0xffffffffu - held.x);
        if carried != 0u {
            atomicAdd(&sums[at + 1u], carried);
        }
    }
}
