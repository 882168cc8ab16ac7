// Sums along the contiguous axis of a matrix, each row whole or in parts of `chunk` columns:
//
//     y[row * parts + part] = sum over j in part * chunk .. (part + 1) * chunk of x[row, j]
//
// On a GPU some invocations side by side, the strands, share a sum and take its blocks of four columns in turn; a
// tree in workgroup memory adds up what they have. On a software adapter one invocation makes four sums. Both orders
// are fixed, so that the same input gives the same bits.

struct sum_across_extents { sums: u32, columns: u32, chunk: u32, parts: u32 }

@group(0) @binding(0) var<uniform> sum_across_dims: sum_across_extents;
@group(0) @binding(1) var<storage, read> sum_across_input: array<f32>;
@group(0) @binding(2) var<storage, read_write> sum_across_output: array<f32>;

const sum_across_strands: u32 = 16;
// 1 where there is one sum, else a multiple of 4: sums are stored four at a time.
const sum_across_rows: u32 = 16;

var<workgroup> sum_across_partial: array<f32, sum_across_strands * sum_across_rows>;

// Four elements of one row; zeros beyond its end.
fn sum_across_load(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < sum_across_dims.columns; lane++) {
        block[lane] = sum_across_input[row * sum_across_dims.columns + column + lane];
    }
    return block;
}

// The sums are a matrix of one row. Those beyond the last are not written.
fn sum_across_store(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < sum_across_dims.sums; lane++) {
        sum_across_output[row + column + lane] = value[lane];
    }
}

// The share of one strand, the `first`, of `strands` that make a sum. Beyond the last sum there is nothing to add.
fn sum_across_strand(sum: u32, first: u32, strands: u32) -> f32 {
    let row = sum / sum_across_dims.parts;
    let begin = (sum - row * sum_across_dims.parts) * sum_across_dims.chunk;
    let end = select(0, min(begin + sum_across_dims.chunk, sum_across_dims.columns), sum < sum_across_dims.sums);
    var total = vec4f();
    for (var column = begin + 4 * first; column < end; column += 4 * strands) {
        total += sum_across_load(row, column);
    }
    return (total.x + total.y) + (total.z + total.w);
}

@compute @workgroup_size(8)
fn sum_across_serial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let sum = 4 * ((group.x + 65535 * group.y) * 8 + local);
    if (sum >= sum_across_dims.sums) {
        return;
    }
    sum_across_store(0, sum, vec4f(
        sum_across_strand(sum, 0, 1),
        sum_across_strand(sum + 1, 0, 1),
        sum_across_strand(sum + 2, 0, 1),
        sum_across_strand(sum + 3, 0, 1),
    ));
}

@compute @workgroup_size(sum_across_strands, sum_across_rows)
fn sum_across(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let first = (group.x + 65535 * group.y) * sum_across_rows;
    sum_across_partial[local] = sum_across_strand(first + invocation.y, invocation.x, sum_across_strands);
    for (var stride = sum_across_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.x < stride) {
            sum_across_partial[local] += sum_across_partial[local + stride];
        }
    }
    workgroupBarrier();
    let row = 4 * local;
    if (row < sum_across_rows && first + row < sum_across_dims.sums) {
        let rows = min(row + vec4u(0, 1, 2, 3), vec4u(sum_across_rows - 1)) * sum_across_strands;
        sum_across_store(0, first + row, vec4f(
            sum_across_partial[rows.x],
            sum_across_partial[rows.y],
            sum_across_partial[rows.z],
            sum_across_partial[rows.w],
        ));
    }
}
