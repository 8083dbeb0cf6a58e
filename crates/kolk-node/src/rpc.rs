//! Remote procedure calls: requests that wait for their answer, and trying again.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use kolk_protocol::message::Body;
use kolk_protocol::{ErrorCode, Head, RpcError, from_body};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::state::{Deliver, NodeState};
use crate::timer::Sleep;

/// How long [`Context::rpc`] waits for an answer.
pub const RPC_DEADLINE: Duration = Duration::from_secs(1);

/// A request on its way, and the future of its answer: see [`Context::rpc`].
#[must_use = "dropping a call gives up its answer; use `send` for what needs none"]
pub struct Call<R> {
    state: Rc<NodeState>,
    msg_id: i64,
    answer: Rc<Answer<R>>,
    patience: Duration,
    deadline: Sleep,
}

struct Answer<R> {
    result: Cell<Option<Result<R, RpcError>>>,
    waker: RefCell<Option<Waker>>,
}

/// The body of an error.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ErrorBody {
    Error {
        code: ErrorCode,
        #[serde(default)]
        text: String,
    },
}

fn read_answer<R: DeserializeOwned>(body: &Body<'_>) -> Result<R, RpcError> {
    let unreadable = |error| {
        // It was answered, but not how we can read: the outcome is unknown.
        let text = format!("the answer `{}` cannot be read: {error}", body.kind);
        RpcError::new(ErrorCode::CRASH, text)
    };
    if body.kind == "error" {
        let ErrorBody::Error { code, text } =
            from_body(&body.kind, body.json).map_err(unreadable)?;
        return Err(RpcError { code, text });
    }
    from_body(&body.kind, body.json).map_err(unreadable)
}

impl<R: DeserializeOwned> Deliver for Answer<R> {
    fn deliver(&self, body: &Body<'_>) {
        self.result.set(Some(read_answer(body)));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl<R> Future for Call<R> {
    type Output = Result<R, RpcError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        if let Some(result) = self.answer.result.take() {
            return Poll::Ready(result);
        }
        if Pin::new(&mut self.deadline).poll(cx).is_ready() {
            let text = format!("no answer within {} s", self.patience.as_secs_f64());
            return Poll::Ready(Err(RpcError::new(ErrorCode::TIMEOUT, text)));
        }
        let mut known = self.answer.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *known = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("msg_id", &self.msg_id).finish_non_exhaustive()
    }
}

impl<R> Drop for Call<R> {
    fn drop(&mut self) {
        let forgotten = self.state.calls.borrow_mut().waiting.remove(&self.msg_id);
        drop(forgotten);
    }
}

impl Context {
    /// Sends a request and waits at most [`RPC_DEADLINE`] for its answer. The request leaves at
    /// once; dropping the call forgets it, and a late answer is ignored.
    ///
    /// # Errors
    ///
    /// The error that the other side answered, or error 0 if no answer came in time.
    /// [`RpcError::is_definite`] says whether the request surely was not performed: a timeout says
    /// nothing about that, nor does an answer that cannot be read as `R` (error 13). A request that
    /// [cannot be written](crate#messages-that-cannot-be-written) was not sent: error 12.
    pub fn rpc<R>(&self, dest: &str, request: &(impl Serialize + ?Sized)) -> Call<R>
    where
        R: DeserializeOwned + 'static,
    {
        self.rpc_within(RPC_DEADLINE, dest, request)
    }

