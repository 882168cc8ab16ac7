// One step of an LSTM for GPUs. See mod.rs for the formulas.
//
//   input       [batch, 4, units]   the inputs' products with the biases
//   hidden      [batch, units]
//   cell        [batch, units]
//   weight      [4 units, units]    a gate's rows together
//   new_hidden  [batch, units]
//   new_cell    [batch, units]
//   saved       [batch, 5, units]   the gates and the new cell's tanh, for the gradient
//
// A tile has 16 rows, 16 units and all four gates, and passes through workgroup memory; each invocation has one row and
// four units. Steps are small and many wait for each other, so tiles are small too, and the invocations of a workgroup
// are divided into slices, each of which computes the tile over its own quarter of each step of k, as in
// matmul/workgroup_tile.wgsl.
//
// Dispatch ceil(units / 16) * ceil(batch / 16) workgroups, in rows of 65,535.

struct LstmCellDims { batch: u32, units: u32 }

@group(0) @binding(0) var<uniform> lstm_cell_dims: LstmCellDims;
@group(0) @binding(1) var<storage, read> lstm_cell_input: array<vec4f>;
@group(0) @binding(2) var<storage, read> lstm_cell_hidden: array<vec4f>;
@group(0) @binding(3) var<storage, read> lstm_cell_cell: array<vec4f>;
@group(0) @binding(4) var<storage, read> lstm_cell_weight: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> lstm_cell_new_hidden: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> lstm_cell_new_cell: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> lstm_cell_saved: array<vec4f>;

const lstm_cell_tile: u32 = 16;
const lstm_cell_depth: u32 = 8;
const lstm_cell_slices: u32 = 4;
// Blocks of four units in a tile, and invocations of a slice.
const lstm_cell_blocks: u32 = lstm_cell_tile / 4;
const lstm_cell_slice_size: u32 = lstm_cell_tile * lstm_cell_blocks;
const lstm_cell_workgroup_size: u32 = lstm_cell_slice_size * lstm_cell_slices;

// Element [slice][k][row], and [slice][k][gate][block]. After the last step the second serves the sum over the slices.
var<workgroup> lstm_cell_hidden_tile: array<f32, lstm_cell_slices * lstm_cell_depth * lstm_cell_tile>;
var<workgroup> lstm_cell_weight_tile: array<vec4f, lstm_cell_slices * lstm_cell_depth * lstm_cell_tile>;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want units
// in multiples of four.
fn lstm_cell_load_input(row: u32, column: u32) -> vec4f {
    return lstm_cell_input[(row * lstm_cell_dims.units + column) / 4];
}

fn lstm_cell_load_hidden(row: u32, column: u32) -> vec4f {
    return lstm_cell_hidden[(row * lstm_cell_dims.units + column) / 4];
}

fn lstm_cell_load_cell(row: u32, column: u32) -> vec4f {
    return lstm_cell_cell[(row * lstm_cell_dims.units + column) / 4];
}

fn lstm_cell_load_weight(row: u32, column: u32) -> vec4f {
    return lstm_cell_weight[(row * lstm_cell_dims.units + column) / 4];
}

// Hooks: the same to be stored, each four exactly once; those beyond the end of the row are not to be stored.
fn lstm_cell_store_hidden(row: u32, column: u32, value: vec4f) {
    lstm_cell_new_hidden[(row * lstm_cell_dims.units + column) / 4] = value;
}

fn lstm_cell_store_cell(row: u32, column: u32, value: vec4f) {
    lstm_cell_new_cell[(row * lstm_cell_dims.units + column) / 4] = value;
}

fn lstm_cell_store_saved(row: u32, column: u32, value: vec4f) {
    lstm_cell_saved[(row * lstm_cell_dims.units + column) / 4] = value;
}

// Clamped by select, which lets NaN through, where the result is 0 or 1 in f32.
fn lstm_cell_sigmoid(x: vec4f) -> vec4f {
    let magnitude = select(abs(x), vec4f(80.0), abs(x) > vec4f(80.0));
    let power = exp(-magnitude);
    return select(vec4f(1.0), power, x < vec4f(0.0)) / (1.0 + power);
}

fn lstm_cell_tanh(x: vec4f) -> vec4f {
    return 2.0 * lstm_cell_sigmoid(2.0 * x) - 1.0;
}

fn lstm_cell_fetch_hidden(row: u32, k: u32) -> vec4f {
    if (row >= lstm_cell_dims.batch || k >= lstm_cell_dims.units) {
        return vec4f();
    }
    return lstm_cell_load_hidden(row, k);
}

fn lstm_cell_fetch_weight(gate: u32, unit: u32, k: u32) -> vec4f {
    if (unit >= lstm_cell_dims.units || k >= lstm_cell_dims.units) {
        return vec4f();
    }
    return lstm_cell_load_weight(gate * lstm_cell_dims.units + unit, k);
}

