// Hits of classification: 1 where the first largest of a row of outputs stands where the first largest of its row of
// targets does, else 0. One invocation handles a row.

struct class_hits_extents { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> class_hits_dims: class_hits_extents;
@group(0) @binding(1) var<storage, read> class_hits_outputs: array<f32>;
@group(0) @binding(2) var<storage, read> class_hits_targets: array<f32>;
@group(0) @binding(3) var<storage, read_write> class_hits_hits: array<f32>;

const class_hits_workgroup_size: u32 = 64;

// For each of four lanes, the first largest of its columns.
struct class_hits_largest { value: vec4f, index: vec4u }

// Four outputs of one row; zeros beyond its end.
fn class_hits_load_outputs(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < class_hits_dims.columns; lane++) {
        block[lane] = class_hits_outputs[row * class_hits_dims.columns + column + lane];
    }
    return block;
}

// The same of targets.
fn class_hits_load_targets(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < class_hits_dims.columns; lane++) {
        block[lane] = class_hits_targets[row * class_hits_dims.columns + column + lane];
    }
    return block;
}

fn class_hits_store(row: u32, column: u32, value: f32) {
    class_hits_hits[row + column] = value;
}

// The largest among those up to now and four more, of which those that are not inside the row do not count.
fn class_hits_include(largest: class_hits_largest, block: vec4f, indices: vec4u, inside: vec4<bool>) -> class_hits_largest {
    let larger = (block > largest.value) & inside;
    return class_hits_largest(select(largest.value, block, larger), select(largest.index, indices, larger));
}

// Where the first largest of all lanes stands.
fn class_hits_first(largest: class_hits_largest, columns: u32) -> u32 {
    let value = largest.value;
    let all = max(max(value.x, value.y), max(value.z, value.w));
    let candidates = select(vec4u(columns), largest.index, value == vec4f(all));
    return min(min(candidates.x, candidates.y), min(candidates.z, candidates.w));
}

@compute @workgroup_size(class_hits_workgroup_size)
fn class_hits(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) invocation: vec3u) {
    let row = (group.x + 65535 * group.y) * class_hits_workgroup_size + invocation.x;
    if (row >= class_hits_dims.rows) {
        return;
    }
    // The z is 0. Without it Mesa's software driver takes the uniform as a constant, unrolls the loop and compiles the
    // kernel again for each submission.
    let columns = class_hits_dims.columns + invocation.z;
    var output = class_hits_largest(vec4f(class_hits_load_outputs(row, 0).x), vec4u());
    var wanted = class_hits_largest(vec4f(class_hits_load_targets(row, 0).x), vec4u());
    for (var column = 0u; column < columns; column += 4) {
        let indices = column + vec4u(0, 1, 2, 3);
        let inside = indices < vec4u(columns);
        output = class_hits_include(output, class_hits_load_outputs(row, column), indices, inside);
        wanted = class_hits_include(wanted, class_hits_load_targets(row, column), indices, inside);
    }
    class_hits_store(0, row, select(0.0, 1.0, class_hits_first(output, columns) == class_hits_first(wanted, columns)));
}
