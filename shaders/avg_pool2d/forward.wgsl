// Mean over windows of images, channels last, each channel by itself:
//
//   output[n, i, j, c] = sum over pixels (y, x) in window (i, j) of input[n, y, x, c] / its places
//
// Windows slide with a kernel, a stride and a padding, whose places count as zeros; or, where avg_pool2d_even, they
// cover the image as evenly as whole pixels allow: window i has the pixels from floor(i h / oh) up to ceil((i + 1) h / oh).
//
// Each invocation makes four channels of one output pixel. Extents are constants, since a division by a constant is a
// multiplication. Dispatch workgroups for pixels * ceil(channels / 4) invocations, in rows of 65,535.

// Pixels of all outputs.
struct avg_pool2d_extents { pixels: u32 }

@group(0) @binding(0) var<uniform> avg_pool2d_dims: avg_pool2d_extents;
@group(0) @binding(1) var<storage, read> avg_pool2d_input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> avg_pool2d_output: array<vec4f>;

// Groups of four channels.
const avg_pool2d_blocks: u32 = 1;
const avg_pool2d_even: bool = false;
const avg_pool2d_pixels_y: u32 = 2;
const avg_pool2d_pixels_x: u32 = 2;
const avg_pool2d_windows_y: u32 = 1;
const avg_pool2d_windows_x: u32 = 1;
const avg_pool2d_kernel_y: u32 = 2;
const avg_pool2d_kernel_x: u32 = 2;
const avg_pool2d_stride_y: u32 = 2;
const avg_pool2d_stride_x: u32 = 2;
const avg_pool2d_padding_y: u32 = 0;
const avg_pool2d_padding_x: u32 = 0;
const avg_pool2d_workgroup_size: u32 = 64;

// Hook: four channels of a pixel.
fn avg_pool2d_load(row: u32, column: u32) -> vec4f {
    return avg_pool2d_input[row * avg_pool2d_blocks + column / 4];
}

// Hook: four means.
fn avg_pool2d_store(row: u32, column: u32, value: vec4f) {
    avg_pool2d_output[row * avg_pool2d_blocks + column / 4] = value;
}

// The first pixel of a window, and the one behind its last.
fn avg_pool2d_pixels(window: u32, pixels: u32, windows: u32, kernel: u32, stride: u32, padding: u32) -> vec2u {
    if (avg_pool2d_even) {
        return vec2u(window * pixels / windows, ((window + 1) * pixels + windows - 1) / windows);
    }
    let ends = vec2u(window * stride, window * stride + kernel);
    return min(max(ends, vec2u(padding)) - padding, vec2u(pixels));
}

@compute @workgroup_size(avg_pool2d_workgroup_size)
fn avg_pool2d(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let block = (group.x + 65535 * group.y) * avg_pool2d_workgroup_size + local;
    let row = block / avg_pool2d_blocks;
    let column = 4 * (block % avg_pool2d_blocks);
    if (row >= avg_pool2d_dims.pixels) {
        return;
    }
    let image = row / (avg_pool2d_windows_y * avg_pool2d_windows_x);
    let window_y = row / avg_pool2d_windows_x % avg_pool2d_windows_y;
    let window_x = row % avg_pool2d_windows_x;
    let ys = avg_pool2d_pixels(
        window_y, avg_pool2d_pixels_y, avg_pool2d_windows_y, avg_pool2d_kernel_y, avg_pool2d_stride_y, avg_pool2d_padding_y,
    );
    let xs = avg_pool2d_pixels(
        window_x, avg_pool2d_pixels_x, avg_pool2d_windows_x, avg_pool2d_kernel_x, avg_pool2d_stride_x, avg_pool2d_padding_x,
    );
    var sum: vec4f;
    for (var y = ys[0]; y < ys[1]; y++) {
        for (var x = xs[0]; x < xs[1]; x++) {
            sum += avg_pool2d_load((image * avg_pool2d_pixels_y + y) * avg_pool2d_pixels_x + x, column);
        }
    }
    let even = (ys[1] - ys[0]) * (xs[1] - xs[0]);
    let places = select(avg_pool2d_kernel_y * avg_pool2d_kernel_x, even, avg_pool2d_even);
    avg_pool2d_store(row, column, sum / f32(places));
}
