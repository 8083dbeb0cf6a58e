//! Each key has one owner (rendezvous hashing), and only the owner gives out offsets: 0, 1, 2, …
//! without holes, without compare-and-set, without asking anybody. A send that comes to another
//! node is forwarded, and when the answer is back two nodes have the message. A send that comes to
//! the owner is told to a second node before it is acknowledged. Either way that is one message and
//! its answer. Every node holds a copy of every log, and polls are answered from it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use kolk_node::{Context, ErrorCode, RpcError};
use kolk_replica::outbox::Outbox;
use kolk_replica::ownership;

use crate::log::{Log, Message};
use crate::peer::{Item, Peer, Receipt};
use crate::wire::{Answer, Call, Exchange, Key, Polled, Reply, Request};

/// How long a client waits for its send to be safe before it is told that the outcome is unknown.
/// Clients give up after 5 s.
const SEND_DEADLINE: Duration = Duration::from_secs(4);

/// How long copies beyond the second one wait for others to share a message with.
const COPY_DELAY: Duration = Duration::from_millis(250);

/// A node with the logs of the keys that it owns, and copies of all others.
pub struct Owners {
    /// How long a send waits for others that could share its message to another node.
    batch: Duration,
    /// The names of all nodes.
    nodes: Vec<String>,
    /// The links to the other nodes, by the positions of their names; `None` for this node.
    links: Vec<Option<Link>>,
    state: Rc<State>,
}

/// Another node, and the way to it.
struct Link {
    peer: Rc<Peer>,
    outbox: Outbox<Item>,
}

/// The state that both requests and answers change.
#[derive(Default)]
struct State {
    logs: RefCell<BTreeMap<Key, Log>>,
    committed: RefCell<BTreeMap<Key, u64>>,
}

impl State {
    /// Changes a log; it begins with its first message.
    fn log<T>(&self, key: &Key, change: impl FnOnce(&mut Log) -> T) -> T {
        change(self.logs.borrow_mut().entry(Rc::clone(key)).or_default())
    }

    /// Raises a committed offset; it never goes back. True if that changed it.
    fn commit(&self, key: &Key, offset: u64) -> bool {
        let mut committed = self.committed.borrow_mut();
        match committed.get_mut(key) {
            Some(known) if *known >= offset => false,
            Some(known) => {
                *known = offset;
                true
            }
            None => {
                committed.insert(Rc::clone(key), offset);
                true
            }
        }
    }
}

impl Owners {
    pub fn new(cx: &Context, batch: Duration) -> Owners {
        let state = Rc::new(State::default());
        let nodes = cx.node_ids().to_vec();
        let me = nodes.iter().position(|node| node == cx.node_id()).unwrap_or_default();
        let links = nodes.iter().enumerate();
        let links = links.map(|(at, name)| (at != me).then(|| link(cx, name, &state))).collect();
        Owners { batch, nodes, links, state }
    }

    fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().flatten()
    }

    /// The link to the node that sent the message at hand.
    fn link_from(&self, cx: &Context) -> Result<&Link, RpcError> {
        let stranger = || RpcError::new(ErrorCode::NOT_SUPPORTED, "only between nodes");
        self.links().find(|link| link.peer.name == cx.src()).ok_or_else(stranger)
    }

    async fn send(&self, cx: &Context, key: Key, message: Message) -> Result<u64, RpcError> {
        let owner = ownership::owner(&self.nodes, &key);
        let receipt = Rc::new(Receipt::default());
        match &self.links[owner] {
            Some(link) => self.forward(link, key, message, &receipt)?,
            None if self.links().next().is_none() => {
                return Ok(self.state.log(&key, |log| log.append(message)));
            }
            None => self.append(key, message, &receipt)?,
        }
        Ok(cx.timeout(SEND_DEADLINE, receipt.offset()).await?)
    }

    /// Forwards a message to its owner, unless that is known to be in vain.
    fn forward(
        &self,
        link: &Link,
        key: Key,
        message: Message,
        receipt: &Rc<Receipt>,
    ) -> Result<(), RpcError> {
        if link.outbox.is_silent() {
            return Err(unavailable(&link.peer.name));
        }
        let number = link.peer.number();
        let receipt = Rc::clone(receipt);
        let item = Item::Forward { number, key, message, receipt };
        link.outbox.push(item, self.batch);
        Ok(())
    }

    /// Appends a message to a log of this node's, and tells the other nodes: the next one in the
    /// key's ranking that answers at once, the rest when there is more to tell. The first that has
    /// it makes it safe.
    fn append(&self, key: Key, message: Message, receipt: &Rc<Receipt>) -> Result<(), RpcError> {
        let ranking = ownership::ranking(&self.nodes, &key);
        let answers =
            |at: &usize| self.links[*at].as_ref().is_some_and(|link| !link.outbox.is_silent());
        let second = ranking.iter().copied().find(answers);
        let second = second.ok_or_else(|| unavailable("every other node"))?;
        let offset = self.state.log(&key, |log| log.append(Rc::clone(&message)));
        for (at, link) in self.links.iter().enumerate() {
            let Some(link) = link else { continue };
            let item = Item::Entry {
                key: Rc::clone(&key),
                offset,
                message: Rc::clone(&message),
                receipt: Rc::clone(receipt),
            };
            link.outbox.push(item, if at == second { self.batch } else { COPY_DELAY });
        }
        Ok(())
    }

    fn commit(&self, cx: &Context, offsets: &BTreeMap<Key, u64>) {
        for (key, offset) in offsets {
            if self.state.commit(key, *offset) {
                self.links().for_each(|link| link.tell_commit(cx, key, *offset));
            }
        }
    }

    fn committed(&self, keys: Vec<Key>) -> BTreeMap<Key, u64> {
        let committed = self.state.committed.borrow();
        let known = |key: Key| committed.get(&key).map(|offset| (key, *offset));
        keys.into_iter().filter_map(known).collect()
    }

    /// Takes the messages and offsets that another node has for this one.
    fn exchange(&self, cx: &Context, exchange: &Exchange) -> Result<Vec<u64>, RpcError> {
        let from = self.link_from(cx)?;
        for (key, offset, message) in &exchange.entries {
            self.state.log(key, |log| log.keep(*offset, Rc::clone(message)));
        }
        for (key, offset) in &exchange.commits {
            self.state.commit(key, *offset);
        }
        let append = |key: &Key, message: &Message| {
            let offset = self.state.log(key, |log| log.append(Rc::clone(message)));
            self.copy_to_others(from, key, offset, message);
            offset
        };
        let late = || RpcError::new(ErrorCode::ABORT, "this was answered long ago");
        from.peer.take(exchange, append).ok_or_else(late)
    }

    /// Tells a message to all but the node that forwarded it.
    fn copy_to_others(&self, from: &Link, key: &Key, offset: u64, message: &Message) {
        for link in self.links().filter(|link| !Rc::ptr_eq(&link.peer, &from.peer)) {
            let item = Item::Entry {
                key: Rc::clone(key),
                offset,
                message: Rc::clone(message),
                receipt: Rc::default(),
            };
            link.outbox.push(item, COPY_DELAY);
        }
    }
}

