// Attention for GPUs, with a running maximum and sum. See mod.rs for the formulas, forward_registers.wgsl for the tensors.
//
// A workgroup has 16 queries, and passes over the keys by sixteens. Each invocation makes the score of one pair, from
// columns of both that lie in workgroup memory, a part of them at a time; then a quarter of the invocations make weights
// of four scores each; then each adds up its query's columns of the output, every sixteenth block of four. So what an
// invocation keeps does not grow with the columns but by a vector for 64 of them. Tested on software adapters; not measured
// on any GPU yet.
//
// Dispatch batch * ceil(queries / 16) workgroups.

struct attention_extents { batch: u32, queries: u32, keys: u32 }

@group(0) @binding(0) var<uniform> attention_dims: attention_extents;
@group(0) @binding(1) var<storage, read> attention_query: array<vec4f>;
@group(0) @binding(2) var<storage, read> attention_key: array<vec4f>;
@group(0) @binding(3) var<storage, read> attention_value: array<vec4f>;
@group(0) @binding(4) var<storage, read> attention_mask: array<vec4f>;
@group(0) @binding(5) var<storage, read> attention_factor: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> attention_output: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> attention_sums: array<f32>;

// Queries and keys of a tile: each of 16 x 16 invocations has a pair of them.
const attention_edge: u32 = 16;
// Blocks of four columns, those that are in workgroup memory at a time, and those of each invocation's results.
const attention_blocks: u32 = 8;
const attention_chunk: u32 = 8;
const attention_own: u32 = 1 + (attention_blocks - 1) / attention_edge;
const attention_scale: f32 = 1.0;
const attention_causal: bool = false;
// A tile's row has room for one block more, so that neighbouring rows are in different banks.
const attention_stride: u32 = attention_chunk + 1;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want
// columns and keys in multiples of four.
fn attention_load_query(row: u32, column: u32) -> vec4f {
    return attention_query[row * attention_blocks + column / 4];
}

fn attention_load_key(row: u32, column: u32) -> vec4f {
    return attention_key[row * attention_blocks + column / 4];
}

fn attention_load_value(row: u32, column: u32) -> vec4f {
    return attention_value[row * attention_blocks + column / 4];
}

fn attention_load_mask(row: u32, column: u32) -> vec4f {
    return attention_mask[(row * attention_dims.keys + column) / 4];
}

fn attention_load_factor(row: u32, column: u32) -> vec4f {
    return attention_factor[(row * attention_dims.keys + column) / 4];
}

// Hooks: four consecutive elements of a row to be stored, each four exactly once, and one of two.
fn attention_store(row: u32, column: u32, value: vec4f) {
    attention_output[row * attention_blocks + column / 4] = value;
}

fn attention_store_sums(row: u32, column: u32, value: f32) {
    attention_sums[row * 2 + column] = value;
}

var<workgroup> attention_query_tile: array<vec4f, attention_edge * attention_stride>;
var<workgroup> attention_key_tile: array<vec4f, attention_edge * attention_stride>;
// A row for each query: scores, then weights.
var<workgroup> attention_scores: array<vec4f, attention_edge * attention_edge / 4>;
var<workgroup> attention_products: array<f32, attention_edge * attention_edge>;
var<workgroup> attention_corrections: array<f32, attention_edge>;
var<workgroup> attention_partial_sums: array<f32, attention_edge * 4>;

// Copies a part of the columns of 16 queries and keys into workgroup memory: blocks beyond the last are zeros.
fn attention_fill(queries: u32, keys: u32, key: u32, first_query: u32, chunk: u32, local: u32) {
    let index = local % (attention_edge * attention_chunk);
    let place = index / attention_chunk;
    let block = chunk + index % attention_chunk;
    let to = place * attention_stride + index % attention_chunk;
    if (local < attention_edge * attention_chunk) {
        let row = queries + min(first_query + place, attention_dims.queries - 1);
        attention_query_tile[to] = vec4f();
        if (block < attention_blocks) {
            attention_query_tile[to] = attention_load_query(row, 4 * block);
        }
    } else {
        let row = keys + min(key + place, attention_dims.keys - 1);
        attention_key_tile[to] = vec4f();
        if (block < attention_blocks) {
            attention_key_tile[to] = attention_load_key(row, 4 * block);
        }
    }
}

// The larger of a maximum and scores. Comparisons leave NaN to the sum, which max might not.
fn attention_larger(maximum: f32, scores: vec4f) -> f32 {
    let larger = select(vec4f(maximum), scores, scores > vec4f(maximum));
    let pairs = select(larger.xy, larger.zw, larger.zw > larger.xy);
    return select(pairs.x, pairs.y, pairs.y > pairs.x);
}

