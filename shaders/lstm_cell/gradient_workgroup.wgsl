// The gradient of one step of an LSTM for GPUs. See mod.rs for the formulas.
//
//   next           [batch, gates, units]  the gates' gradients of the step behind this one; gates is 4, or 0 for none
//   weight         [4 units, units]       that step's weights, a gate's rows together
//   upstream       [batch, units]         what else is the gradient of the hidden state
//   cell_upstream  [batch, units]         the gradient of the new cell
//   saved          [batch, 5, units]      what the step saved
//   cell           [batch, units]         the cell before the step
//   gates          [batch, 4, units]      the gates' gradients before their nonlinearities
//   cell_gradient  [batch, units]         the gradient of the cell before the step
//
// A tile has 16 rows and 16 units, and passes through workgroup memory; each invocation has one row and four units. The
// invocations of a workgroup are divided into slices, each of which computes the tile over its own quarter of each step
// of k, as in matmul/workgroup_tile.wgsl.
//
// Dispatch ceil(units / 16) * ceil(batch / 16) workgroups, in rows of 65,535.

struct LstmCellGradientDims { batch: u32, units: u32, gates: u32 }

@group(0) @binding(0) var<uniform> lstm_cell_gradient_dims: LstmCellGradientDims;
@group(0) @binding(1) var<storage, read> lstm_cell_gradient_next: array<vec4f>;
@group(0) @binding(2) var<storage, read> lstm_cell_gradient_weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> lstm_cell_gradient_upstream: array<vec4f>;
@group(0) @binding(4) var<storage, read> lstm_cell_gradient_cell_upstream: array<vec4f>;
@group(0) @binding(5) var<storage, read> lstm_cell_gradient_saved: array<vec4f>;
@group(0) @binding(6) var<storage, read> lstm_cell_gradient_cell: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> lstm_cell_gradient_gates: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> lstm_cell_gradient_cell_gradient: array<vec4f>;

const lstm_cell_gradient_tile: u32 = 16;
const lstm_cell_gradient_slices: u32 = 4;
// Blocks of four units in a tile, and invocations of a slice: one for each four elements of either operand.
const lstm_cell_gradient_blocks: u32 = lstm_cell_gradient_tile / 4;
const lstm_cell_gradient_slice_size: u32 = lstm_cell_gradient_tile * lstm_cell_gradient_blocks;
const lstm_cell_gradient_workgroup_size: u32 = lstm_cell_gradient_slice_size * lstm_cell_gradient_slices;

// Element [slice][k][row], and [slice][k][block], for 16 k. After the last step the second serves the sum over the slices.
var<workgroup> lstm_cell_gradient_next_tile: array<f32, 4 * lstm_cell_gradient_workgroup_size>;
var<workgroup> lstm_cell_gradient_weight_tile: array<vec4f, lstm_cell_gradient_workgroup_size>;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want units
// in multiples of four.
fn lstm_cell_gradient_load_next(row: u32, column: u32) -> vec4f {
    return lstm_cell_gradient_next[(row * lstm_cell_gradient_dims.units + column) / 4];
}

fn lstm_cell_gradient_load_weight(row: u32, column: u32) -> vec4f {
    return lstm_cell_gradient_weight[(row * lstm_cell_gradient_dims.units + column) / 4];
}

fn lstm_cell_gradient_load_upstream(row: u32, column: u32) -> vec4f {
    return lstm_cell_gradient_upstream[(row * lstm_cell_gradient_dims.units + column) / 4];
}

fn lstm_cell_gradient_load_cell_upstream(row: u32, column: u32) -> vec4f {
    return lstm_cell_gradient_cell_upstream[(row * lstm_cell_gradient_dims.units + column) / 4];
}

fn lstm_cell_gradient_load_saved(row: u32, column: u32) -> vec4f {
    return lstm_cell_gradient_saved[(row * lstm_cell_gradient_dims.units + column) / 4];
}

fn lstm_cell_gradient_load_cell(row: u32, column: u32) -> vec4f {
    return lstm_cell_gradient_cell[(row * lstm_cell_gradient_dims.units + column) / 4];
}

// Hooks: the same to be stored, each four exactly once; those beyond the end of the row are not to be stored.
fn lstm_cell_gradient_store_gates(row: u32, column: u32, value: vec4f) {
    lstm_cell_gradient_gates[(row * lstm_cell_gradient_dims.units + column) / 4] = value;
}

fn lstm_cell_gradient_store_cell_gradient(row: u32, column: u32, value: vec4f) {
    lstm_cell_gradient_cell_gradient[(row * lstm_cell_gradient_dims.units + column) / 4] = value;
}

