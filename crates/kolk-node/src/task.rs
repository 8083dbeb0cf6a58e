//! Tasks that run beside the handlers.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{self, Poll, Waker};

use crate::context::Context;

/// A task started by [`Context::spawn`]. Awaiting it gives what it returned, or `None` if it was
/// aborted; dropping it lets the task run on.
pub struct Task<T> {
    state: Rc<State<T>>,
}

struct State<T> {
    outcome: Cell<Outcome<T>>,
    /// The task that waits for the outcome.
    waiting: RefCell<Option<Waker>>,
    /// The waker of the task itself, so that an abort reaches it while it waits.
    task: RefCell<Option<Waker>>,
    abort: Cell<bool>,
}

enum Outcome<T> {
    Running,
    Done(Option<T>),
}

impl<T> State<T> {
    fn finish(&self, value: Option<T>) {
        self.outcome.set(Outcome::Done(value));
        self.task.replace(None);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    fn is_done(&self) -> bool {
        let outcome = self.outcome.replace(Outcome::Running);
        let done = matches!(outcome, Outcome::Done(_));
        self.outcome.set(outcome);
        done
    }
}

impl<T> Task<T> {
    /// Ends the task where it waits: it is dropped before any more of it runs. Does nothing if the
    /// task is over.
    pub fn abort(&self) {
        self.state.abort.set(true);
        if let Some(waker) = self.state.task.take() {
            waker.wake();
        }
    }

    /// True if the task has returned or was aborted.
    pub fn is_finished(&self) -> bool {
        self.state.abort.get() || self.state.is_done()
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("is_finished", &self.is_finished()).finish_non_exhaustive()
    }
}

impl<T> Future for Task<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<T>> {
        match self.state.outcome.replace(Outcome::Done(None)) {
            Outcome::Done(value) => Poll::Ready(value),
            Outcome::Running => {
                self.state.outcome.set(Outcome::Running);
                self.state.waiting.replace(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Context {
    /// Runs `future` beside everything else, on the same thread; no `Send` is asked for. It gets
    /// its first turn when the task that spawned it waits or ends.
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        let state = Rc::new(State {
            outcome: Cell::new(Outcome::Running),
            waiting: RefCell::new(None),
            task: RefCell::new(None),
            abort: Cell::new(false),
        });
        let task = Task { state: Rc::clone(&state) };
        let mut future = Some(Box::pin(future));
        self.state.spawned.borrow_mut().push(Box::pin(std::future::poll_fn(move |cx| {
            let value = match future.as_mut() {
                Some(_) if state.abort.get() => None,
                Some(running) => match running.as_mut().poll(cx) {
                    Poll::Ready(value) => Some(value),
                    Poll::Pending => {
                        let mut known = state.task.borrow_mut();
                        if !known.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
                            *known = Some(cx.waker().clone());
                        }
                        return Poll::Pending;
                    }
                },
                None => return Poll::Ready(()),
            };
            future = None;
            state.finish(value);
            Poll::Ready(())
        })));
        task
    }
}
