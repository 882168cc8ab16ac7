//! What the page and its worker need of the browser.

use std::fmt::{self, Display};

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::convert::FromWasmAbi;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, EventTarget, Window};

/// Why the page cannot go on, as a sentence for its reader.
#[derive(Clone, Debug)]
pub struct Failure(String);

pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub fn new(message: impl Display) -> Self {
        Self(message.to_string())
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<JsValue> for Failure {
    fn from(value: JsValue) -> Self {
        let message = Reflect::get(&value, &"message".into()).ok().and_then(|message| message.as_string());
        Self(message.unwrap_or_else(|| format!("{value:?}")))
    }
}

impl From<wgrad::Error> for Failure {
    fn from(error: wgrad::Error) -> Self {
        Self::new(error)
    }
}

pub fn window() -> Result<Window> {
    web_sys::window().ok_or_else(|| Failure::new("there is no window"))
}

pub fn document() -> Result<Document> {
    window()?.document().ok_or_else(|| Failure::new("there is no document"))
}

/// The element of this id.
pub fn element<T: JsCast>(id: &str) -> Result<T> {
    let found = document()?.get_element_by_id(id).and_then(|element| element.dyn_into().ok());
    found.ok_or_else(|| Failure::new(format!("the page has no fitting element {id:?}")))
}

/// Calls `handler` on each event of a kind, for ever.
pub fn listen<E: FromWasmAbi + 'static>(target: &EventTarget, event: &str, handler: impl FnMut(E) + 'static) -> Result<()> {
    let closure = Closure::<dyn FnMut(E)>::new(handler);
    target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref())?;
    closure.forget();
    Ok(())
}

#[wasm_bindgen]
extern "C" {
    /// That of the window or of the worker.
    #[wasm_bindgen(catch, js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: i32) -> std::result::Result<JsValue, JsValue>;
}

/// Waits until the browser is about to draw the page's next frame.
pub async fn next_frame() -> Result<()> {
    let window = window()?;
    called(|callback| window.request_animation_frame(callback).map(drop)).await
}

/// Waits for so many milliseconds.
pub async fn sleep(milliseconds: i32) -> Result<()> {
    called(|callback| set_timeout(callback, milliseconds).map(drop)).await
}

/// Waits until a callback is called.
async fn called(ask: impl Fn(&Function) -> std::result::Result<(), JsValue>) -> Result<()> {
    let mut asked = Ok(());
    let promise = Promise::new(&mut |resolve, _| asked = ask(&resolve));
    asked?;
    JsFuture::from(promise).await?;
    Ok(())
}