// Copies a slice's part of the weights and the hidden state, from k on, into workgroup memory: half of its invocations
// a block of 4 x 4 weights each, the other half four elements of the hidden state.
fn lstm_cell_fill_tiles(slice: u32, member: u32, row: u32, unit: u32, k: u32) {
    let first = slice * lstm_cell_depth;
    if (member < 32) {
        let block_of_k = member % 2 * 4;
        let place = member / 2;
        let first_unit = unit + place % lstm_cell_blocks * 4;
        let gate = place / lstm_cell_blocks;
        let block = transpose(mat4x4f(
            lstm_cell_fetch_weight(gate, first_unit, k + block_of_k),
            lstm_cell_fetch_weight(gate, first_unit + 1, k + block_of_k),
            lstm_cell_fetch_weight(gate, first_unit + 2, k + block_of_k),
            lstm_cell_fetch_weight(gate, first_unit + 3, k + block_of_k),
        ));
        let at = (first + block_of_k) * lstm_cell_tile + place;
        lstm_cell_weight_tile[at] = block[0];
        lstm_cell_weight_tile[at + lstm_cell_tile] = block[1];
        lstm_cell_weight_tile[at + 2 * lstm_cell_tile] = block[2];
        lstm_cell_weight_tile[at + 3 * lstm_cell_tile] = block[3];
    } else {
        let block_of_k = member % 2 * 4;
        let place = (member - 32) / 2;
        let elements = lstm_cell_fetch_hidden(row + place, k + block_of_k);
        for (var i = 0u; i < 4; i++) {
            lstm_cell_hidden_tile[(first + block_of_k + i) * lstm_cell_tile + place] = elements[i];
        }
    }
}

// The sum of the slices' values, in the order of the slices. Every invocation must call it.
fn lstm_cell_sum_slices(value: vec4f, member: u32, invocation: u32) -> vec4f {
    workgroupBarrier();
    lstm_cell_weight_tile[invocation] = value;
    workgroupBarrier();
    var total = lstm_cell_weight_tile[member];
    for (var slice = 1u; slice < lstm_cell_slices; slice++) {
        total += lstm_cell_weight_tile[slice * lstm_cell_slice_size + member];
    }
    return total;
}

// What four units of a row become, given the products of the hidden state for each gate.
fn lstm_cell_step(row: u32, unit: u32, products: mat4x4f) {
    let input_gate = lstm_cell_sigmoid(products[0] + lstm_cell_load_input(4 * row, unit));
    let forget_gate = lstm_cell_sigmoid(products[1] + lstm_cell_load_input(4 * row + 1, unit));
    let candidate = lstm_cell_tanh(products[2] + lstm_cell_load_input(4 * row + 2, unit));
    let output_gate = lstm_cell_sigmoid(products[3] + lstm_cell_load_input(4 * row + 3, unit));
    let cell = forget_gate * lstm_cell_load_cell(row, unit) + input_gate * candidate;
    let squashed = lstm_cell_tanh(cell);
    lstm_cell_store_hidden(row, unit, output_gate * squashed);
    lstm_cell_store_cell(row, unit, cell);
    lstm_cell_store_saved(5 * row, unit, input_gate);
    lstm_cell_store_saved(5 * row + 1, unit, forget_gate);
    lstm_cell_store_saved(5 * row + 2, unit, candidate);
    lstm_cell_store_saved(5 * row + 3, unit, output_gate);
    lstm_cell_store_saved(5 * row + 4, unit, squashed);
}

@compute @workgroup_size(lstm_cell_workgroup_size)
fn lstm_cell(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) invocation: u32) {
    let slice = invocation / lstm_cell_slice_size;
    let member = invocation % lstm_cell_slice_size;
    let place = member / lstm_cell_blocks;
    let block = member % lstm_cell_blocks;
    let number = group.x + 65535 * group.y;
    let tiles_across = (lstm_cell_dims.units + lstm_cell_tile - 1) / lstm_cell_tile;
    let row = number / tiles_across * lstm_cell_tile;
    let unit = number % tiles_across * lstm_cell_tile;

    var sum: mat4x4f;
    let k_end = lstm_cell_dims.units + group.z; // group.z is 0, but that is not known when the loop is compiled
    for (var k = 0u; k < k_end; k += lstm_cell_depth * lstm_cell_slices) {
        lstm_cell_fill_tiles(slice, member, row, unit, k + slice * lstm_cell_depth);
        workgroupBarrier();
        let first = slice * lstm_cell_depth;
        for (var depth = first; depth < first + lstm_cell_depth; depth++) {
            let a = lstm_cell_hidden_tile[depth * lstm_cell_tile + place];
            let at = depth * lstm_cell_tile + block;
            sum += a * mat4x4f(
                lstm_cell_weight_tile[at],
                lstm_cell_weight_tile[at + lstm_cell_blocks],
                lstm_cell_weight_tile[at + 2 * lstm_cell_blocks],
                lstm_cell_weight_tile[at + 3 * lstm_cell_blocks],
            );
        }
        workgroupBarrier();
    }
    let products = mat4x4f(
        lstm_cell_sum_slices(sum[0], member, invocation),
        lstm_cell_sum_slices(sum[1], member, invocation),
        lstm_cell_sum_slices(sum[2], member, invocation),
        lstm_cell_sum_slices(sum[3], member, invocation),
    );
    if (slice == 0 && row + place < lstm_cell_dims.batch && unit + 4 * block < lstm_cell_dims.units) {
        lstm_cell_step(row + place, unit + 4 * block, products);
    }
}
