//! MNIST's digits, fetched from where the page lies.

use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStream, ReadableStreamDefaultReader, Response};
use wgrad::data::{MNIST_DEVIATION, MNIST_MEAN};
use wgrad::{Dataset, Tensor};

use crate::browser::{Failure, Result};
use crate::drawing::SIDE;

/// Where the numbers of images and labels end in their files, and the bytes begin.
const IMAGES_BEGIN: usize = 16;
const LABELS_BEGIN: usize = 8;

#[wasm_bindgen]
extern "C" {
    /// <https://developer.mozilla.org/en-US/docs/Web/API/DecompressionStream>
    type DecompressionStream;

    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> std::result::Result<DecompressionStream, JsValue>;

    /// <https://developer.mozilla.org/en-US/docs/Web/API/WorkerGlobalScope/fetch>
    #[wasm_bindgen(js_name = fetch)]
    fn request(path: &str) -> Promise;

    /// A stream whose `pipeThrough` takes any such pair of streams.
    #[wasm_bindgen(extends = ReadableStream)]
    type Pipe;

    #[wasm_bindgen(method, catch, js_name = pipeThrough)]
    fn pipe_through(this: &Pipe, pair: &DecompressionStream) -> std::result::Result<ReadableStream, JsValue>;
}

/// The first `count` digits of a part of MNIST: `train` or `t10k`.
pub async fn fetch(part: &str, count: usize) -> Result<Dataset> {
    let images = first_bytes(&format!("mnist/{part}-images-idx3-ubyte.gz"), IMAGES_BEGIN, count * SIDE * SIDE).await?;
    let labels = first_bytes(&format!("mnist/{part}-labels-idx1-ubyte.gz"), LABELS_BEGIN, count).await?;
    let data = Dataset::new(Tensor::u8([count, SIDE * SIDE], images)?, Tensor::u8([count], labels)?)?;
    Ok(data.normalized(MNIST_MEAN, MNIST_DEVIATION)?)
}

/// So many bytes of a gzipped file, from a place in it on. The browser unpacks it piece by piece.
async fn first_bytes(path: &str, begin: usize, count: usize) -> Result<Vec<u8>> {
    let failed = |why: &str| Failure::new(format!("{path} cannot be fetched: {why}"));
    let response: Response = JsFuture::from(request(path)).await?.unchecked_into();
    if !response.ok() {
        return Err(failed(&format!("the server answers {}", response.status())));
    }
    let packed = response.body().ok_or_else(|| failed("it has no content"))?.unchecked_into::<Pipe>();
    let unpacked = packed.pipe_through(&DecompressionStream::new("gzip")?)?;
    let reader: ReadableStreamDefaultReader = unpacked.get_reader().unchecked_into();
    let mut bytes = Vec::with_capacity(count);
    let mut skipped = 0;
    while bytes.len() < count {
        let piece = JsFuture::from(reader.read()).await?;
        let value = Reflect::get(&piece, &"value".into())?;
        if value.is_undefined() {
            return Err(failed(&format!("it ends after {} bytes, {} are wanted", skipped + bytes.len(), begin + count)));
        }
        let piece: Uint8Array = value.unchecked_into();
        let from = (begin - skipped).min(piece.length() as usize);
        skipped += from;
        let until = (from + count - bytes.len()).min(piece.length() as usize);
        bytes.extend(piece.subarray(from as u32, until as u32).to_vec());
    }
    // What is left is not wanted; nobody waits for it to be dropped.
    drop(reader.cancel());
    Ok(bytes)
}