// The exponential of what is 0 at most. Below -87 it would be no normal number, and drivers differ.
fn attention_exponential(x: vec4f) -> vec4f {
    return exp(select(x, vec4f(-87), x < vec4f(-87)));
}

// The sum of a query's exponentials, from those of four invocations.
fn attention_sum(row: u32) -> f32 {
    let first = 4 * row;
    let left = attention_partial_sums[first] + attention_partial_sums[first + 1];
    let right = attention_partial_sums[first + 2] + attention_partial_sums[first + 3];
    return left + right;
}

@compute @workgroup_size(attention_edge * attention_edge)
fn attention(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let dims = attention_dims;
    let groups = (dims.queries + attention_edge - 1) / attention_edge;
    let index = group.x + 65535 * group.y;
    let batch = index / groups;
    if (batch >= dims.batch) {
        return;
    }
    let first_query = index % groups * attention_edge;
    let queries = batch * dims.queries;
    let keys = batch * dims.keys;
    let own_row = local / attention_edge;
    let own_column = local % attention_edge;
    // The query and four keys whose weights it makes, if any.
    let weighs = local < attention_edge * 4;
    let weigh_row = local / 4 % attention_edge;
    let weigh_query = min(first_query + weigh_row, dims.queries - 1);
    let ends = select(dims.keys, min(dims.keys, weigh_query + 1), attention_causal);

    var found: array<vec4f, attention_own>;
    var maximum = -3.0e38;
    var sum = 0.0;
    let end = select(dims.keys, min(dims.keys, first_query + attention_edge), attention_causal);
    for (var key = 0u; key < end; key += attention_edge) {
        var product = 0.0;
        for (var chunk = 0u; chunk < attention_blocks; chunk += attention_chunk) {
            workgroupBarrier();
            attention_fill(queries, keys, key, first_query, chunk, local);
            workgroupBarrier();
            for (var block = 0u; block < attention_chunk; block++) {
                let query_block = own_row * attention_stride + block;
                let key_block = own_column * attention_stride + block;
                product += dot(attention_query_tile[query_block], attention_key_tile[key_block]);
            }
        }
        attention_products[local] = product;
        workgroupBarrier();

        // Masked scores, of which those that are not seen are the least there can be.
        let column = key + 4 * (local % 4);
        let seen = column + vec4u(0, 1, 2, 3) < vec4u(ends);
        let last_column = min(column, (dims.keys - 1) / 4 * 4);
        var scores = vec4f(-3.0e38);
        if (weighs) {
            let products = vec4f(
                attention_products[4 * local],
                attention_products[4 * local + 1],
                attention_products[4 * local + 2],
                attention_products[4 * local + 3],
            );
            let masked = attention_scale * products + attention_load_mask(queries + weigh_query, last_column);
            scores = select(scores, masked, seen);
            attention_scores[local] = scores;
        }
        workgroupBarrier();
        var largest = maximum;
        if (weighs) {
            for (var i = 0u; i < 4; i++) {
                largest = attention_larger(largest, attention_scores[4 * weigh_row + i]);
            }
        }
        workgroupBarrier();
        if (weighs) {
            let correction = attention_exponential(vec4f(maximum - largest)).x;
            maximum = largest;
            let weights = select(vec4f(), attention_exponential(scores - largest), seen);
            sum = sum * correction + ((weights.x + weights.y) + (weights.z + weights.w));
            attention_scores[local] = weights * attention_load_factor(queries + weigh_query, last_column);
            attention_corrections[weigh_row] = correction;
        }
        workgroupBarrier();

        let correction = attention_corrections[own_row];
        for (var i = 0u; i < attention_own; i++) {
            found[i] *= correction;
        }
        for (var k = 0u; k < attention_edge; k++) {
            let weight = attention_scores[4 * own_row + k / 4][k % 4];
            let row = keys + min(key + k, dims.keys - 1);
            for (var i = 0u; i < attention_own; i++) {
                let block = own_column + attention_edge * i;
                if (block < attention_blocks) {
                    found[i] += weight * attention_load_value(row, 4 * block);
                }
            }
        }
    }

    if (weighs) {
        attention_partial_sums[local] = sum;
    }
    workgroupBarrier();
    if (weighs && local % 4 == 0 && first_query + weigh_row < dims.queries) {
        let to = queries + first_query + weigh_row;
        attention_store_sums(to, 0, maximum);
        attention_store_sums(to, 1, attention_sum(weigh_row));
    }
    if (first_query + own_row < dims.queries) {
        for (var i = 0u; i < attention_own; i++) {
            let block = own_column + attention_edge * i;
            if (block < attention_blocks) {
                attention_store(queries + first_query + own_row, 4 * block, found[i] / attention_sum(own_row));
            }
        }
    }
}
