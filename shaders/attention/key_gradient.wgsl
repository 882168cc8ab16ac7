// The gradients of attention's keys and values. See gradient.rs for the formulas.
//
//   query, upstream                             [batch, queries, columns]
//   key, value, key_gradient, value_gradient    [batch, keys, columns]
//   log_sum, mean                               [batch, queries, 1]
//
// Each invocation has some rows of keys and values in registers, and passes over the queries in blocks of four:
// components of a row's scores are queries. Otherwise as in forward.wgsl.
//
// Dispatch batch * ceil(keys / (workgroup size * rows)) workgroups.

struct attention_key_gradient_extents { batch: u32, queries: u32, keys: u32 }

@group(0) @binding(0) var<uniform> attention_key_gradient_dims: attention_key_gradient_extents;
@group(0) @binding(1) var<storage, read> attention_key_gradient_query: array<vec4f>;
@group(0) @binding(2) var<storage, read> attention_key_gradient_key: array<vec4f>;
@group(0) @binding(3) var<storage, read> attention_key_gradient_value: array<vec4f>;
@group(0) @binding(4) var<storage, read> attention_key_gradient_upstream: array<vec4f>;
@group(0) @binding(5) var<storage, read> attention_key_gradient_log_sum: array<f32>;
@group(0) @binding(6) var<storage, read> attention_key_gradient_mean: array<f32>;
@group(0) @binding(7) var<storage, read_write> attention_key_gradient_key_gradient: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> attention_key_gradient_value_gradient: array<vec4f>;

const attention_key_gradient_workgroup_size: u32 = 64;
const attention_key_gradient_rows: u32 = 1;
// Blocks of four columns.
const attention_key_gradient_blocks: u32 = 8;
const attention_key_gradient_scale: f32 = 1.0;
const attention_key_gradient_causal: bool = false;
// Queries in a tile of workgroup memory, in fours, and whether there is one.
const attention_key_gradient_tile: u32 = 16;
const attention_key_gradient_shares: bool = true;
// Blocks of four columns in a tile.
const attention_key_gradient_room: u32 = attention_key_gradient_tile * attention_key_gradient_blocks;

var<workgroup> attention_key_gradient_query_tile: array<vec4f, attention_key_gradient_room>;
var<workgroup> attention_key_gradient_upstream_tile: array<vec4f, attention_key_gradient_room>;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want
// columns in multiples of four.
fn attention_key_gradient_load_query(row: u32, column: u32) -> vec4f {
    return attention_key_gradient_query[row * attention_key_gradient_blocks + column / 4];
}

fn attention_key_gradient_load_key(row: u32, column: u32) -> vec4f {
    return attention_key_gradient_key[row * attention_key_gradient_blocks + column / 4];
}

fn attention_key_gradient_load_value(row: u32, column: u32) -> vec4f {
    return attention_key_gradient_value[row * attention_key_gradient_blocks + column / 4];
}

fn attention_key_gradient_load_upstream(row: u32, column: u32) -> vec4f {
    return attention_key_gradient_upstream[row * attention_key_gradient_blocks + column / 4];
}

// Hooks: one element of a row.
fn attention_key_gradient_load_log_sum(row: u32, column: u32) -> f32 {
    return attention_key_gradient_log_sum[row + column];
}

fn attention_key_gradient_load_mean(row: u32, column: u32) -> f32 {
    return attention_key_gradient_mean[row + column];
}

// Hooks: four consecutive elements to be stored, each four exactly once.
fn attention_key_gradient_store_key_gradient(row: u32, column: u32, value: vec4f) {
    attention_key_gradient_key_gradient[row * attention_key_gradient_blocks + column / 4] = value;
}

fn attention_key_gradient_store_value_gradient(row: u32, column: u32, value: vec4f) {
    attention_key_gradient_value_gradient[row * attention_key_gradient_blocks + column / 4] = value;
}

