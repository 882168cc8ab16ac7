//! What a device has reported behind the back of the calls that caused it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

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
