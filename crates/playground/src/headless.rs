//! The same window without a window: frames of a fixed size and time, drawn into a texture.

mod picture;

use std::fmt;
use std::fs::File;
use std::io::BufWriter;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use eframe::egui::{self, Context, RawInput, Rect};
use eframe::egui_wgpu::{Renderer, RendererOptions, ScreenDescriptor};
use web_time::Instant;
use wgrad::{Engine, wgpu};

use crate::app::{App, Pace, locked};
use crate::arguments::Arguments;
use crate::curve::Sample;

pub use picture::Image;

/// What the target's texels are: as a window's, whose colours egui blends as they are encoded.
const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
/// The time from a frame to the next, in seconds.
const FRAME_TIME: f64 = 1.0 / 60.0;

/// A screen that nobody sees.
struct Screen {
    device: wgpu::Device,
    queue: wgpu::Queue,
    renderer: Renderer,
    context: Context,
    target: wgpu::Texture,
    frames: u32,
}

/// Frames that were drawn while another network was being made.
struct Meanwhile {
    frames: Vec<Duration>,
    making: Duration,
}

/// Draws frames, prints the loss and the accuracy after the last, and writes a picture of it. Then it draws on while another
/// network is made, and prints how long those frames took.
///
/// # Errors
/// Where there is no adapter, the network cannot be made or its loss becomes NaN, or the picture cannot be written.
pub fn run(arguments: &Arguments, frames: u32) -> Result<()> {
    // Whether it can be written is known before anything is computed.
    let file = match &arguments.screenshot {
        Some(path) => Some((path, File::create(path).with_context(|| format!("cannot write {}", path.display()))?)),
        None => None,
    };
    let adapter = adapter()?;
    println!("{}", adapter.get_info().name);
    let mut screen = Screen::new(&adapter, arguments.size)?;
    let pace = Pace::Steps(arguments.steps);
    let mut app = App::new(&screen.device, &screen.queue, FORMAT, arguments.settings(), pace)?;
    let began = Instant::now();
    app.wait()?;
    println!("network made in {:.2} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    for _ in 0..frames {
        screen.draw(&mut app)?;
    }
    let took = began.elapsed();
    let sample = last_sample(&mut app)?;
    report(&app, sample, frames, took);
    if let Some((path, file)) = file {
        let image = screen.image()?;
        image.write(BufWriter::new(file)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("{}", meanwhile(&mut screen, &mut app)?);
    Ok(())
}

/// Draws frames until another network, of layers that the first has not, is made.
fn meanwhile(screen: &mut Screen, app: &mut App) -> Result<Meanwhile> {
    app.settings.hidden = if app.settings.hidden == [7, 5, 3] { vec![3, 5, 7] } else { vec![7, 5, 3] };
    // This frame asks for it, and the next begins to make it.
    screen.draw(app)?;
    let began = Instant::now();
    let mut frames = Vec::new();
    loop {
        let began = Instant::now();
        screen.draw(app)?;
        if !app.is_making() {
            // The frame that shows it first does not count: a software driver compiles its kernels only when they run.
            break;
        }
        frames.push(began.elapsed());
    }
    if let Some(failure) = app.failure() {
        bail!("{failure}");
    }
    Ok(Meanwhile { frames, making: began.elapsed() })
}

impl fmt::Display for Meanwhile {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let milliseconds = |time: Duration| 1000.0 * time.as_secs_f64();
        let longest = self.frames.iter().max().copied().unwrap_or_default();
        let mean = self.frames.iter().sum::<Duration>() / self.frames.len().max(1) as u32;
        let [making, longest, mean] = [self.making, longest, mean].map(milliseconds);
        let frames = self.frames.len();
        write!(
            formatter,
            "another network made in {making:.0} ms, beside {frames} frames of {mean:.1} ms, {longest:.1} ms at most"
        )
    }
}

/// The software adapter, whose pictures are the same on all machines, or any where there is none.
fn adapter() -> Result<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let request = |force_fallback_adapter| {
        let options = wgpu::RequestAdapterOptions { force_fallback_adapter, ..Default::default() };
        pollster::block_on(instance.request_adapter(&options))
    };
    request(true).or_else(|_| request(false)).ok().context("no adapter: this machine has no driver of Vulkan, Metal or DX12")
}

