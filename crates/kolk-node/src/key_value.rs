//! Clients of key-value stores (`seq-kv`, `lin-kv`, `lww-kv`) and of the timestamp service.
//!
//! ```
//! use kolk_node::{Context, RpcError, key_value::KeyValue};
//!
//! async fn count_up(cx: &Context) -> Result<u64, RpcError> {
//!     let store = KeyValue::lin_kv(cx);
//!     store.update("count", |count| count.copied().unwrap_or(0) + 1).await
//! }
//! ```
//!
//! An error is *definite* if the request surely was not performed ([`RpcError::is_definite`]). A
//! compare-and-set that got no answer is not: it may have happened, or may happen yet. None of
//! these functions takes it for one that failed.

use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use kolk_protocol::workload::key_value::{Reply, Request};
use kolk_protocol::workload::timestamp;
use kolk_protocol::{ErrorCode, RpcError};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::{Context, Retry};

/// The first pause after somebody else was quicker; each is twice the one before.
const CONFLICT_PAUSE: Duration = Duration::from_millis(5);

/// No pause between conflicts is longer.
const CONFLICT_PAUSE_MAX: Duration = Duration::from_millis(500);

/// A client of one store. Cheap to clone.
#[derive(Clone)]
pub struct KeyValue {
    cx: Context,
    store: Store,
    retry: Retry,
}

#[derive(Clone)]
enum Store {
    /// Reached by messages to this name.
    Remote(Rc<str>),
    /// A part of this node.
    Local(Rc<dyn Backend>),
}

/// A store that is a part of the node, so that [`KeyValue`] can be its client without messages.
pub trait Backend {
    /// Performs a request, as a service would; errors 20 and 22 mean what they mean there.
    fn call(&self, request: Request<Value, Value>) -> BackendReply;
}

/// What [`Backend::call`] promises.
pub type BackendReply = Pin<Box<dyn Future<Output = Result<Reply<Value>, RpcError>>>>;

impl KeyValue {
    /// The linearizable service.
    pub fn lin_kv(cx: &Context) -> KeyValue {
        KeyValue::at(cx, "lin-kv")
    }

    /// The sequentially consistent service. What is read there may be old: see
    /// [`KeyValue::barrier`].
    pub fn seq_kv(cx: &Context) -> KeyValue {
        KeyValue::at(cx, "seq-kv")
    }

    /// The service in which the last write wins, on several replicas.
    pub fn lww_kv(cx: &Context) -> KeyValue {
        KeyValue::at(cx, "lww-kv")
    }

    /// A store with the same requests, reached under this name.
    pub fn at(cx: &Context, name: &str) -> KeyValue {
        KeyValue::over(cx, Store::Remote(name.into()))
    }

    /// A store that is a part of this node.
    pub fn local(cx: &Context, backend: Rc<dyn Backend>) -> KeyValue {
        KeyValue::over(cx, Store::Local(backend))
    }

    fn over(cx: &Context, store: Store) -> KeyValue {
        KeyValue { cx: cx.clone(), store, retry: Retry { read_only: true, ..Retry::default() } }
    }

    /// With another policy: how long to wait for an answer, and how often and with which pauses to
    /// repeat what may be repeated: reads, barriers, and [`KeyValue::swap_unique`].
    pub fn with_retry(self, retry: Retry) -> KeyValue {
        KeyValue { retry: Retry { read_only: true, ..retry }, ..self }
    }

