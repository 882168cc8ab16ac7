//! Colours and sizes. Light, since the surface between two classes is nearly white, and pales on a dark ground.

use eframe::egui::{
    Align2, Color32, Context, CornerRadius, FontFamily, FontId, Rect, Stroke, StrokeKind, Style, TextStyle, Theme, Ui, Visuals,
    vec2,
};

use crate::lettering::BOLD;

/// Behind everything.
pub const BACKGROUND: Color32 = Color32::from_rgb(0xf1, 0xf3, 0xf6);
/// Behind what belongs together.
pub const CARD: Color32 = Color32::WHITE;
/// Around a card.
pub const EDGE: Color32 = Color32::from_rgb(0xdf, 0xe3, 0xe8);
/// Around a picture, and axes.
pub const FRAME: Color32 = Color32::from_rgb(0xa9, 0xb2, 0xbd);
/// Lines of a grid.
pub const GRID: Color32 = Color32::from_rgb(0xea, 0xed, 0xf0);
/// Text.
pub const TEXT: Color32 = Color32::from_rgb(0x26, 0x2d, 0x35);
/// Text that explains.
pub const WEAK: Color32 = Color32::from_rgb(0x5a, 0x64, 0x70);
/// What is chosen, and what is to be pressed first.
pub const ACCENT: Color32 = POSITIVE;
/// What went wrong.
pub const WRONG: Color32 = Color32::from_rgb(0xb4, 0x23, 0x18);
/// Class 0 and negative numbers: the shader's colour.
pub const NEGATIVE: Color32 = Color32::from_rgb(0xef, 0x89, 0x1e);
/// Zero: the shader's colour.
pub const NEUTRAL: Color32 = Color32::from_rgb(0xef, 0xf0, 0xf1);
/// Class 1 and positive numbers: the shader's colour.
pub const POSITIVE: Color32 = Color32::from_rgb(0x18, 0x71, 0xb5);
/// The curve of the points that are learned.
pub const TRAIN: Color32 = Color32::from_rgb(0x8a, 0x94, 0xa3);
/// The curve of the points that test what was learned.
pub const TEST: Color32 = TEXT;

/// Within a card.
pub const PADDING: f32 = 16.0;
/// What a card's heading takes.
pub const HEADING_HEIGHT: f32 = 28.0;

/// Text of controls.
pub const BODY: f32 = 14.0;
/// Text of axes and legends.
pub const SMALL: f32 = 12.5;
/// Headings of cards.
pub const HEADING: f32 = 15.0;

/// A colour from orange to blue for a number from -1 to 1.
pub fn diverging(share: f32) -> Color32 {
    let end = if share < 0.0 { NEGATIVE } else { POSITIVE };
    NEUTRAL.lerp_to_gamma(end, share.abs().min(1.0))
}

/// How strong the colours of the output are: the shader's number.
pub const OUTPUT_STRENGTH: f32 = 0.8;

/// Text of a size.
pub fn font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Bold text of a size.
pub fn bold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(BOLD.into()))
}

/// Sets the style of all controls.
pub fn apply(context: &Context) {
    context.set_theme(Theme::Light);
    context.all_styles_mut(style);
}

fn style(style: &mut Style) {
    style.visuals = visuals();
    style.text_styles = [
        (TextStyle::Heading, bold(HEADING)),
        (TextStyle::Body, font(BODY)),
        (TextStyle::Button, font(BODY)),
        (TextStyle::Small, font(SMALL)),
        (TextStyle::Monospace, font(BODY)),
    ]
    .into();
    style.spacing.item_spacing = vec2(8.0, 6.0);
    style.spacing.button_padding = vec2(10.0, 4.0);
    style.spacing.interact_size = vec2(24.0, 24.0);
    style.spacing.slider_rail_height = 4.0;
    style.interaction.selectable_labels = false;
    // Nothing moves by itself but what is learned.
    style.animation_time = 0.0;
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::light();
    visuals.override_text_color = None;
    visuals.panel_fill = BACKGROUND;
    visuals.slider_trailing_fill = true;
    visuals.selection.bg_fill = ACCENT;
    visuals.selection.stroke = Stroke::new(1.0, Color32::WHITE);
    let widgets = &mut visuals.widgets;
    for state in
        [&mut widgets.noninteractive, &mut widgets.inactive, &mut widgets.hovered, &mut widgets.active, &mut widgets.open]
    {
        state.corner_radius = CornerRadius::same(5);
        state.fg_stroke.color = TEXT;
        state.expansion = 0.0;
    }
    for (state, fill, edge) in [
        (&mut widgets.inactive, BACKGROUND, Color32::from_rgb(0xc9, 0xd0, 0xd8)),
        (&mut widgets.hovered, Color32::from_rgb(0xe4, 0xe9, 0xef), FRAME),
        (&mut widgets.active, Color32::from_rgb(0xd5, 0xdd, 0xe6), FRAME),
    ] {
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.bg_stroke = Stroke::new(1.0, edge);
    }
    visuals
}

/// Draws a card with its heading, and returns what is left for its contents.
pub fn card(ui: &Ui, rect: Rect, heading: &str) -> Rect {
    ui.painter().rect(rect, CornerRadius::same(8), CARD, Stroke::new(1.0, EDGE), StrokeKind::Inside);
    let inside = rect.shrink(PADDING);
    ui.painter().text(inside.left_top(), Align2::LEFT_TOP, heading, bold(HEADING), TEXT);
    Rect::from_min_max(inside.min + vec2(0.0, HEADING_HEIGHT), inside.max)
}
