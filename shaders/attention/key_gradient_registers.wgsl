// The gradients of attention's keys and values, for software adapters. See gradient.rs for the formulas.
//
//   query, upstream  [batch, queries, columns]
//   key, value       [batch, keys, columns]
//   mask, factor     [batch, queries, keys]
//   statistics       [batch, queries, 4]
//   output           [2, batch, keys, columns]    the gradients of the keys, and those of the values
//
// Each invocation has some keys and values in registers, and passes over the queries, as forward_registers.wgsl does
// over the keys: it says what its form is for.
//
// Dispatch ceil(batch * ceil(keys / (4 * groups)) / workgroup size) workgroups.

struct attention_key_gradient_extents { batch: u32, queries: u32, keys: u32 }

@group(0) @binding(0) var<uniform> attention_key_gradient_dims: attention_key_gradient_extents;
@group(0) @binding(1) var<storage, read> attention_key_gradient_query: array<vec4f>;
@group(0) @binding(2) var<storage, read> attention_key_gradient_key: array<vec4f>;
@group(0) @binding(3) var<storage, read> attention_key_gradient_value: array<vec4f>;
@group(0) @binding(4) var<storage, read> attention_key_gradient_mask: array<vec4f>;
@group(0) @binding(5) var<storage, read> attention_key_gradient_factor: array<vec4f>;
@group(0) @binding(6) var<storage, read> attention_key_gradient_upstream: array<vec4f>;
@group(0) @binding(7) var<storage, read> attention_key_gradient_statistics: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> attention_key_gradient_output: array<vec4f>;

const attention_key_gradient_workgroup_size: u32 = 8;
// Groups of four keys of an invocation.
const attention_key_gradient_groups: u32 = 1;
// Blocks of four columns.
const attention_key_gradient_blocks: u32 = 8;
const attention_key_gradient_scale: f32 = 1.0;
const attention_key_gradient_causal: bool = false;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want
// columns and keys in multiples of four.
fn attention_key_gradient_load_query(row: u32, column: u32) -> vec4f {
    return attention_key_gradient_query[row * attention_key_gradient_blocks + column / 4];
}

fn attention_key_gradient_load_key(row: u32, column: u32) -> vec4f {
    return attention_key_gradient_key[row * attention_key_gradient_blocks + column / 4];
}

fn attention_key_gradient_load_value(row: u32, column: u32) -> vec4f {
    return attention_key_gradient_value[row * attention_key_gradient_blocks + column / 4];
}

fn attention_key_gradient_load_mask(row: u32, column: u32) -> vec4f {
    return attention_key_gradient_mask[(row * attention_key_gradient_dims.keys + column) / 4];
}

fn attention_key_gradient_load_factor(row: u32, column: u32) -> vec4f {
    return attention_key_gradient_factor[(row * attention_key_gradient_dims.keys + column) / 4];
}

fn attention_key_gradient_load_upstream(row: u32, column: u32) -> vec4f {
    return attention_key_gradient_upstream[row * attention_key_gradient_blocks + column / 4];
}

fn attention_key_gradient_load_statistics(row: u32, column: u32) -> vec4f {
    return attention_key_gradient_statistics[row + column / 4];
}

// Hook: four consecutive elements to be stored, each four exactly once.
fn attention_key_gradient_store(row: u32, column: u32, value: vec4f) {
    attention_key_gradient_output[row * attention_key_gradient_blocks + column / 4] = value;
}

// Four neighbours, of which those beyond the last are replaced by it.
fn attention_key_gradient_four(first: u32, count: u32) -> vec4u {
    return min(first + vec4u(0, 1, 2, 3), vec4u(count - 1));
}

fn attention_key_gradient_key_block(rows: vec4u, block: u32) -> mat4x4f {
    return mat4x4f(
        attention_key_gradient_load_key(rows.x, 4 * block),
        attention_key_gradient_load_key(rows.y, 4 * block),
        attention_key_gradient_load_key(rows.z, 4 * block),
        attention_key_gradient_load_key(rows.w, 4 * block),
    );
}

fn attention_key_gradient_value_block(rows: vec4u, block: u32) -> mat4x4f {
    return mat4x4f(
        attention_key_gradient_load_value(rows.x, 4 * block),
        attention_key_gradient_load_value(rows.y, 4 * block),
        attention_key_gradient_load_value(rows.z, 4 * block),
        attention_key_gradient_load_value(rows.w, 4 * block),
    );
}

fn attention_key_gradient_store_inside(batch: u32, key: u32, block: u32, value: vec4f) {
    if (key < attention_key_gradient_dims.keys) {
        attention_key_gradient_store(batch * attention_key_gradient_dims.keys + key, 4 * block, value);
    }
}

