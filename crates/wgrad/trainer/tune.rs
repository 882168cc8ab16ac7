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
    /// trainer take the fastest from now on. The choice is kept, so that [`Device::auto`](crate::Device::auto) and
    /// [`Device::choose`](crate::Device::choose) find it in later runs: in the file that the environment variable
    /// `WGRAD_TUNING` names, or in `wgrad/tuning.json` in the user's folder for caches.
    ///
    /// The budget bounds when the measurement of a kernel begins: the last is finished, which takes its compilation and some
    /// seven runs, each of two milliseconds or of one dispatch that takes longer. [`Trainer::prepare`] comes before, and does
    /// not count. Of each operation the default kernel is measured first; one that was not measured is not taken, and an
    /// operation of which there was time for the default alone keeps the kernel that it has.
    ///
    /// Another kernel may add in another order, so that bits change; nothing else of the training does. Files of other
    /// adapters, drivers and versions are left alone, and a damaged one is replaced. Where the file cannot be written, this
    /// trainer has its choice all the same, and [`Tuning::not_kept`] says why later runs will not.
    ///
    /// # Errors
    /// As [`Trainer::fit`], but for a loss that is not finite; [`Error::NoKernels`] on the CPU.
    pub fn tune(&mut self, data: &Dataset, budget: Duration) -> Result<Tuning, Error> {
        if self.backend.as_gpu().is_none() {
            return Err(Error::NoKernels);
        }
        self.prepare(data, None)?;
        let graphs: Vec<Arc<Graph>> = self.loaded.iter().map(|loaded| loaded.graph.clone()).collect();
        let gpu = self.gpu()?;
        let device = gpu.device().clone();
        let mut tuning = Tuning::measure(&device, gpu.target(), graphs.iter().map(Arc::as_ref), budget)?;
        gpu.choose(tuning.choices.clone());
        // Plans are made anew when they are needed next; what they share stays.
        self.loaded.clear();
        if let Some(store) = Store::of_user() {
            tuning.not_kept = store.save(device.info(), &tuning.choices).err().map(|error| error.to_string());
        }
        Ok(tuning)
    }
}
