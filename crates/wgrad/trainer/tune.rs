//! The choice of kernels for a training.

use std::sync::Arc;
use std::time::Duration;

use wgrad_core::Graph;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::trainer::Trainer;
use crate::tuning::{Store, Tuning};

impl Trainer {
    /// Measures the kernels that there are for the steps of training on `data`, as long as the budget lasts, and has this
    /// trainer take the fastest from now on. They are kept, so that [`Device::auto`](crate::Device::auto) and
    /// [`Device::choose`](crate::Device::choose) find them in later runs: in the file that the environment variable
    /// `WGRAD_TUNING` names, or in `wgrad/tuning.json` in the user's folder for caches.
    ///
    /// Another kernel may add in another order, so that bits change; nothing else of the training does. Files of other
    /// adapters, drivers and versions are left alone, and a damaged one is replaced.
    ///
    /// # Errors
    /// As [`Trainer::fit`], but for a loss that is not finite; on the CPU, which has no kernels; where the file cannot be
    /// written.
    pub fn tune(&mut self, data: &Dataset, budget: Duration) -> Result<Tuning, Error> {
        self.prepare(data, None)?;
        let graphs: Vec<Arc<Graph>> = self.loaded.iter().map(|loaded| loaded.graph.clone()).collect();
        let gpu = self.gpu()?;
        let device = gpu.device().clone();
        let tuning = Tuning::measure(&device, gpu.target(), graphs.iter().map(Arc::as_ref), budget)?;
        gpu.choose(tuning.choices.clone());
        // Plans are made anew when they are needed next; what they share stays.
        self.loaded.clear();
        if let Some(store) = Store::of_user() {
            store.save(device.info(), &tuning.choices)?;
        }
        Ok(tuning)
    }
}
