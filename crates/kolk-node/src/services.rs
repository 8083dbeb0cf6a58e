//! Clients for the services that Maelstrom runs beside the nodes: key-value stores and timestamps.
//!
//! What holds for all of them: an error that is not definite ([`RpcError::is_definite`]) means that
//! the operation may have happened, or may happen yet. None of these clients repeats an operation
//! on its own; wrap those that may happen twice into [`Context::retry`].

use std::rc::Rc;
use std::time::Duration;

use kolk_protocol::{ErrorCode, RpcError, workload::timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::rpc::RPC_DEADLINE;

/// The first and the longest pause of [`KeyValue::update`] after another was quicker.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// A client of a key-value store: see [`Context::lin_kv`], [`Context::seq_kv`] and
/// [`Context::lww_kv`]. Keys and values are anything that serde can make JSON of. Cheap to clone.
///
/// ```
/// # use kolk_node::{Context, RpcError};
/// # async fn example(cx: &Context) -> Result<(), RpcError> {
/// let store = cx.lin_kv();
/// let sum: i64 = store.update("sum", |sum: Option<i64>| sum.unwrap_or(0) + 5).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct KeyValue {
    cx: Context,
    name: Rc<str>,
    patience: Duration,
}

/// The requests to a store. `F` is apart from `V`, because creating a key compares with a value
/// that no key has.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Request<'a, K: ?Sized, F: ?Sized, V: ?Sized> {
    Read { key: &'a K },
    Write { key: &'a K, value: &'a V },
    Cas { key: &'a K, from: &'a F, to: &'a V, create_if_not_exists: bool },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReadReply<V> {
    ReadOk { value: V },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WriteReply {
    WriteOk,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CasReply {
    CasOk,
}

impl Context {
    /// The linearizable store, the service `lin-kv`.
    pub fn lin_kv(&self) -> KeyValue {
        self.key_value("lin-kv")
    }

    /// The sequentially consistent store, the service `seq-kv`. A value that it returns may be out
    /// of date until this node has written something new: see [`KeyValue::barrier`].
    pub fn seq_kv(&self) -> KeyValue {
        self.key_value("seq-kv")
    }

    /// The last-write-wins store, the service `lww-kv`, in which acknowledged writes can get lost.
    /// For experiments.
    pub fn lww_kv(&self) -> KeyValue {
        self.key_value("lww-kv")
    }

    /// A store under another name that answers the same requests: a service, or a node.
    pub fn key_value(&self, name: &str) -> KeyValue {
        KeyValue { cx: self.clone(), name: Rc::from(name), patience: RPC_DEADLINE }
    }

    /// The source of timestamps, the service `lin-tso`.
    pub fn lin_tso(&self) -> Timestamps {
        Timestamps { cx: self.clone(), patience: RPC_DEADLINE }
    }

    /// A text that no node has used before and none will use again.
    fn fresh(&self) -> String {
        let mut random = self.rng();
        format!("{}-{:016x}{:016x}", self.node_id(), random.next_u64(), random.next_u64())
    }
}

impl KeyValue {
    /// The same store, with another deadline for every request than [`RPC_DEADLINE`].
    #[must_use]
    pub fn within(self, patience: Duration) -> KeyValue {
        KeyValue { patience, ..self }
    }

    /// The value of a key; `None` if there is no such key.
    ///
    /// # Errors
    ///
    /// The store's error, or a timeout. Reading changes nothing: it may always be repeated.
    pub async fn read<V>(&self, key: &(impl Serialize + ?Sized)) -> Result<Option<V>, RpcError>
    where
        V: DeserializeOwned + 'static,
    {
        let request: Request<'_, _, (), ()> = Request::Read { key };
        match self.cx.rpc_within(self.patience, &self.name, &request).await {
            Ok(ReadReply::ReadOk { value }) => Ok(Some(value)),
            Err(error) if error.code == ErrorCode::KEY_DOES_NOT_EXIST => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets a key.
    ///
    /// # Errors
    ///
    /// The store's error, or a timeout, after which the key may have been set, or may be set later.
    /// A write that is repeated or delivered late can undo a later one of another client.
    pub async fn write(
        &self,
        key: &(impl Serialize + ?Sized),
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), RpcError> {
        let request: Request<'_, _, (), _> = Request::Write { key, value };
        let WriteReply::WriteOk = self.cx.rpc_within(self.patience, &self.name, &request).await?;
        Ok(())
    }

    /// Compare-and-set: sets a key to `to` if its value is `from`. Gives false if the store refused
    /// it; in a store that is only sequentially consistent that may mean no more than that an old
    /// state had another value.
    ///
    /// A refusal says that it surely was not set, unless the network duplicates messages: then the
    /// refused one may be the second copy of a request whose first was performed. Who must know all
    /// the same writes values that nobody else writes, and reads which one is there.
    ///
    /// # Errors
    ///
    /// Error 20 if the key does not exist. After an indefinite error (a timeout) the outcome is
    /// unknown: the key may have been set, or may be set later, so there is no `bool` for it.
    pub async fn cas(
        &self,
        key: &(impl Serialize + ?Sized),
        from: &(impl Serialize + ?Sized),
        to: &(impl Serialize + ?Sized),
    ) -> Result<bool, RpcError> {
        self.compare_and_set(&Request::Cas { key, from, to, create_if_not_exists: false }).await
    }

    /// Compare-and-set, as [`KeyValue::cas`], that also sets the key if it does not exist.
    ///
    /// # Errors
    ///
    /// The errors of [`KeyValue::cas`] except error 20.
    pub async fn cas_or_create(
        &self,
        key: &(impl Serialize + ?Sized),
        from: &(impl Serialize + ?Sized),
        to: &(impl Serialize + ?Sized),
    ) -> Result<bool, RpcError> {
        self.compare_and_set(&Request::Cas { key, from, to, create_if_not_exists: true }).await
    }

    /// Sets a key if there is none. Gives true if this call created it, false if it surely did not,
    /// because there was one, even one of the same value.
    ///
    /// # Errors
    ///
    /// The errors of [`KeyValue::cas`] except error 20.
    pub async fn create_if_not_exists(
        &self,
        key: &(impl Serialize + ?Sized),
        value: &(impl Serialize + ?Sized),
    ) -> Result<bool, RpcError> {
        // The store knows creation only as a part of compare-and-set. Compared is with a value that
        // no key has: with `value` itself, a key that has it already would count as created.
        self.cas_or_create(key, &self.cx.fresh(), value).await
    }

    async fn compare_and_set(&self, request: &impl Serialize) -> Result<bool, RpcError> {
        match self.cx.rpc_within(self.patience, &self.name, request).await {
            Ok(CasReply::CasOk) => Ok(true),
            Err(error) if error.code == ErrorCode::PRECONDITION_FAILED => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Changes a key's value to what `change` makes of it (`None` if there is no such key), and
    /// gives the new value. Reads, compares and sets, again if another was quicker; `change` may
    /// therefore be called several times, and only the last call counts.
    ///
    /// # Errors
    ///
    /// The first error of a request. If it is indefinite, the change may have been made, or may be
    /// yet: repeating it is right only if making it twice is. In a network that duplicates messages
    /// it may be made twice even without an error: see [`KeyValue::cas`].
    pub async fn update<V>(
        &self,
        key: &(impl Serialize + ?Sized),
        mut change: impl FnMut(Option<V>) -> V,
    ) -> Result<V, RpcError>
    where
        V: Serialize + DeserializeOwned + Clone + 'static,
    {
        let mut pause = PAUSE_MIN;
        let mut random = self.cx.rng();
        loop {
            let old: Option<V> = self.read(key).await?;
            let new = change(old.clone());
            let done = match &old {
                Some(old) => self.cas(key, old, &new).await?,
                None => self.create_if_not_exists(key, &new).await?,
            };
            if done {
                return Ok(new);
            }
            // Another was quicker. Those who collided come back apart, and with the store's newest
            // state, or the same old one would be compared with again.
            self.cx.sleep(pause.mul_f64(0.5 + 0.5 * random.unit())).await;
            pause = (pause * 2).min(PAUSE_MAX);
            if &*self.name == "seq-kv" {
                self.barrier().await?;
            }
        }
    }

    /// Makes the store up to date: what this node reads after it is not older than the moment of
    /// the call.
    ///
    /// Meant for `seq-kv`, which may answer a node from any state not older than what the node saw
    /// last, but applies what *changes* its state to the newest one. So this writes a value that
    /// nobody has written before, to a key of this node's own.
    ///
    /// # Errors
    ///
    /// The errors of [`KeyValue::write`]. The call is harmless to repeat.
    pub async fn barrier(&self) -> Result<(), RpcError> {
        let key = format!("barrier-{}", self.cx.node_id());
        self.write(&key, &self.cx.fresh()).await
    }

    /// [`KeyValue::barrier`], then [`KeyValue::read`]: on `seq-kv` a read that is not stale.
    ///
    /// # Errors
    ///
    /// The errors of [`KeyValue::barrier`] and [`KeyValue::read`]. The call is harmless to repeat.
    pub async fn read_latest<V>(
        &self,
        key: &(impl Serialize + ?Sized),
    ) -> Result<Option<V>, RpcError>
    where
        V: DeserializeOwned + 'static,
    {
        self.barrier().await?;
        self.read(key).await
    }
}

/// A client of `lin-tso`: see [`Context::lin_tso`].
#[derive(Clone, Debug)]
pub struct Timestamps {
    cx: Context,
    patience: Duration,
}

impl Timestamps {
    /// The same service, with another deadline for every request than [`RPC_DEADLINE`].
    #[must_use]
    pub fn within(self, patience: Duration) -> Timestamps {
        Timestamps { patience, ..self }
    }

    /// A timestamp greater than all that were given out before the call.
    ///
    /// # Errors
    ///
    /// The service's error, or a timeout, after which a timestamp may never be given out. The call
    /// is harmless to repeat.
    pub async fn next(&self) -> Result<u64, RpcError> {
        let request = timestamp::Request::Ts {};
        let timestamp::Reply::TsOk { ts } =
            self.cx.rpc_within(self.patience, "lin-tso", &request).await?;
        Ok(ts)
    }
}
