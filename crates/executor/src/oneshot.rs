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
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Flag(AtomicBool);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn whoever_waits_is_woken_with_the_value() {
        let (sender, mut receiver) = oneshot();
        let flag = Arc::new(Flag::default());
        let waker = flag.clone().into();
        let mut context = Context::from_waker(&waker);
        assert_eq!(Pin::new(&mut receiver).poll(&mut context), Poll::Pending);
        assert!(!flag.0.load(Ordering::Relaxed));
        sender.send("done");
        assert!(flag.0.load(Ordering::Relaxed));
        assert_eq!(Pin::new(&mut receiver).poll(&mut context), Poll::Ready("done"));
    }

    #[test]
    fn a_value_that_is_sent_first_is_kept() {
        let (sender, receiver) = oneshot();
        sender.send(7);
        assert_eq!(pollster::block_on(receiver), 7);
    }
}
