//! Work beside the frames of the window.

/// Runs what `make` begins to its end: natively in a thread of its own, in a browser between the page's other tasks.
pub fn spawn<F: Future<Output = ()> + 'static>(make: impl FnOnce() -> F + Send + 'static) {
    #[cfg(not(target_arch = "wasm32"))]
    std::thread::spawn(|| pollster::block_on(make()));
    #[cfg(target_arch = "wasm32")]
    wasm_bindgen_futures::spawn_local(make());
}
