// Calls a hook for each block of four consecutive columns of each row of a shape.
//
// Invocations walk the blocks with a stride of their number, so that a grid within the adapter's limits covers any
// shape, and what is the same for all elements is prepared once for several of them.

struct ElementwiseDims {
    rows: u32,
    // Blocks of four in a row; the last may reach beyond its end.
    blocks: u32,
    // The number of invocations.
    stride: u32,
}

@group(0) @binding(0) var<uniform> elementwise_dims: ElementwiseDims;

// Hook: what does not depend on the element.
fn elementwise_prepare() {}

// Hook: four elements of a row, from `column`.
fn elementwise_block(row: u32, column: u32) {}

@compute @workgroup_size(64)
fn elementwise(@builtin(global_invocation_id) id: vec3u) {
    elementwise_prepare();
    let blocks = elementwise_dims.rows * elementwise_dims.blocks;
    for (var block = id.x; block < blocks; block += elementwise_dims.stride) {
        let row = block / elementwise_dims.blocks;
        elementwise_block(row, (block - row * elementwise_dims.blocks) * 4u);
    }
}
