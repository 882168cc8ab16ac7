//! The page's orders, until the worker has time for them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::browser::{Result, listen};
use crate::messages::{Order, unpacked};

/// Orders in their order.
pub struct Inbox(Rc<RefCell<Contents>>);

#[derive(Default)]
struct Contents {
    orders: VecDeque<Result<Order>>,
    /// Who waits for the next.
    waiting: Option<Waker>,
}

impl Inbox {
    /// One that has all messages from now on.
    pub fn open(scope: &DedicatedWorkerGlobalScope) -> Result<Self> {
        let contents = Rc::<RefCell<Contents>>::default();
        let filled = contents.clone();
        listen(scope, "message", move |event: MessageEvent| {
            let mut contents = filled.borrow_mut();
            contents.orders.push_back(unpacked(&event.data()));
            if let Some(waiting) = contents.waiting.take() {
                waiting.wake();
            }
        })?;
        Ok(Self(contents))
    }

    /// The first order; none where all are taken.
    pub fn take(&self) -> Option<Result<Order>> {
        self.0.borrow_mut().orders.pop_front()
    }

    /// Waits until there is one.
    pub async fn filled(&self) {
        poll_fn(|context| {
            let mut contents = self.0.borrow_mut();
            if !contents.orders.is_empty() {
                return Poll::Ready(());
            }
            contents.waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
