//! Twins of the futures, for programs whose threads may block. In a browser, where none may, they fail where there is
//! something to wait for.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use wgrad_core::HostTensor;
use wgrad_core::plan::Plan;

#[cfg(not(target_arch = "wasm32"))]
use crate::choice::{AdapterInfo, Choice};
use crate::device::Device;
#[cfg(not(target_arch = "wasm32"))]
use crate::error::DeviceError;
use crate::error::ExecutorError;
use crate::executor::Executor;
use crate::loaded::LoadedPlan;
use crate::profile::{DispatchSpan, DispatchTime};
use crate::snapshot::Snapshot;

#[cfg(not(target_arch = "wasm32"))]
impl Device {
    /// [`Device::list`], blocking.
    pub fn list_blocking() -> Vec<AdapterInfo> {
        pollster::block_on(Self::list())
    }

    /// [`Device::request`], blocking.
    ///
    /// # Errors
    /// As there.
    pub fn request_blocking(choice: &Choice) -> Result<Self, DeviceError> {
        pollster::block_on(Self::request(choice))
    }
}

impl Device {
    /// Drives a future that waits for nothing but the device.
    fn block_on<T>(&self, future: impl Future<Output = Result<T, ExecutorError>>) -> Result<T, ExecutorError> {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
                return result;
            }
            self.wait()?;
        }
    }

    /// Waits until the device has done all that was submitted to it.
    ///
    /// # Errors
    /// Where it is lost; in a browser, always.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn wait(&self) -> Result<(), ExecutorError> {
        self.poll(wgpu::PollType::wait_indefinitely())?;
        // Another thread that polls the device may be in the middle of the callback that is waited for.
        std::thread::yield_now();
        Ok(())
    }

    /// In a browser, where nothing can wait, an error.
    ///
    /// # Errors
    /// [`ExecutorError::CannotWait`], always.
    #[cfg(target_arch = "wasm32")]
    pub fn wait(&self) -> Result<(), ExecutorError> {
        Err(ExecutorError::CannotWait)
    }
}

impl Executor {
    /// [`Executor::load`], blocking.
    ///
    /// # Errors
    /// As there.
    pub fn load_blocking(&mut self, plan: &Plan) -> Result<LoadedPlan, ExecutorError> {
        let device = self.device.clone();
        device.block_on(self.load(plan))
    }

    /// [`Executor::read_state`], blocking.
    ///
    /// # Errors
    /// As there.
    pub fn read_state_blocking(&self, name: &str) -> Result<HostTensor, ExecutorError> {
        self.device.block_on(self.read_state(name))
    }

    /// [`Executor::read_output`], blocking.
    ///
    /// # Errors
    /// As there.
    pub fn read_output_blocking(&self, plan: &LoadedPlan, name: &str) -> Result<HostTensor, ExecutorError> {
        self.device.block_on(self.read_output(plan, name))
    }

    /// [`Executor::run`], blocking.
    ///
    /// # Errors
    /// As there.
    pub fn run_blocking(&mut self, work: &[(&LoadedPlan, u32)]) -> Result<(), ExecutorError> {
        let device = self.device.clone();
        device.block_on(self.run(work))
    }

    /// [`Executor::finish`], blocking.
    ///
    /// # Errors
    /// As there.
    pub fn finish_blocking(&mut self) -> Result<(), ExecutorError> {
        let device = self.device.clone();
        device.block_on(self.finish())
    }

    /// [`Executor::snapshot`], blocking, though not for the device.
    ///
    /// # Errors
    /// As there.
    pub fn snapshot_blocking(&self) -> Result<Snapshot, ExecutorError> {
        self.device.block_on(self.snapshot())
    }

    /// [`Executor::restore`], blocking, though not for the device.
    ///
    /// # Errors
    /// As there.
    pub fn restore_blocking(&self, snapshot: &Snapshot) -> Result<(), ExecutorError> {
        self.device.block_on(self.restore(snapshot))
    }

    /// [`Executor::check_guards`], blocking.
    ///
    /// # Errors
    /// As there.
    pub fn check_guards_blocking(&self) -> Result<(), ExecutorError> {
        self.device.block_on(self.check_guards())
    }

    /// [`Executor::profile`], blocking.
    ///
    /// # Errors
    /// As there.
    pub fn profile_blocking(&mut self, plan: &LoadedPlan, steps: u32) -> Result<Vec<DispatchTime>, ExecutorError> {
        let device = self.device.clone();
        device.block_on(self.profile(plan, steps))
    }

    /// [`Executor::timeline`], blocking.
    ///
    /// # Errors
    /// As there.
    pub fn timeline_blocking(&mut self, work: &[(&LoadedPlan, u32)]) -> Result<Vec<DispatchSpan>, ExecutorError> {
        let device = self.device.clone();
        device.block_on(self.timeline(work))
    }
}
