// Attention for software adapters, with a running maximum and sum. See mod.rs for the formulas.
//
//   query, output  [batch, queries, columns]
//   key, value     [batch, keys, columns]
//   mask, factor   [batch, queries, keys]
//   sums           [batch, queries, 2]     the largest score of a row, and the sum of its exponentials relative to that
//
// Each invocation has some queries and what they have found so far in registers, and passes over the keys. A load is done
// lane by lane on a software adapter, whether or not lanes read the same, so that what counts is how many queries share
// it. Blocks of 4 x 4 have queries as components, so that a key's four columns are factors of whole vectors.
//
// Arrays stay in registers only where each loop over them ends at their length, has its own variable as the index and no
// other loop in it that is not unrolled, so that Mesa (22.3) unrolls it. Single keys in a loop that is not, since it ends
// at + group.z, which is 0, but not known to be, make a quarter of the code that four keys at once do. A loop that ends at
// a plain uniform would be compiled again at every submission, too.
//
// Dispatch ceil(batch * ceil(queries / (4 * groups)) / workgroup size) workgroups.

struct attention_extents { batch: u32, queries: u32, keys: u32 }

@group(0) @binding(0) var<uniform> attention_dims: attention_extents;
@group(0) @binding(1) var<storage, read> attention_query: array<vec4f>;
@group(0) @binding(2) var<storage, read> attention_key: array<vec4f>;
@group(0) @binding(3) var<storage, read> attention_value: array<vec4f>;
@group(0) @binding(4) var<storage, read> attention_mask: array<vec4f>;
@group(0) @binding(5) var<storage, read> attention_factor: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> attention_output: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> attention_sums: array<f32>;

const attention_workgroup_size: u32 = 8;
// Groups of four queries of an invocation.
const attention_groups: u32 = 2;
// Blocks of four columns.
const attention_blocks: u32 = 8;
const attention_scale: f32 = 1.0;
const attention_causal: bool = false;

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

// Four neighbours, of which those beyond the last are replaced by it.
fn attention_four(first: u32, count: u32) -> vec4u {
    return min(first + vec4u(0, 1, 2, 3), vec4u(count - 1));
}

fn attention_query_block(rows: vec4u, block: u32) -> mat4x4f {
    return mat4x4f(
        attention_load_query(rows.x, 4 * block),
        attention_load_query(rows.y, 4 * block),
        attention_load_query(rows.z, 4 * block),
        attention_load_query(rows.w, 4 * block),
    );
}

// The masks of four queries and four keys, a column for each query.
fn attention_mask_block(rows: vec4u, key: u32) -> mat4x4f {
    return mat4x4f(
        attention_load_mask(rows.x, key),
        attention_load_mask(rows.y, key),
        attention_load_mask(rows.z, key),
        attention_load_mask(rows.w, key),
    );
}

fn attention_factor_block(rows: vec4u, key: u32) -> mat4x4f {
    return mat4x4f(
        attention_load_factor(rows.x, key),
        attention_load_factor(rows.y, key),
        attention_load_factor(rows.z, key),
        attention_load_factor(rows.w, key),
    );
}

// Column i of a block, where i is not known when the kernel is compiled.
fn attention_column(block: mat4x4f, i: u32) -> vec4f {
    return select(select(block[0], block[1], i == 1), select(block[2], block[3], i == 3), i >= 2);
}

// A block with another column i.
fn attention_replace(block: mat4x4f, i: u32, column: vec4f) -> mat4x4f {
    return mat4x4f(
        select(block[0], column, i == 0),
        select(block[1], column, i == 1),
        select(block[2], column, i == 2),
        select(block[3], column, i == 3),
    );
}

// A block whose components are multiplied with those of a vector.
fn attention_scaled(block: mat4x4f, factors: vec4f) -> mat4x4f {
    return mat4x4f(block[0] * factors, block[1] * factors, block[2] * factors, block[3] * factors);
}

// The larger of maxima and seen scores. Comparisons leave NaN to the sum, which max might not.
fn attention_larger(maxima: vec4f, scores: vec4f, seen: vec4<bool>) -> vec4f {
    return select(maxima, scores, seen & (scores > maxima));
}

// The exponential of what is 0 at most. Below -87 it would be no normal number, and drivers differ.
fn attention_exponential(x: vec4f) -> vec4f {
    return exp(select(x, vec4f(-87), x < vec4f(-87)));
}

fn attention_store_total(batch: u32, query: u32, maximum: f32, sum: f32) {
    if (query < attention_dims.queries) {
        attention_store_sums(batch * attention_dims.queries + query, 0, maximum);
        attention_store_sums(batch * attention_dims.queries + query, 1, sum);
    }
}

fn attention_store_inside(batch: u32, query: u32, block: u32, value: vec4f) {
    if (query < attention_dims.queries) {
        attention_store(batch * attention_dims.queries + query, 4 * block, value);
    }
}

