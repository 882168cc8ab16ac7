//! Copies of all states, made and put back on the device.

use std::sync::atomic::Ordering;

use wgrad_core::TensorType;

use crate::buffers::{self, Region, TENSOR};
use crate::error::ExecutorError;
use crate::executor::{Executor, check_kind};

/// What all states were at one moment. It takes as much memory on the device as they do.
#[derive(Debug)]
pub struct Snapshot {
    copies: Vec<(String, TensorType, Region)>,
}

impl Executor {
    /// Copies all states, as they are after all steps that were submitted so far. Nothing passes through the host.
    ///
    /// # Errors
    /// Where there is no room; on errors and loss of the device.
    pub async fn snapshot(&self) -> Result<Snapshot, ExecutorError> {
        self.device.check()?;
        let mut copies = Vec::new();
        let states: Vec<String> = self.states().map(|(name, _)| name.to_owned()).collect();
        for name in states {
            let (state, kind) = self.state(&name)?;
            let buffer = buffers::allocate(&self.device, &format!("snapshot of {name}"), state.region.bytes(), TENSOR).await?;
            copies.push((name, kind.clone(), Region { buffer, guard: 0 }));
        }
        let snapshot = Snapshot { copies };
        self.copy("making a snapshot", self.pairs(&snapshot)?).await?;
        Ok(snapshot)
    }

    /// Puts all states back to what they were. States that were loaded later stay as they are.
    ///
    /// # Errors
    /// Where the snapshot has a state that is not loaded here or has another type; on errors and loss of the device.
    pub async fn restore(&self, snapshot: &Snapshot) -> Result<(), ExecutorError> {
        self.device.check()?;
        let pairs = self.pairs(snapshot)?;
        self.copy("restoring a snapshot", pairs.into_iter().map(|(state, copy)| (copy, state)).collect()).await
    }

    /// Each state with its copy.
    fn pairs<'a>(&'a self, snapshot: &'a Snapshot) -> Result<Vec<(&'a Region, &'a Region)>, ExecutorError> {
        let pair = |(name, got, copy): &'a (String, TensorType, Region)| {
            let (state, wanted) = self.state(name)?;
            check_kind(name, wanted, got)?;
            Ok((&state.region, copy))
        };
        snapshot.copies.iter().map(pair).collect()
    }

    async fn copy(&self, during: &str, copies: Vec<(&Region, &Region)>) -> Result<(), ExecutorError> {
        let device = &self.device;
        let submit = || {
            let mut encoder = device.wgpu().create_command_encoder(&Default::default());
            for (from, to) in copies {
                from.copy_to(to, &mut encoder);
            }
            device.queue().submit([encoder.finish()]);
        };
        device.catch(submit, ExecutorError::during(during)).await?;
        self.counters.submissions.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