/// How good the network is behind the last frame.
fn last_sample(app: &mut App) -> Result<Sample> {
    let network = app.network().context("no network was made")?;
    let mut network = locked(network);
    network.land();
    if let Some(failure) = network.failure() {
        bail!("{failure}");
    }
    network.curve().last().context("no frame has landed")
}

fn report(app: &App, Sample { steps, train, test }: Sample, frames: u32, took: Duration) {
    println!("{frames} frames, {:.1} a second", f64::from(frames) / took.as_secs_f64());
    println!("{steps} steps, {} epochs", app.network().map_or(0, |network| locked(network).epochs()));
    for (name, evaluation) in [("training", train), ("test", test)] {
        println!("{name}: loss {:.4}, accuracy {:.2} %", evaluation.loss, 100.0 * evaluation.accuracy);
    }
}

impl Screen {
    fn new(adapter: &wgpu::Adapter, [width, height]: [u32; 2]) -> Result<Self> {
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            required_features: Engine::required_features(adapter),
            required_limits: Engine::required_limits(adapter),
            ..Default::default()
        }))?;
        let target = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("screen"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: FORMAT,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let options = RendererOptions { dithering: false, predictable_texture_filtering: true, ..Default::default() };
        let renderer = Renderer::new(&device, FORMAT, options);
        let context = Context::default();
        App::dress(&context);
        Ok(Self { device, queue, renderer, context, target, frames: 0 })
    }

    /// Draws a frame, and waits until its results have landed, so that the next has them.
    fn draw(&mut self, app: &mut App) -> Result<()> {
        let size = egui::vec2(self.target.width() as f32, self.target.height() as f32);
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, size)),
            time: Some(f64::from(self.frames) * FRAME_TIME),
            predicted_dt: FRAME_TIME as f32,
            ..Default::default()
        };
        self.frames += 1;
        let mut output = self.context.run_ui(input, |ui| app.ui(ui));
        for (id, deltas) in output.textures_delta.set.drain() {
            deltas.iter().for_each(|delta| self.renderer.update_texture(&self.device, &self.queue, id, delta));
        }
        let jobs = self.context.tessellate(output.shapes, output.pixels_per_point);
        let screen = ScreenDescriptor {
            size_in_pixels: [self.target.width(), self.target.height()],
            pixels_per_point: output.pixels_per_point,
        };
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let commands = self.renderer.update_buffers(&self.device, &self.queue, &mut encoder, &jobs, &screen);
        self.render(&mut encoder, &jobs, &screen);
        self.queue.submit(commands.into_iter().chain([encoder.finish()]));
        for id in output.textures_delta.free.drain() {
            self.renderer.free_texture(&id);
        }
        self.device.poll(wgpu::PollType::wait_indefinitely())?;
        Ok(())
    }

    fn render(&self, encoder: &mut wgpu::CommandEncoder, jobs: &[egui::ClippedPrimitive], screen: &ScreenDescriptor) {
        let view = self.target.create_view(&Default::default());
        let [r, g, b, a] = App::clear_color().map(f64::from);
        let load = wgpu::LoadOp::Clear(wgpu::Color { r, g, b, a });
        let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("screen"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &view,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations { load, store: wgpu::StoreOp::Store },
            })],
            ..Default::default()
        });
        self.renderer.render(&mut pass.forget_lifetime(), jobs, screen);
    }

    fn image(&self) -> Result<Image> {
        picture::read(&self.device, &self.queue, &self.target)
    }
}
