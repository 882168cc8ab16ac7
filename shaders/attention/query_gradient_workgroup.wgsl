// The gradient of attention's queries, for GPUs. See gradient.rs for the formulas, query_gradient_registers.wgsl for the
// tensors.
//
// A workgroup has 16 queries, and passes over the keys by sixteens, as in forward_workgroup.wgsl.
//
// Dispatch batch * ceil(queries / 16) workgroups.

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

// Queries and keys of a tile: each of 16 x 16 invocations has a pair of them.
const attention_query_gradient_edge: u32 = 16;
// Blocks of four columns, those that are in workgroup memory at a time, and those of each invocation's results.
const attention_query_gradient_blocks: u32 = 8;
const attention_query_gradient_chunk: u32 = 8;
const attention_query_gradient_own: u32 = 1 + (attention_query_gradient_blocks - 1) / attention_query_gradient_edge;
const attention_query_gradient_scale: f32 = 1.0;
const attention_query_gradient_causal: bool = false;
// A tile's row has room for one block more, so that neighbouring rows are in different banks.
const attention_query_gradient_stride: u32 = attention_query_gradient_chunk + 1;

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

var<workgroup> attention_query_gradient_query_tile: array<vec4f, attention_query_gradient_edge * attention_query_gradient_stride>;
var<workgroup> attention_query_gradient_upstream_tile: array<vec4f, attention_query_gradient_edge * attention_query_gradient_stride>;
var<workgroup> attention_query_gradient_key_tile: array<vec4f, attention_query_gradient_edge * attention_query_gradient_stride>;
var<workgroup> attention_query_gradient_value_tile: array<vec4f, attention_query_gradient_edge * attention_query_gradient_stride>;
// A row for each query: products with keys, and of upstream gradients with values, and what is made of them.
var<workgroup> attention_query_gradient_products: array<f32, attention_query_gradient_edge * attention_query_gradient_edge>;
var<workgroup> attention_query_gradient_gradients: array<f32, attention_query_gradient_edge * attention_query_gradient_edge>;
var<workgroup> attention_query_gradient_changes: array<vec4f, attention_query_gradient_edge * attention_query_gradient_edge / 4>;

// Copies a part of the columns of 16 queries and keys, upstream gradients and values into workgroup memory: blocks beyond
// the last are zeros.
fn attention_query_gradient_fill(queries: u32, keys: u32, query: u32, key: u32, chunk: u32, local: u32) {
    let index = local % (attention_query_gradient_edge * attention_query_gradient_chunk);
    let place = index / attention_query_gradient_chunk;
    let block = chunk + index % attention_query_gradient_chunk;
    let to = place * attention_query_gradient_stride + index % attention_query_gradient_chunk;
    if (local < attention_query_gradient_edge * attention_query_gradient_chunk) {
        let row = queries + min(query + place, attention_query_gradient_dims.queries - 1);
        attention_query_gradient_query_tile[to] = vec4f();
        attention_query_gradient_upstream_tile[to] = vec4f();
        if (block < attention_query_gradient_blocks) {
            attention_query_gradient_query_tile[to] = attention_query_gradient_load_query(row, 4 * block);
            attention_query_gradient_upstream_tile[to] = attention_query_gradient_load_upstream(row, 4 * block);
        }
    } else {
        let row = keys + min(key + place, attention_query_gradient_dims.keys - 1);
        attention_query_gradient_key_tile[to] = vec4f();
        attention_query_gradient_value_tile[to] = vec4f();
        if (block < attention_query_gradient_blocks) {
            attention_query_gradient_key_tile[to] = attention_query_gradient_load_key(row, 4 * block);
            attention_query_gradient_value_tile[to] = attention_query_gradient_load_value(row, 4 * block);
        }
    }
}

// Four neighbours of an array in workgroup memory.
fn attention_query_gradient_products_of(first: u32) -> vec4f {
    return vec4f(
        attention_query_gradient_products[first],
        attention_query_gradient_products[first + 1],
        attention_query_gradient_products[first + 2],
        attention_query_gradient_products[first + 3],
    );
}

