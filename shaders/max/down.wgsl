// The largest element along the middle axis of a tensor [outer, extent, columns]; NaN where one is NaN.
//
// Each invocation takes four columns. Numbers are compared as integers of the same order, since max may hide a NaN,
// and 0 is below them all.

struct max_down_extents { outer: u32, extent: u32, columns: u32 }

@group(0) @binding(0) var<uniform> max_down_dims: max_down_extents;
@group(0) @binding(1) var<storage, read> max_down_input: array<f32>;
@group(0) @binding(2) var<storage, read_write> max_down_output: array<f32>;

const max_down_workgroup_size: u32 = 64;

// Four elements of one row; zeros beyond its end.
fn max_down_load(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < max_down_dims.columns; lane++) {
        block[lane] = max_down_input[row * max_down_dims.columns + column + lane];
    }
    return block;
}

// Four results, of which those beyond the last column are not written.
fn max_down_store(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < max_down_dims.columns; lane++) {
        max_down_output[row * max_down_dims.columns + column + lane] = value[lane];
    }
}

// Integers in the order of these numbers; the largest for NaN.
fn max_down_key(value: vec4f) -> vec4u {
    let bits = bitcast<vec4u>(value);
    let key = select(bits | vec4u(0x80000000), ~bits, bits >= vec4u(0x80000000));
    return select(key, vec4u(0xffffffff), (bits & vec4u(0x7fffffff)) > vec4u(0x7f800000));
}

fn max_down_number(key: vec4u) -> vec4f {
    return bitcast<vec4f>(select(~key, key & vec4u(0x7fffffff), key >= vec4u(0x80000000)));
}

@compute @workgroup_size(max_down_workgroup_size)
fn max_down(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) invocation: vec3u) {
    let blocks_across = (max_down_dims.columns + 3) / 4;
    let block = (group.x + 65535 * group.y) * max_down_workgroup_size + invocation.x;
    let outer = block / blocks_across;
    if (outer >= max_down_dims.outer) {
        return;
    }
    let column = 4 * (block - outer * blocks_across);
    // The z is 0. Without it Mesa's software driver takes the uniform as a constant, unrolls the loop and compiles the
    // kernel again for each submission.
    let extent = max_down_dims.extent + invocation.z;
    var keys = vec4u();
    for (var row = 0u; row < extent; row++) {
        keys = max(keys, max_down_key(max_down_load(outer * max_down_dims.extent + row, column)));
    }
    max_down_store(outer, column, max_down_number(keys));
}