@compute @workgroup_size(attention_key_gradient_workgroup_size)
fn attention_key_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let dims = attention_key_gradient_dims;
    let across = (dims.keys + 4 * attention_key_gradient_groups - 1) / (4 * attention_key_gradient_groups);
    let index = (group.x + 65535 * group.y) * attention_key_gradient_workgroup_size + local;
    let batch = index / across;
    if (batch >= dims.batch) {
        return;
    }
    let row = index % across * 4 * attention_key_gradient_groups;

    // Columns are columns, components keys.
    var keys: array<array<mat4x4f, attention_key_gradient_blocks>, attention_key_gradient_groups>;
    var values: array<array<mat4x4f, attention_key_gradient_blocks>, attention_key_gradient_groups>;
    var key_gradients: array<array<mat4x4f, attention_key_gradient_blocks>, attention_key_gradient_groups>;
    var value_gradients: array<array<mat4x4f, attention_key_gradient_blocks>, attention_key_gradient_groups>;
    for (var i = 0u; i < attention_key_gradient_groups; i++) {
        let rows = batch * dims.keys + attention_key_gradient_four(row + 4 * i, dims.keys);
        for (var block = 0u; block < attention_key_gradient_blocks; block++) {
            keys[i][block] = attention_key_gradient_scale * transpose(attention_key_gradient_key_block(rows, block));
            values[i][block] = transpose(attention_key_gradient_value_block(rows, block));
        }
    }

    // Queries before the first key see none of these where each sees only what is not after it.
    let end = dims.queries + group.z;
    for (var query = select(0u, row, attention_key_gradient_causal); query < end; query++) {
        let query_row = batch * dims.queries + query;
        var queries: array<vec4f, attention_key_gradient_blocks>;
        var upstream: array<vec4f, attention_key_gradient_blocks>;
        // Components are keys.
        var scores: array<vec4f, attention_key_gradient_groups>;
        var products: array<vec4f, attention_key_gradient_groups>;
        for (var block = 0u; block < attention_key_gradient_blocks; block++) {
            queries[block] = attention_key_gradient_load_query(query_row, 4 * block);
            upstream[block] = attention_key_gradient_load_upstream(query_row, 4 * block);
            for (var i = 0u; i < attention_key_gradient_groups; i++) {
                scores[i] += keys[i][block] * queries[block];
                products[i] += values[i][block] * upstream[block];
            }
        }
        let statistics = attention_key_gradient_load_statistics(query_row, 0);
        for (var i = 0u; i < attention_key_gradient_groups; i++) {
            let key = row + 4 * i;
            let column = min(key, (dims.keys - 1) / 4 * 4);
            let exponents = scores[i] + attention_key_gradient_load_mask(query_row, column) - statistics.x;
            let factors = attention_key_gradient_load_factor(query_row, column);
            let is_seen = key + vec4u(0, 1, 2, 3) <= vec4u(query) | vec4<bool>(!attention_key_gradient_causal);
            let exponentials = exp(select(exponents, vec4f(-87), exponents < vec4f(-87)));
            let weights = select(vec4f(), exponentials * statistics.y, is_seen);
            products[i] = weights * (factors * products[i] - statistics.z);
            scores[i] = weights * factors;
        }
        for (var block = 0u; block < attention_key_gradient_blocks; block++) {
            for (var i = 0u; i < attention_key_gradient_groups; i++) {
                key_gradients[i][block] += mat4x4f(
                    products[i] * queries[block].x,
                    products[i] * queries[block].y,
                    products[i] * queries[block].z,
                    products[i] * queries[block].w,
                );
                value_gradients[i][block] += mat4x4f(
                    scores[i] * upstream[block].x,
                    scores[i] * upstream[block].y,
                    scores[i] * upstream[block].z,
                    scores[i] * upstream[block].w,
                );
            }
        }
    }

    for (var i = 0u; i < attention_key_gradient_groups; i++) {
        let first = row + 4 * i;
        for (var block = 0u; block < attention_key_gradient_blocks; block++) {
            let of_keys = attention_key_gradient_scale * transpose(key_gradients[i][block]);
            attention_key_gradient_store_inside(batch, first, block, of_keys[0]);
            attention_key_gradient_store_inside(batch, first + 1, block, of_keys[1]);
            attention_key_gradient_store_inside(batch, first + 2, block, of_keys[2]);
            attention_key_gradient_store_inside(batch, first + 3, block, of_keys[3]);
            let of_values = transpose(value_gradients[i][block]);
            attention_key_gradient_store_inside(dims.batch + batch, first, block, of_values[0]);
            attention_key_gradient_store_inside(dims.batch + batch, first + 1, block, of_values[1]);
            attention_key_gradient_store_inside(dims.batch + batch, first + 2, block, of_values[2]);
            attention_key_gradient_store_inside(dims.batch + batch, first + 3, block, of_values[3]);
        }
    }
}
