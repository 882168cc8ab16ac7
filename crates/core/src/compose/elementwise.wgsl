// Calls a hook for each block of four consecutive columns of each row of a shape.
//
// Eight invocations side by side walk a run of blocks together, so that a grid within the adapter's limits covers any
// shape, what is the same for all elements is prepared once for several of them, and memory is read and written in
// order: a processor that runs eight at a time then fetches it ahead.

struct ElementwiseDims {
    rows: u32,
    // Blocks of four in a row; the last may reach beyond its end.
    blocks: u32,
    // Blocks of a run; the last may be shorter.
    run: u32,
}

@group(0) @binding(0) var<uniform> elementwise_dims: ElementwiseDims;

// Hook: what does not depend on the element.
fn elementwise_prepare() {}

// Hook: four elements of a row, from `column`.
fn elementwise_block(row: u32, column: u32) {}

@compute @workgroup_size(64)
fn elementwise(@builtin(global_invocation_id) id: vec3u) {
    elementwise_prepare();
    let begin = id.x / 8u * elementwise_dims.run;
    let end = min(begin + elementwise_dims.run, elementwise_dims.rows * elementwise_dims.blocks);
    for (var block = begin + id.x % 8u; block < end; block += 8u) {
        let row = block / elementwise_dims.blocks;
        elementwise_block(row, (block - row * elementwise_dims.blocks) * 4u);
    }
}
