//! The page's elements.

use web_sys::{Element, HtmlButtonElement, HtmlCanvasElement, HtmlElement};

use crate::browser::{Result, document, element};

/// All that the page changes or listens to.
pub struct Page {
    pub pad: HtmlCanvasElement,
    pub seen: HtmlCanvasElement,
    pub chart: HtmlCanvasElement,
    pub clear: HtmlButtonElement,
    pub train: HtmlButtonElement,
    pub again: HtmlButtonElement,
    answer: Element,
    certainty: Element,
    loss: Element,
    accuracy: Element,
    epoch: Element,
    steps: Element,
    progress: Element,
    status: Element,
    bars: Vec<Bar>,
}

/// How likely a digit is.
struct Bar {
    row: Element,
    fill: HtmlElement,
    share: Element,
}

impl Page {
    /// Finds the elements, and makes the bars.
    pub fn find() -> Result<Self> {
        let bars: Element = element("bars")?;
        Ok(Self {
            pad: element("pad")?,
            seen: element("seen")?,
            chart: element("chart")?,
            clear: element("clear")?,
            train: element("train")?,
            again: element("again")?,
            answer: element("answer")?,
            certainty: element("certainty")?,
            loss: element("loss")?,
            accuracy: element("accuracy")?,
            epoch: element("epoch")?,
            steps: element("steps")?,
            progress: element("progress")?,
            status: element("status")?,
            bars: (0..10).map(|digit| Bar::make(&bars, digit)).collect::<Result<_>>()?,
        })
    }

    /// Says what goes on.
    pub fn set_status(&self, text: &str) {
        self.status.set_text_content(Some(text));
    }

    /// Shows what the network takes the drawing to be; nothing where there is none.
    pub fn show_reading(&self, shares: Option<&[f32]>) -> Result<()> {
        let best = shares.and_then(best);
        let sure = best.map(|(_, share)| format!("{:.0} % sure", 100.0 * share));
        self.answer.set_text_content(Some(&best.map_or("–".to_owned(), |(digit, _)| digit.to_string())));
        self.certainty.set_text_content(Some(sure.as_deref().unwrap_or("nothing drawn yet")));
        for (digit, bar) in self.bars.iter().enumerate() {
            let share = shares.and_then(|shares| shares.get(digit)).copied();
            bar.show(share, best.is_some_and(|(best, _)| best == digit))?;
        }
        Ok(())
    }

    /// Shows how far training is.
    pub fn show_progress(&self, steps: u64, epoch: f64, epochs: u64) -> Result<()> {
        self.steps.set_text_content(Some(&steps.to_string()));
        self.epoch.set_text_content(Some(&format!("{epoch:.1}")));
        Ok(self.progress.set_attribute("value", &format!("{:.4}", (epoch / epochs as f64).min(1.0)))?)
    }

    /// Shows the last loss and accuracy.
    pub fn show_figures(&self, loss: Option<f64>, accuracy: Option<f64>) {
        self.loss.set_text_content(Some(&loss.map_or("–".to_owned(), |loss| format!("{loss:.3}"))));
        self.accuracy.set_text_content(Some(&accuracy.map_or("–".to_owned(), |share| format!("{:.1} %", 100.0 * share))));
    }
}

impl Bar {
    fn make(bars: &Element, digit: u32) -> Result<Self> {
        let document = document()?;
        let child = |parent: &Element, class: &str| -> Result<Element> {
            let element = document.create_element("div")?;
            element.set_class_name(class);
            parent.append_child(&element)?;
            Ok(element)
        };
        let row = child(bars, "bar")?;
        child(&row, "digit")?.set_text_content(Some(&digit.to_string()));
        let fill = child(&child(&row, "track")?, "fill")?;
        let share = child(&row, "share")?;
        Ok(Self { row, fill: wasm_bindgen::JsCast::unchecked_into(fill), share })
    }

    fn show(&self, share: Option<f32>, is_best: bool) -> Result<()> {
        let percent = 100.0 * share.unwrap_or(0.0);
        self.row.set_class_name(if is_best { "bar best" } else { "bar" });
        self.share.set_text_content(share.map(|_| format!("{percent:.1} %")).as_deref());
        Ok(self.fill.style().set_property("width", &format!("{percent:.1}%"))?)
    }
}

/// The likeliest digit and how likely it is.
pub fn best(shares: &[f32]) -> Option<(usize, f32)> {
    shares.iter().copied().enumerate().max_by(|one, other| one.1.total_cmp(&other.1))
}

/// Says at the top of the page why it cannot work.
pub fn show_notice(text: &str) -> Result<()> {
    let notice: HtmlElement = element("notice")?;
    notice.set_text_content(Some(text));
    notice.set_hidden(false);
    element::<Element>("status")?.set_text_content(Some("Not training."));
    Ok(())
}

/// Says at the bottom what the page works with.
pub fn show_about(text: &str) -> Result<()> {
    element::<Element>("about")?.set_text_content(Some(text));
    Ok(())
}
