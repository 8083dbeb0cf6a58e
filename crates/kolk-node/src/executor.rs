//! A small executor for one thread, without I/O and without a clock.
//!
//! It runs two kinds of tasks. Handlers are futures of one concrete type: they are kept in slots
//! that are used again and again and polled where they are, so that a request whose handler never
//! waits costs no allocation. Spawned tasks are boxed. Ready tasks are polled first in, first out,
//! which makes a run a function of its inputs; when none is ready the executor is *idle*.
//!
//! Wakers are the standard library's [`Wake`] on one `Arc` a slot, made once and kept with the
//! slot. They may be called from anywhere, other threads included: on the real clock that is how
//! Tokio's own primitives wake a handler. A waker that outlived its task wakes its slot's next one,
//! which costs a needless poll and nothing else.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{self, Wake, Waker};

// `loom` tries all orders in which threads may get their turns and memory may be seen.
#[cfg(loom)]
use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};
#[cfg(not(loom))]
use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

/// A future that was given to `spawn`.
pub(crate) type Spawned = Pin<Box<dyn Future<Output = ()>>>;

/// Names a task: its slot, and which kind it is.
#[derive(Clone, Copy)]
enum TaskId {
    Handler(usize),
    Spawned(usize),
}

/// The tasks that want to be polled, and the driver that waits for one.
///
/// Both stand under one lock, so that a driver that goes to sleep and a thread that wakes a task
/// cannot miss each other: one of them comes first, and the other sees what it did.
#[derive(Default)]
struct ReadyQueue {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    ready: VecDeque<TaskId>,
    /// Woken by the next task that gets ready.
    driver: Option<Waker>,
}

impl ReadyQueue {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, id: TaskId) {
        let mut queue = self.lock();
        queue.ready.push_back(id);
        let driver = queue.driver.take();
        drop(queue);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Moves everything that is ready to the end of `to`.
    fn take(&self, to: &mut VecDeque<TaskId>) {
        to.append(&mut self.lock().ready);
    }

    /// Asks for `driver` to be woken by the next task that gets ready. False if a task is ready
    /// already.
    fn watch(&self, driver: &Waker) -> bool {
        let mut queue = self.lock();
        let nothing_is_ready = queue.ready.is_empty();
        if nothing_is_ready {
            queue.driver = Some(driver.clone());
        }
        nothing_is_ready
    }
}

struct TaskWaker {
    id: TaskId,
    queue: Arc<ReadyQueue>,
    /// True while the task stands in the queue, where it stands at most once.
    queued: AtomicBool,
}

impl TaskWaker {
    /// The task is about to be polled: what wakes it from here on must queue it again.
    ///
    /// A swap and not a store. A thread that wakes the task and finds it queued does nothing more,
    /// so the poll must see what that thread did before; it does, because this swap comes after the
    /// thread's swap and reads what that wrote.
    fn leave_queue(&self) {
        self.queued.swap(false, Ordering::AcqRel);
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.queue.push(self.id);
        }
    }
}

/// A place for one task after another.
struct Slot<T> {
    future: T,
    task: Arc<TaskWaker>,
    waker: Waker,
}

impl<T> Slot<T> {
    fn new(future: T, id: TaskId, queue: &Arc<ReadyQueue>) -> Slot<T> {
        let queued = AtomicBool::new(false);
        let task = Arc::new(TaskWaker { id, queue: Arc::clone(queue), queued });
        Slot { future, waker: Waker::from(Arc::clone(&task)), task }
    }
}

/// The tasks of one node; `F` is the type of its handlers.
pub(crate) struct Executor<F> {
    queue: Arc<ReadyQueue>,
    /// The tasks that were taken from the queue and are about to be polled.
    batch: VecDeque<TaskId>,
    handlers: Vec<Slot<Pin<Box<Option<F>>>>>,
    handlers_free: Vec<usize>,
    spawned: Vec<Slot<Option<Spawned>>>,
    spawned_free: Vec<usize>,
}

impl<F: Future<Output = ()>> Executor<F> {
    pub(crate) fn new() -> Executor<F> {
        Executor {
            queue: Arc::default(),
            batch: VecDeque::new(),
            handlers: Vec::new(),
            handlers_free: Vec::new(),
            spawned: Vec::new(),
            spawned_free: Vec::new(),
        }
    }

    /// Asks for `driver` to be woken by the next task that gets ready. False if a task is ready
    /// already.
    pub(crate) fn watch(&self, driver: &Waker) -> bool {
        self.batch.is_empty() && self.queue.watch(driver)
    }

    /// True if there is no task at all, ready or waiting.
    pub(crate) fn is_empty(&self) -> bool {
        self.handlers_free.len() == self.handlers.len()
            && self.spawned_free.len() == self.spawned.len()
    }

    /// Starts a handler and polls it at once.
    pub(crate) fn handle(&mut self, future: F) {
        let index = self.handlers_free.pop().unwrap_or_else(|| {
            let id = TaskId::Handler(self.handlers.len());
            self.handlers.push(Slot::new(Box::pin(None), id, &self.queue));
            self.handlers.len() - 1
        });
        self.handlers[index].future.set(Some(future));
        self.poll_handler(index);
    }

    /// Starts a task; it is polled when its turn comes.
    pub(crate) fn spawn(&mut self, future: Spawned) {
        let index = self.spawned_free.pop().unwrap_or_else(|| {
            let id = TaskId::Spawned(self.spawned.len());
            self.spawned.push(Slot::new(None, id, &self.queue));
            self.spawned.len() - 1
        });
        self.spawned[index].future = Some(future);
        self.spawned[index].task.wake_by_ref();
    }

    /// Polls the task whose turn it is. False if none is ready.
    pub(crate) fn poll_next(&mut self) -> bool {
        if self.batch.is_empty() {
            self.queue.take(&mut self.batch);
        }
        match self.batch.pop_front() {
            None => return false,
            Some(TaskId::Handler(index)) => {
                self.handlers[index].task.leave_queue();
                self.poll_handler(index);
            }
            Some(TaskId::Spawned(index)) => {
                self.spawned[index].task.leave_queue();
                self.poll_spawned(index);
            }
        }
        true
    }

    fn poll_handler(&mut self, index: usize) {
        let slot = &mut self.handlers[index];
        let Some(future) = slot.future.as_mut().as_pin_mut() else { return };
        if future.poll(&mut task::Context::from_waker(&slot.waker)).is_ready() {
            slot.future.set(None);
            self.handlers_free.push(index);
        }
    }

    fn poll_spawned(&mut self, index: usize) {
        let slot = &mut self.spawned[index];
        let Some(future) = &mut slot.future else { return };
        if future.as_mut().poll(&mut task::Context::from_waker(&slot.waker)).is_ready() {
            slot.future = None;
            self.spawned_free.push(index);
        }
    }
}

#[cfg(all(test, loom))]
mod tests;
