// The gradient of one step of a GRU for GPUs. See mod.rs for the formulas.
//
//   next        [batch, gates, units]  the gradients of the next step's products; gates is 3, or 0 for no such step
//   weight      [3 units, units]       that step's weights, a gate's rows together
//   direct      [batch, units]         what flows back from the next step past its gates
//   upstream    [batch, units]         what else is the gradient of the hidden state
//   saved       [batch, 4, units]      what the step saved
//   hidden      [batch, units]         the hidden state before the step
//   gates       [batch, 6, units]      the gradients of the inputs' products, and of the hidden state's
//   past        [batch, units]         what flows back from this step past its gates
//
// A tile has 16 rows and 16 units, and passes through workgroup memory; each invocation has one row and four units. The
// invocations of a workgroup are divided into slices, each of which computes the tile over its own quarter of each step
// of k, as in matmul/workgroup_tile.wgsl.
//
// Dispatch ceil(units / 16) * ceil(batch / 16) workgroups, in rows of 65,535.

struct GruCellGradientDims { batch: u32, units: u32, gates: u32 }

@group(0) @binding(0) var<uniform> gru_cell_gradient_dims: GruCellGradientDims;
@group(0) @binding(1) var<storage, read> gru_cell_gradient_next: array<vec4f>;
@group(0) @binding(2) var<storage, read> gru_cell_gradient_weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> gru_cell_gradient_direct: array<vec4f>;
@group(0) @binding(4) var<storage, read> gru_cell_gradient_upstream: array<vec4f>;
@group(0) @binding(5) var<storage, read> gru_cell_gradient_saved: array<vec4f>;
@group(0) @binding(6) var<storage, read> gru_cell_gradient_hidden: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> gru_cell_gradient_gates: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> gru_cell_gradient_past: array<vec4f>;

const gru_cell_gradient_tile: u32 = 16;
const gru_cell_gradient_slices: u32 = 4;
// Blocks of four units in a tile, and invocations of a slice: one for each four elements of either operand.
const gru_cell_gradient_blocks: u32 = gru_cell_gradient_tile / 4;
const gru_cell_gradient_slice_size: u32 = gru_cell_gradient_tile * gru_cell_gradient_blocks;
const gru_cell_gradient_workgroup_size: u32 = gru_cell_gradient_slice_size * gru_cell_gradient_slices;

// Element [slice][k][row], and [slice][k][block], for 16 k. After the last step the second serves the sum over the slices.
var<workgroup> gru_cell_gradient_next_tile: array<f32, 4 * gru_cell_gradient_workgroup_size>;
var<workgroup> gru_cell_gradient_weight_tile: array<vec4f, gru_cell_gradient_workgroup_size>;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want units
// in multiples of four.
fn gru_cell_gradient_load_next(row: u32, column: u32) -> vec4f {
    return gru_cell_gradient_next[(row * gru_cell_gradient_dims.units + column) / 4];
}

fn gru_cell_gradient_load_weight(row: u32, column: u32) -> vec4f {
    return gru_cell_gradient_weight[(row * gru_cell_gradient_dims.units + column) / 4];
}

fn gru_cell_gradient_load_direct(row: u32, column: u32) -> vec4f {
    return gru_cell_gradient_direct[(row * gru_cell_gradient_dims.units + column) / 4];
}

fn gru_cell_gradient_load_upstream(row: u32, column: u32) -> vec4f {
    return gru_cell_gradient_upstream[(row * gru_cell_gradient_dims.units + column) / 4];
}

fn gru_cell_gradient_load_saved(row: u32, column: u32) -> vec4f {
    return gru_cell_gradient_saved[(row * gru_cell_gradient_dims.units + column) / 4];
}

fn gru_cell_gradient_load_hidden(row: u32, column: u32) -> vec4f {
    return gru_cell_gradient_hidden[(row * gru_cell_gradient_dims.units + column) / 4];
}

// Hooks: the same to be stored, each four exactly once; those beyond the end of the row are not to be stored.
fn gru_cell_gradient_store_gates(row: u32, column: u32, value: vec4f) {
    gru_cell_gradient_gates[(row * gru_cell_gradient_dims.units + column) / 4] = value;
}

fn gru_cell_gradient_store_past(row: u32, column: u32, value: vec4f) {
    gru_cell_gradient_past[(row * gru_cell_gradient_dims.units + column) / 4] = value;
}

