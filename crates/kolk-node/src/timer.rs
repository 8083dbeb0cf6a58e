//! Timers: points in time at which a task wants to be woken.

use std::fmt;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{self, Poll};
use std::time::Duration;

use kolk_protocol::{ErrorCode, RpcError, Time};
use thiserror::Error;

use crate::context::Context;
use crate::state::NodeState;
use crate::task::Task;

/// Waits until an instant of the node's clock: see [`Context::sleep`].
///
/// Dropping it disarms it; [`Sleep::reset`] moves it. Both are cheap.
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep {
    state: Rc<NodeState>,
    deadline: Time,
    armed: Option<u64>,
}

impl Sleep {
    pub(crate) fn until(state: &Rc<NodeState>, deadline: Time) -> Sleep {
        Sleep { state: Rc::clone(state), deadline, armed: None }
    }

    /// The instant at which the sleep ends.
    pub fn deadline(&self) -> Time {
        self.deadline
    }

    /// Moves the end of the sleep, also of one that is over.
    pub fn reset(&mut self, deadline: Time) {
        self.disarm();
        self.deadline = deadline;
    }

    fn disarm(&mut self) {
        if let Some(number) = self.armed.take() {
            self.state.timers.borrow_mut().armed.remove(&(self.deadline, number));
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.deadline <= this.state.now.get() {
            this.disarm();
            return Poll::Ready(());
        }
        let timers = &mut *this.state.timers.borrow_mut();
        let number = *this.armed.get_or_insert_with(|| {
            timers.count += 1;
            timers.count
        });
        let waker =
            timers.armed.entry((this.deadline, number)).or_insert_with(|| cx.waker().clone());
        waker.clone_from(cx.waker());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.disarm();
    }
}

/// The error of [`Context::timeout`]: the time was over before the future was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not done within {}", seconds(.0))]
pub struct Elapsed(pub Duration);

fn seconds(duration: &Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

/// A timeout (error 0), which is indefinite.
impl From<Elapsed> for RpcError {
    fn from(elapsed: Elapsed) -> RpcError {
        RpcError::new(ErrorCode::TIMEOUT, elapsed.to_string())
    }
}

impl Context {
    /// Waits for `duration` of the node's clock, which on the virtual clock costs no real time.
    /// If it is zero, that is over at once, and other tasks do not get their turn.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::until(&self.state, self.now() + duration)
    }

    /// Waits until `deadline`.
    pub fn sleep_until(&self, deadline: Time) -> Sleep {
        Sleep::until(&self.state, deadline)
    }

    /// Runs `future` for at most `duration`, and drops it then.
    ///
    /// # Errors
    ///
    /// [`Elapsed`] if it was not done.
    pub async fn timeout<T>(
        &self,
        duration: Duration,
        future: impl Future<Output = T>,
    ) -> Result<T, Elapsed> {
        let mut future = pin!(future);
        let mut sleep = self.sleep(duration);
        std::future::poll_fn(|cx| {
            if let Poll::Ready(value) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(value));
            }
            Pin::new(&mut sleep).poll(cx).map(|()| Err(Elapsed(duration)))
        })
        .await
    }

    /// Calls `act` every `period`, the first time one period from now, until the task returned is
    /// aborted. A node that was held up makes up for no missed beat.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
    pub fn every(&self, period: Duration, mut act: impl FnMut() + 'static) -> Task<()> {
        assert!(!period.is_zero(), "every() needs a period");
        let cx = self.clone();
        self.spawn(async move {
            let mut next = cx.now() + period;
            loop {
                cx.sleep_until(next).await;
                act();
                next = next + period;
                if next <= cx.now() {
                    next = cx.now() + period;
                }
            }
        })
    }
}
