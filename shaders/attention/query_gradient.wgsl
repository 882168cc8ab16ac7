// The gradient of attention's queries. See gradient.rs for the formulas.
//
//   query, upstream, input  [batch, queries, columns]
//   key, value              [batch, keys, columns]
//   log_sum, mean           [batch, queries, 1]
//
// Each invocation has some rows of queries, as in forward.wgsl, and makes their weights again block by block.
//
// Dispatch batch * ceil(queries / (workgroup size * rows)) workgroups.

struct attention_query_gradient_extents { batch: u32, queries: u32, keys: u32 }

@group(0) @binding(0) var<uniform> attention_query_gradient_dims: attention_query_gradient_extents;
@group(0) @binding(1) var<storage, read> attention_query_gradient_query: array<vec4f>;
@group(0) @binding(2) var<storage, read> attention_query_gradient_key: array<vec4f>;
@group(0) @binding(3) var<storage, read> attention_query_gradient_value: array<vec4f>;
@group(0) @binding(4) var<storage, read> attention_query_gradient_upstream: array<vec4f>;
@group(0) @binding(5) var<storage, read> attention_query_gradient_log_sum: array<f32>;
@group(0) @binding(6) var<storage, read> attention_query_gradient_mean: array<f32>;
@group(0) @binding(7) var<storage, read_write> attention_query_gradient_input: array<vec4f>;

const attention_query_gradient_workgroup_size: u32 = 64;
const attention_query_gradient_rows: u32 = 1;
// Blocks of four columns.
const attention_query_gradient_blocks: u32 = 8;
const attention_query_gradient_scale: f32 = 1.0;
const attention_query_gradient_causal: bool = false;
// Keys in a tile of workgroup memory, in fours, and whether there is one.
const attention_query_gradient_tile: u32 = 16;
const attention_query_gradient_shares: bool = true;
// Blocks of four columns in a tile.
const attention_query_gradient_room: u32 = attention_query_gradient_tile * attention_query_gradient_blocks;

var<workgroup> attention_query_gradient_key_tile: array<vec4f, attention_query_gradient_room>;
var<workgroup> attention_query_gradient_value_tile: array<vec4f, attention_query_gradient_room>;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want
// columns in multiples of four.
fn attention_query_gradient_load_query(row: u32, column: u32) -> vec4f {
    return attention_query_gradient_query[row * attention_query_gradient_blocks + column / 4];
}

fn attention_query_gradient_load_key(row: u32, column: u32) -> vec4f {
    return attention_query_gradient_key[row * attention_query_gradient_blocks + column / 4];
}

fn attention_query_gradient_load_value(row: u32, column: u32) -> vec4f {
    return attention_query_gradient_value[row * attention_query_gradient_blocks + column / 4];
}

fn attention_query_gradient_load_upstream(row: u32, column: u32) -> vec4f {
    return attention_query_gradient_upstream[row * attention_query_gradient_blocks + column / 4];
}

// Hooks: one element of a row.
fn attention_query_gradient_load_log_sum(row: u32, column: u32) -> f32 {
    return attention_query_gradient_log_sum[row + column];
}

fn attention_query_gradient_load_mean(row: u32, column: u32) -> f32 {
    return attention_query_gradient_mean[row + column];
}

// Hook: four consecutive elements to be stored, each four exactly once.
fn attention_query_gradient_store(row: u32, column: u32, value: vec4f) {
    attention_query_gradient_input[row * attention_query_gradient_blocks + column / 4] = value;
}

// Copies a tile into workgroup memory. The last key stands for those beyond it.
fn attention_query_gradient_fill(batch: u32, first: u32, local: u32) {
    for (var index = local; index < attention_query_gradient_room; index += attention_query_gradient_workgroup_size) {
        let row = batch * attention_query_gradient_dims.keys + min(first + index / attention_query_gradient_blocks, attention_query_gradient_dims.keys - 1);
        let column = index % attention_query_gradient_blocks * 4;
        attention_query_gradient_key_tile[index] = attention_query_gradient_load_key(row, column);
        attention_query_gradient_value_tile[index] = attention_query_gradient_load_value(row, column);
    }
}

// Four columns of four keys, a column of the matrix for each. `place` is the first one's in the tile.
fn attention_query_gradient_key_block(batch: u32, first: u32, place: u32, block: u32) -> mat4x4f {
    if (attention_query_gradient_shares) {
        let at = place * attention_query_gradient_blocks + block;
        return mat4x4f(
            attention_query_gradient_key_tile[at],
            attention_query_gradient_key_tile[at + attention_query_gradient_blocks],
            attention_query_gradient_key_tile[at + 2 * attention_query_gradient_blocks],
            attention_query_gradient_key_tile[at + 3 * attention_query_gradient_blocks],
        );
    }
    let rows = batch * attention_query_gradient_dims.keys + min(first + vec4u(0, 1, 2, 3), vec4u(attention_query_gradient_dims.keys - 1));
    return mat4x4f(
        attention_query_gradient_load_key(rows.x, 4 * block),
        attention_query_gradient_load_key(rows.y, 4 * block),
        attention_query_gradient_load_key(rows.z, 4 * block),
        attention_query_gradient_load_key(rows.w, 4 * block),
    );
}

