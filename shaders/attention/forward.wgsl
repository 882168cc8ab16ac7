// Attention with a running maximum and sum. See mod.rs for the formulas.
//
//   query   [batch, queries, columns]
//   key     [batch, keys, columns]
//   value   [batch, keys, columns]
//   output  [batch, queries, columns]
//   log_sum [batch, queries, 1]     the logarithm of the sum of a row's exponentials, for the gradients
//
// Each invocation has some rows of queries and what they have found so far in registers, and passes over the keys in
// blocks of four: components of a row's scores are keys. On a GPU a workgroup shares a tile of keys and values in its
// memory; on a software adapter each invocation loads them itself, and has more rows so that it loads them seldom.
//
// Dispatch batch * ceil(queries / (workgroup size * rows)) workgroups.

struct attention_extents { batch: u32, queries: u32, keys: u32 }

@group(0) @binding(0) var<uniform> attention_dims: attention_extents;
@group(0) @binding(1) var<storage, read> attention_query: array<vec4f>;
@group(0) @binding(2) var<storage, read> attention_key: array<vec4f>;
@group(0) @binding(3) var<storage, read> attention_value: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> attention_output: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> attention_log_sum: array<f32>;

const attention_workgroup_size: u32 = 64;
const attention_rows: u32 = 1;
// Blocks of four columns.
const attention_blocks: u32 = 8;
const attention_scale: f32 = 1.0;
const attention_causal: bool = false;
// Keys in a tile of workgroup memory, in fours, and whether there is one.
const attention_tile: u32 = 16;
const attention_shares: bool = true;
// Blocks of four columns in a tile.
const attention_room: u32 = attention_tile * attention_blocks;

var<workgroup> attention_key_tile: array<vec4f, attention_room>;
var<workgroup> attention_value_tile: array<vec4f, attention_room>;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want
// columns in multiples of four.
fn attention_load_query(row: u32, column: u32) -> vec4f {
    return attention_query[row * attention_blocks + column / 4];
}

fn attention_load_key(row: u32, column: u32) -> vec4f {
    return attention_key[row * attention_blocks + column / 4];
}

fn attention_load_value(row: u32, column: u32) -> vec4f {
    return attention_value[row * attention_blocks + column / 4];
}

// Hooks: the same to be stored, each four exactly once, and one element.
fn attention_store(row: u32, column: u32, value: vec4f) {
    attention_output[row * attention_blocks + column / 4] = value;
}

fn attention_store_log_sum(row: u32, column: u32, value: f32) {
    attention_log_sum[row + column] = value;
}

// Copies a tile of keys and values into workgroup memory. The last key stands for those beyond it.
fn attention_fill(batch: u32, first: u32, local: u32) {
    for (var index = local; index < attention_room; index += attention_workgroup_size) {
        let row = batch * attention_dims.keys + min(first + index / attention_blocks, attention_dims.keys - 1);
        let column = index % attention_blocks * 4;
        attention_key_tile[index] = attention_load_key(row, column);
        attention_value_tile[index] = attention_load_value(row, column);
    }
}

// Four columns of four keys, a column of the matrix for each key. `place` is the first key's in the tile.
fn attention_key_block(batch: u32, key: u32, place: u32, block: u32) -> mat4x4f {
    if (attention_shares) {
        let at = place * attention_blocks + block;
        return mat4x4f(
            attention_key_tile[at],
            attention_key_tile[at + attention_blocks],
            attention_key_tile[at + 2 * attention_blocks],
            attention_key_tile[at + 3 * attention_blocks],
        );
    }
    let rows = batch * attention_dims.keys + min(key + vec4u(0, 1, 2, 3), vec4u(attention_dims.keys - 1));
    return mat4x4f(
        attention_load_key(rows.x, 4 * block),
        attention_load_key(rows.y, 4 * block),
        attention_load_key(rows.z, 4 * block),
        attention_load_key(rows.w, 4 * block),
    );
}

// The same of values.
fn attention_value_block(batch: u32, key: u32, place: u32, block: u32) -> mat4x4f {
    if (attention_shares) {
        let at = place * attention_blocks + block;
        return mat4x4f(
            attention_value_tile[at],
            attention_value_tile[at + attention_blocks],
            attention_value_tile[at + 2 * attention_blocks],
            attention_value_tile[at + 3 * attention_blocks],
        );
    }
    let rows = batch * attention_dims.keys + min(key + vec4u(0, 1, 2, 3), vec4u(attention_dims.keys - 1));
    return mat4x4f(
        attention_load_value(rows.x, 4 * block),
        attention_load_value(rows.y, 4 * block),
        attention_load_value(rows.z, 4 * block),
        attention_load_value(rows.w, 4 * block),
    );
}

