// The gradient of attention's queries, for software adapters. See gradient.rs for the formulas.
//
//   query, upstream, input  [batch, queries, columns]
//   key, value              [batch, keys, columns]
//   mask, factor            [batch, queries, keys]
//   statistics              [batch, queries, 4]
//
// Each invocation has some queries in registers, and makes their weights again for one key after another, as in
// forward_registers.wgsl, which says what its form is for.
//
// Dispatch ceil(batch * ceil(queries / (4 * groups)) / workgroup size) workgroups.

struct attention_query_gradient_extents { batch: u32, queries: u32, keys: u32 }

@group(0) @binding(0) var<uniform> attention_query_gradient_dims: attention_query_gradient_extents;
@group(0) @binding(1) var<storage, read> attention_query_gradient_query: array<vec4f>;
@group(0) @binding(2) var<storage, read> attention_query_gradient_key: array<vec4f>;
@group(0) @binding(3) var<storage, read> attention_query_gradient_value: array<vec4f>;
@group(0) @binding(4) var<storage, read> attention_query_gradient_mask: array<vec4f>;
@group(0) @binding(5) var<storage, read> attention_query_gradient_factor: array<vec4f>;
@group(0) @binding(6) var<storage, read> attention_query_gradient_upstream: array<vec4f>;
@group(0) @binding(7) var<storage, read> attention_query_gradient_statistics: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> attention_query_gradient_input: array<vec4f>;

const attention_query_gradient_workgroup_size: u32 = 8;
// Groups of four queries of an invocation.
const attention_query_gradient_groups: u32 = 1;
// Blocks of four columns.
const attention_query_gradient_blocks: u32 = 8;
const attention_query_gradient_scale: f32 = 1.0;
const attention_query_gradient_causal: bool = false;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want
// columns and keys in multiples of four.
fn attention_query_gradient_load_query(row: u32, column: u32) -> vec4f {
    return attention_query_gradient_query[row * attention_query_gradient_blocks + column / 4];
}

fn attention_query_gradient_load_key(row: u32, column: u32) -> vec4f {
    return attention_query_gradient_key[row * attention_query_gradient_blocks + column / 4];
}

fn attention_query_gradient_load_value(row: u32, column: u32) -> vec4f {
    return attention_query_gradient_value[row * attention_query_gradient_blocks + column / 4];
}

fn attention_query_gradient_load_mask(row: u32, column: u32) -> vec4f {
    return attention_query_gradient_mask[(row * attention_query_gradient_dims.keys + column) / 4];
}

fn attention_query_gradient_load_factor(row: u32, column: u32) -> vec4f {
    return attention_query_gradient_factor[(row * attention_query_gradient_dims.keys + column) / 4];
}

fn attention_query_gradient_load_upstream(row: u32, column: u32) -> vec4f {
    return attention_query_gradient_upstream[row * attention_query_gradient_blocks + column / 4];
}

fn attention_query_gradient_load_statistics(row: u32, column: u32) -> vec4f {
    return attention_query_gradient_statistics[row + column / 4];
}

// Hook: four consecutive elements to be stored, each four exactly once.
fn attention_query_gradient_store(row: u32, column: u32, value: vec4f) {
    attention_query_gradient_input[row * attention_query_gradient_blocks + column / 4] = value;
}

// Four neighbours, of which those beyond the last are replaced by it.
fn attention_query_gradient_four(first: u32, count: u32) -> vec4u {
    return min(first + vec4u(0, 1, 2, 3), vec4u(count - 1));
}

fn attention_query_gradient_query_block(rows: vec4u, block: u32) -> mat4x4f {
    return mat4x4f(
        attention_query_gradient_load_query(rows.x, 4 * block),
        attention_query_gradient_load_query(rows.y, 4 * block),
        attention_query_gradient_load_query(rows.z, 4 * block),
        attention_query_gradient_load_query(rows.w, 4 * block),
    );
}

fn attention_query_gradient_upstream_block(rows: vec4u, block: u32) -> mat4x4f {
    return mat4x4f(
        attention_query_gradient_load_upstream(rows.x, 4 * block),
        attention_query_gradient_load_upstream(rows.y, 4 * block),
        attention_query_gradient_load_upstream(rows.z, 4 * block),
        attention_query_gradient_load_upstream(rows.w, 4 * block),
    );
}

// The masks of four queries and four keys, a column for each query.
fn attention_query_gradient_mask_block(rows: vec4u, key: u32) -> mat4x4f {
    return mat4x4f(
        attention_query_gradient_load_mask(rows.x, key),
        attention_query_gradient_load_mask(rows.y, key),
        attention_query_gradient_load_mask(rows.z, key),
        attention_query_gradient_load_mask(rows.w, key),
    );
}

fn attention_query_gradient_factor_block(rows: vec4u, key: u32) -> mat4x4f {
    return mat4x4f(
        attention_query_gradient_load_factor(rows.x, key),
        attention_query_gradient_load_factor(rows.y, key),
        attention_query_gradient_load_factor(rows.z, key),
        attention_query_gradient_load_factor(rows.w, key),
    );
}

// The maxima, reciprocal sums and means of four queries as the columns.
fn attention_query_gradient_statistics_of(rows: vec4u) -> mat4x4f {
    return transpose(mat4x4f(
        attention_query_gradient_load_statistics(rows.x, 0),
        attention_query_gradient_load_statistics(rows.y, 0),
        attention_query_gradient_load_statistics(rows.z, 0),
        attention_query_gradient_load_statistics(rows.w, 0),
    ));
}