// Copies a slice's part of both operands, from k on, into workgroup memory.
fn lstm_cell_gradient_fill_tiles(slice: u32, member: u32, row: u32, unit: u32, gate: u32, k: u32) {
    let dims = lstm_cell_gradient_dims;
    let place = member / lstm_cell_gradient_blocks;
    let block = member % lstm_cell_gradient_blocks;
    var next = vec4f();
    if (row + place < dims.batch && k + 4 * block < dims.units) {
        next = lstm_cell_gradient_load_next((row + place) * dims.gates + gate, k + 4 * block);
    }
    for (var i = 0u; i < 4; i++) {
        let at = slice * lstm_cell_gradient_tile + 4 * block + i;
        lstm_cell_gradient_next_tile[at * lstm_cell_gradient_tile + place] = next[i];
    }
    var weight = vec4f();
    if (k + place < dims.units && unit + 4 * block < dims.units) {
        weight = lstm_cell_gradient_load_weight(gate * dims.units + k + place, unit + 4 * block);
    }
    lstm_cell_gradient_weight_tile[slice * lstm_cell_gradient_slice_size + member] = weight;
}

// The sum of the slices' values, in the order of the slices. Every invocation must call it.
fn lstm_cell_gradient_sum_slices(value: vec4f, member: u32, invocation: u32) -> vec4f {
    workgroupBarrier();
    lstm_cell_gradient_weight_tile[invocation] = value;
    workgroupBarrier();
    var total = lstm_cell_gradient_weight_tile[member];
    for (var slice = 1u; slice < lstm_cell_gradient_slices; slice++) {
        total += lstm_cell_gradient_weight_tile[slice * lstm_cell_gradient_slice_size + member];
    }
    return total;
}

// The gradients of four units of a row, given the product of the next step's.
fn lstm_cell_gradient_step(row: u32, unit: u32, product: vec4f) {
    let input_gate = lstm_cell_gradient_load_saved(5 * row, unit);
    let forget_gate = lstm_cell_gradient_load_saved(5 * row + 1, unit);
    let candidate = lstm_cell_gradient_load_saved(5 * row + 2, unit);
    let output_gate = lstm_cell_gradient_load_saved(5 * row + 3, unit);
    let squashed = lstm_cell_gradient_load_saved(5 * row + 4, unit);
    let hidden = product + lstm_cell_gradient_load_upstream(row, unit);
    let cell = lstm_cell_gradient_load_cell_upstream(row, unit) + hidden * output_gate * (1.0 - squashed * squashed);
    let of_input = cell * candidate * input_gate * (1.0 - input_gate);
    let of_forget = cell * lstm_cell_gradient_load_cell(row, unit) * forget_gate * (1.0 - forget_gate);
    let of_candidate = cell * input_gate * (1.0 - candidate * candidate);
    let of_output = hidden * squashed * output_gate * (1.0 - output_gate);
    lstm_cell_gradient_store_gates(4 * row, unit, of_input);
    lstm_cell_gradient_store_gates(4 * row + 1, unit, of_forget);
    lstm_cell_gradient_store_gates(4 * row + 2, unit, of_candidate);
    lstm_cell_gradient_store_gates(4 * row + 3, unit, of_output);
    lstm_cell_gradient_store_cell_gradient(row, unit, cell * forget_gate);
}

@compute @workgroup_size(lstm_cell_gradient_workgroup_size)
fn lstm_cell_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) invocation: u32) {
    let dims = lstm_cell_gradient_dims;
    let slice = invocation / lstm_cell_gradient_slice_size;
    let member = invocation % lstm_cell_gradient_slice_size;
    let place = member / lstm_cell_gradient_blocks;
    let block = member % lstm_cell_gradient_blocks;
    let number = group.x + 65535 * group.y;
    let tiles_across = (dims.units + lstm_cell_gradient_tile - 1) / lstm_cell_gradient_tile;
    let row = number / tiles_across * lstm_cell_gradient_tile;
    let unit = number % tiles_across * lstm_cell_gradient_tile;

    var sum = vec4f();
    let gates = dims.gates + group.z; // group.z is 0, but that is not known when the loop is compiled
    for (var gate = 0u; gate < gates; gate++) {
        for (var k = 0u; k < dims.units + group.z; k += lstm_cell_gradient_tile * lstm_cell_gradient_slices) {
            lstm_cell_gradient_fill_tiles(slice, member, row, unit, gate, k + slice * lstm_cell_gradient_tile);
            workgroupBarrier();
            let first = slice * lstm_cell_gradient_tile;
            for (var depth = first; depth < first + lstm_cell_gradient_tile; depth++) {
                let a = lstm_cell_gradient_next_tile[depth * lstm_cell_gradient_tile + place];
                sum += a * lstm_cell_gradient_weight_tile[depth * lstm_cell_gradient_blocks + block];
            }
            workgroupBarrier();
        }
    }
    let product = lstm_cell_gradient_sum_slices(sum, member, invocation);
    if (slice == 0 && row + place < dims.batch && unit + 4 * block < dims.units) {
        lstm_cell_gradient_step(row + place, unit + 4 * block, product);
    }
}
