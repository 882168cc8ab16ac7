// The gradient of the mean over windows of images: each pixel sums, over the windows that show it, the upstream
// gradient divided by the window's places.
//
//   gradient[n, y, x, c] = sum over windows (i, j) that show the pixel of upstream[n, i, j, c] / its places
//
// The windows are those of the mean itself. Where they are even, pixel y is in window floor(y oh / h), and in those up
// to the last that begins before pixel y + 1.
//
// Each invocation makes four channels of one pixel. Dispatch workgroups for pixels * ceil(channels / 4) invocations, in
// rows of 65,535.

// Pixels of all inputs.
struct avg_pool2d_extents { pixels: u32 }

@group(0) @binding(0) var<uniform> avg_pool2d_dims: avg_pool2d_extents;
@group(0) @binding(1) var<storage, read> avg_pool2d_upstream: array<vec4f>;
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

// Hook: four channels of a window's upstream gradient.
fn avg_pool2d_load_upstream(row: u32, column: u32) -> vec4f {
    return avg_pool2d_upstream[row * avg_pool2d_blocks + column / 4];
}

// Hook: four channels of a pixel's gradient.
fn avg_pool2d_store(row: u32, column: u32, value: vec4f) {
    avg_pool2d_output[row * avg_pool2d_blocks + column / 4] = value;
}

// The first window that shows a pixel, and the one behind the last.
fn avg_pool2d_windows(pixel: u32, pixels: u32, windows: u32, kernel: u32, stride: u32, padding: u32) -> vec2u {
    if (avg_pool2d_even) {
        return vec2u(pixel * windows / pixels, ((pixel + 1) * windows + pixels - 1) / pixels);
    }
    let place = pixel + padding;
    let first = (max(place + stride, kernel) - kernel) / stride;
    return vec2u(first, min(place / stride + 1, windows));
}

// The pixels of a window where windows are even.
fn avg_pool2d_size(window: u32, pixels: u32, windows: u32) -> u32 {
    return ((window + 1) * pixels + windows - 1) / windows - window * pixels / windows;
}

@compute @workgroup_size(avg_pool2d_workgroup_size)
fn avg_pool2d_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let block = (group.x + 65535 * group.y) * avg_pool2d_workgroup_size + local;
    let row = block / avg_pool2d_blocks;
    let column = 4 * (block % avg_pool2d_blocks);
    if (row >= avg_pool2d_dims.pixels) {
        return;
    }
    let image = row / (avg_pool2d_pixels_y * avg_pool2d_pixels_x);
    let y = row / avg_pool2d_pixels_x % avg_pool2d_pixels_y;
    let x = row % avg_pool2d_pixels_x;
    let ys = avg_pool2d_windows(
        y, avg_pool2d_pixels_y, avg_pool2d_windows_y, avg_pool2d_kernel_y, avg_pool2d_stride_y, avg_pool2d_padding_y,
    );
    let xs = avg_pool2d_windows(
        x, avg_pool2d_pixels_x, avg_pool2d_windows_x, avg_pool2d_kernel_x, avg_pool2d_stride_x, avg_pool2d_padding_x,
    );
    var sum: vec4f;
    for (var i = ys[0]; i < ys[1]; i++) {
        for (var j = xs[0]; j < xs[1]; j++) {
            let even = avg_pool2d_size(i, avg_pool2d_pixels_y, avg_pool2d_windows_y)
                * avg_pool2d_size(j, avg_pool2d_pixels_x, avg_pool2d_windows_x);
            let places = select(avg_pool2d_kernel_y * avg_pool2d_kernel_x, even, avg_pool2d_even);
            let window = (image * avg_pool2d_windows_y + i) * avg_pool2d_windows_x + j;
            sum += avg_pool2d_load_upstream(window, column) / f32(places);
        }
    }
    avg_pool2d_store(row, column, sum);
}