// Column i of a block, where i is not known when the kernel is compiled.
fn attention_query_gradient_column(block: mat4x4f, i: u32) -> vec4f {
    return select(select(block[0], block[1], i == 1), select(block[2], block[3], i == 3), i >= 2);
}

fn attention_query_gradient_store_inside(batch: u32, query: u32, block: u32, value: vec4f) {
    if (query < attention_query_gradient_dims.queries) {
        attention_query_gradient_store(batch * attention_query_gradient_dims.queries + query, 4 * block, value);
    }
}

@compute @workgroup_size(attention_query_gradient_workgroup_size)
fn attention_query_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let dims = attention_query_gradient_dims;
    let across = (dims.queries + 4 * attention_query_gradient_groups - 1) / (4 * attention_query_gradient_groups);
    let index = (group.x + 65535 * group.y) * attention_query_gradient_workgroup_size + local;
    let batch = index / across;
    if (batch >= dims.batch) {
        return;
    }
    let row = index % across * 4 * attention_query_gradient_groups;

    // Columns are columns, components queries.
    var queries: array<array<mat4x4f, attention_query_gradient_blocks>, attention_query_gradient_groups>;
    var upstream: array<array<mat4x4f, attention_query_gradient_blocks>, attention_query_gradient_groups>;
    var gradients: array<array<mat4x4f, attention_query_gradient_blocks>, attention_query_gradient_groups>;
    var statistics: array<mat4x4f, attention_query_gradient_groups>;
    for (var i = 0u; i < attention_query_gradient_groups; i++) {
        let rows = batch * dims.queries + attention_query_gradient_four(row + 4 * i, dims.queries);
        statistics[i] = attention_query_gradient_statistics_of(rows);
        for (var block = 0u; block < attention_query_gradient_blocks; block++) {
            queries[i][block] = attention_query_gradient_scale * transpose(attention_query_gradient_query_block(rows, block));
            upstream[i][block] = transpose(attention_query_gradient_upstream_block(rows, block));
        }
    }

    let seen = min(dims.keys, row + 4 * attention_query_gradient_groups);
    let end = select(dims.keys, seen, attention_query_gradient_causal) + group.z;
    for (var first = 0u; first < end; first += 4) {
        var masks: array<mat4x4f, attention_query_gradient_groups>;
        var factors: array<mat4x4f, attention_query_gradient_groups>;
        for (var i = 0u; i < attention_query_gradient_groups; i++) {
            let rows = batch * dims.queries + attention_query_gradient_four(row + 4 * i, dims.queries);
            masks[i] = transpose(attention_query_gradient_mask_block(rows, first));
            factors[i] = transpose(attention_query_gradient_factor_block(rows, first));
        }
        for (var key = first; key < min(first + 4, end); key++) {
            let key_row = batch * dims.keys + key;
            var keys: array<vec4f, attention_query_gradient_blocks>;
            // Components are queries.
            var scores: array<vec4f, attention_query_gradient_groups>;
            var products: array<vec4f, attention_query_gradient_groups>;
            for (var block = 0u; block < attention_query_gradient_blocks; block++) {
                keys[block] = attention_query_gradient_load_key(key_row, 4 * block);
                let values = attention_query_gradient_load_value(key_row, 4 * block);
                for (var i = 0u; i < attention_query_gradient_groups; i++) {
                    scores[i] += queries[i][block] * keys[block];
                    products[i] += upstream[i][block] * values;
                }
            }
            for (var i = 0u; i < attention_query_gradient_groups; i++) {
                let exponents = scores[i] + attention_query_gradient_column(masks[i], key - first) - statistics[i][0];
                let weights = exp(select(exponents, vec4f(-87), exponents < vec4f(-87))) * statistics[i][1];
                let gradients_of_weights = attention_query_gradient_column(factors[i], key - first) * products[i];
                let changes = weights * (gradients_of_weights - statistics[i][2]);
                let places = row + 4 * i + vec4u(0, 1, 2, 3);
                let is_seen = vec4u(key) <= places | vec4<bool>(!attention_query_gradient_causal);
                scores[i] = select(vec4f(), changes, is_seen);
            }
            for (var block = 0u; block < attention_query_gradient_blocks; block++) {
                for (var i = 0u; i < attention_query_gradient_groups; i++) {
                    gradients[i][block] += mat4x4f(
                        scores[i] * keys[block].x,
                        scores[i] * keys[block].y,
                        scores[i] * keys[block].z,
                        scores[i] * keys[block].w,
                    );
                }
            }
        }
    }

    for (var i = 0u; i < attention_query_gradient_groups; i++) {
        let first = row + 4 * i;
        for (var block = 0u; block < attention_query_gradient_blocks; block++) {
            let rows = attention_query_gradient_scale * transpose(gradients[i][block]);
            attention_query_gradient_store_inside(batch, first, block, rows[0]);
            attention_query_gradient_store_inside(batch, first + 1, block, rows[1]);
            attention_query_gradient_store_inside(batch, first + 2, block, rows[2]);
            attention_query_gradient_store_inside(batch, first + 3, block, rows[3]);
        }
    }
}
