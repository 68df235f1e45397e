// The first stage: cells are deposited on the grid, in fixed point of 64 bits.
//
// Sums of integers do not depend on their order, so a device draws a picture the same each time,
// alone and in every batch. Another device may round the shares, which are products of floats,
// differently in their last bits. The nine shares of a cell add up to its weight exactly, since the
// middle share is what the other eight leave. So the bins add up to the cells' weights to the last
// bit, and the host can check that. The CPU's twin is cpu/splat_bin.rs.

@group(0) @binding(0) var<storage, read> jobs: array<Job>;
@group(0) @binding(1) var<storage, read> items: array<Item>;
@group(0) @binding(2) var<storage, read> places: array<Place>;
@group(0) @binding(3) var<storage, read_write> bins: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> sums: array<atomic<u32>>;
@group(1) @binding(0) var<storage, read> cells: array<u32>;

fn add_to_bin(bin: u32, value: vec2<u32>) {
    if (value.x | value.y) == 0u {
        return;
    }
    let old = atomicAdd(&bins[2u * bin], value.x);
    let carried = value.y + select(0u, 1u, old > 0xffffffffu - value.x);
    if carried != 0u {
        atomicAdd(&bins[2u * bin + 1u], carried);
    }
}

fn take_from_bin(bin: u32, value: vec2<u32>) {
    if (value.x | value.y) == 0u {
        return;
    }
    let old = atomicSub(&bins[2u * bin], value.x);
    let borrowed = value.y + select(0u, 1u, old < value.x);
    if borrowed != 0u {
        atomicSub(&bins[2u * bin + 1u], borrowed);
    }
}

fn add_to_sum(at: u32, value: vec2<u32>) {
    let old = atomicAdd(&sums[at], value.x);
    let carried = value.y + select(0u, 1u, old > 0xffffffffu - value.x);
    if carried != 0u {
        atomicAdd(&sums[at + 1u], carried);
    }
}

// The nearest whole number to a value that is not negative. From 2^24 on every float is a whole
// number.
fn fixed(value: f32) -> vec2<u32> {
    let high = floor(value * 0x1p-32);
    return vec2<u32>(u32(round(value - high * 0x1p32)), u32(high));
}

fn product(a: u32, b: u32) -> vec2<u32> {
    let a0 = a & 0xffffu;
    let a1 = a >> 16u;
    let b0 = b & 0xffffu;
    let b1 = b >> 16u;
    let low = a0 * b0;
    let cross = a1 * b0 + (low >> 16u);
    let other = a0 * b1 + (cross & 0xffffu);
    return vec2<u32>((other << 16u) | (low & 0xffffu), a1 * b1 + (cross >> 16u) + (other >> 16u));
}

fn shifted(value: vec2<u32>, by: u32) -> vec2<u32> {
    var moved = value;
    var left = by;
    if left >= 32u {
        moved = vec2<u32>(moved.y, 0u);
        left = min(left - 32u, 31u);
    }
    if left == 0u {
        return moved;
    }
    return vec2<u32>((moved.x >> left) | (moved.y << (32u - left)), moved.y >> left);
}

// The position along an axis, at a distance from the anchor: (fraction, whole) in grid cells.
fn along(distance: u32, place: Place, offset: vec2<u32>) -> vec2<u32> {
    let scaled = product(distance << place.before, place.mantissa);
    return plus(shifted(scaled, place.after), offset);
}

struct Placed {
    inside: bool,
    weight: f32,
    x: vec2<u32>,
    y: vec2<u32>,
}

fn placed(cell: u32, place: Place) -> Placed {
    let x = cells[3u * cell];
    let y = cells[3u * cell + 1u];
    let dx = x - place.anchor_x;
    let dy = y - place.anchor_y;
    let inside = x >= place.anchor_x && dx <= place.span_x && y >= place.anchor_y && dy <= place.span_y;
    return Placed(
        inside,
        bitcast<f32>(cells[3u * cell + 2u]),
        along(dx, place, place.offset_x),
        along(dy, place, place.offset_y),
    );
}

// The position in a grid cell from its centre. Twenty bits are a millionth of a cell, and exact in
// a float.
fn from_centre(fraction: u32) -> f32 {
    return f32(fraction >> 12u) * 0x1p-20 - 0.5;
}

