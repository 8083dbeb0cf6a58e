//! A node: its state, and what every step has in common.

mod electing;
mod following;
mod leading;
mod requests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::config::Config;
use crate::entry::{Entry, Index, Members, NodeId, Payload, Position, Term};
use crate::io::{Answer, Apply, Input, Outputs, Refusal, Token};
use crate::log::Log;
use crate::message::{Body, Message};
use crate::planted::{Bug, Planted};
use crate::random::Random;
use crate::stored::{Ballot, Stored, Write};
use leading::Leader;

/// How many messages wait for the disk at most. Beyond that the oldest are given up, as if the
/// network had lost them.
const HELD_MAX: usize = 1_024;

/// A node of a replicated log; see the [crate](crate)'s page.
///
/// `C` is what a command is to the state machine, and `S` what a snapshot of its state is. Both are
/// cloned as often as they are sent: if they are large, let them be an `Arc`.
#[derive(Debug)]
pub struct Raft<C, S> {
    config: Config,
    now: Duration,
    is_started: bool,
    random: Random,
    ballot: Ballot,
    is_ballot_new: bool,
    log: Log<C, S>,
    commit: Index,
    applied: Index,
    state: State,
    leader: Option<NodeId>,
    /// When this node last heard from a leader.
    heard_at: Option<Duration>,
    election_at: Duration,
    /// How many writes there were, and how many of them are durable.
    written: u64,
    synced: u64,
    /// Messages that say something about what is durable only after the write with this number.
    held: VecDeque<(u64, Message<C, S>)>,
    /// The requests of this node whose entries are not applied yet.
    tokens: BTreeMap<(Index, Term), Token>,
    out: Outputs<C, S>,
    /// Messages of this step that wait for all writes up to now.
    after_write: Vec<Message<C, S>>,
    planted: Planted,
}

#[derive(Debug)]
enum State {
    Follower,
    PreCandidate {
        granted: BTreeSet<NodeId>,
    },
    Candidate {
        granted: BTreeSet<NodeId>,
        /// The write that makes its own vote durable.
        own_vote: u64,
        /// How many answers said yes; only a planted mistake looks at it.
        answers: usize,
    },
    Leader(Box<Leader>),
}

/// What a node is at the moment (§5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It follows, or waits for a leader.
    Follower,
    /// It asks whether it could win an election (thesis §9.6).
    PreCandidate,
    /// It stands for election.
    Candidate,
    /// It leads.
    Leader,
}

impl<C: Clone, S: Clone> Raft<C, S> {
    /// A node that starts, for the first time or again, with what is durable. Its first step is an
    /// [`Input::Tick`].
    ///
    /// # Panics
    ///
    /// If a setting is out of bounds or what is stored is damaged.
    pub fn new(config: Config, stored: Stored<C, S>) -> Raft<C, S> {
        let planted = Planted::of_this_thread();
        config.check();
        let mut ballot = stored.ballot;
        if planted.is(Bug::TermBackAtRestart) {
            ballot = Ballot { term: stored.last().term, vote: None };
        }
        if planted.is(Bug::VoteForgottenAtRestart) {
            ballot.vote = None;
        }
        let is_in_order = planted.is(Bug::TermBackAtRestart) || stored.last().term <= ballot.term;
        assert!(is_in_order, "what is stored is damaged: the log is of a later term");
        let log = Log::new(stored, planted);
        Raft {
            now: Duration::ZERO,
            is_started: false,
            random: Random::new(config.seed),
            ballot,
            is_ballot_new: false,
            commit: log.snapshot().map_or(0, |snapshot| snapshot.position.index),
            applied: 0,
            state: State::Follower,
            leader: None,
            heard_at: None,
            election_at: Duration::MAX,
            written: 0,
            synced: 0,
            held: VecDeque::new(),
            tokens: BTreeMap::new(),
            out: Outputs::default(),
            after_write: Vec::new(),
            config,
            log,
            planted,
        }
    }

    /// Reacts to one input at the instant `now`, counted from any beginning. A clock that goes back
    /// is taken to stand still.
    ///
    /// # Panics
    ///
    /// If an invariant is broken (see the [crate](crate)'s page), if a message is for another node,
    /// or if a write is said to be durable that was never asked for.
    pub fn step(&mut self, now: Duration, input: Input<C, S>) -> Outputs<C, S> {
        self.now = self.now.max(now);
        if !self.is_started {
            self.is_started = true;
            self.put_off_election();
            // It may have acknowledged a leader just before it went down, and the lease of that
            // leader counts on it (thesis §6.4.1).
            if self.config.lease.is_some() && !self.planted.is(Bug::LeaseForgottenAtRestart) {
                self.heard_at = Some(self.now);
            }
        }
        match input {
            Input::Tick => {}
            Input::Message(message) => self.receive(message),
            Input::Synced(number) => self.on_synced(number),
            Input::Propose { token, command } => self.propose(token, command),
            Input::Read { token } => self.read(token),
            Input::Change { token, change } => self.change(token, change),
            Input::HandOver { token, to } => self.hand_over(token, to),
            Input::Compact { index, state } => self.compact(index, state),
        }
        self.look_at_the_clock();
        self.advance_commit();
        self.lead();
        self.write();
        self.apply();
        self.serve_reads();
        self.out.deadline = self.deadline();
        std::mem::take(&mut self.out)
    }

