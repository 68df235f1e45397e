// The last stage: densities become colour indices, four to a word, or colours, or are copied
// unchanged. Each output has a checksum, so that the host can verify what it reads back.
//
// The index is the number of the 255 thresholds that are not above the density. Both are compared
// as integers that are ordered like the floats, so that no compiler's treatment of NaN, or of zeros
// with a sign, matters. The CPU's twin is cpu/colorize_alpha.rs.

@group(0) @binding(0) var<storage, read> jobs: array<Job>;
// For each scale, 256 thresholds; for an output of colours, 256 colours of the ramp follow.
@group(0) @binding(1) var<storage, read> thresholds: array<u32>;
@group(0) @binding(2) var<storage, read> densities: array<f32>;
@group(0) @binding(3) var<storage, read_write> picture: array<u32>;
@group(0) @binding(4) var<storage, read_write> sums: array<atomic<u32>>;

fn key(bits: u32) -> u32 {
    if (bits & 0x7fffffffu) == 0u {
        return 0x80000000u;
    }
    return bits ^ select(0x80000000u, 0xffffffffu, bits >= 0x80000000u);
}

fn index(density: f32, table: u32) -> u32 {
    let bits = bitcast<u32>(density);
    let ordered = key(bits);
    if ordered < thresholds[table] || (bits & 0x7fffffffu) > 0x7f800000u {
        return 0u;
    }
    // No threshold before `low` is above the density; all from `low + size` on are.
    var low = 0u;
    for (var size = 128u; size > 0u; size >>= 1u) {
        low += select(0u, size, thresholds[table + low + size - 1u] <= ordered);
    }
    return low;
}

fn stir(word: u32, place: u32) -> u32 {
    var h = word ^ (place * 0x9e3779b9u);
    h = (h ^ (h >> 16u)) * 0x85ebca6bu;
    h = (h ^ (h >> 13u)) * 0xc2b2ae35u;
    return h ^ (h >> 16u);
}

fn seal(job: u32, local: u32, sum: u32) {
    if sum != 0u {
        atomicAdd(&sums[(job * SLOTS + local % SLOTS) * SLOT + SEAL], sum);
    }
}

@compute @workgroup_size(64)
fn indices(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let job = jobs[group.z];
    var sum = 0u;
    for (var k = 0u; k < EACH; k += 1u) {
        let i = (group.x * EACH + k) * GROUP + local.x;
        if i >= job.words {
            break;
        }
        let row = i / job.row_words;
        let column = i % job.row_words * 4u;
        let from_pixel = job.density + row * job.pitch + column;
        var word = 0u;
        for (var j = 0u; j < min(4u, job.width - column); j += 1u) {
            word |= index(densities[from_pixel + j], job.thresholds) << (8u * j);
        }
        picture[job.picture + i] = word;
        sum += stir(word, i);
    }
    seal(group.z, local.x, sum);
}

@compute @workgroup_size(64)
fn unchanged(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let job = jobs[group.z];
    var sum = 0u;
    for (var k = 0u; k < EACH; k += 1u) {
        let i = (group.x * EACH + k) * GROUP + local.x;
        if i >= job.words {
            break;
        }
        let word = bitcast<u32>(densities[job.density + i / job.row_words * job.pitch + i % job.row_words]);
        picture[job.picture + i] = word;
        sum += stir(word, i);
    }
    seal(group.z, local.x, sum);
}

@compute @workgroup_size(64)
fn colors(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let job = jobs[group.z];
    var sum = 0u;
    for (var k = 0u; k < EACH; k += 1u) {
        let i = (group.x * EACH + k) * GROUP + local.x;
        if i >= job.words {
            break;
        }
        let density = densities[job.density + i / job.row_words * job.pitch + i % job.row_words];
        let word = thresholds[job.thresholds + 256u + index(density, job.thresholds)];
        picture[job.picture + i] = word;
        sum += stir(word, i);
    }
    seal(group.z, local.x, sum);
}