fn attention_query_gradient_gradients_of(first: u32) -> vec4f {
    return vec4f(
        attention_query_gradient_gradients[first],
        attention_query_gradient_gradients[first + 1],
        attention_query_gradient_gradients[first + 2],
        attention_query_gradient_gradients[first + 3],
    );
}

@compute @workgroup_size(attention_query_gradient_edge * attention_query_gradient_edge)
fn attention_query_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let dims = attention_query_gradient_dims;
    let groups = (dims.queries + attention_query_gradient_edge - 1) / attention_query_gradient_edge;
    let index = group.x + 65535 * group.y;
    let batch = index / groups;
    if (batch >= dims.batch) {
        return;
    }
    let query = index % groups * attention_query_gradient_edge;
    let queries = batch * dims.queries;
    let keys = batch * dims.keys;
    let pair_row = local / attention_query_gradient_edge;
    let pair_column = local % attention_query_gradient_edge;

    var gradients: array<vec4f, attention_query_gradient_own>;
    let end = select(dims.keys, min(dims.keys, query + attention_query_gradient_edge), attention_query_gradient_causal);
    for (var key = 0u; key < end; key += attention_query_gradient_edge) {
        var product = 0.0;
        var gradient = 0.0;
        for (var chunk = 0u; chunk < attention_query_gradient_blocks; chunk += attention_query_gradient_chunk) {
            workgroupBarrier();
            attention_query_gradient_fill(queries, keys, query, key, chunk, local);
            workgroupBarrier();
            for (var block = 0u; block < attention_query_gradient_chunk; block++) {
                let query_block = pair_row * attention_query_gradient_stride + block;
                let key_block = pair_column * attention_query_gradient_stride + block;
                let query_columns = attention_query_gradient_query_tile[query_block];
                product += dot(query_columns, attention_query_gradient_key_tile[key_block]);
                let upstream = attention_query_gradient_upstream_tile[query_block];
                gradient += dot(upstream, attention_query_gradient_value_tile[key_block]);
            }
        }
        attention_query_gradient_products[local] = product;
        attention_query_gradient_gradients[local] = gradient;
        workgroupBarrier();
        if (local < attention_query_gradient_edge * 4) {
            let place = query + local / 4;
            let row = queries + min(place, dims.queries - 1);
            let places = key + 4 * (local % 4) + vec4u(0, 1, 2, 3);
            let column = min(places.x, (dims.keys - 1) / 4 * 4);
            let statistics = attention_query_gradient_load_statistics(row, 0);
            let scores = attention_query_gradient_scale * attention_query_gradient_products_of(4 * local);
            let exponents = scores + attention_query_gradient_load_mask(row, column) - statistics.x;
            let exponentials = exp(select(exponents, vec4f(-87), exponents < vec4f(-87)));
            let last = select(dims.keys - 1, min(dims.keys - 1, place), attention_query_gradient_causal);
            let is_seen = places <= vec4u(last) & vec4<bool>(place < dims.queries);
            let weights = select(vec4f(), exponentials * statistics.y, is_seen);
            let factors = attention_query_gradient_load_factor(row, column);
            let changes = weights * (factors * attention_query_gradient_gradients_of(4 * local) - statistics.z);
            attention_query_gradient_changes[local] = attention_query_gradient_scale * changes;
        }
        workgroupBarrier();
        for (var k = 0u; k < attention_query_gradient_edge; k++) {
            let change = attention_query_gradient_changes[4 * pair_row + k / 4][k % 4];
            let row = keys + min(key + k, dims.keys - 1);
            for (var i = 0u; i < attention_query_gradient_own; i++) {
                let block = pair_column + attention_query_gradient_edge * i;
                if (block < attention_query_gradient_blocks) {
                    gradients[i] += change * attention_query_gradient_load_key(row, 4 * block);
                }
            }
        }
    }

    if (query + pair_row < dims.queries) {
        for (var i = 0u; i < attention_query_gradient_own; i++) {
            let block = pair_column + attention_query_gradient_edge * i;
            if (block < attention_query_gradient_blocks) {
                attention_query_gradient_store(queries + query + pair_row, 4 * block, gradients[i]);
            }
        }
    }
}
