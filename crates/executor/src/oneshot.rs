//! A value that a callback of wgpu sends to a future.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::faults::lock;

#[derive(Debug)]
struct Shared<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// The callback's end.
#[derive(Debug)]
pub(crate) struct Sender<T>(Arc<Mutex<Shared<T>>>);

/// The future's end: waits for the value.
#[derive(Debug)]
pub(crate) struct Receiver<T>(Arc<Mutex<Shared<T>>>);

/// Two ends of one value.
pub(crate) fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Mutex::new(Shared { value: None, waker: None }));
    (Sender(shared.clone()), Receiver(shared))
}

impl<T> Sender<T> {
    /// Wakes the receiver with the value.
    pub(crate) fn send(self, value: T) {
        let mut shared = lock(&self.0);
        shared.value = Some(value);
        let waker = shared.waker.take();
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context) -> Poll<T> {
        let mut shared = lock(&self.0);
        match shared.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                shared.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_arrives_from_another_thread() {
        let (sender, receiver) = oneshot();
        let sending = std::thread::spawn(move || sender.send(7));
        assert_eq!(pollster::block_on(receiver), 7);
        assert!(sending.join().is_ok());
    }

    #[test]
    fn nothing_is_ready_before_it_is_sent() {
        let (sender, mut receiver) = oneshot();
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(Pin::new(&mut receiver).poll(&mut context), Poll::Pending);
        sender.send("done");
        assert_eq!(Pin::new(&mut receiver).poll(&mut context), Poll::Ready("done"));
    }
}