    fn receive(&mut self, message: Message<C, S>) {
        let Message { from, to, term, body } = message;
        assert!(to == self.config.id, "driver: node {} got a message for {to}", self.config.id);
        let is_against_leader =
            matches!(body, Body::PreVote { .. } | Body::Vote { hand_over: false, .. });
        // Thesis §4.2.3: as long as a leader is heard, whoever stands against it is not listened
        // to, and its term does not count.
        if is_against_leader && self.hears_a_leader(&body) {
            if let Body::PreVote { campaign, .. } = body {
                self.send(from, Body::PreVoteReply { campaign, granted: false });
            }
            return;
        }
        // §5.1
        if term > self.ballot.term {
            self.follow(term, None);
        }
        let is_old = term < self.ballot.term;
        match body {
            Body::PreVote { campaign, last } => self.on_pre_vote(from, campaign, last),
            Body::PreVoteReply { campaign, granted } => {
                self.on_pre_vote_reply(from, campaign, granted);
            }
            // Whoever is behind learns the term from the answer (§5.1).
            Body::Vote { .. } if is_old => {
                self.send_when_durable(from, Body::VoteReply { granted: false });
            }
            Body::Append { previous, round, .. } if is_old => {
                self.reject(from, previous.index, round);
            }
            Body::Install { snapshot, round } if is_old => {
                self.reject(from, snapshot.position.index, round);
            }
            Body::VoteReply { granted } if !is_old || self.planted.is(Bug::VoteFromEarlierTerm) => {
                self.on_vote_reply(from, granted);
            }
            Body::Appended { matched, round }
                if !is_old || self.planted.is(Bug::ReplyFromEarlierTerm) =>
            {
                self.on_appended(from, matched, round);
            }
            _ if is_old => {}
            Body::Vote { last, .. } => self.on_vote(from, last),
            Body::Append { previous, entries, commit, round } => {
                self.on_append(from, previous, entries, commit, round);
            }
            Body::Rejected { previous, hint, round } => {
                self.on_rejected(from, previous, hint, round);
            }
            Body::Install { snapshot, round } => self.on_install(from, snapshot, round),
            Body::TimeoutNow => self.on_timeout_now(),
            Body::VoteReply { .. } | Body::Appended { .. } => unreachable!("above"),
        }
    }

    fn on_synced(&mut self, number: u64) {
        assert!(number <= self.written, "driver: write {number} was never asked for");
        self.synced = self.synced.max(number);
        self.log.synced(number);
        while self.held.front().is_some_and(|(after, _)| *after <= number) {
            let (_, message) = self.held.pop_front().expect("it is there");
            self.out.messages.push(message);
        }
        self.count_own_vote();
    }

    /// Sends something that promises nothing about what is durable.
    fn send(&mut self, to: NodeId, body: Body<C, S>) {
        let message = Message { from: self.config.id, to, term: self.ballot.term, body };
        self.out.messages.push(message);
    }

    /// Sends something that must not be known before all that this node has changed up to the end
    /// of this step is durable (figure 2: "updated on stable storage before responding to RPCs").
    fn send_when_durable(&mut self, to: NodeId, body: Body<C, S>) {
        let is_early = match &body {
            Body::VoteReply { .. } => self.planted.is(Bug::VoteBeforeSync),
            Body::Appended { .. } => self.planted.is(Bug::AppendReplyBeforeSync),
            _ => false,
        };
        if is_early {
            return self.send(to, body);
        }
        let message = Message { from: self.config.id, to, term: self.ballot.term, body };
        self.after_write.push(message);
    }

    fn look_at_the_clock(&mut self) {
        if matches!(self.state, State::Leader(_)) {
            self.check_quorum();
        } else if self.now >= self.election_at {
            self.put_off_election();
            if self.is_electable() {
                self.ask_for_pre_votes();
            }
        }
    }

    /// Gathers what the step has changed into one write, and messages that wait for it.
    fn write(&mut self) {
        if self.is_ballot_new || self.log.has_changed() {
            self.written += 1;
            let mut write = Write {
                number: self.written,
                ballot: std::mem::take(&mut self.is_ballot_new).then_some(self.ballot),
                snapshot: None,
                start: None,
                tail: None,
            };
            self.log.take_changes(&mut write);
            self.out.write = Some(write);
        }
        for message in self.after_write.drain(..) {
            if self.written <= self.synced {
                self.out.messages.push(message);
            } else {
                if self.held.len() == HELD_MAX {
                    self.held.pop_front();
                }
                self.held.push_back((self.written, message));
            }
        }
    }

