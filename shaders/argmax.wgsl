// The column of the first largest element of each row of a matrix; of the first NaN where there is one.
//
// Numbers are compared as integers of the same order, since comparisons with NaN are false, and 0 is below them all.
// On a GPU some invocations side by side, the strands, share a row; on a software adapter each takes one.

struct argmax_extents { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> argmax_dims: argmax_extents;
@group(0) @binding(1) var<storage, read> argmax_input: array<f32>;
@group(0) @binding(2) var<storage, read_write> argmax_output: array<u32>;

const argmax_strands: u32 = 16;
const argmax_rows: u32 = 16;

// The largest key that was found, and where.
struct argmax_place { key: u32, column: u32 }

var<workgroup> argmax_partial: array<argmax_place, argmax_strands * argmax_rows>;

// Four elements of one row; zeros beyond its end.
fn argmax_load(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < argmax_dims.columns; lane++) {
        block[lane] = argmax_input[row * argmax_dims.columns + column + lane];
    }
    return block;
}

// The results are a matrix of one row.
fn argmax_store(row: u32, column: u32, value: u32) {
    argmax_output[row + column] = value;
}

// Integers in the order of these numbers, where both zeros are one; the largest for NaN.
fn argmax_key(value: vec4f) -> vec4u {
    let bits = bitcast<vec4u>(select(value, vec4f(), value == vec4f()));
    let key = select(bits | vec4u(0x80000000), ~bits, bits >= vec4u(0x80000000));
    return select(key, vec4u(0xffffffff), (bits & vec4u(0x7fffffff)) > vec4u(0x7f800000));
}

fn argmax_better(left: argmax_place, right: argmax_place) -> argmax_place {
    if (right.key > left.key || (right.key == left.key && right.column < left.column)) {
        return right;
    }
    return left;
}

// What one strand, the `first`, of `strands` finds in a row.
fn argmax_strand(row: u32, first: u32, strands: u32) -> argmax_place {
    let end = select(0, argmax_dims.columns, row < argmax_dims.rows);
    var keys = vec4u();
    var columns = vec4u(argmax_dims.columns);
    for (var column = 4 * first; column < end; column += 4 * strands) {
        let indices = column + vec4u(0, 1, 2, 3);
        let found = select(vec4u(), argmax_key(argmax_load(row, column)), indices < vec4u(end));
        columns = select(columns, indices, found > keys);
        keys = max(keys, found);
    }
    return argmax_better(
        argmax_better(argmax_place(keys.x, columns.x), argmax_place(keys.y, columns.y)),
        argmax_better(argmax_place(keys.z, columns.z), argmax_place(keys.w, columns.w)),
    );
}

@compute @workgroup_size(8)
fn argmax_serial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let row = (group.x + 65535 * group.y) * 8 + local;
    if (row < argmax_dims.rows) {
        argmax_store(0, row, argmax_strand(row, 0, 1).column);
    }
}

@compute @workgroup_size(argmax_strands, argmax_rows)
fn argmax(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let row = (group.x + 65535 * group.y) * argmax_rows + invocation.y;
    argmax_partial[local] = argmax_strand(row, invocation.x, argmax_strands);
    for (var stride = argmax_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.x < stride) {
            argmax_partial[local] = argmax_better(argmax_partial[local], argmax_partial[local + stride]);
        }
    }
    if (invocation.x == 0 && row < argmax_dims.rows) {
        argmax_store(0, row, argmax_partial[local].column);
    }
}
