// Mean and variance of each column of a matrix from those of chunks of its rows, all but the last of `chunk` rows:
//
//     mean[j] = sum over p of n[p] * mean[p, j] / rows
//     variance[j] = sum over p of n[p] * (variance[p, j] + (mean[p, j] - mean[j])^2) / rows
//
// for chunks of n[p] rows. Means are taken relative to the first. An invocation takes four columns at a time; on a GPU
// some, the strands, share them and take the chunks in turn, and a tree in workgroup memory adds up what they have.

struct moments_merge_extents { rows: u32, columns: u32, chunk: u32, parts: u32 }

@group(0) @binding(0) var<uniform> moments_merge_dims: moments_merge_extents;
@group(0) @binding(1) var<storage, read> moments_merge_means: array<f32>;
@group(0) @binding(2) var<storage, read> moments_merge_variances: array<f32>;
@group(0) @binding(3) var<storage, read_write> moments_merge_mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> moments_merge_variance: array<f32>;

const moments_merge_blocks: u32 = 8;
const moments_merge_strands: u32 = 32;

var<workgroup> moments_merge_partial: array<vec4f, moments_merge_blocks * moments_merge_strands>;

// Four elements of one row; zeros beyond its end.
fn moments_merge_load_mean(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < moments_merge_dims.columns; lane++) {
        block[lane] = moments_merge_means[row * moments_merge_dims.columns + column + lane];
    }
    return block;
}

fn moments_merge_load_variance(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < moments_merge_dims.columns; lane++) {
        block[lane] = moments_merge_variances[row * moments_merge_dims.columns + column + lane];
    }
    return block;
}

// The results are matrices of one row. Those beyond the last column are not written.
fn moments_merge_store_mean(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < moments_merge_dims.columns; lane++) {
        moments_merge_mean[row + column + lane] = value[lane];
    }
}

fn moments_merge_store_variance(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < moments_merge_dims.columns; lane++) {
        moments_merge_variance[row + column + lane] = value[lane];
    }
}

// The share of a chunk in all rows.
fn moments_merge_weight(part: u32) -> f32 {
    let begin = part * moments_merge_dims.chunk;
    return f32(min(moments_merge_dims.chunk, moments_merge_dims.rows - begin)) / f32(moments_merge_dims.rows);
}

// The share in the mean, relative to that of the first chunk, of one strand, the `first`, of `strands`.
fn moments_merge_strand_mean(column: u32, shift: vec4f, first: u32, strands: u32) -> vec4f {
    let end = select(0, moments_merge_dims.parts, column < moments_merge_dims.columns);
    var mean = vec4f();
    for (var part = first; part < end; part += strands) {
        mean += moments_merge_weight(part) * (moments_merge_load_mean(part, column) - shift);
    }
    return mean;
}

// The same in the variance.
fn moments_merge_strand_variance(column: u32, shift: vec4f, mean: vec4f, first: u32, strands: u32) -> vec4f {
    let end = select(0, moments_merge_dims.parts, column < moments_merge_dims.columns);
    var variance = vec4f();
    for (var part = first; part < end; part += strands) {
        let difference = moments_merge_load_mean(part, column) - shift - mean;
        variance += moments_merge_weight(part) * (moments_merge_load_variance(part, column) + difference * difference);
    }
    return variance;
}

@compute @workgroup_size(8)
fn moments_merge_serial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let column = 4 * ((group.x + 65535 * group.y) * 8 + local);
    if (column >= moments_merge_dims.columns) {
        return;
    }
    let shift = moments_merge_load_mean(0, column);
    let mean = moments_merge_strand_mean(column, shift, 0, 1);
    moments_merge_store_mean(0, column, shift + mean);
    moments_merge_store_variance(0, column, moments_merge_strand_variance(column, shift, mean, 0, 1));
}

// Adds up the strands' shares: the first of them gets the sum.
fn moments_merge_add_up(strand: u32, local: u32) {
    for (var stride = moments_merge_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (strand < stride) {
            moments_merge_partial[local] += moments_merge_partial[local + stride * moments_merge_blocks];
        }
    }
    workgroupBarrier();
}

@compute @workgroup_size(moments_merge_blocks, moments_merge_strands)
fn moments_merge(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let column = 4 * ((group.x + 65535 * group.y) * moments_merge_blocks + invocation.x);
    let inside = column < moments_merge_dims.columns;
    var shift = vec4f();
    if (inside) {
        shift = moments_merge_load_mean(0, column);
    }
    moments_merge_partial[local] = moments_merge_strand_mean(column, shift, invocation.y, moments_merge_strands);
    moments_merge_add_up(invocation.y, local);
    let mean = moments_merge_partial[invocation.x];
    workgroupBarrier();
    moments_merge_partial[local] =
        moments_merge_strand_variance(column, shift, mean, invocation.y, moments_merge_strands);
    moments_merge_add_up(invocation.y, local);
    if (inside && invocation.y == 0) {
        moments_merge_store_mean(0, column, shift + mean);
        moments_merge_store_variance(0, column, moments_merge_partial[local]);
    }
}
