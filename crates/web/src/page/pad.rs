//! The square that digits are drawn in.

use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::browser::{Failure, Result, window};
use crate::drawing::{Drawing, Point, SIDE};

/// The width of the line, as a share of the square's.
const PEN: f64 = 0.07;

/// A canvas, and what is drawn on it.
pub struct Pad {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    seen: CanvasRenderingContext2d,
    drawing: Drawing,
    is_down: bool,
    /// Counts the changes of the drawing.
    number: u32,
    image: Option<Vec<f32>>,
}

/// A canvas's context for drawing in two dimensions. The CPU draws, so that nothing here waits for the device, which may
/// only be starting, or be at work.
pub fn context(canvas: &HtmlCanvasElement) -> Result<CanvasRenderingContext2d> {
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
    let context = canvas.get_context_with_context_options("2d", &options)?.and_then(|context| context.dyn_into().ok());
    context.ok_or_else(|| Failure::new("a canvas cannot be drawn on"))
}

/// Gives a canvas as many pixels as it has on the screen; returns its width and height in the units of the page.
pub fn fit(canvas: &HtmlCanvasElement, context: &CanvasRenderingContext2d) -> Result<[f64; 2]> {
    let (size, ratio) = (canvas.get_bounding_client_rect(), window()?.device_pixel_ratio());
    canvas.set_width((size.width() * ratio).round() as u32);
    canvas.set_height((size.height() * ratio).round() as u32);
    context.scale(ratio, ratio)?;
    Ok([size.width(), size.height()])
}

/// The value of a colour of the page's style.
pub fn colour(name: &str) -> Result<String> {
    let root = crate::browser::document()?.document_element().ok_or_else(|| Failure::new("the page is empty"))?;
    let style = window()?.get_computed_style(&root)?.ok_or_else(|| Failure::new("the page has no style"))?;
    Ok(style.get_property_value(name)?.trim().to_owned())
}

impl Pad {
    pub fn new(canvas: &HtmlCanvasElement, seen: &HtmlCanvasElement) -> Result<Self> {
        let (context, seen) = (context(canvas)?, context(seen)?);
        let canvas = canvas.clone();
        Ok(Self { canvas, context, seen, drawing: Drawing::default(), is_down: false, number: 0, image: None })
    }

    /// The drawing's image and number; none where nothing is drawn.
    pub fn image(&self) -> Option<(u32, &[f32])> {
        self.image.as_deref().map(|image| (self.number, image))
    }

    /// The number of the last change.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The pen comes down at a place in the window.
    pub fn press(&mut self, at: [i32; 2]) -> Result<()> {
        self.is_down = true;
        self.drawing.begin(self.place(at));
        self.changed()
    }

    /// The pen moves.
    pub fn draw_to(&mut self, at: [i32; 2]) -> Result<()> {
        if self.is_down {
            self.drawing.draw_to(self.place(at));
            self.changed()?;
        }
        Ok(())
    }

    /// The pen comes up.
    pub fn release(&mut self) {
        self.is_down = false;
    }

    pub fn clear(&mut self) -> Result<()> {
        self.drawing = Drawing::default();
        self.is_down = false;
        self.changed()
    }

    /// Draws all anew, as when the window has changed.
    pub fn redraw(&self) -> Result<()> {
        let [width, _] = fit(&self.canvas, &self.context)?;
        let context = &self.context;
        context.set_stroke_style_str(&colour("--ink")?);
        context.set_line_width(PEN * width);
        context.set_line_cap("round");
        context.set_line_join("round");
        for stroke in self.drawing.strokes() {
            context.begin_path();
            for (index, &[x, y]) in stroke.iter().enumerate() {
                let (x, y) = (f64::from(x) * width, f64::from(y) * width);
                if index == 0 {
                    context.move_to(x, y)
                }
                context.line_to(x, y);
            }
            context.stroke();
        }
        self.redraw_seen()
    }

    fn redraw_seen(&self) -> Result<()> {
        let seen = &self.seen;
        seen.set_fill_style_str(&colour("--pad")?);
        seen.set_global_alpha(1.0);
        seen.fill_rect(0.0, 0.0, SIDE as f64, SIDE as f64);
        seen.set_fill_style_str(&colour("--ink")?);
        for (index, ink) in self.image.iter().flatten().enumerate().filter(|(_, ink)| **ink > 0.0) {
            seen.set_global_alpha((*ink).into());
            seen.fill_rect((index % SIDE) as f64, (index / SIDE) as f64, 1.0, 1.0);
        }
        Ok(())
    }

    fn changed(&mut self) -> Result<()> {
        self.number += 1;
        self.image = self.drawing.to_image();
        self.redraw()
    }

    /// A place in the window as one in the square, whose sides are 1.
    fn place(&self, at: [i32; 2]) -> Point {
        let square = self.canvas.get_bounding_client_rect();
        let [x, y] = [f64::from(at[0]) - square.left(), f64::from(at[1]) - square.top()];
        [(x / square.width()) as f32, (y / square.width()) as f32]
    }
}