@compute @workgroup_size(attention_workgroup_size)
fn attention(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let dims = attention_dims;
    let across = (dims.queries + 4 * attention_groups - 1) / (4 * attention_groups);
    let index = (group.x + 65535 * group.y) * attention_workgroup_size + local;
    let batch = index / across;
    if (batch >= dims.batch) {
        return;
    }
    let row = index % across * 4 * attention_groups;

    // Columns are columns, components queries.
    var queries: array<array<mat4x4f, attention_blocks>, attention_groups>;
    var found: array<array<mat4x4f, attention_blocks>, attention_groups>;
    var maxima: array<vec4f, attention_groups>;
    var sums: array<vec4f, attention_groups>;
    for (var i = 0u; i < attention_groups; i++) {
        maxima[i] = vec4f(-3.0e38);
        let rows = batch * dims.queries + attention_four(row + 4 * i, dims.queries);
        for (var block = 0u; block < attention_blocks; block++) {
            queries[i][block] = attention_scale * transpose(attention_query_block(rows, block));
        }
    }

    let end = select(dims.keys, min(dims.keys, row + 4 * attention_groups), attention_causal) + group.z;
    for (var key = 0u; key < end; key += 4) {
        // Columns are keys, components queries.
        var scores: array<mat4x4f, attention_groups>;
        for (var k = 0u; k < 4 + group.z; k++) {
            let key_row = batch * dims.keys + min(key + k, dims.keys - 1);
            var products: array<vec4f, attention_groups>;
            for (var block = 0u; block < attention_blocks; block++) {
                let columns = attention_load_key(key_row, 4 * block);
                for (var i = 0u; i < attention_groups; i++) {
                    products[i] += queries[i][block] * columns;
                }
            }
            for (var i = 0u; i < attention_groups; i++) {
                scores[i] = attention_replace(scores[i], k, products[i]);
            }
        }
        for (var i = 0u; i < attention_groups; i++) {
            let places = attention_four(row + 4 * i, dims.queries);
            let rows = batch * dims.queries + places;
            let masked = scores[i] + transpose(attention_mask_block(rows, key));
            let ends = select(vec4u(dims.keys), min(vec4u(dims.keys), places + 1), attention_causal);
            let seen0 = vec4u(key) < ends;
            let seen1 = vec4u(key + 1) < ends;
            let seen2 = vec4u(key + 2) < ends;
            let seen3 = vec4u(key + 3) < ends;
            var maximum = attention_larger(maxima[i], masked[0], seen0);
            maximum = attention_larger(maximum, masked[1], seen1);
            maximum = attention_larger(maximum, masked[2], seen2);
            maximum = attention_larger(maximum, masked[3], seen3);
            let correction = attention_exponential(maxima[i] - maximum);
            maxima[i] = maximum;
            let weight0 = select(vec4f(), attention_exponential(masked[0] - maximum), seen0);
            let weight1 = select(vec4f(), attention_exponential(masked[1] - maximum), seen1);
            let weight2 = select(vec4f(), attention_exponential(masked[2] - maximum), seen2);
            let weight3 = select(vec4f(), attention_exponential(masked[3] - maximum), seen3);
            sums[i] = sums[i] * correction + ((weight0 + weight1) + (weight2 + weight3));
            let factors = transpose(attention_factor_block(rows, key));
            scores[i] = mat4x4f(weight0 * factors[0], weight1 * factors[1], weight2 * factors[2], weight3 * factors[3]);
            for (var block = 0u; block < attention_blocks; block++) {
                found[i][block] = attention_scaled(found[i][block], correction);
            }
        }
        for (var k = 0u; k < 4 + group.z; k++) {
            let key_row = batch * dims.keys + min(key + k, dims.keys - 1);
            for (var block = 0u; block < attention_blocks; block++) {
                let columns = attention_load_value(key_row, 4 * block);
                for (var i = 0u; i < attention_groups; i++) {
                    let weights = attention_column(scores[i], k);
                    found[i][block] += mat4x4f(
                        weights * columns.x,
                        weights * columns.y,
                        weights * columns.z,
                        weights * columns.w,
                    );
                }
            }
        }
    }

    for (var i = 0u; i < attention_groups; i++) {
        let first = row + 4 * i;
        attention_store_total(batch, first, maxima[i].x, sums[i].x);
        attention_store_total(batch, first + 1, maxima[i].y, sums[i].y);
        attention_store_total(batch, first + 2, maxima[i].z, sums[i].z);
        attention_store_total(batch, first + 3, maxima[i].w, sums[i].w);
        for (var block = 0u; block < attention_blocks; block++) {
            let rows = transpose(attention_scaled(found[i][block], 1 / sums[i]));
            attention_store_inside(batch, first, block, rows[0]);
            attention_store_inside(batch, first + 1, block, rows[1]);
            attention_store_inside(batch, first + 2, block, rows[2]);
            attention_store_inside(batch, first + 3, block, rows[3]);
        }
    }
}