// The same of values.
fn attention_query_gradient_value_block(batch: u32, first: u32, place: u32, block: u32) -> mat4x4f {
    if (attention_query_gradient_shares) {
        let at = place * attention_query_gradient_blocks + block;
        return mat4x4f(
            attention_query_gradient_value_tile[at],
            attention_query_gradient_value_tile[at + attention_query_gradient_blocks],
            attention_query_gradient_value_tile[at + 2 * attention_query_gradient_blocks],
            attention_query_gradient_value_tile[at + 3 * attention_query_gradient_blocks],
        );
    }
    let rows = batch * attention_query_gradient_dims.keys + min(first + vec4u(0, 1, 2, 3), vec4u(attention_query_gradient_dims.keys - 1));
    return mat4x4f(
        attention_query_gradient_load_value(rows.x, 4 * block),
        attention_query_gradient_load_value(rows.y, 4 * block),
        attention_query_gradient_load_value(rows.z, 4 * block),
        attention_query_gradient_load_value(rows.w, 4 * block),
    );
}

// The keys that queries before `end` see.
fn attention_query_gradient_seen(end: u32) -> u32 {
    return select(attention_query_gradient_dims.keys, min(attention_query_gradient_dims.keys, end), attention_query_gradient_causal);
}

@compute @workgroup_size(attention_query_gradient_workgroup_size)
fn attention_query_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let dims = attention_query_gradient_dims;
    let group_rows = attention_query_gradient_workgroup_size * attention_query_gradient_rows;
    let groups = (dims.queries + group_rows - 1) / group_rows;
    let index = group.x + 65535 * group.y;
    let batch = index / groups;
    if (batch >= dims.batch) {
        return;
    }
    let group_row = index % groups * group_rows;
    let row = group_row + local * attention_query_gradient_rows;
    let last = batch * dims.queries + dims.queries - 1;

    var queries: array<vec4f, attention_query_gradient_rows * attention_query_gradient_blocks>;
    var upstream: array<vec4f, attention_query_gradient_rows * attention_query_gradient_blocks>;
    var gradients: array<vec4f, attention_query_gradient_rows * attention_query_gradient_blocks>;
    var log_sums: array<f32, attention_query_gradient_rows>;
    var means: array<f32, attention_query_gradient_rows>;
    for (var i = 0u; i < attention_query_gradient_rows; i++) {
        let origin = min(batch * dims.queries + row + i, last);
        log_sums[i] = attention_query_gradient_load_log_sum(origin, 0);
        means[i] = attention_query_gradient_load_mean(origin, 0);
    }
    for (var block = 0u; block < attention_query_gradient_blocks; block++) {
        for (var i = 0u; i < attention_query_gradient_rows; i++) {
            let origin = min(batch * dims.queries + row + i, last);
            queries[block * attention_query_gradient_rows + i] = attention_query_gradient_scale * attention_query_gradient_load_query(origin, 4 * block);
            upstream[block * attention_query_gradient_rows + i] = attention_query_gradient_load_upstream(origin, 4 * block);
        }
    }

    let end = attention_query_gradient_seen(group_row + group_rows);
    for (var first = 0u; first < end; first += attention_query_gradient_tile) {
        if (attention_query_gradient_shares) {
            workgroupBarrier();
            attention_query_gradient_fill(batch, first, local);
            workgroupBarrier();
        }
        for (var key = first; key < min(first + attention_query_gradient_tile, end); key += 4) {
            var scores: array<vec4f, attention_query_gradient_rows>;
            var products: array<vec4f, attention_query_gradient_rows>;
            for (var block = 0u; block < attention_query_gradient_blocks; block++) {
                let keys = transpose(attention_query_gradient_key_block(batch, key, key - first, block));
                let values = transpose(attention_query_gradient_value_block(batch, key, key - first, block));
                for (var i = 0u; i < attention_query_gradient_rows; i++) {
                    scores[i] += keys * queries[block * attention_query_gradient_rows + i];
                    products[i] += values * upstream[block * attention_query_gradient_rows + i];
                }
            }
            for (var i = 0u; i < attention_query_gradient_rows; i++) {
                let seen = key + vec4u(0, 1, 2, 3) < vec4u(attention_query_gradient_seen(row + i + 1));
                let exponents = scores[i] - log_sums[i];
                let weights = exp(select(exponents, vec4f(-87), exponents < vec4f(-87)));
                scores[i] = select(vec4f(), weights * (products[i] - means[i]), seen);
            }
            for (var block = 0u; block < attention_query_gradient_blocks; block++) {
                let keys = attention_query_gradient_key_block(batch, key, key - first, block);
                for (var i = 0u; i < attention_query_gradient_rows; i++) {
                    gradients[block * attention_query_gradient_rows + i] += keys * scores[i];
                }
            }
        }
    }

    for (var block = 0u; block < attention_query_gradient_blocks; block++) {
        for (var i = 0u; i < attention_query_gradient_rows; i++) {
            if (row + i < dims.queries) {
                let gradient = attention_query_gradient_scale * gradients[block * attention_query_gradient_rows + i];
                attention_query_gradient_store(batch * dims.queries + row + i, 4 * block, gradient);
            }
        }
    }
}