// Copies a tile into workgroup memory. The last query stands for those beyond it.
fn attention_key_gradient_fill(batch: u32, first: u32, local: u32) {
    for (var index = local; index < attention_key_gradient_room; index += attention_key_gradient_workgroup_size) {
        let row = batch * attention_key_gradient_dims.queries + min(first + index / attention_key_gradient_blocks, attention_key_gradient_dims.queries - 1);
        let column = index % attention_key_gradient_blocks * 4;
        attention_key_gradient_query_tile[index] = attention_key_gradient_load_query(row, column);
        attention_key_gradient_upstream_tile[index] = attention_key_gradient_load_upstream(row, column);
    }
}

// Four columns of four queries, a column of the matrix for each. `place` is the first one's in the tile.
fn attention_key_gradient_query_block(batch: u32, first: u32, place: u32, block: u32) -> mat4x4f {
    if (attention_key_gradient_shares) {
        let at = place * attention_key_gradient_blocks + block;
        return mat4x4f(
            attention_key_gradient_query_tile[at],
            attention_key_gradient_query_tile[at + attention_key_gradient_blocks],
            attention_key_gradient_query_tile[at + 2 * attention_key_gradient_blocks],
            attention_key_gradient_query_tile[at + 3 * attention_key_gradient_blocks],
        );
    }
    let rows = batch * attention_key_gradient_dims.queries + min(first + vec4u(0, 1, 2, 3), vec4u(attention_key_gradient_dims.queries - 1));
    return mat4x4f(
        attention_key_gradient_load_query(rows.x, 4 * block),
        attention_key_gradient_load_query(rows.y, 4 * block),
        attention_key_gradient_load_query(rows.z, 4 * block),
        attention_key_gradient_load_query(rows.w, 4 * block),
    );
}

// The same of upstream gradients.
fn attention_key_gradient_upstream_block(batch: u32, first: u32, place: u32, block: u32) -> mat4x4f {
    if (attention_key_gradient_shares) {
        let at = place * attention_key_gradient_blocks + block;
        return mat4x4f(
            attention_key_gradient_upstream_tile[at],
            attention_key_gradient_upstream_tile[at + attention_key_gradient_blocks],
            attention_key_gradient_upstream_tile[at + 2 * attention_key_gradient_blocks],
            attention_key_gradient_upstream_tile[at + 3 * attention_key_gradient_blocks],
        );
    }
    let rows = batch * attention_key_gradient_dims.queries + min(first + vec4u(0, 1, 2, 3), vec4u(attention_key_gradient_dims.queries - 1));
    return mat4x4f(
        attention_key_gradient_load_upstream(rows.x, 4 * block),
        attention_key_gradient_load_upstream(rows.y, 4 * block),
        attention_key_gradient_load_upstream(rows.z, 4 * block),
        attention_key_gradient_load_upstream(rows.w, 4 * block),
    );
}

