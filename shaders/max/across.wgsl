// The largest element of each row of a matrix; NaN where one is NaN.
//
// Numbers are compared as integers of the same order, since max may hide a NaN, and 0 is below them all. On a GPU some
// invocations side by side, the strands, share a row; on a software adapter one invocation takes four rows.

struct max_across_extents { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> max_across_dims: max_across_extents;
@group(0) @binding(1) var<storage, read> max_across_input: array<f32>;
@group(0) @binding(2) var<storage, read_write> max_across_output: array<f32>;

const max_across_strands: u32 = 16;
// 1 where there is one row, else a multiple of 4: results are stored four at a time.
const max_across_rows: u32 = 16;

var<workgroup> max_across_partial: array<u32, max_across_strands * max_across_rows>;

// Four elements of one row; zeros beyond its end.
fn max_across_load(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < max_across_dims.columns; lane++) {
        block[lane] = max_across_input[row * max_across_dims.columns + column + lane];
    }
    return block;
}

// The results are a matrix of one row. Those beyond the last are not written.
fn max_across_store(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < max_across_dims.rows; lane++) {
        max_across_output[row + column + lane] = value[lane];
    }
}

// Integers in the order of these numbers; the largest for NaN.
fn max_across_key(value: vec4f) -> vec4u {
    let bits = bitcast<vec4u>(value);
    let key = select(bits | vec4u(0x80000000), ~bits, bits >= vec4u(0x80000000));
    return select(key, vec4u(0xffffffff), (bits & vec4u(0x7fffffff)) > vec4u(0x7f800000));
}

fn max_across_number(key: vec4u) -> vec4f {
    return bitcast<vec4f>(select(~key, key & vec4u(0x7fffffff), key >= vec4u(0x80000000)));
}

// What one strand, the `first`, of `strands` finds in a row.
fn max_across_strand(row: u32, first: u32, strands: u32) -> u32 {
    let end = select(0, max_across_dims.columns, row < max_across_dims.rows);
    var keys = vec4u();
    for (var column = 4 * first; column < end; column += 4 * strands) {
        let indices = column + vec4u(0, 1, 2, 3);
        keys = max(keys, select(vec4u(), max_across_key(max_across_load(row, column)), indices < vec4u(end)));
    }
    return max(max(keys.x, keys.y), max(keys.z, keys.w));
}

@compute @workgroup_size(8)
fn max_across_serial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let row = 4 * ((group.x + 65535 * group.y) * 8 + local);
    if (row >= max_across_dims.rows) {
        return;
    }
    max_across_store(0, row, max_across_number(vec4u(
        max_across_strand(row, 0, 1),
        max_across_strand(row + 1, 0, 1),
        max_across_strand(row + 2, 0, 1),
        max_across_strand(row + 3, 0, 1),
    )));
}

@compute @workgroup_size(max_across_strands, max_across_rows)
fn max_across(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let first = (group.x + 65535 * group.y) * max_across_rows;
    max_across_partial[local] = max_across_strand(first + invocation.y, invocation.x, max_across_strands);
    for (var stride = max_across_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.x < stride) {
            max_across_partial[local] = max(max_across_partial[local], max_across_partial[local + stride]);
        }
    }
    workgroupBarrier();
    let row = 4 * local;
    if (row < max_across_rows && first + row < max_across_dims.rows) {
        let rows = min(row + vec4u(0, 1, 2, 3), vec4u(max_across_rows - 1)) * max_across_strands;
        max_across_store(0, first + row, max_across_number(vec4u(
            max_across_partial[rows.x],
            max_across_partial[rows.y],
            max_across_partial[rows.z],
            max_across_partial[rows.w],
        )));
    }
}
