//! The store of the transactor on `lin-kv`: a root that is swung, and values that never change.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use kolk_node::{Context, ErrorCode, KeyValue, RpcError};
use kolk_replica::RoundTrip;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::tree::{Id, Part};

/// The key of the root.
const ROOT: &str = "root";

/// The longest patience with a request, and the pause after one that failed.
const PATIENCE_MAX: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// How many parts of trees are remembered. They are forgotten together: what is still in use is
/// soon back.
const REMEMBERED_MAX: usize = 1 << 14;

/// The store.
#[derive(Clone)]
pub struct Store {
    cx: Context,
    round_trip: Rc<Cell<RoundTrip>>,
    /// Begins every name that this node makes.
    prefix: Rc<str>,
    names: Rc<Cell<u64>>,
    /// Parts never change, so what was read once is known for ever.
    parts: Rc<RefCell<BTreeMap<Id, Rc<Part>>>>,
}

impl Store {
    /// The store as this node sees it.
    pub fn new(cx: &Context) -> Store {
        // Started again, a node must not give out the names of its former life.
        let life = cx.rng().next_u64() as u32;
        Store {
            cx: cx.clone(),
            round_trip: Rc::default(),
            prefix: format!("{}.{life:x}", cx.node_id()).into(),
            names: Rc::default(),
            parts: Rc::default(),
        }
    }

    /// A name that no root and no part has had before.
    pub fn fresh(&self) -> Id {
        let number = self.names.get();
        self.names.set(number + 1);
        format!("{}.{number}", self.prefix).into()
    }

    /// Asks the service, which is given the more time the more often it has not answered.
    async fn ask_once<T>(
        &self,
        failures: u32,
        ask: impl AsyncFnOnce(KeyValue) -> Result<T, RpcError>,
    ) -> Result<T, RpcError> {
        let began = self.cx.now();
        let patience = self.round_trip.get().patience();
        let patience = (patience * (1 << failures.min(10))).min(PATIENCE_MAX.max(patience));
        let answer = ask(self.cx.lin_kv().within(patience)).await;
        if answer.as_ref().err().is_none_or(RpcError::is_definite) {
            let mut round_trip = self.round_trip.get();
            round_trip.sample(self.cx.now() - began);
            self.round_trip.set(round_trip);
        }
        answer
    }

    /// Repeats a request until it is answered; only for requests that may be performed twice. The
    /// caller bounds the time.
    async fn ask<T>(
        &self,
        ask: impl AsyncFn(KeyValue) -> Result<T, RpcError>,
    ) -> Result<T, RpcError> {
        let mut failures = 0;
        loop {
            match self.ask_once(failures, &ask).await {
                Err(error) if !error.is_definite() => failures += 1,
                answer => return answer,
            }
            self.cx.sleep(PAUSE).await;
        }
    }

    /// The root as it is now; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If the store answers with an error that is definite.
    pub async fn root<R: DeserializeOwned + 'static>(&self) -> Result<Option<R>, RpcError> {
        self.ask(async |service: KeyValue| service.read(ROOT).await).await
    }

    /// Puts `to` in the place of `from`, or where there is no root; once. True if it was put there,
    /// false if it surely was not. `failures` says how often that has gone unanswered.
    ///
    /// # Errors
    ///
    /// If it is indefinite, `to` may be put there at any time while `from` is there. To do the same
    /// again does no harm.
    pub async fn swing<R: Serialize>(
        &self,
        from: &R,
        to: &R,
        failures: u32,
    ) -> Result<bool, RpcError> {
        self.ask_once(failures, async |service: KeyValue| {
            service.cas_or_create(ROOT, from, to).await
        })
        .await
    }

    /// The parts of these names, all at once.
    ///
    /// # Errors
    ///
    /// If the store answers with an error that is definite, or does not have one.
    pub async fn parts(
        &self,
        names: impl IntoIterator<Item = Id>,
    ) -> Result<Vec<(Id, Rc<Part>)>, RpcError> {
        let mut found = Vec::new();
        let mut wanted = Vec::new();
        for name in names {
            match self.parts.borrow().get(&name) {
                Some(part) => found.push((name, Rc::clone(part))),
                None => wanted.push(name),
            }
        }
        let read = |name: Id| {
            let store = self.clone();
            self.cx.spawn(async move {
                let part = store.ask(async |service: KeyValue| service.read(&*name).await).await;
                (name, part)
            })
        };
        let reading: Vec<_> = wanted.into_iter().map(read).collect();
        for task in reading {
            let Some((name, part)) = task.await else { continue };
            let missing = || RpcError::new(ErrorCode::ABORT, format!("the store lost {name}"));
            let part: Rc<Part> = Rc::new(part?.ok_or_else(missing)?);
            self.remember(&name, &part);
            found.push((name, part));
        }
        Ok(found)
    }

    /// Stores parts under names of their own, all at once.
    ///
    /// # Errors
    ///
    /// If the store answers with an error that is definite.
    pub async fn add(&self, parts: &[(Id, Rc<Part>)]) -> Result<(), RpcError> {
        let write = |(name, part): &(Id, Rc<Part>)| {
            self.remember(name, part);
            let (store, name, part) = (self.clone(), Rc::clone(name), Rc::clone(part));
            self.cx.spawn(async move {
                store.ask(async |service: KeyValue| service.write(&*name, &*part).await).await
            })
        };
        let writing: Vec<_> = parts.iter().map(write).collect();
        for task in writing {
            task.await.unwrap_or(Ok(()))?;
        }
        Ok(())
    }

    fn remember(&self, name: &Id, part: &Rc<Part>) {
        let mut parts = self.parts.borrow_mut();
        if parts.len() >= REMEMBERED_MAX {
            parts.clear();
        }
        parts.insert(Rc::clone(name), Rc::clone(part));
    }
}
