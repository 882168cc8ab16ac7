// The gradient of the maximum over windows of images: each pixel sums the upstream gradients of the windows that have
// their maximum there.
//
//   gradient[n, y, x, c] = sum over windows (i, j) that show the pixel of
//                          upstream[n, i, j, c] if taps[n, i, j, c] is the pixel's place in the window, else 0
//
// Each invocation makes four channels of one pixel. It looks at the last window that begins at or before the pixel, and
// at as many before it as may reach that far, so that the number of rounds is a constant. Dispatch workgroups for
// pixels * ceil(channels / 4) invocations, in rows of 65,535.

// Pixels of all inputs.
struct max_pool2d_extents { pixels: u32 }

@group(0) @binding(0) var<uniform> max_pool2d_dims: max_pool2d_extents;
@group(0) @binding(1) var<storage, read> max_pool2d_upstream: array<vec4f>;
@group(0) @binding(2) var<storage, read> max_pool2d_taps: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> max_pool2d_output: array<vec4f>;

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

// Windows along an axis that a pixel may be in.
const max_pool2d_reach_y: u32 = (max_pool2d_kernel_y + max_pool2d_stride_y - 1) / max_pool2d_stride_y;
const max_pool2d_reach_x: u32 = (max_pool2d_kernel_x + max_pool2d_stride_x - 1) / max_pool2d_stride_x;

// Hook: four channels of a window's upstream gradient.
fn max_pool2d_load_upstream(row: u32, column: u32) -> vec4f {
    return max_pool2d_upstream[row * max_pool2d_blocks + column / 4];
}

// Hook: where in the window its maxima are.
fn max_pool2d_load_taps(row: u32, column: u32) -> vec4u {
    return max_pool2d_taps[row * max_pool2d_blocks + column / 4];
}

// Hook: four channels of a pixel's gradient.
fn max_pool2d_store(row: u32, column: u32, value: vec4f) {
    max_pool2d_output[row * max_pool2d_blocks + column / 4] = value;
}

@compute @workgroup_size(max_pool2d_workgroup_size)
fn max_pool2d_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let block = (group.x + 65535 * group.y) * max_pool2d_workgroup_size + local;
    let row = block / max_pool2d_blocks;
    let column = 4 * (block % max_pool2d_blocks);
    if (row >= max_pool2d_dims.pixels) {
        return;
    }
    let image = row / (max_pool2d_pixels_y * max_pool2d_pixels_x);
    let y = row / max_pool2d_pixels_x % max_pool2d_pixels_y + max_pool2d_padding_y;
    let x = row % max_pool2d_pixels_x + max_pool2d_padding_x;
    var sum: vec4f;
    for (var i = 0u; i < max_pool2d_reach_y; i++) {
        for (var j = 0u; j < max_pool2d_reach_x; j++) {
            // Beyond all windows where it is before the first.
            let window_y = y / max_pool2d_stride_y - i;
            let window_x = x / max_pool2d_stride_x - j;
            let tap_y = y - window_y * max_pool2d_stride_y;
            let tap_x = x - window_x * max_pool2d_stride_x;
            let is_window = window_y < max_pool2d_windows_y && window_x < max_pool2d_windows_x;
            if (is_window && tap_y < max_pool2d_kernel_y && tap_x < max_pool2d_kernel_x) {
                let window = (image * max_pool2d_windows_y + window_y) * max_pool2d_windows_x + window_x;
                let is_here = max_pool2d_load_taps(window, column) == vec4u(tap_y * max_pool2d_kernel_x + tap_x);
                sum += select(vec4f(), max_pool2d_load_upstream(window, column), is_here);
            }
        }
    }
    max_pool2d_store(row, column, sum);
}
