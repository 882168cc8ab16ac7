//! What a device reports: to the calls that cause it, or behind their back.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use wgpu::ErrorFilter;

use crate::device::Device;
use crate::error::ExecutorError;

/// A device's loss and its first error that nobody has caught.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    lost: OnceLock<String>,
    error: Mutex<Option<String>>,
}

impl Faults {
    /// Listens to a device that nobody else listens to.
    pub(crate) fn watch(self: &Arc<Self>, device: &wgpu::Device) {
        let faults = self.clone();
        device.set_device_lost_callback(move |reason, message| {
            faults.lose(format!("{reason:?}: {message}"));
        });
        let faults = self.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            lock(&faults.error).get_or_insert(error.to_string());
        }));
    }

    /// Notes that the device is gone; the first reason counts.
    pub(crate) fn lose(&self, reason: String) -> ExecutorError {
        ExecutorError::DeviceLost { reason: self.lost.get_or_init(|| reason).clone() }
    }

    /// Reports a loss each time, and an error once.
    pub(crate) fn check(&self) -> Result<(), ExecutorError> {
        if let Some(reason) = self.lost.get() {
            return Err(ExecutorError::DeviceLost { reason: reason.clone() });
        }
        match lock(&self.error).take() {
            Some(message) => Err(ExecutorError::Device { during: "an earlier command".to_owned(), message }),
            None => Ok(()),
        }
    }
}

impl Device {
    /// Fails where the device is lost or has reported an error since the last call.
    pub(crate) fn check(&self) -> Result<(), ExecutorError> {
        self.faults.check()
    }

    /// As [`Device::scoped`], with the error that `failed` makes of the message, or the device's loss.
    pub(crate) fn catch<T>(
        &self,
        body: impl FnOnce() -> T,
        failed: impl FnOnce(String) -> ExecutorError,
    ) -> impl Future<Output = Result<T, ExecutorError>> {
        let caught = self.scoped(body);
        async move { caught.await.map_err(|error| self.explain(failed(error.to_string()))) }
    }

    /// As [`Device::catch`], for what needs an answer at once. A browser gives none: there the device's owner hears of it.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn catch_at_once<T>(
        &self,
        body: impl FnOnce() -> T,
        failed: impl FnOnce(String) -> ExecutorError,
    ) -> Result<T, ExecutorError> {
        // Natively the scopes' futures are ready.
        pollster::block_on(self.catch(body, failed))
    }

    #[cfg(target_arch = "wasm32")]
    pub(crate) fn catch_at_once<T>(
        &self,
        body: impl FnOnce() -> T,
        _failed: impl FnOnce(String) -> ExecutorError,
    ) -> Result<T, ExecutorError> {
        Ok(body())
    }

    /// Does what can make the device report errors, and returns the first of them.
    pub(crate) fn scoped<T>(&self, body: impl FnOnce() -> T) -> impl Future<Output = Result<T, wgpu::Error>> {
        let scopes = [ErrorFilter::OutOfMemory, ErrorFilter::Internal, ErrorFilter::Validation]
            .map(|filter| self.wgpu().push_error_scope(filter));
        let value = body();
        // Scopes are popped before the first await: they belong to the thread, which a future may change.
        let errors: Vec<_> = scopes.into_iter().rev().map(wgpu::ErrorScopeGuard::pop).collect();
        async move {
            for error in errors {
                if let Some(error) = error.await {
                    return Err(error);
                }
            }
            Ok(value)
        }
    }

    /// An error, or the device's loss where that is what lies behind it: the callback that tells of it is the owner's.
    pub(crate) fn explain(&self, error: ExecutorError) -> ExecutorError {
        if self.gives_nothing() {
            return self.lose("it gives no memory any more");
        }
        error
    }

    /// Notes that the device is lost; the first reason counts.
    pub(crate) fn lose(&self, reason: impl Into<String>) -> ExecutorError {
        self.faults.lose(reason.into())
    }

    /// Whether even the smallest buffer cannot be had, though there is room: wgpu tells nothing else of a lost device.
    #[cfg(not(target_arch = "wasm32"))]
    fn gives_nothing(&self) -> bool {
        let smallest =
            wgpu::BufferDescriptor { label: None, size: 4, usage: wgpu::BufferUsages::COPY_SRC, mapped_at_creation: true };
        let is_mapped = || self.wgpu().create_buffer(&smallest).get_mapped_range_mut(..).is_ok();
        match pollster::block_on(self.scoped(is_mapped)) {
            Ok(is_mapped) => !is_mapped,
            Err(error) => !matches!(error, wgpu::Error::OutOfMemory { .. }),
        }
    }

    /// A browser tells by what it cannot map.
    #[cfg(target_arch = "wasm32")]
    fn gives_nothing(&self) -> bool {
        false
    }
}

/// Locks a mutex whose contents stay valid when a holder panics.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_reported_once_and_a_loss_for_ever() {
        let faults = Faults::default();
        assert_eq!(faults.check(), Ok(()));
        *lock(&faults.error) = Some("bad dispatch".to_owned());
        assert!(faults.check().unwrap_err().to_string().contains("bad dispatch"));
        assert_eq!(faults.check(), Ok(()));
        faults.lose("reset".to_owned());
        faults.lose("later".to_owned());
        let lost = Err(ExecutorError::DeviceLost { reason: "reset".to_owned() });
        assert_eq!((faults.check(), faults.check()), (lost.clone(), lost));
    }
}
