// What the gradient of batch normalisation needs of an upstream gradient g and the input x, for each column, over all
// rows or over chunks of them:
//
//     sum[part, j] = sum over i in part * chunk .. (part + 1) * chunk of g[i, j]
//     product[part, j] = sum over the same i of g[i, j] * (x[i, j] - mean[j])
//
// An invocation takes four columns at a time. On a GPU some, the strands, share a chunk and take its rows in turn;
// a tree in workgroup memory adds up what they have. On a software adapter each takes a chunk of its own.

struct batch_norm_sums_extents { rows: u32, columns: u32, chunk: u32, parts: u32 }

@group(0) @binding(0) var<uniform> batch_norm_sums_dims: batch_norm_sums_extents;
@group(0) @binding(1) var<storage, read> batch_norm_sums_upstream: array<f32>;
@group(0) @binding(2) var<storage, read> batch_norm_sums_input: array<f32>;
@group(0) @binding(3) var<storage, read> batch_norm_sums_mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> batch_norm_sums_sum: array<f32>;
@group(0) @binding(5) var<storage, read_write> batch_norm_sums_product: array<f32>;

const batch_norm_sums_blocks: u32 = 8;
const batch_norm_sums_strands: u32 = 32;

struct batch_norm_sums_share { sum: vec4f, product: vec4f }

var<workgroup> batch_norm_sums_partial: array<batch_norm_sums_share, batch_norm_sums_blocks * batch_norm_sums_strands>;

// Four elements of one row; zeros beyond its end.
fn batch_norm_sums_load_upstream(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < batch_norm_sums_dims.columns; lane++) {
        block[lane] = batch_norm_sums_upstream[row * batch_norm_sums_dims.columns + column + lane];
    }
    return block;
}

fn batch_norm_sums_load_input(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < batch_norm_sums_dims.columns; lane++) {
        block[lane] = batch_norm_sums_input[row * batch_norm_sums_dims.columns + column + lane];
    }
    return block;
}

// The means are a matrix of one row.
fn batch_norm_sums_load_mean(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < batch_norm_sums_dims.columns; lane++) {
        block[lane] = batch_norm_sums_mean[row + column + lane];
    }
    return block;
}

// Four results, of which those beyond the last column are not written.
fn batch_norm_sums_store_sum(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < batch_norm_sums_dims.columns; lane++) {
        batch_norm_sums_sum[row * batch_norm_sums_dims.columns + column + lane] = value[lane];
    }
}

fn batch_norm_sums_store_product(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < batch_norm_sums_dims.columns; lane++) {
        batch_norm_sums_product[row * batch_norm_sums_dims.columns + column + lane] = value[lane];
    }
}

// The part, and the first column, of a block of four.
fn batch_norm_sums_place(block: u32) -> vec2u {
    let blocks_across = (batch_norm_sums_dims.columns + 3) / 4;
    let part = block / blocks_across;
    return vec2u(part, 4 * (block - part * blocks_across));
}

// The share of one strand, the `first`, of `strands` that take a chunk.
fn batch_norm_sums_strand(place: vec2u, first: u32, strands: u32) -> batch_norm_sums_share {
    var share = batch_norm_sums_share();
    if (place.x >= batch_norm_sums_dims.parts) {
        return share;
    }
    let mean = batch_norm_sums_load_mean(0, place.y);
    let begin = place.x * batch_norm_sums_dims.chunk;
    let end = min(begin + batch_norm_sums_dims.chunk, batch_norm_sums_dims.rows);
    for (var row = begin + first; row < end; row += strands) {
        let upstream = batch_norm_sums_load_upstream(row, place.y);
        share.sum += upstream;
        share.product += upstream * (batch_norm_sums_load_input(row, place.y) - mean);
    }
    return share;
}

fn batch_norm_sums_store(place: vec2u, share: batch_norm_sums_share) {
    batch_norm_sums_store_sum(place.x, place.y, share.sum);
    batch_norm_sums_store_product(place.x, place.y, share.product);
}

@compute @workgroup_size(8)
fn batch_norm_sums_serial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let place = batch_norm_sums_place((group.x + 65535 * group.y) * 8 + local);
    if (place.x < batch_norm_sums_dims.parts) {
        batch_norm_sums_store(place, batch_norm_sums_strand(place, 0, 1));
    }
}

@compute @workgroup_size(batch_norm_sums_blocks, batch_norm_sums_strands)
fn batch_norm_sums(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let place = batch_norm_sums_place((group.x + 65535 * group.y) * batch_norm_sums_blocks + invocation.x);
    batch_norm_sums_partial[local] = batch_norm_sums_strand(place, invocation.y, batch_norm_sums_strands);
    for (var stride = batch_norm_sums_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.y < stride) {
            let other = batch_norm_sums_partial[local + stride * batch_norm_sums_blocks];
            batch_norm_sums_partial[local].sum += other.sum;
            batch_norm_sums_partial[local].product += other.product;
        }
    }
    if (place.x < batch_norm_sums_dims.parts && invocation.y == 0) {
        batch_norm_sums_store(place, batch_norm_sums_partial[local]);
    }
}