@compute @workgroup_size(attention_key_gradient_workgroup_size)
fn attention_key_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let dims = attention_key_gradient_dims;
    let group_rows = attention_key_gradient_workgroup_size * attention_key_gradient_rows;
    let groups = (dims.keys + group_rows - 1) / group_rows;
    let index = group.x + 65535 * group.y;
    let batch = index / groups;
    if (batch >= dims.batch) {
        return;
    }
    let group_row = index % groups * group_rows;
    let row = group_row + local * attention_key_gradient_rows;
    let last = batch * dims.keys + dims.keys - 1;
    let last_query = batch * dims.queries + dims.queries - 1;

    var keys: array<vec4f, attention_key_gradient_rows * attention_key_gradient_blocks>;
    var values: array<vec4f, attention_key_gradient_rows * attention_key_gradient_blocks>;
    var key_gradients: array<vec4f, attention_key_gradient_rows * attention_key_gradient_blocks>;
    var value_gradients: array<vec4f, attention_key_gradient_rows * attention_key_gradient_blocks>;
    for (var block = 0u; block < attention_key_gradient_blocks; block++) {
        for (var i = 0u; i < attention_key_gradient_rows; i++) {
            let origin = min(batch * dims.keys + row + i, last);
            keys[block * attention_key_gradient_rows + i] = attention_key_gradient_scale * attention_key_gradient_load_key(origin, 4 * block);
            values[block * attention_key_gradient_rows + i] = attention_key_gradient_load_value(origin, 4 * block);
        }
    }

    // Queries before the workgroup's first key see none of its keys where each sees only what is not after it.
    let start = select(0, group_row / attention_key_gradient_tile * attention_key_gradient_tile, attention_key_gradient_causal);
    for (var first = start; first < dims.queries; first += attention_key_gradient_tile) {
        if (attention_key_gradient_shares) {
            workgroupBarrier();
            attention_key_gradient_fill(batch, first, local);
            workgroupBarrier();
        }
        for (var query = first; query < min(first + attention_key_gradient_tile, dims.queries); query += 4) {
            var scores: array<vec4f, attention_key_gradient_rows>;
            var products: array<vec4f, attention_key_gradient_rows>;
            for (var block = 0u; block < attention_key_gradient_blocks; block++) {
                let queries = transpose(attention_key_gradient_query_block(batch, query, query - first, block));
                let upstream = transpose(attention_key_gradient_upstream_block(batch, query, query - first, block));
                for (var i = 0u; i < attention_key_gradient_rows; i++) {
                    scores[i] += queries * keys[block * attention_key_gradient_rows + i];
                    products[i] += upstream * values[block * attention_key_gradient_rows + i];
                }
            }
            let places = query + vec4u(0, 1, 2, 3);
            let rows = min(batch * dims.queries + places, vec4u(last_query));
            let log_sums = vec4f(
                attention_key_gradient_load_log_sum(rows.x, 0),
                attention_key_gradient_load_log_sum(rows.y, 0),
                attention_key_gradient_load_log_sum(rows.z, 0),
                attention_key_gradient_load_log_sum(rows.w, 0),
            );
            let means = vec4f(
                attention_key_gradient_load_mean(rows.x, 0),
                attention_key_gradient_load_mean(rows.y, 0),
                attention_key_gradient_load_mean(rows.z, 0),
                attention_key_gradient_load_mean(rows.w, 0),
            );
            for (var i = 0u; i < attention_key_gradient_rows; i++) {
                let is_after = places >= vec4u(select(0, row + i, attention_key_gradient_causal));
                let seen = is_after & (places < vec4u(dims.queries));
                let exponents = scores[i] - log_sums;
                let weights = exp(select(exponents, vec4f(-87), exponents < vec4f(-87)));
                scores[i] = select(vec4f(), weights, seen);
                products[i] = select(vec4f(), weights * (products[i] - means), seen);
            }
            for (var block = 0u; block < attention_key_gradient_blocks; block++) {
                let queries = attention_key_gradient_query_block(batch, query, query - first, block);
                let upstream = attention_key_gradient_upstream_block(batch, query, query - first, block);
                for (var i = 0u; i < attention_key_gradient_rows; i++) {
                    key_gradients[block * attention_key_gradient_rows + i] += queries * products[i];
                    value_gradients[block * attention_key_gradient_rows + i] += upstream * scores[i];
                }
            }
        }
    }

    for (var block = 0u; block < attention_key_gradient_blocks; block++) {
        for (var i = 0u; i < attention_key_gradient_rows; i++) {
            if (row + i < dims.keys) {
                let to = batch * dims.keys + row + i;
                let at = block * attention_key_gradient_rows + i;
                attention_key_gradient_store_key_gradient(to, 4 * block, attention_key_gradient_scale * key_gradients[at]);
                attention_key_gradient_store_value_gradient(to, 4 * block, value_gradients[at]);
            }
        }
    }
}
