// Small radii: the kernel is evaluated around every cell, at the cell's true position, and added to
// the picture in fixed point. The host prepends splat_bin.wgsl, whose functions locate cells and
// add to bins. The CPU's twin is cpu/splat_direct.rs.

fn kernel(job: Job, x: f32, y: f32) -> f32 {
    let u2 = (x * x + y * y) * job.per_radius * job.per_radius;
    let inner = max(1.0 - u2, 0.0);
    switch job.shape {
        case 0u: { return exp(-4.5 * u2); }
        case 1u: { return inner * inner; }
        default: { return inner * inner * inner; }
    }
}

@compute @workgroup_size(64)
fn stamp(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let item = items[group.x];
    let job = jobs[item.job];
    let place = places[item.place];
    let margin = i32(job.margin);
    var seen = 0u;
    var weighed = vec2<u32>(0u, 0u);
    for (var i = local.x; i < item.count; i += GROUP) {
        seen += 1u;
        let cell = placed(item.first + i, place);
        if !cell.inside {
            continue;
        }
        // The grid begins the margin and the padding west and north of the picture.
        let column = i32(cell.x.y) - margin - i32(PAD);
        let row = i32(cell.y.y) - margin - i32(PAD);
        let x = f32(cell.x.x) * 0x1p-32 - 0.5;
        let y = f32(cell.y.x) * 0x1p-32 - 0.5;
        let size = abs(cell.weight) * job.scale * job.peak;
        for (var v = max(row - margin, 0); v <= min(row + margin, i32(job.height) - 1); v += 1) {
            for (var u = max(column - margin, 0); u <= min(column + margin, i32(job.width) - 1); u += 1) {
                let share = fixed(size * kernel(job, f32(u - column) - x, f32(v - row) - y));
                let at = job.bins + u32(v) * job.pitch + u32(u);
                if cell.weight < 0.0 {
                    weighed = minus(weighed, share);
                    take_from_bin(at, share);
                } else {
                    weighed = plus(weighed, share);
                    add_to_bin(at, share);
                }
            }
        }
    }
    if seen > 0u {
        let slot = (item.job * SLOTS + local.x % SLOTS) * SLOT;
        atomicAdd(&sums[slot + SEEN], seen);
        add_to_sum(slot + WEIGHED, weighed);
    }
}