fn quadratic(f: f32) -> vec3<f32> {
    let left = 0.5 - f;
    let right = 0.5 + f;
    return vec3<f32>(0.5 * left * left, 0.75 - f * f, 0.5 * right * right);
}

// A bin, and the position of a cell in it along the grid's axes.
struct Bin {
    column: i32,
    row: i32,
    at: vec2<f32>,
}

// The pixel's own bin; or, on the grid of centres and corners, whose axes are the diagonals, the
// bin that is nearest. The first axis is right and down, the second left and down.
fn nearest_bin(column: u32, row: u32, at: vec2<f32>, deposit: u32) -> Bin {
    let pixel = vec2<i32>(i32(column), i32(row));
    if deposit != QUINCUNX {
        return Bin(pixel.x, pixel.y, at);
    }
    let diagonal = vec2<f32>(at.x + at.y, at.y - at.x);
    let whole = vec2<i32>(floor(diagonal + 0.5));
    return Bin(
        pixel.x + ((whole.x - whole.y) >> 1u),
        2 * pixel.y + whole.x + whole.y,
        diagonal - vec2<f32>(whole),
    );
}

// The bin `i` steps along the first axis and `j` along the second.
fn neighbour(bin: Bin, i: i32, j: i32, job: Job) -> u32 {
    var column = bin.column + i;
    var row = bin.row + j;
    if job.deposit == QUINCUNX {
        column = bin.column + (((bin.row & 1) + i - j) >> 1u);
        row = bin.row + i + j;
    }
    return job.bins + u32(column) * job.rows + u32(row);
}

// Adds a share to a neighbour of a bin, or takes it from there. Returns the share.
fn give(share: vec2<u32>, negative: bool, bin: Bin, i: i32, j: i32, job: Job) -> vec2<u32> {
    let to = neighbour(bin, i, j, job);
    if negative {
        take_from_bin(to, share);
    } else {
        add_to_bin(to, share);
    }
    return share;
}

@compute @workgroup_size(64)
fn deposit(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let item = items[group.x];
    let job = jobs[item.job];
    let place = places[item.place];
    // Along the diagonals a deposit reaches a pixel further.
    let spare = select(1u, 2u, job.deposit == QUINCUNX);
    let pixel_rows = select(job.rows, job.rows / 2u, job.deposit == QUINCUNX);
    var seen = 0u;
    var weighed = vec2<u32>(0u, 0u);
    for (var i = local.x; i < item.count; i += GROUP) {
        seen += 1u;
        let cell = placed(item.first + i, place);
        let column = cell.x.y;
        let row = cell.y.y;
        if !cell.inside || column < spare || column >= job.columns - spare || row < spare || row >= pixel_rows - spare {
            continue;
        }
        let at = vec2<f32>(from_centre(cell.x.x), from_centre(cell.y.x));
        let bin = nearest_bin(column, row, at, job.deposit);
        let across = quadratic(bin.at.x);
        let size = abs(cell.weight) * job.scale;
        let down = quadratic(bin.at.y) * size;
        let negative = cell.weight < 0.0;
        let whole = fixed(size);
        if negative {
            weighed = minus(weighed, whole);
        } else {
            weighed = plus(weighed, whole);
        }
        // The eight shares are written out, since every loop costs a counter of its turns.
        var given = give(fixed(down.x * across.x), negative, bin, -1, -1, job);
        given = plus(given, give(fixed(down.y * across.x), negative, bin, -1, 0, job));
        given = plus(given, give(fixed(down.z * across.x), negative, bin, -1, 1, job));
        given = plus(given, give(fixed(down.x * across.y), negative, bin, 0, -1, job));
        given = plus(given, give(fixed(down.z * across.y), negative, bin, 0, 1, job));
        given = plus(given, give(fixed(down.x * across.z), negative, bin, 1, -1, job));
        given = plus(given, give(fixed(down.y * across.z), negative, bin, 1, 0, job));
        given = plus(given, give(fixed(down.z * across.z), negative, bin, 1, 1, job));
        give(minus(whole, given), negative, bin, 0, 0, job);
    }
    if seen > 0u {
        let slot = (item.job * SLOTS + local.x % SLOTS) * SLOT;
        atomicAdd(&sums[slot + SEEN], seen);
        add_to_sum(slot + WEIGHED, weighed);
    }
}
