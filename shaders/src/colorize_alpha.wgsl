// The last stage: densities become colour indices, four to a 32-bit word, or colours, or are copied
// unchanged. Each output has a checksum, so that the host can verify what it reads back.
//
// The index is the number of the 255 thresholds that are not above the density. Both are compared
// as integers that are ordered like the floats, so that no compiler's treatment of NaN, or of zeros
// with a sign, matters. The CPU's twin is cpu/colorize_alpha.rs.

@group(0) @binding(0) var<storage, read> jobs: array<Job>;
// For each scale, 256 thresholds; for an output of colours, 256 colours of the ramp follow.
@group(0) @binding(1) var<storage, read> thresholds: array<u32>;
// The densities, as `unchanged` and `colors` read them, and as `indices` does.
@group(0) @binding(2) var<storage, read> densities: array<f32>;
@group(0) @binding(2) var<storage, read> fours: array<vec4<f32>>;
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
    // No threshold before `low` is above the density; all from `low` + the last step on are. The
    // steps are written out, since every loop costs a counter of its turns.
    var low = table;
    low += select(0u, 128u, thresholds[low + 127u] <= ordered);
    low += select(0u, 64u, thresholds[low + 63u] <= ordered);
    low += select(0u, 32u, thresholds[low + 31u] <= ordered);
    low += select(0u, 16u, thresholds[low + 15u] <= ordered);
    low += select(0u, 8u, thresholds[low + 7u] <= ordered);
    low += select(0u, 4u, thresholds[low + 3u] <= ordered);
    low += select(0u, 2u, thresholds[low + 1u] <= ordered);
    low += select(0u, 1u, thresholds[low] <= ordered);
    return low - table;
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

// The density of a pixel of a job, by the number of the pixel.
fn density(i: u32, job: Job) -> f32 {
    if job.plan == NOTHING {
        return 0.0;
    }
    return densities[job.density + i / job.row_words * job.pitch + i % job.row_words];
}

// Writes the word `i` of a picture. Returns its part of the checksum.
fn write(i: u32, word: u32, job: Job) -> u32 {
    picture[job.picture + i / job.row_words * job.row_pitch + i % job.row_words] = word;
    return stir(word, i);
}

// Writes the indices of four pixels as the word `i`, if the picture has this word.
fn write_indices(i: u32, job: Job) -> u32 {
    if i >= job.words {
        return 0u;
    }
    let column = i % job.row_words * 4u;
    var four = vec4<f32>(0.0);
    if job.plan != NOTHING {
        four = fours[(job.density + i / job.row_words * job.pitch + column) / 4u];
    }
    // Beyond the end of a row there are no pixels, and their indices are 0.
    let pixels = job.width - column;
    var word = index(four.x, job.thresholds);
    if pixels > 1u { word |= index(four.y, job.thresholds) << 8u; }
    if pixels > 2u { word |= index(four.z, job.thresholds) << 16u; }
    if pixels > 3u { word |= index(four.w, job.thresholds) << 24u; }
    return write(i, word, job);
}

fn write_density(i: u32, job: Job) -> u32 {
    if i >= job.words {
        return 0u;
    }
    return write(i, bitcast<u32>(density(i, job)), job);
}

fn write_color(i: u32, job: Job) -> u32 {
    if i >= job.words {
        return 0u;
    }
    return write(i, thresholds[job.thresholds + 256u + index(density(i, job), job.thresholds)], job);
}

// The first of the WORDS words that an invocation writes.
fn first_word(group: vec3<u32>, local: vec3<u32>) -> u32 {
    return group.x * WORDS * GROUP + local.x;
}

@compute @workgroup_size(64)
fn indices(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let job = jobs[group.z];
    let i = first_word(group, local);
    seal(group.z, local.x, write_indices(i, job) + write_indices(i + GROUP, job));
}

@compute @workgroup_size(64)
fn unchanged(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let job = jobs[group.z];
    let i = first_word(group, local);
    seal(group.z, local.x, write_density(i, job) + write_density(i + GROUP, job));
}

@compute @workgroup_size(64)
fn colors(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let job = jobs[group.z];
    let i = first_word(group, local);
    seal(group.z, local.x, write_color(i, job) + write_color(i + GROUP, job));
}