    /// The value of a key; `None` if there is no such key. Repeated when no answer comes.
    ///
    /// # Errors
    ///
    /// The last attempt's.
    pub async fn read<V>(&self, key: &(impl Serialize + ?Sized)) -> Result<Option<V>, RpcError>
    where
        V: DeserializeOwned + 'static,
    {
        let read = async || self.call(Request::<_, &()>::Read { key }).await;
        match self.cx.retry(&self.retry, read).await {
            Ok(Reply::ReadOk { value }) => Ok(Some(value)),
            Ok(_) => Err(unexpected()),
            Err(error) if error.code == ErrorCode::KEY_DOES_NOT_EXIST => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets a key. Sent once: repeated, or delivered late, a write would undo a later one.
    ///
    /// # Errors
    ///
    /// What the store answered, or error 0 if no answer came: then it may have happened, and may
    /// happen at any later time.
    pub async fn write(
        &self,
        key: &(impl Serialize + ?Sized),
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), RpcError> {
        match self.call::<IgnoredAny>(Request::Write { key, value }).await? {
            Reply::WriteOk {} => Ok(()),
            _ => Err(unexpected()),
        }
    }

    /// Sets a key if its value is `from`; without `from`, if there is no such key. True if it was
    /// set; false if it surely was not. Sent once.
    ///
    /// Without `from`, a key whose value is `null` counts as one that does not exist.
    ///
    /// In a sequentially consistent store that it was not set may only mean that an old view of it
    /// had another value.
    ///
    /// # Errors
    ///
    /// Anything else that the store answered, or error 0 if no answer came: then it may have
    /// happened, and may happen at any later time at which the value is `from`.
    pub async fn compare_and_set<V: Serialize>(
        &self,
        key: &(impl Serialize + ?Sized),
        from: Option<&V>,
        to: &V,
    ) -> Result<bool, RpcError> {
        // `null` is what no value is equal to: a concurrent first value is never overwritten.
        let create_if_not_exists = from.is_none();
        let request = Request::Cas { key, from, to: Some(to), create_if_not_exists };
        match self.call::<IgnoredAny>(request).await {
            Ok(Reply::CasOk {}) => Ok(true),
            Ok(_) => Err(unexpected()),
            Err(RpcError {
                code: ErrorCode::PRECONDITION_FAILED | ErrorCode::KEY_DOES_NOT_EXIST,
                ..
            }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// [`KeyValue::compare_and_set`] to a value that nobody ever sets this key to but this call.
    /// That makes it safe to repeat when no answer comes: an attempt that arrives after another has
    /// succeeded finds the value changed, and whether one of them succeeded shows in the value.
    ///
    /// # Errors
    ///
    /// As [`KeyValue::compare_and_set`], after as many attempts as the policy allows; and error 0 if
    /// no attempt was answered but the last, which found yet another value: then somebody may have
    /// changed what an earlier attempt had set. That cannot be where one node alone sets the key.
    pub async fn swap_unique<V>(
        &self,
        key: &(impl Serialize + ?Sized),
        from: Option<&V>,
        to: &V,
    ) -> Result<bool, RpcError>
    where
        V: Serialize + DeserializeOwned + PartialEq + 'static,
    {
        let mut doubt = None;
        let swap = async || {
            let swapped = self.compare_and_set(key, from, to).await;
            if let Err(error) = &swapped
                && !error.is_definite()
            {
                doubt = Some(error.clone());
            }
            swapped
        };
        if self.cx.retry(&Retry { read_only: false, ..self.retry }, swap).await? {
            return Ok(true);
        }
        let Some(doubt) = doubt else { return Ok(false) };
        if self.read::<V>(key).await?.as_ref() == Some(to) { Ok(true) } else { Err(doubt) }
    }

    /// Changes a value: reads it, asks `change` for the next one and sets that by compare-and-set,
    /// from the beginning again for as long as somebody else is quicker, with pauses that grow.
    /// Returns the value set. If `change` leaves the value as it is, nothing is set, and what was
    /// read may be old in a store that is only sequentially consistent.
    ///
    /// # Errors
    ///
    /// The first error. If it is indefinite the change may have been made, or may be yet: making it
    /// again may make it twice.
    pub async fn update<V>(
        &self,
        key: &(impl Serialize + ?Sized),
        mut change: impl FnMut(Option<&V>) -> V,
    ) -> Result<V, RpcError>
    where
        V: Serialize + DeserializeOwned + PartialEq + 'static,
    {
        let mut pause = CONFLICT_PAUSE;
        let mut random = self.cx.rng();
        loop {
            let from = self.read::<V>(key).await?;
            let to = change(from.as_ref());
            if from.as_ref() == Some(&to) || self.compare_and_set(key, from.as_ref(), &to).await? {
                return Ok(to);
            }
            self.cx.sleep(pause.mul_f64(random.unit())).await;
            pause = (pause * 2).min(CONFLICT_PAUSE_MAX);
        }
    }

    /// After this, reads of a sequentially consistent store see everything that was acknowledged
    /// before it began.
    ///
    /// Such a store may show each of its clients an old state, but all see the same states in the
    /// same order, and each at least those that it made itself. So a client catches up by making
    /// one: this sets a key of this node's own to a value that it never had. A write of the value
    /// that is there, and a compare-and-set to it, may change nothing and so prove nothing.
    ///
    /// # Errors
    ///
    /// The last attempt's.
    pub async fn barrier(&self) -> Result<(), RpcError> {
        let key = format!("barrier-{}", self.cx.node_id());
        let mut random = self.cx.rng();
        let attempt = async || {
            let fresh = format!("{:016x}", random.next_u64());
            self.write(&key, &fresh).await
        };
        self.cx.retry(&self.retry, attempt).await
    }

    async fn call<V>(
        &self,
        request: Request<&(impl Serialize + ?Sized), impl Serialize>,
    ) -> Result<Reply<V>, RpcError>
    where
        V: DeserializeOwned + 'static,
    {
        match &self.store {
            Store::Remote(name) => self.cx.rpc_within(self.retry.patience, name, &request).await,
            Store::Local(backend) => {
                let reply = backend.call(as_json(request)?);
                match self.cx.timeout(self.retry.patience, reply).await?? {
                    Reply::ReadOk { value } => {
                        let unreadable = |error: serde_json::Error| {
                            RpcError::new(ErrorCode::CRASH, error.to_string())
                        };
                        Ok(Reply::ReadOk {
                            value: serde_json::from_value(value).map_err(unreadable)?,
                        })
                    }
                    Reply::WriteOk {} => Ok(Reply::WriteOk {}),
                    Reply::CasOk {} => Ok(Reply::CasOk {}),
                }
            }
        }
    }
}

fn unexpected() -> RpcError {
    RpcError::new(ErrorCode::CRASH, "the store's reply is that of another request")
}

fn as_json<K: Serialize, V: Serialize>(
    request: Request<K, V>,
) -> Result<Request<Value, Value>, RpcError> {
    fn json(part: impl Serialize) -> Result<Value, RpcError> {
        let malformed = |error: serde_json::Error| {
            RpcError::new(ErrorCode::MALFORMED_REQUEST, error.to_string())
        };
        serde_json::to_value(part).map_err(malformed)
    }
    Ok(match request {
        Request::Read { key } => Request::Read { key: json(key)? },
        Request::Write { key, value } => Request::Write { key: json(key)?, value: json(value)? },
        Request::Cas { key, from, to, create_if_not_exists } => {
            Request::Cas { key: json(key)?, from: json(from)?, to: json(to)?, create_if_not_exists }
        }
    })
}

/// A timestamp of `lin-tso`, greater than any that was given before the call began. Repeated when
/// no answer comes: a timestamp that nobody uses does no harm.
///
/// # Errors
///
/// The last attempt's.
pub async fn timestamp(cx: &Context) -> Result<u64, RpcError> {
    let retry = Retry { read_only: true, ..Retry::default() };
    let timestamp::Reply::TsOk { ts } =
        cx.rpc_retry(&retry, "lin-tso", &timestamp::Request::Ts {}).await?;
    Ok(ts)
}
