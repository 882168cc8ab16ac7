// Mean and variance of each column of a matrix, over all rows or over chunks of them:
//
//     mean[part, j] = mean over i in part * chunk .. (part + 1) * chunk of x[i, j]
//     variance[part, j] = mean over the same i of (x[i, j] - mean[part, j])^2
//
// An invocation takes four columns at a time, relative to the chunk's first row. On a software adapter it goes through
// the chunk once and corrects both with each row, after Welford, "Note on a method for calculating corrected sums of
// squares and products" (1962). On a GPU some, the strands, share a chunk and go through it twice, and a tree in
// workgroup memory adds up what they have. Neither way subtracts sums of squares from each other.

struct moments_chunks_extents { rows: u32, columns: u32, chunk: u32, parts: u32 }

@group(0) @binding(0) var<uniform> moments_chunks_dims: moments_chunks_extents;
@group(0) @binding(1) var<storage, read> moments_chunks_input: array<f32>;
@group(0) @binding(2) var<storage, read_write> moments_chunks_mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> moments_chunks_variance: array<f32>;

const moments_chunks_blocks: u32 = 8;
const moments_chunks_strands: u32 = 32;

var<workgroup> moments_chunks_partial: array<vec4f, moments_chunks_blocks * moments_chunks_strands>;

// Four elements of one row; zeros beyond its end.
fn moments_chunks_load(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < moments_chunks_dims.columns; lane++) {
        block[lane] = moments_chunks_input[row * moments_chunks_dims.columns + column + lane];
    }
    return block;
}

// Four results, of which those beyond the last column are not written.
fn moments_chunks_store_mean(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < moments_chunks_dims.columns; lane++) {
        moments_chunks_mean[row * moments_chunks_dims.columns + column + lane] = value[lane];
    }
}

fn moments_chunks_store_variance(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < moments_chunks_dims.columns; lane++) {
        moments_chunks_variance[row * moments_chunks_dims.columns + column + lane] = value[lane];
    }
}

// The part, and the first column, of a block of four.
fn moments_chunks_place(block: u32) -> vec2u {
    let blocks_across = (moments_chunks_dims.columns + 3) / 4;
    let part = block / blocks_across;
    return vec2u(part, 4 * (block - part * blocks_across));
}

// The first row of a part and the one behind its last: no row where there is no such part.
fn moments_chunks_range(part: u32) -> vec2u {
    let begin = part * moments_chunks_dims.chunk;
    let end = min(begin + moments_chunks_dims.chunk, moments_chunks_dims.rows);
    return select(vec2u(), vec2u(begin, end), part < moments_chunks_dims.parts);
}

@compute @workgroup_size(8)
fn moments_chunks_serial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let place = moments_chunks_place((group.x + 65535 * group.y) * 8 + local);
    let range = moments_chunks_range(place.x);
    if (range.y == 0) {
        return;
    }
    let shift = moments_chunks_load(range.x, place.y);
    var mean = vec4f();
    var squares = vec4f();
    var count = 1.0;
    for (var row = range.x + 1; row < range.y; row++) {
        let block = moments_chunks_load(row, place.y) - shift;
        count += 1;
        let difference = block - mean;
        mean += difference / count;
        squares += difference * (block - mean);
    }
    moments_chunks_store_mean(place.x, place.y, shift + mean);
    moments_chunks_store_variance(place.x, place.y, squares / count);
}

// Adds up the strands' shares of a chunk: the first of them gets the sum.
fn moments_chunks_add_up(strand: u32, local: u32) {
    for (var stride = moments_chunks_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (strand < stride) {
            moments_chunks_partial[local] += moments_chunks_partial[local + stride * moments_chunks_blocks];
        }
    }
    workgroupBarrier();
}

@compute @workgroup_size(moments_chunks_blocks, moments_chunks_strands)
fn moments_chunks(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let place = moments_chunks_place((group.x + 65535 * group.y) * moments_chunks_blocks + invocation.x);
    let range = moments_chunks_range(place.x);
    let count = f32(max(range.y - range.x, 1));
    var shift = vec4f();
    if (range.y != 0) {
        shift = moments_chunks_load(range.x, place.y);
    }
    var total = vec4f();
    for (var row = range.x + invocation.y; row < range.y; row += moments_chunks_strands) {
        total += moments_chunks_load(row, place.y) - shift;
    }
    moments_chunks_partial[local] = total;
    moments_chunks_add_up(invocation.y, local);
    let mean = moments_chunks_partial[invocation.x] / count;
    workgroupBarrier();
    var squares = vec4f();
    for (var row = range.x + invocation.y; row < range.y; row += moments_chunks_strands) {
        let difference = moments_chunks_load(row, place.y) - shift - mean;
        squares += difference * difference;
    }
    moments_chunks_partial[local] = squares;
    moments_chunks_add_up(invocation.y, local);
    if (range.y != 0 && invocation.y == 0) {
        moments_chunks_store_mean(place.x, place.y, shift + mean);
        moments_chunks_store_variance(place.x, place.y, moments_chunks_partial[local] / count);
    }
}
