//! The node that puts updates in order.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use kolk_node::{Context, Datum, ErrorCode, RPC_DEADLINE, RpcError, Time};
use kolk_replica::once::Performed;
use kolk_replica::versions::Versions;

use crate::settings::Settings;
use crate::update::{Outcome, Update};
use crate::wire::{FromFollower, FromPrimary, ToFollower, ToPrimary};

/// After a refresh that failed the next one comes no sooner.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest wait for the answer to one.
const PATIENCE_MAX: Duration = Duration::from_secs(8);

/// The store itself, and what is known of its copies.
pub struct Primary {
    cx: Context,
    refresh: Duration,
    pub map: RefCell<Versions<Datum, Datum>>,
    followers: Vec<Rc<Follower>>,
}

/// Another node, as the primary knows it.
struct Follower {
    name: String,
    /// Its copy is at this position at least.
    position: Cell<u64>,
    /// When it was told something.
    told_at: Cell<Time>,
    /// True while a task sees to it that the follower is told what is new.
    is_watched: Cell<bool>,
    performed: RefCell<Performed<Outcome>>,
}

impl Primary {
    pub fn new(cx: &Context, settings: Settings) -> Rc<Primary> {
        let follower = |name: &String| {
            Rc::new(Follower {
                name: name.clone(),
                position: Cell::new(0),
                told_at: Cell::new(Time::ZERO),
                is_watched: Cell::new(false),
                performed: RefCell::default(),
            })
        };
        let primary = Rc::new(Primary {
            cx: cx.clone(),
            refresh: settings.refresh,
            map: RefCell::default(),
            followers: cx.peers().iter().map(follower).collect(),
        });
        let this = Rc::clone(&primary);
        cx.serve(move |cx, request| this.answer(cx.src(), request));
        primary
    }

    /// Performs an update: from now on it has its place in the order.
    pub fn update(self: &Rc<Self>, update: Update) -> Outcome {
        let before = self.map.borrow().position();
        let outcome = update.perform(&mut self.map.borrow_mut());
        if self.map.borrow().position() > before {
            for follower in self.followers.iter().filter(|other| !other.is_watched.get()) {
                follower.is_watched.set(true);
                self.cx.spawn(Rc::clone(self).keep_fresh(Rc::clone(follower)));
            }
        }
        outcome
    }

    fn answer(self: &Rc<Self>, from: &str, request: ToPrimary) -> Result<FromPrimary, RpcError> {
        let ToPrimary::StoreUpdate { position, floor, updates } = request;
        let stranger = || RpcError::new(ErrorCode::NOT_SUPPORTED, "only between nodes");
        let follower = self.followers.iter().find(|follower| follower.name == from);
        let follower = follower.ok_or_else(stranger)?;
        follower.position.set(follower.position.get().max(position));
        follower.told_at.set(self.cx.now());
        let mut performed = follower.performed.borrow_mut();
        performed.raise_floor(floor);
        let outcomes = updates
            .into_iter()
            .map(|(number, update)| performed.once(number, || self.update(update)))
            .collect();
        let changes = self.map.borrow().changes_since(position);
        Ok(FromPrimary::StoreUpdateOk { outcomes, changes })
    }

    /// Tells a follower what is new, until it is known to have it all. Most of the time there is
    /// nothing to do: a follower that makes updates of its own learns the changes with the answers.
    async fn keep_fresh(self: Rc<Self>, follower: Rc<Follower>) {
        let mut patience = RPC_DEADLINE;
        self.cx.sleep(self.refresh).await;
        while follower.position.get() < self.map.borrow().position() {
            let due = follower.told_at.get() + self.refresh;
            if self.cx.now() < due {
                self.cx.sleep_until(due).await;
                continue;
            }
            follower.told_at.set(self.cx.now());
            let changes = self.map.borrow().changes_since(follower.position.get());
            let refresh = ToFollower::StoreRefresh { changes };
            match self.cx.rpc_within(patience, &follower.name, &refresh).await {
                Ok(FromFollower::StoreRefreshOk { position }) => {
                    follower.position.set(follower.position.get().max(position));
                    patience = RPC_DEADLINE;
                }
                Err(_) => {
                    patience = (patience * 2).min(PATIENCE_MAX);
                    self.cx.sleep(PAUSE).await;
                }
            }
        }
        follower.is_watched.set(false);
    }
}