    /// Sends a request and waits at most `patience` for its answer; otherwise the same as
    /// [`Context::rpc`].
    ///
    /// # Errors
    ///
    /// The errors of [`Context::rpc`].
    pub fn rpc_within<R>(
        &self,
        patience: Duration,
        dest: &str,
        request: &(impl Serialize + ?Sized),
    ) -> Call<R>
    where
        R: DeserializeOwned + 'static,
    {
        let state = &self.state;
        let answer = Rc::new(Answer { result: Cell::new(None), waker: RefCell::new(None) });
        let mut calls = state.calls.borrow_mut();
        calls.last_id += 1;
        let msg_id = calls.last_id;
        let head = Head { msg_id: Some(msg_id), in_reply_to: None };
        match state.outputs.borrow_mut().push_message(dest, request, head) {
            Ok(()) => {
                let deliver: Rc<dyn Deliver> = Rc::<Answer<R>>::clone(&answer);
                calls.waiting.insert(msg_id, deliver);
            }
            Err(error) => {
                let error = RpcError::new(ErrorCode::MALFORMED_REQUEST, error.to_string());
                answer.result.set(Some(Err(error)));
            }
        }
        drop(calls);
        let deadline = self.sleep(patience);
        Call { state: Rc::clone(state), msg_id, answer, patience, deadline }
    }

    /// Sends a request again and again until it is answered: [`Context::retry`] around
    /// [`Context::rpc_within`]. Only for requests that may be performed more than once.
    ///
    /// # Errors
    ///
    /// The errors of [`Context::retry`].
    pub async fn rpc_retry<R>(
        &self,
        retry: &Retry,
        dest: &str,
        request: &(impl Serialize + ?Sized),
    ) -> Result<R, RpcError>
    where
        R: DeserializeOwned + 'static,
    {
        self.retry(retry, async || self.rpc_within(retry.patience, dest, request).await).await
    }

    /// Repeats an operation while it fails with an indefinite error (0, 13, unknown ones) or with
    /// error 11 (temporarily unavailable), with pauses that grow as `retry` says. Only for what may
    /// happen more than once.
    ///
    /// # Errors
    ///
    /// The first error after which another attempt makes no sense, or the error of the last
    /// attempt. If an earlier attempt may have succeeded, a definite error of a later one proves
    /// nothing about the whole, so the earlier, indefinite one is returned in its place; unless the
    /// policy says [`Retry::read_only`].
    pub async fn retry<T>(
        &self,
        retry: &Retry,
        mut attempt: impl AsyncFnMut() -> Result<T, RpcError>,
    ) -> Result<T, RpcError> {
        let mut doubt = None;
        let mut pause = retry.first;
        let mut random = self.rng();
        for number in 1.. {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let again = !error.is_definite() || error.code == ErrorCode::TEMPORARILY_UNAVAILABLE;
            let last = !again || retry.attempts_max.is_some_and(|max| number >= max);
            if last && (retry.read_only || !error.is_definite()) {
                return Err(error);
            }
            if last {
                return Err(doubt.unwrap_or(error));
            }
            if !error.is_definite() {
                doubt = Some(error);
            }
            // Half of the pause is fixed, half is drawn, so that those who failed together do not
            // come back together. M. Brooker, "Exponential backoff and jitter", 2015.
            self.sleep(pause.mul_f64(0.5 + 0.5 * random.unit())).await;
            pause = (pause * 2).min(retry.pause_max);
        }
        unreachable!("the loop only ends by returning")
    }
}

/// A policy for repeating what failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How long to wait for each answer (used by [`Context::rpc_retry`]).
    pub patience: Duration,
    /// The first pause. Each is twice as long as the one before, and shortened by a random part of
    /// up to a half.
    pub first: Duration,
    /// The longest pause.
    pub pause_max: Duration,
    /// How many attempts are made; `None` for no limit.
    pub attempts_max: Option<u32>,
    /// True if what is tried changes nothing, so that an earlier attempt whose outcome is unknown
    /// casts no doubt on a later answer.
    pub read_only: bool,
}

impl Default for Retry {
    /// Five attempts, each given [`RPC_DEADLINE`], with pauses from 100 ms to 2 s.
    fn default() -> Retry {
        Retry {
            patience: RPC_DEADLINE,
            first: Duration::from_millis(100),
            pause_max: Duration::from_secs(2),
            attempts_max: Some(5),
            read_only: false,
        }
    }
}

impl Retry {
    /// The default pauses, without a limit on the number of attempts.
    pub fn forever() -> Retry {
        Retry { attempts_max: None, ..Retry::default() }
    }
}