// Copies a slice's part of both operands, from k on, into workgroup memory.
fn gru_cell_gradient_fill_tiles(slice: u32, member: u32, row: u32, unit: u32, gate: u32, k: u32) {
    let dims = gru_cell_gradient_dims;
    let place = member / gru_cell_gradient_blocks;
    let block = member % gru_cell_gradient_blocks;
    var next = vec4f();
    if (row + place < dims.batch && k + 4 * block < dims.units) {
        next = gru_cell_gradient_load_next((row + place) * dims.gates + gate, k + 4 * block);
    }
    for (var i = 0u; i < 4; i++) {
        let at = slice * gru_cell_gradient_tile + 4 * block + i;
        gru_cell_gradient_next_tile[at * gru_cell_gradient_tile + place] = next[i];
    }
    var weight = vec4f();
    if (k + place < dims.units && unit + 4 * block < dims.units) {
        weight = gru_cell_gradient_load_weight(gate * dims.units + k + place, unit + 4 * block);
    }
    gru_cell_gradient_weight_tile[slice * gru_cell_gradient_slice_size + member] = weight;
}

// The sum of the slices' values, in the order of the slices. Every invocation must call it.
fn gru_cell_gradient_sum_slices(value: vec4f, member: u32, invocation: u32) -> vec4f {
    workgroupBarrier();
    gru_cell_gradient_weight_tile[invocation] = value;
    workgroupBarrier();
    var total = gru_cell_gradient_weight_tile[member];
    for (var slice = 1u; slice < gru_cell_gradient_slices; slice++) {
        total += gru_cell_gradient_weight_tile[slice * gru_cell_gradient_slice_size + member];
    }
    return total;
}

// The gradients of four units of a row, given the product of the next step's.
fn gru_cell_gradient_step(row: u32, unit: u32, product: vec4f) {
    let reset_gate = gru_cell_gradient_load_saved(4 * row, unit);
    let update_gate = gru_cell_gradient_load_saved(4 * row + 1, unit);
    let candidate = gru_cell_gradient_load_saved(4 * row + 2, unit);
    let third = gru_cell_gradient_load_saved(4 * row + 3, unit);
    let hidden = product + gru_cell_gradient_load_direct(row, unit) + gru_cell_gradient_load_upstream(row, unit);
    let of_candidate = hidden * (1.0 - update_gate) * (1.0 - candidate * candidate);
    let of_reset = of_candidate * third * reset_gate * (1.0 - reset_gate);
    let difference = gru_cell_gradient_load_hidden(row, unit) - candidate;
    let of_update = hidden * difference * update_gate * (1.0 - update_gate);
    gru_cell_gradient_store_gates(6 * row, unit, of_reset);
    gru_cell_gradient_store_gates(6 * row + 1, unit, of_update);
    gru_cell_gradient_store_gates(6 * row + 2, unit, of_candidate);
    gru_cell_gradient_store_gates(6 * row + 3, unit, of_reset);
    gru_cell_gradient_store_gates(6 * row + 4, unit, of_update);
    gru_cell_gradient_store_gates(6 * row + 5, unit, of_candidate * reset_gate);
    gru_cell_gradient_store_past(row, unit, hidden * update_gate);
}

@compute @workgroup_size(gru_cell_gradient_workgroup_size)
fn gru_cell_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) invocation: u32) {
    let dims = gru_cell_gradient_dims;
    let slice = invocation / gru_cell_gradient_slice_size;
    let member = invocation % gru_cell_gradient_slice_size;
    let place = member / gru_cell_gradient_blocks;
    let block = member % gru_cell_gradient_blocks;
    let number = group.x + 65535 * group.y;
    let tiles_across = (dims.units + gru_cell_gradient_tile - 1) / gru_cell_gradient_tile;
    let row = number / tiles_across * gru_cell_gradient_tile;
    let unit = number % tiles_across * gru_cell_gradient_tile;

    var sum = vec4f();
    let gates = dims.gates + group.z; // group.z is 0, but that is not known when the loop is compiled
    for (var gate = 0u; gate < gates; gate++) {
        for (var k = 0u; k < dims.units + group.z; k += gru_cell_gradient_tile * gru_cell_gradient_slices) {
            gru_cell_gradient_fill_tiles(slice, member, row, unit, gate, k + slice * gru_cell_gradient_tile);
            workgroupBarrier();
            let first = slice * gru_cell_gradient_tile;
            for (var depth = first; depth < first + gru_cell_gradient_tile; depth++) {
                let a = gru_cell_gradient_next_tile[depth * gru_cell_gradient_tile + place];
                sum += a * gru_cell_gradient_weight_tile[depth * gru_cell_gradient_blocks + block];
            }
            workgroupBarrier();
        }
    }
    let product = gru_cell_gradient_sum_slices(sum, member, invocation);
    if (slice == 0 && row + place < dims.batch && unit + 4 * block < dims.units) {
        gru_cell_gradient_step(row + place, unit + 4 * block, product);
    }
}
