//! Makes networks in the background, one at a time.

use std::sync::mpsc::{Receiver, TryRecvError, channel};

use wgrad::{Engine, Error};

use crate::background;
use crate::network::Network;
use crate::settings::Settings;
use crate::surface::SurfacePipeline;

/// What makes networks.
#[derive(Debug)]
pub struct Maker {
    engine: Engine,
    pipeline: SurfacePipeline,
    making: Option<Receiver<Result<Network, Error>>>,
    /// What to make when that is done.
    next: Option<Settings>,
}

impl Maker {
    /// One on an engine, whose networks are drawn by a pipeline.
    pub fn new(engine: Engine, pipeline: SurfacePipeline) -> Self {
        Self { engine, pipeline, making: None, next: None }
    }

    /// Has a network made, after the one that is being made. Of several that are asked for meanwhile only the last is made.
    pub fn make(&mut self, settings: Settings) {
        self.next = Some(settings);
    }

    /// Whether a network is being made.
    pub fn is_busy(&self) -> bool {
        self.making.is_some() || self.next.is_some()
    }

    /// Whether [`Maker::take`] will begin to make one.
    pub fn is_due(&self) -> bool {
        self.making.is_none() && self.next.is_some()
    }

    /// The network that was made, if one is ready. It does not wait. `ready` is called once there is something to take.
    ///
    /// # Errors
    /// Where it could not be made.
    pub fn take(&mut self, ready: impl FnOnce() + Send + 'static) -> Result<Option<Network>, Error> {
        let made = match self.making.as_ref().map(Receiver::try_recv) {
            None | Some(Err(TryRecvError::Empty)) => None,
            Some(Err(TryRecvError::Disconnected)) => {
                self.making = None;
                None
            }
            Some(Ok(made)) => {
                self.making = None;
                Some(made)
            }
        };
        self.begin(ready);
        // What is no longer wanted is dropped, since the next one is being made.
        made.filter(|_| self.making.is_none()).transpose()
    }

    /// Waits for what is being made, so that frames do not depend on how long that takes.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn wait(&mut self) -> Result<Option<Network>, Error> {
        self.begin(|| {});
        let made = self.making.take().and_then(|making| making.recv().ok());
        made.transpose()
    }

    fn begin(&mut self, ready: impl FnOnce() + Send + 'static) {
        if self.making.is_some() {
            return;
        }
        let Some(settings) = self.next.take() else { return };
        let (sender, receiver) = channel();
        let (engine, pipeline) = (self.engine.clone(), self.pipeline.clone());
        background::spawn(move || async move {
            // Nobody waits where the window was closed.
            let _ = sender.send(Network::make(&engine, settings, &pipeline).await);
            ready();
        });
        self.making = Some(receiver);
    }
}
