//! A node that holds a copy of the store and has its updates performed by the primary.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use kolk_node::sync::Notify;
use kolk_node::{Context, Datum, ErrorCode, RpcError};
use kolk_replica::once::Numbers;
use kolk_replica::outbox::Outbox;
use kolk_replica::versions::{Gap, Versions};

use crate::update::{Outcome, Update};
use crate::wire::{FromFollower, FromPrimary, ToFollower, ToPrimary};

/// How long an update may take before its client is told that the outcome is unknown. Clients give
/// up after 5 s.
const DEADLINE: Duration = Duration::from_secs(4);

/// The copy, and the way to the primary.
pub struct Follower {
    cx: Context,
    state: Rc<State>,
    outbox: Outbox<Rc<Waiting>>,
}

/// The state that both requests and answers change.
struct State {
    primary: String,
    map: RefCell<Versions<Datum, Datum>>,
    numbers: RefCell<Numbers>,
}

/// An update whose client waits for the outcome.
struct Waiting {
    number: u64,
    update: Update,
    /// True once the update has left this node: from then on its outcome is unknown until the
    /// primary answers.
    was_sent: Cell<bool>,
    /// True once no client waits any more.
    is_over: Cell<bool>,
    outcome: RefCell<Option<Outcome>>,
    given: Notify,
}

impl Waiting {
    async fn outcome(&self) -> Outcome {
        loop {
            if let Some(outcome) = self.outcome.take() {
                return outcome;
            }
            self.given.notified().await;
        }
    }
}

impl Follower {
    pub fn new(cx: &Context, primary: &str) -> Follower {
        let state = Rc::new(State {
            primary: primary.to_owned(),
            map: RefCell::default(),
            numbers: RefCell::default(),
        });
        let this = Rc::clone(&state);
        cx.serve(move |cx, request| this.refresh(cx.src(), request));
        let (this, context) = (Rc::clone(&state), cx.clone());
        let outbox = Outbox::new(cx, move |batch: Rc<[Rc<Waiting>]>, patience| {
            deliver(Rc::clone(&this), context.clone(), batch, patience)
        });
        Follower { cx: cx.clone(), state, outbox }
    }

    /// A key's value, in this copy.
    pub fn read(&self, key: &Datum) -> Option<Datum> {
        self.state.map.borrow().get(key).cloned()
    }

    /// The position of this copy.
    pub fn position(&self) -> u64 {
        self.state.map.borrow().position()
    }

    /// Has an update performed, and its effect in this copy.
    ///
    /// # Errors
    ///
    /// Error 11 if the primary cannot be reached and the update surely was not performed and will
    /// not be; error 0 if it may have been.
    pub async fn update(&self, update: Update) -> Result<Outcome, RpcError> {
        if self.outbox.is_silent() {
            return Err(self.cut_off());
        }
        let waiting = Rc::new(Waiting {
            number: self.state.numbers.borrow_mut().issue(),
            update,
            was_sent: Cell::new(false),
            is_over: Cell::new(false),
            outcome: RefCell::new(None),
            given: Notify::new(),
        });
        self.outbox.push(Rc::clone(&waiting), Duration::ZERO);
        let outcome = self.cx.timeout(DEADLINE, waiting.outcome()).await;
        self.state.numbers.borrow_mut().close(waiting.number);
        waiting.is_over.set(true);
        outcome.map_err(|elapsed| match waiting.was_sent.get() {
            true => elapsed.into(),
            false => self.cut_off(),
        })
    }

    fn cut_off(&self) -> RpcError {
        let text = format!("cut off from the primary {}: nothing was done", self.state.primary);
        RpcError::new(ErrorCode::TEMPORARILY_UNAVAILABLE, text)
    }
}

impl State {
    /// What the primary tells of its own accord.
    fn refresh(&self, from: &str, request: ToFollower) -> Result<FromFollower, RpcError> {
        let ToFollower::StoreRefresh { changes } = request;
        if from != self.primary {
            let text = format!("the primary is {}", self.primary);
            return Err(RpcError::new(ErrorCode::NOT_SUPPORTED, text));
        }
        let mut map = self.map.borrow_mut();
        map.apply(changes).map_err(missing)?;
        Ok(FromFollower::StoreRefreshOk { position: map.position() })
    }
}

/// The primary tells changes from a position on that this copy has told it: there are none between.
fn missing(gap: Gap) -> RpcError {
    RpcError::new(ErrorCode::CRASH, gap.to_string())
}

/// Sends a batch of updates and does what the answer says. Those that nobody waits for any more are
/// left out, and will never be sent again; an empty batch only asks what is new.
async fn deliver(
    state: Rc<State>,
    cx: Context,
    batch: Rc<[Rc<Waiting>]>,
    patience: Duration,
) -> Result<(), RpcError> {
    let waiting: Vec<&Rc<Waiting>> = batch.iter().filter(|item| !item.is_over.get()).collect();
    waiting.iter().for_each(|item| item.was_sent.set(true));
    let request = ToPrimary::StoreUpdate {
        position: state.map.borrow().position(),
        floor: state.numbers.borrow().floor(),
        updates: waiting.iter().map(|item| (item.number, item.update.clone())).collect(),
    };
    let answer = cx.rpc_within(patience, &state.primary, &request).await?;
    let FromPrimary::StoreUpdateOk { outcomes, changes } = answer;
    // First the copy, then the acknowledgement: a client that has made an update sees it.
    state.map.borrow_mut().apply(changes).map_err(missing)?;
    for (item, outcome) in waiting.into_iter().zip(outcomes) {
        item.outcome.replace(outcome);
        item.given.notify_all();
    }
    Ok(())
}
