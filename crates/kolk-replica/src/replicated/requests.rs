//! A client's request: it is handed to whoever leads, and again while no answer comes.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use kolk_node::sync::Notify;
use kolk_node::{ErrorCode, RpcError};

use super::core::Core;
use super::wire::Ask;
use super::{Shared, State};

/// How long a request may take before its client is told that the outcome is not known. Clients
/// give up after 5 s.
const DEADLINE: Duration = Duration::from_secs(4);

/// The longest time after which a request is repeated that was not answered.
const PATIENCE_MAX: Duration = Duration::from_secs(1);

/// When a request is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// A query: when it is answered.
    Answered,
    /// A command: when it is performed.
    Done,
    /// A command: when it is performed on this node's own copy.
    Here,
}

/// What a request waits for.
pub(super) struct Receipt<O> {
    output: RefCell<Option<O>>,
    given: Notify,
}

impl<O> Receipt<O> {
    pub fn new() -> Rc<Receipt<O>> {
        Rc::new(Receipt { output: RefCell::new(None), given: Notify::new() })
    }

    pub fn give(&self, output: O) {
        self.output.replace(Some(output));
        self.given.notify_all();
    }

    async fn output(&self) -> O {
        loop {
            if let Some(output) = self.output.take() {
                return output;
            }
            self.given.notified().await;
        }
    }
}

/// Closes the request however it ends, a handler that is dropped included.
struct Open<'a, S: State> {
    shared: &'a Rc<Shared<S>>,
    number: u64,
}

impl<S: State> Drop for Open<'_, S> {
    fn drop(&mut self) {
        // While a node ends, its state may be borrowed or gone: then nobody counts any more.
        if let Ok(mut core) = self.shared.core.try_borrow_mut()
            && let Some(core) = &mut *core
        {
            core.close(self.number);
        }
    }
}

/// The error of a node that can keep nothing any more.
pub(super) fn disk_failed() -> RpcError {
    RpcError::new(ErrorCode::CRASH, "this node's disk has failed")
}

pub(super) async fn request<S: State>(
    shared: &Rc<Shared<S>>,
    ask: impl FnOnce(&mut Core<S>) -> Ask<S::Command, S::Query>,
    until: Until,
) -> Result<S::Output, RpcError> {
    let cx = &shared.cx;
    let end = cx.now() + DEADLINE;
    shared.ready().await;
    let receipt = Receipt::new();
    let mut opened = None;
    shared.react(|core, inputs| opened = Some(core.open(ask, until, &receipt, inputs)));
    let Some(number) = opened else {
        return Err(disk_failed());
    };
    let open = Open { shared, number };
    let mut patience = Duration::ZERO;
    loop {
        let usual = shared.core.borrow().as_ref().map_or(PATIENCE_MAX, Core::patience);
        patience = (patience * 2).clamp(usual, PATIENCE_MAX.max(usual));
        let left = end.since(cx.now());
        if let Ok(output) = cx.timeout(patience.min(left), receipt.output()).await {
            return Ok(output);
        }
        if patience >= left {
            break;
        }
        shared.react(|core, inputs| core.again(number, inputs));
    }
    let was_sent = shared.core.borrow().as_ref().is_none_or(|core| core.was_sent(number));
    drop(open);
    Err(match was_sent && until != Until::Answered {
        true => RpcError::new(ErrorCode::TIMEOUT, "no majority has confirmed it in time"),
        false => {
            let text = "no majority can be reached: nothing was done";
            RpcError::new(ErrorCode::TEMPORARILY_UNAVAILABLE, text)
        }
    })
}
