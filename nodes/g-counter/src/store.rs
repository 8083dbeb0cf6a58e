//! The stores that the counter can stand on.

use std::time::Duration;

use kolk_node::{Context, Datum, ErrorCode, KeyValue, RPC_DEADLINE, Retry, RpcError};
use kolk_seq_kv::{Outcome, Replica, Update};
use serde::{Deserialize, Serialize};

/// The value of a node's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The sum of all that was ever added at that node.
    pub total: u64,
    /// A number drawn for this entry, so that no two are equal: whether a compare-and-set to it was
    /// performed shows in the store.
    pub tag: u64,
}

/// How operations that may be repeated are repeated: a client waits five seconds for its answer.
const RETRY: Retry = Retry {
    patience: Duration::from_millis(600),
    first: Duration::from_millis(50),
    pause_max: Duration::from_millis(200),
    attempts_max: Some(5),
    read_only: true,
};

/// A sequentially consistent store.
pub struct Store {
    cx: Context,
    kind: Kind,
}

enum Kind {
    /// Beside the nodes.
    Service(KeyValue),
    /// On the nodes themselves: this is this one's part of it.
    Own(Replica),
}

impl Store {
    /// The service `seq-kv`.
    pub fn service(cx: &Context) -> Store {
        Store { cx: cx.clone(), kind: Kind::Service(cx.seq_kv()) }
    }

    /// The store of the node `seq-kv`, in the nodes that count.
    pub fn own(cx: &Context) -> Store {
        let replica = Replica::new(cx, kolk_seq_kv::Settings::default());
        Store { cx: cx.clone(), kind: Kind::Own(replica) }
    }

    /// What a key holds in some state that this node has not seen a later one of.
    ///
    /// # Errors
    ///
    /// The error of the last attempt.
    pub async fn read(&self, key: &str) -> Result<Option<Entry>, RpcError> {
        match &self.kind {
            Kind::Service(service) => {
                self.patiently(service, async |service| service.read(key).await).await
            }
            Kind::Own(replica) => {
                replica.read(&Datum::of(key)).map(|datum| read(&datum)).transpose()
            }
        }
    }

    /// After this, reads show everything that was acknowledged to anybody before it began.
    ///
    /// # Errors
    ///
    /// The error of the last attempt.
    pub async fn barrier(&self) -> Result<(), RpcError> {
        match &self.kind {
            Kind::Service(service) => {
                self.patiently(service, async |service| service.barrier().await).await
            }
            Kind::Own(replica) => replica.update(Update::Sync).await.map(drop),
        }
    }

    /// Repeats what may be repeated. The first answer is not waited for long, in case it was lost;
    /// each later one longer, in case the store is far away.
    async fn patiently<T>(
        &self,
        service: &KeyValue,
        attempt: impl AsyncFn(KeyValue) -> Result<T, RpcError>,
    ) -> Result<T, RpcError> {
        let mut patience = RETRY.patience;
        let attempt = async || {
            let service = service.clone().within(patience);
            patience = (patience * 3 / 2).min(RPC_DEADLINE);
            attempt(service).await
        };
        self.cx.retry(&RETRY, attempt).await
    }

    /// Puts `to` in the place of `from`, or where there is nothing: once, and true if it was put
    /// there, false if it surely was not.
    ///
    /// # Errors
    ///
    /// The store's; if it is indefinite, `to` may be put there at any time while `from` is there.
    pub async fn replace(
        &self,
        key: &str,
        from: Option<Entry>,
        to: Entry,
    ) -> Result<bool, RpcError> {
        match (&self.kind, from) {
            (Kind::Service(service), Some(from)) => service.cas(key, &from, &to).await,
            (Kind::Service(service), None) => service.create_if_not_exists(key, &to).await,
            (Kind::Own(replica), from) => {
                let (key, to) = (Datum::of(key), Datum::of(&to));
                let update = match from.map(|from| Datum::of(&from)) {
                    Some(from) => Update::Cas { key, from, to, create_if_not_exists: false },
                    None => Update::Create { key, value: to },
                };
                match replica.update(update).await? {
                    Outcome::Differs(_) => Ok(false),
                    outcome => outcome.into_result().map(|()| true),
                }
            }
        }
    }
}

fn read(datum: &Datum) -> Result<Entry, RpcError> {
    datum.read().map_err(|error| RpcError::new(ErrorCode::CRASH, error.to_string()))
}