impl Link {
    /// Lets a committed offset ride on the next message, or go by itself if none comes.
    fn tell_commit(&self, cx: &Context, key: &Key, offset: u64) {
        let outbox = self.outbox.clone();
        self.peer.commit(cx, key, offset, move || outbox.push(Item::Commits, Duration::ZERO));
    }
}

fn unavailable(who: &str) -> RpcError {
    let text = format!("cut off from {who}: the message was not taken");
    RpcError::new(ErrorCode::TEMPORARILY_UNAVAILABLE, text)
}

/// The way to another node.
fn link(cx: &Context, name: &str, state: &Rc<State>) -> Link {
    let peer = Rc::new(Peer::new(name.to_owned()));
    let (cx, state) = (cx.clone(), Rc::clone(state));
    let (to, context) = (Rc::clone(&peer), cx.clone());
    let outbox = Outbox::new(&cx, move |items: Rc<[Item]>, patience| {
        deliver(context.clone(), Rc::clone(&to), Rc::clone(&state), items, patience)
    });
    Link { peer, outbox }
}

/// Sends a batch and does what the answer says.
async fn deliver(
    cx: Context,
    peer: Rc<Peer>,
    state: Rc<State>,
    items: Rc<[Item]>,
    patience: Duration,
) -> Result<(), RpcError> {
    let exchange = Call::Exchange(peer.exchange(&cx, &items));
    let answer = cx.rpc_within(patience, &peer.name, &exchange).await;
    let Call::Exchange(exchange) = exchange;
    let Answer::ExchangeOk { offsets } =
        answer.inspect_err(|_| peer.failed(cx.now(), &exchange))?;
    let mut offsets = offsets.into_iter();
    for item in items.iter() {
        match item {
            Item::Forward { number, key, message, receipt } => {
                let missing = || RpcError::new(ErrorCode::CRASH, "an offset is missing");
                let offset = offsets.next().ok_or_else(missing)?;
                state.log(key, |log| log.keep(offset, Rc::clone(message)));
                peer.answered(*number);
                receipt.give(offset);
            }
            Item::Entry { offset, receipt, .. } => receipt.give(*offset),
            Item::Commits => {}
        }
    }
    Ok(())
}

impl Owners {
    /// Answers a client, or another node.
    pub async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Send { key, msg } => Reply::SendOk { offset: self.send(cx, key, msg).await? },
            Request::Poll { offsets } => {
                Reply::PollOk { msgs: Polled::of(&self.state.logs.borrow(), &offsets) }
            }
            Request::CommitOffsets { offsets } => {
                self.commit(cx, &offsets);
                Reply::CommitOffsetsOk {}
            }
            Request::ListCommittedOffsets { keys } => {
                Reply::ListCommittedOffsetsOk { offsets: self.committed(keys) }
            }
            Request::Exchange(exchange) => {
                Reply::ExchangeOk { offsets: self.exchange(cx, &exchange)? }
            }
        })
    }
}
