//! The letters: those of the project's other pictures.

use std::sync::Arc;

use eframe::egui::{Context, FontData, FontDefinitions, FontFamily};

/// The family of bold letters.
pub const BOLD: &str = "bold";

const REGULAR_FILE: &[u8] = include_bytes!("../../plot/fonts/DejaVuSans.ttf");
const BOLD_FILE: &[u8] = include_bytes!("../../plot/fonts/DejaVuSans-Bold.ttf");

/// Has a context use them for all text.
pub fn apply(context: &Context) {
    let files = [("DejaVu Sans", REGULAR_FILE), ("DejaVu Sans Bold", BOLD_FILE)];
    let [regular, bold] = files.map(|(name, _)| vec![name.to_owned()]);
    let font_data = files.map(|(name, file)| (name.to_owned(), Arc::new(FontData::from_static(file))));
    context.set_fonts(FontDefinitions {
        font_data: font_data.into(),
        families: [
            (FontFamily::Proportional, regular.clone()),
            (FontFamily::Monospace, regular),
            (FontFamily::Name(BOLD.into()), bold),
        ]
        .into(),
    });
}
