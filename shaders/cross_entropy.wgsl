// Softmax cross-entropy of each row of logits x with its label t, its gradient, and whether the label has the largest
// logit:
//
//     loss = log(sum over j of exp(x[j] - max x)) - (x[t] - max x)
//     gradient[j] = exp(x[j] - max x) / (sum over i of exp(x[i] - max x)) - (1 if j == t else 0)
//     hit = 1 if t is the first j where x[j] is max x, else 0
//
// One invocation handles a row and reads it three times: for its maximum, for the sum, and for the gradient. A logit
// that is NaN or positive infinity makes the loss non-finite on every driver.

struct cross_entropy_extents { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> cross_entropy_dims: cross_entropy_extents;
@group(0) @binding(1) var<storage, read> cross_entropy_logits: array<f32>;
@group(0) @binding(2) var<storage, read> cross_entropy_labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> cross_entropy_losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> cross_entropy_logits_gradient: array<f32>;
@group(0) @binding(5) var<storage, read_write> cross_entropy_hits: array<f32>;

const cross_entropy_workgroup_size: u32 = 64;

// The largest logit, the first place where it stands, and zero unless a logit is NaN or positive infinity.
struct cross_entropy_maximum { value: f32, index: u32, broken: f32 }

// Four logits of one row; zeros beyond its end.
fn cross_entropy_load_logits(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < cross_entropy_dims.columns; lane++) {
        block[lane] = cross_entropy_logits[row * cross_entropy_dims.columns + column + lane];
    }
    return block;
}

// The labels are a matrix of one row.
fn cross_entropy_load_label(row: u32, column: u32) -> u32 {
    return cross_entropy_labels[row + column];
}

fn cross_entropy_store_loss(row: u32, column: u32, value: f32) {
    cross_entropy_losses[row + column] = value;
}

// Four elements of one row, of which those beyond its end are not written.
fn cross_entropy_store_logits_gradient(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < cross_entropy_dims.columns; lane++) {
        cross_entropy_logits_gradient[row * cross_entropy_dims.columns + column + lane] = value[lane];
    }
}

fn cross_entropy_store_hit(row: u32, column: u32, value: f32) {
    cross_entropy_hits[row + column] = value;
}

// Each lane keeps the first largest of its columns; then the lanes are compared. Lanes beyond the row's end see its
// first logit, which changes nothing.
fn cross_entropy_find_maximum(row: u32, columns: u32) -> cross_entropy_maximum {
    let first = vec4f(cross_entropy_load_logits(row, 0).x);
    var value = first;
    var index = vec4u(0);
    var broken = vec4f();
    for (var column = 0u; column < columns; column += 4) {
        let indices = column + vec4u(0, 1, 2, 3);
        let logits = select(first, cross_entropy_load_logits(row, column), indices < vec4u(columns));
        let larger = logits > value;
        value = select(value, logits, larger);
        index = select(index, indices, larger);
        // max and comparisons may hide a NaN: its bits cannot.
        let bits = bitcast<vec4u>(logits);
        let is_broken = ((bits & vec4u(0x7f800000)) == vec4u(0x7f800000)) & (bits != vec4u(0xff800000));
        broken = select(broken, logits, is_broken);
    }
    let largest = max(max(value.x, value.y), max(value.z, value.w));
    let candidates = select(vec4u(columns), index, value == vec4f(largest));
    return cross_entropy_maximum(
        largest,
        min(min(candidates.x, candidates.y), min(candidates.z, candidates.w)),
        (broken.x + broken.y) + (broken.z + broken.w),
    );
}

// exp of logits less their maximum. Below -87 the result would be no normal number, and drivers differ.
fn cross_entropy_exponentials(shifted: vec4f) -> vec4f {
    return exp(max(shifted, vec4f(-87)));
}

@compute @workgroup_size(cross_entropy_workgroup_size)
fn cross_entropy(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) invocation: vec3u) {
    let row = (group.x + 65535 * group.y) * cross_entropy_workgroup_size + invocation.x;
    if (row >= cross_entropy_dims.rows) {
        return;
    }
    // The z is 0. Without it Mesa's software driver takes the uniform as a constant, unrolls the loops and compiles
    // the kernel again for each submission.
    let columns = cross_entropy_dims.columns + invocation.z;
    let label = cross_entropy_load_label(0, row);
    let maximum = cross_entropy_find_maximum(row, columns);

    var sums = vec4f();
    var labelled = vec4f();
    for (var column = 0u; column < columns; column += 4) {
        let indices = column + vec4u(0, 1, 2, 3);
        let shifted = cross_entropy_load_logits(row, column) - maximum.value;
        sums += select(vec4f(), cross_entropy_exponentials(shifted), indices < vec4u(columns));
        labelled = select(labelled, shifted, indices == vec4u(label));
    }
    let sum = (sums.x + sums.y) + (sums.z + sums.w);
    let label_logit = (labelled.x + labelled.y) + (labelled.z + labelled.w);
    cross_entropy_store_loss(0, row, log(sum) - label_logit + maximum.broken);
    cross_entropy_store_hit(0, row, select(0.0, 1.0, maximum.index == label));

    for (var column = 0u; column < columns; column += 4) {
        let indices = column + vec4u(0, 1, 2, 3);
        let shifted = cross_entropy_load_logits(row, column) - maximum.value;
        let one_hot = select(vec4f(), vec4f(1), indices == vec4u(label));
        cross_entropy_store_logits_gradient(row, column, cross_entropy_exponentials(shifted) / sum - one_hot);
    }
}