// The keys that queries before `end` see.
fn attention_seen(end: u32) -> u32 {
    return select(attention_dims.keys, min(attention_dims.keys, end), attention_causal);
}

// The exponential of what is 0 at most. Below -87 it would be no normal number, and drivers differ.
fn attention_exponential(x: vec4f) -> vec4f {
    return exp(select(x, vec4f(-87), x < vec4f(-87)));
}

// The larger of a row's maximum and its seen scores. Comparisons leave NaN to the sum, which max might not.
fn attention_larger(maximum: f32, scores: vec4f, seen: vec4<bool>) -> f32 {
    let candidates = select(vec4f(maximum), scores, seen & (scores > vec4f(maximum)));
    let pairs = select(candidates.xy, candidates.zw, candidates.zw > candidates.xy);
    return select(pairs.x, pairs.y, pairs.y > pairs.x);
}

@compute @workgroup_size(attention_workgroup_size)
fn attention(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let dims = attention_dims;
    let group_rows = attention_workgroup_size * attention_rows;
    let groups = (dims.queries + group_rows - 1) / group_rows;
    let index = group.x + 65535 * group.y;
    let batch = index / groups;
    if (batch >= dims.batch) {
        return;
    }
    let group_row = index % groups * group_rows;
    let row = group_row + local * attention_rows;
    let last = batch * dims.queries + dims.queries - 1;

    var queries: array<vec4f, attention_rows * attention_blocks>;
    var found: array<vec4f, attention_rows * attention_blocks>;
    var maxima: array<f32, attention_rows>;
    var sums: array<f32, attention_rows>;
    for (var i = 0u; i < attention_rows; i++) {
        maxima[i] = -3.0e38;
    }
    for (var block = 0u; block < attention_blocks; block++) {
        for (var i = 0u; i < attention_rows; i++) {
            let origin = min(batch * dims.queries + row + i, last);
            queries[block * attention_rows + i] = attention_scale * attention_load_query(origin, 4 * block);
        }
    }

    let end = attention_seen(group_row + group_rows);
    for (var first = 0u; first < end; first += attention_tile) {
        if (attention_shares) {
            workgroupBarrier();
            attention_fill(batch, first, local);
            workgroupBarrier();
        }
        for (var key = first; key < min(first + attention_tile, end); key += 4) {
            var scores: array<vec4f, attention_rows>;
            for (var block = 0u; block < attention_blocks; block++) {
                let keys = transpose(attention_key_block(batch, key, key - first, block));
                for (var i = 0u; i < attention_rows; i++) {
                    scores[i] += keys * queries[block * attention_rows + i];
                }
            }
            var corrections: array<f32, attention_rows>;
            for (var i = 0u; i < attention_rows; i++) {
                let seen = key + vec4u(0, 1, 2, 3) < vec4u(attention_seen(row + i + 1));
                let maximum = attention_larger(maxima[i], scores[i], seen);
                corrections[i] = attention_exponential(vec4f(maxima[i] - maximum)).x;
                scores[i] = select(vec4f(), attention_exponential(scores[i] - maximum), seen);
                sums[i] = sums[i] * corrections[i] + ((scores[i].x + scores[i].y) + (scores[i].z + scores[i].w));
                maxima[i] = maximum;
            }
            for (var block = 0u; block < attention_blocks; block++) {
                let values = attention_value_block(batch, key, key - first, block);
                for (var i = 0u; i < attention_rows; i++) {
                    let at = block * attention_rows + i;
                    found[at] = found[at] * corrections[i] + values * scores[i];
                }
            }
        }
    }

    for (var i = 0u; i < attention_rows; i++) {
        if (row + i < dims.queries) {
            attention_store_log_sum(batch * dims.queries + row + i, 0, maxima[i] + log(sums[i]));
        }
    }
    for (var block = 0u; block < attention_blocks; block++) {
        for (var i = 0u; i < attention_rows; i++) {
            if (row + i < dims.queries) {
                attention_store(batch * dims.queries + row + i, 4 * block, found[block * attention_rows + i] / sums[i]);
            }
        }
    }
}