    /// Gives out what is committed. It has to be durable here as well, so that a state machine with
    /// a disk of its own never knows more than the log does after a crash.
    fn apply(&mut self) {
        let durable = self.log.durable();
        let mut limit = self.commit.min(durable);
        if self.planted.is(Bug::AppliesUncommitted) {
            limit = durable;
        }
        if let Some(snapshot) = self.log.snapshot()
            && snapshot.position.index > self.applied
        {
            if snapshot.position.index > durable {
                return;
            }
            self.applied = snapshot.position.index;
            if self.planted.is(Bug::AppliesTwice) && self.log.start().index < self.applied {
                self.applied -= 1;
            }
            self.out.apply.push(Apply::Restore(snapshot.clone()));
            while let Some(first) = self.tokens.first_entry()
                && first.key().0 <= self.applied
            {
                self.out.answers.push((first.remove(), Answer::Unknown));
            }
        }
        while self.applied < limit {
            let index = self.applied + 1;
            let entry = self.log.entry(index).expect("log: what is not applied is not dropped");
            let term = entry.position.term;
            let payload = entry.payload.clone();
            let token = self.take_token(index, term);
            match payload {
                Payload::Blank => {}
                Payload::Command(command) => {
                    self.out.apply.push(Apply::Command { index, term, command, token });
                }
                Payload::Members(members) => {
                    self.out.apply.push(Apply::Members { index, members, token });
                }
            }
            self.applied = index;
        }
        let is_planted = self.planted.is(Bug::AppliesUncommitted);
        assert!(self.applied <= self.commit || is_planted, "what is applied is committed");
    }

    /// The request whose entry this is. Others that had hoped for its place are answered.
    fn take_token(&mut self, index: Index, term: Term) -> Option<Token> {
        let mut found = None;
        while let Some(first) = self.tokens.first_entry()
            && first.key().0 <= index
        {
            if *first.key() == (index, term) {
                found = Some(first.remove());
            } else {
                self.out.answers.push((first.remove(), Answer::Overwritten));
            }
        }
        found
    }

    fn set_commit(&mut self, commit: Index) {
        let is_planted = self.planted.is(Bug::CommitGoesBack);
        assert!(commit >= self.commit || is_planted, "commit: it never goes back");
        let last = self.log.last().index;
        assert!(commit <= last, "commit: {commit} is beyond the log's end, {last}");
        self.commit = commit;
    }

    fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Leader(leader) => leader.deadline(&self.config, self.log.members()),
            _ => self.is_electable().then_some(self.election_at),
        }
    }

    /// A new randomised deadline for hearing from a leader (§5.2).
    fn put_off_election(&mut self) {
        self.election_at = self.now + self.random.timeout(self.config.election_timeout);
    }

    /// Becomes a follower, in this term or a later one.
    fn follow(&mut self, term: Term, leader: Option<NodeId>) {
        assert!(term >= self.ballot.term, "term: it never goes back");
        if term > self.ballot.term {
            self.ballot = Ballot { term, vote: None };
            self.is_ballot_new = true;
            self.leader = None;
        }
        if leader.is_some() {
            self.leader = leader;
        } else if self.leader == Some(self.config.id) {
            self.leader = None;
        }
        if let State::Leader(ended) = std::mem::replace(&mut self.state, State::Follower) {
            let refused = Answer::Refused(Refusal::NotLeader { leader: self.leader });
            self.out.answers.extend(ended.reads.iter().map(|read| (read.token, refused)));
            self.put_off_election();
        }
    }

    fn refuse(&mut self, token: Token, refusal: Refusal) {
        self.out.answers.push((token, Answer::Refused(refusal)));
    }
}

/// What can be seen from outside.
impl<C: Clone, S: Clone> Raft<C, S> {
    /// Who this is.
    pub fn id(&self) -> NodeId {
        self.config.id
    }

    /// What it is at the moment.
    pub fn role(&self) -> Role {
        match self.state {
            State::Follower => Role::Follower,
            State::PreCandidate { .. } => Role::PreCandidate,
            State::Candidate { .. } => Role::Candidate,
            State::Leader(_) => Role::Leader,
        }
    }

    /// The current term.
    pub fn term(&self) -> Term {
        self.ballot.term
    }

    /// Who leads in the current term, if that is known.
    pub fn leader(&self) -> Option<NodeId> {
        self.leader
    }

    /// Up to where the log is known to be committed.
    pub fn commit(&self) -> Index {
        self.commit
    }

    /// Up to where the log was given out to be applied.
    pub fn applied(&self) -> Index {
        self.applied
    }

    /// Where the log ends.
    pub fn last(&self) -> Position {
        self.log.last()
    }

    /// What stands before the first entry that is kept.
    pub fn start(&self) -> Position {
        self.log.start()
    }

    /// An entry, if it is kept.
    pub fn entry(&self, index: Index) -> Option<&Entry<C>> {
        self.log.entry(index)
    }

    /// Who belongs to the cluster by the newest entry that says so, committed or not (thesis §4.1).
    pub fn members(&self) -> &Members {
        self.log.members()
    }

    /// Up to where a follower's log is known to agree; `None` if this is not its leader.
    pub fn matched(&self, follower: NodeId) -> Option<Index> {
        match &self.state {
            State::Leader(leader) => leader.matched(follower),
            _ => None,
        }
    }
}
