// Maximum over windows of images, channels last, each channel by itself:
//
//   output[n, i, j, c] = max over (ki, kj) of input[n, i s - p + ki, j s - p + kj, c]
//   taps[n, i, j, c]   = the first ki * kernel_x + kj where that is
//
// Places outside the image do not count. A NaN in a window is its maximum.
//
// Each invocation makes four channels of one output pixel. Extents are constants, since a division by a constant is a
// multiplication. Dispatch workgroups for pixels * ceil(channels / 4) invocations, in rows of 65,535.

// Pixels of all outputs.
struct max_pool2d_extents { pixels: u32 }

@group(0) @binding(0) var<uniform> max_pool2d_dims: max_pool2d_extents;
@group(0) @binding(1) var<storage, read> max_pool2d_input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> max_pool2d_output: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> max_pool2d_taps: array<vec4u>;

// Groups of four channels.
const max_pool2d_blocks: u32 = 1;
const max_pool2d_pixels_y: u32 = 2;
const max_pool2d_pixels_x: u32 = 2;
const max_pool2d_windows_y: u32 = 1;
const max_pool2d_windows_x: u32 = 1;
const max_pool2d_kernel_y: u32 = 2;
const max_pool2d_kernel_x: u32 = 2;
const max_pool2d_stride_y: u32 = 2;
const max_pool2d_stride_x: u32 = 2;
const max_pool2d_padding_y: u32 = 0;
const max_pool2d_padding_x: u32 = 0;
const max_pool2d_workgroup_size: u32 = 64;

// Hook: four channels of a pixel.
fn max_pool2d_load(row: u32, column: u32) -> vec4f {
    return max_pool2d_input[row * max_pool2d_blocks + column / 4];
}

// Hook: four maxima.
fn max_pool2d_store(row: u32, column: u32, value: vec4f) {
    max_pool2d_output[row * max_pool2d_blocks + column / 4] = value;
}

// Hook: where they are.
fn max_pool2d_store_taps(row: u32, column: u32, value: vec4u) {
    max_pool2d_taps[row * max_pool2d_blocks + column / 4] = value;
}

// By the bits, since compilers may take it that no number is a NaN.
fn max_pool2d_is_nan(x: vec4f) -> vec4<bool> {
    return (bitcast<vec4u>(x) & vec4u(0x7fffffff)) > vec4u(0x7f800000);
}

@compute @workgroup_size(max_pool2d_workgroup_size)
fn max_pool2d(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let block = (group.x + 65535 * group.y) * max_pool2d_workgroup_size + local;
    let row = block / max_pool2d_blocks;
    let column = 4 * (block % max_pool2d_blocks);
    if (row >= max_pool2d_dims.pixels) {
        return;
    }
    let image = row / (max_pool2d_windows_y * max_pool2d_windows_x);
    // The places of the first tap, which are beyond all pixels where they are before the first.
    let top = row / max_pool2d_windows_x % max_pool2d_windows_y * max_pool2d_stride_y - max_pool2d_padding_y;
    let left = row % max_pool2d_windows_x * max_pool2d_stride_x - max_pool2d_padding_x;
    var largest: vec4f;
    var taps: vec4u;
    var is_first = true;
    for (var i = 0u; i < max_pool2d_kernel_y; i++) {
        for (var j = 0u; j < max_pool2d_kernel_x; j++) {
            let y = top + i;
            let x = left + j;
            if (y < max_pool2d_pixels_y && x < max_pool2d_pixels_x) {
                let value = max_pool2d_load((image * max_pool2d_pixels_y + y) * max_pool2d_pixels_x + x, column);
                let is_larger = vec4<bool>(is_first) | (value > largest) | max_pool2d_is_nan(value);
                largest = select(largest, value, is_larger);
                taps = select(taps, vec4u(i * max_pool2d_kernel_x + j), is_larger);
                is_first = false;
            }
        }
    }
    max_pool2d_store(row, column, largest);
    max_pool2d_store_taps(row, column, taps);
}
