//! What computes, beside the page: the network, on a device of its own.

mod digits;
mod inbox;
mod network;

use js_sys::Reflect;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;
use web_sys::DedicatedWorkerGlobalScope;
use wgrad::Dataset;

use crate::browser::{Failure, Result, sleep};
use crate::messages::{Image, News, Order, packed};
use inbox::Inbox;
use network::{Gpu, Network};

/// As many digits of MNIST's 60,000 as a device learns from that is no GPU.
const FEW: usize = 20_000;
const TRAIN: usize = 60_000;
const TEST: usize = 10_000;

/// Milliseconds between two looks at what the device has done.
const TURN: i32 = 4;

/// All that the worker has.
struct Worker {
    inbox: Inbox,
    gpu: Gpu,
    train: Dataset,
    test: Dataset,
    network: Option<Network>,
    trains: bool,
    /// What is to be read.
    image: Option<Image>,
}

/// Begins in the worker.
#[wasm_bindgen]
pub fn run_worker() {
    console_error_panic_hook::set_once();
    spawn_local(async {
        if let Err(failure) = run().await {
            // Where even this fails, nobody is left to be told.
            let _ = tell(&News::Failed(failure.to_string()));
        }
    });
}

async fn run() -> Result<()> {
    let inbox = Inbox::open(&scope())?;
    let mut worker = Worker::start(inbox).await?;
    loop {
        worker.turn().await?;
    }
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

fn tell(news: &News) -> Result<()> {
    Ok(scope().post_message(&packed(news)?)?)
}

fn has_webgpu() -> Result<bool> {
    let navigator = Reflect::get(&scope(), &"navigator".into())?;
    Ok(Reflect::get(&navigator, &"gpu".into())?.is_object())
}

impl Worker {
    async fn start(inbox: Inbox) -> Result<Self> {
        if !has_webgpu()? {
            return Err(Failure::new(
                "This page needs WebGPU, which this browser does not offer. Current versions of Chrome, Edge, Firefox and \
                 Safari do, on most computers and phones, if the page comes over HTTPS or from the computer itself.",
            ));
        }
        tell(&News::Doing("Asking for a graphics device…".to_owned()))?;
        let gpu = Gpu::request().await?;
        tell(&News::Doing("Fetching the digits…".to_owned()))?;
        let examples = if gpu.is_software { FEW } else { TRAIN };
        let (train, test) = (digits::fetch("train", examples).await?, digits::fetch("t10k", TEST).await?);
        tell(&News::Ready { device: gpu.name.clone(), is_software: gpu.is_software, examples })?;
        Ok(Self { inbox, gpu, train, test, network: None, trains: false, image: None })
    }

    /// Waits until there is something to do, and does it.
    async fn turn(&mut self) -> Result<()> {
        if self.is_idle() {
            self.inbox.filled().await
        } else {
            sleep(TURN).await?
        }
        while let Some(order) = self.inbox.take() {
            self.obey(order?).await?;
        }
        if let Some(network) = &mut self.network {
            for news in network.turn(self.trains, &mut self.image)? {
                tell(&news)?;
            }
        }
        Ok(())
    }

    fn is_idle(&self) -> bool {
        self.network.as_ref().is_none_or(|network| !self.trains && self.image.is_none() && network.is_idle())
    }

    async fn obey(&mut self, order: Order) -> Result<()> {
        match order {
            Order::Make { seed } => {
                // The old one's memory is given back first.
                (self.network, self.trains, self.image) = (None, false, None);
                self.network = Some(Network::make(&self.gpu, seed, &self.train, &self.test).await?);
                tell(&News::Made)?;
            }
            Order::Train(trains) => self.trains = trains,
            Order::Read(image) => self.image = Some(image),
        }
        Ok(())
    }
}
