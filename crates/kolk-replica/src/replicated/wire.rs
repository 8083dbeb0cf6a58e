//! What nodes say to each other.

use std::rc::Rc;

use kolk_raft::{Body, Message};
use serde::{Deserialize, Serialize};

use super::machine::{Order, Saved};

/// A message. The variant says what the first thing in it is; that is for people who look at the
/// traffic.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the names of the messages' types")]
pub(super) enum Wire<C, Q, O, I> {
    RaftPreVote(Envelope<C, Q, O, I>),
    RaftPreVoteReply(Envelope<C, Q, O, I>),
    RaftVote(Envelope<C, Q, O, I>),
    RaftVoteReply(Envelope<C, Q, O, I>),
    RaftAppend(Envelope<C, Q, O, I>),
    RaftAppended(Envelope<C, Q, O, I>),
    RaftRejected(Envelope<C, Q, O, I>),
    RaftInstall(Envelope<C, Q, O, I>),
    RaftTimeoutNow(Envelope<C, Q, O, I>),
    RaftAsk(Envelope<C, Q, O, I>),
    RaftAnswer(Envelope<C, Q, O, I>),
}

/// All that one node has for another.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope<C, Q, O, I> {
    /// The sender's clock, in µs.
    pub at: u64,
    /// The receiver's clock, as it was last heard from, and the time since then added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<u64>,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub raft: Vec<Message<Rc<Order<C>>, Rc<Saved<O, I>>>>,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Ask<C, Q>>,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer<O>>,
}

/// What a node's client wants of the leader.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask<C, Q> {
    Perform(Rc<Order<C>>),
    Query { life: u64, number: u64, query: Rc<Q> },
}

/// What came of it.
#[derive(Serialize, Deserialize)]
pub(super) struct Answer<O> {
    /// The life of the node that asked, and its number for the request.
    pub life: u64,
    pub number: u64,
    pub output: O,
}

impl<C, Q> Clone for Ask<C, Q> {
    fn clone(&self) -> Ask<C, Q> {
        match self {
            Ask::Perform(order) => Ask::Perform(Rc::clone(order)),
            Ask::Query { life, number, query } => {
                Ask::Query { life: *life, number: *number, query: Rc::clone(query) }
            }
        }
    }
}

impl<C, Q> Ask<C, Q> {
    /// The life of the node that asked, and its number for the request.
    pub fn key(&self) -> (u64, u64) {
        match self {
            Ask::Perform(order) => (order.life, order.number),
            Ask::Query { life, number, .. } => (*life, *number),
        }
    }
}

impl<C, Q, O, I> Wire<C, Q, O, I> {
    pub fn new(envelope: Envelope<C, Q, O, I>) -> Wire<C, Q, O, I> {
        let Some(first) = envelope.raft.first() else {
            return match envelope.answers.is_empty() {
                true => Wire::RaftAsk(envelope),
                false => Wire::RaftAnswer(envelope),
            };
        };
        match first.body {
            Body::PreVote { .. } => Wire::RaftPreVote(envelope),
            Body::PreVoteReply { .. } => Wire::RaftPreVoteReply(envelope),
            Body::Vote { .. } => Wire::RaftVote(envelope),
            Body::VoteReply { .. } => Wire::RaftVoteReply(envelope),
            Body::Appended { .. } => Wire::RaftAppended(envelope),
            Body::Rejected { .. } => Wire::RaftRejected(envelope),
            Body::Install { .. } => Wire::RaftInstall(envelope),
            Body::TimeoutNow => Wire::RaftTimeoutNow(envelope),
            _ => Wire::RaftAppend(envelope),
        }
    }

    pub fn into_envelope(self) -> Envelope<C, Q, O, I> {
        match self {
            Wire::RaftPreVote(envelope)
            | Wire::RaftPreVoteReply(envelope)
            | Wire::RaftVote(envelope)
            | Wire::RaftVoteReply(envelope)
            | Wire::RaftAppend(envelope)
            | Wire::RaftAppended(envelope)
            | Wire::RaftRejected(envelope)
            | Wire::RaftInstall(envelope)
            | Wire::RaftTimeoutNow(envelope)
            | Wire::RaftAsk(envelope)
            | Wire::RaftAnswer(envelope) => envelope,
        }
    }
}
