//! What a leader does: replication and commitment (paper §5.3, §5.4.2; thesis §10.2.1), rounds
//! (thesis §6.4), check-quorum (thesis §6.2).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{Raft, State};
use crate::config::{Config, Lease};
use crate::entry::{Entry, Index, Members, NodeId, Payload, Position, Term};
use crate::io::Token;
use crate::log::Log;
use crate::message::{Body, Message};
use crate::planted::{Bug, Planted};
use crate::progress::{Mode, Progress};

/// What only a leader knows.
#[derive(Debug)]
pub(super) struct Leader {
    id: NodeId,
    /// Its first entry. Once that is committed, so is all that came before.
    pub(super) first: Index,
    followers: BTreeMap<NodeId, Progress>,
    /// Rounds are numbered; each message holds the number of the newest, and is answered with it.
    round: u64,
    /// When the rounds began that a lease may rest on; the first of them is the last confirmed one.
    begun: VecDeque<(u64, Duration)>,
    pub(super) reads: VecDeque<Read>,
    /// When to send what waits for company.
    pub(super) flush_at: Option<Duration>,
    pub(super) hand_over: Option<HandOver>,
    /// Somebody was told to stand, so leases count no more in this term (thesis §6.4.1).
    pub(super) has_handed_over: bool,
    planted: Planted,
}

/// A read that waits.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) token: Token,
    /// What must be applied first.
    pub(super) index: Index,
    /// The round that must be confirmed first; `None` if it has not begun.
    pub(super) round: Option<u64>,
}

#[derive(Debug)]
pub(super) struct HandOver {
    pub(super) to: NodeId,
    pub(super) until: Duration,
    pub(super) is_sent: bool,
}

/// What a message from the leader is made of.
struct Context<'a, C, S> {
    config: &'a Config,
    log: &'a Log<C, S>,
    now: Duration,
    term: Term,
    commit: Index,
}

impl Leader {
    fn new(id: NodeId, first: Index, now: Duration, planted: Planted) -> Leader {
        Leader {
            id,
            first,
            followers: BTreeMap::new(),
            round: 1,
            begun: VecDeque::from([(1, now)]),
            reads: VecDeque::new(),
            flush_at: None,
            hand_over: None,
            has_handed_over: false,
            planted,
        }
    }

    pub(super) fn matched(&self, follower: NodeId) -> Option<Index> {
        self.followers.get(&follower).map(|progress| progress.matched)
    }

    /// Begins to replicate to new members and forgets old ones.
    fn know(&mut self, members: &Members, next: Index, now: Duration) {
        self.followers.retain(|node, _| members.contains(*node));
        for node in members.all().filter(|node| *node != self.id) {
            let new = || Progress::new(next, now, self.planted);
            self.followers.entry(node).or_insert_with(new);
        }
        if self.hand_over.as_ref().is_some_and(|plan| !members.voters.contains(&plan.to)) {
            self.hand_over = None;
        }
    }

    /// What a majority of the voters has reached, the leader itself with `own`.
    fn majority<T: Ord + Copy + Default>(
        &self,
        members: &Members,
        own: T,
        of: impl Fn(&Progress) -> T,
    ) -> T {
        let value = |node| match self.followers.get(&node) {
            Some(progress) => of(progress),
            None if node == self.id => own,
            None => T::default(),
        };
        let found = if self.planted.is(Bug::LearnerCounts) {
            Members::voters(members.all()).majority(value)
        } else {
            members.majority(value)
        };
        found.unwrap_or_default()
    }

    fn begin_round(&mut self, now: Duration) {
        self.round += 1;
        self.begun.push_back((self.round, now));
    }

    /// The last round that a majority has answered.
    pub(super) fn confirmed_round(&self, members: &Members) -> u64 {
        self.majority(members, self.round, |progress| progress.round)
    }

    /// Until when nobody else can be elected, if clocks keep to what the lease assumes.
    pub(super) fn lease_until(
        &mut self,
        members: &Members,
        config: &Config,
        lease: Lease,
        now: Duration,
    ) -> Duration {
        let confirmed = self.confirmed_round(members);
        while self.begun.get(1).is_some_and(|(round, _)| *round <= confirmed) {
            self.begun.pop_front();
            if self.planted.is(Bug::LeaseFromReceipt) {
                self.begun[0].1 = now;
            }
        }
        match self.begun.front() {
            // It counts from when the round began, not from when the answers came.
            Some((round, begun)) if *round <= confirmed => {
                *begun + config.election_timeout.div_f64(lease.drift_max)
            }
            _ => Duration::ZERO,
        }
    }

    /// When a majority was last heard from.
    fn quorum_heard_at(&self, members: &Members) -> Duration {
        self.majority(members, Duration::MAX, |progress| progress.heard_at)
    }

    /// When it must act next; never if nobody follows it.
    pub(super) fn deadline(&self, config: &Config, members: &Members) -> Option<Duration> {
        let heartbeats =
            self.followers.values().map(|progress| progress.sent_at + config.heartbeat);
        let quorum = self.quorum_heard_at(members).saturating_add(config.election_timeout);
        let hand_over = self.hand_over.as_ref().map(|plan| plan.until);
        let first = heartbeats.chain(self.flush_at).chain(hand_over).fold(quorum, Duration::min);
        (first < Duration::MAX).then_some(first)
    }

    /// Sends a follower what it lacks, as far as its window allows; at least one message if
    /// `is_due`.
    fn replicate<C: Clone, S: Clone>(
        &mut self,
        to: NodeId,
        mut is_due: bool,
        context: &Context<'_, C, S>,
        messages: &mut Vec<Message<C, S>>,
    ) {
        let Context { config, log, now, .. } = *context;
        let (from, term, round, commit) = (self.id, context.term, self.round, context.commit);
        let Some(progress) = self.followers.get_mut(&to) else { return };
        let mut send = |body| messages.push(Message { from, to, term, body });
        let append = |previous, max| Body::Append {
            previous: log.position(previous).expect("log: a follower's place is in it"),
            entries: log.slice(previous + 1, max),
            commit,
            round,
        };
        loop {
            let needs_snapshot = progress.next <= log.start().index;
            match &mut progress.mode {
                Mode::Snapshot { again_at } if now < *again_at => {
                    if is_due {
                        // Whoever has the snapshot by now says so.
                        let at = log.snapshot().expect("one was sent").position.index;
                        send(append(at, 0));
                        progress.sent_at = now;
                    }
                    return;
                }
                mode @ Mode::Snapshot { .. } => {
                    let again_at = now + config.snapshot_timeout;
                    *mode = Mode::Snapshot { again_at };
                    let snapshot = log.snapshot().expect("one was sent").clone();
                    send(Body::Install { snapshot, round });
                    progress.sent_at = now;
                    return;
                }
                mode if needs_snapshot => {
                    // Due at once: the turn of the loop above sends it.
                    *mode = Mode::Snapshot { again_at: now };
                }
                Mode::Probe { is_waiting } => {
                    // Until it is known where the logs agree, a message that may be in vain need
                    // not hold entries a second time (thesis §3.5).
                    if !*is_waiting || is_due {
                        let max = if *is_waiting { 0 } else { config.batch_max };
                        send(append(progress.next - 1, max));
                        *is_waiting = true;
                        progress.sent_at = now;
                    }
                    return;
                }
                Mode::Pipeline { in_flight } => {
                    let is_more = progress.next <= log.last().index;
                    if is_more && in_flight.len() < config.in_flight_max {
                        let body = append(progress.next - 1, config.batch_max);
                        let Body::Append { entries, .. } = &body else { unreachable!("it is one") };
                        progress.next += entries.len() as Index;
                        in_flight.push_back(progress.next - 1);
                        send(body);
                    } else if is_due {
                        send(append(progress.next - 1, 0));
                    } else {
                        return;
                    }
                    progress.sent_at = now;
                    is_due = false;
                }
            }
        }
    }
}

impl<C: Clone, S: Clone> Raft<C, S> {
    /// It is elected. Its first entry commits all before it (§8); the first leader of all writes
    /// down who founded the cluster, so that whoever joins finds it in the log.
    pub(super) fn take_office(&mut self) {
        let last = self.log.last();
        assert!(
            last.index >= self.commit && last.term < self.ballot.term,
            "leader completeness: elected in term {} with a log up to {last}",
            self.ballot.term,
        );
        let mut leader = Leader::new(self.config.id, last.index + 1, self.now, self.planted);
        leader.know(self.log.members(), last.index + 1, self.now);
        self.state = State::Leader(Box::new(leader));
        self.leader = Some(self.config.id);
        let is_new_cluster = last.index == 0;
        self.append(match is_new_cluster {
            true => Payload::Members(self.log.members().clone()),
            false => Payload::Blank,
        });
    }

    /// Appends an entry to the leader's own log; it is never changed there (leader append-only,
    /// §5.3).
    pub(super) fn append(&mut self, payload: Payload<C>) -> Position {
        let index = self.log.last().index + 1;
        let position = Position { term: self.ballot.term, index };
        self.log.push(Entry { position, payload });
        let State::Leader(leader) = &mut self.state else { panic!("leader: only it appends") };
        leader.know(self.log.members(), index, self.now);
        position
    }

    /// What is on a majority's disks and of the own term is committed, and with it all before it
    /// (§5.4.2: never by counting an earlier term's).
    pub(super) fn advance_commit(&mut self) {
        let State::Leader(leader) = &self.state else { return };
        let mut own = self.log.durable();
        if self.planted.is(Bug::OwnEntryBeforeSync) {
            own = self.log.last().index;
        }
        let reached = leader.majority(self.log.members(), own, |progress| progress.matched);
        let is_own = self.log.term_at(reached) == Some(self.ballot.term);
        if reached > self.commit && (is_own || self.planted.is(Bug::CommitsOldTerms)) {
            self.set_commit(reached);
            // What waits for company has found some: those who asked are answered now.
            let State::Leader(leader) = &mut self.state else { return };
            leader.flush_at = None;
        }
        let members = self.log.members();
        if self.log.members_index() <= self.commit && !members.voters.contains(&self.config.id) {
            self.leave_office();
        }
    }

    /// Its own removal is committed (thesis §4.2.2). The others need not wait to find out: they are
    /// told, and the one that has most is to stand.
    fn leave_office(&mut self) {
        let State::Leader(leader) = &mut self.state else { return };
        leader.flush_at = None;
        let voters = self.log.members().voters.iter().copied();
        let best = voters.max_by_key(|voter| leader.matched(*voter));
        self.send_to_all(true);
        if let Some(best) = best {
            self.send(best, Body::TimeoutNow);
        }
        self.follow(self.ballot.term, None);
    }

    /// Sends whatever is due, and what there is room for.
    pub(super) fn lead(&mut self) {
        let State::Leader(leader) = &mut self.state else { return };
        let members = self.log.members();
        if leader.hand_over.as_ref().is_some_and(|plan| self.now >= plan.until) {
            leader.hand_over = None;
        }
        let is_flushed = leader.flush_at.is_none_or(|at| at <= self.now);
        if is_flushed {
            leader.flush_at = None;
        }
        // Reads that come while a round is under way share the next one (thesis §6.4), unless they
        // have waited for company already: then what leaves with it is a round.
        let is_idle = leader.confirmed_round(members) == leader.round;
        let is_paced = !self.config.batch_delay.is_zero();
        let is_wanted = leader.reads.back().is_some_and(|read| read.round.is_none());
        let is_due = is_flushed && is_wanted && (is_idle || is_paced || self.is_round_stuck());
        let State::Leader(leader) = &mut self.state else { return };
        if is_due {
            leader.begin_round(self.now);
            let round = Some(leader.round);
            let waiting = leader.reads.iter_mut().rev();
            waiting.take_while(|read| read.round.is_none()).for_each(|read| read.round = round);
        } else if self.config.lease.is_some() {
            let last = leader.begun.back().map_or(Duration::ZERO, |(_, begun)| *begun);
            if self.now >= last + self.config.heartbeat / 2 {
                leader.begin_round(self.now);
            }
        }
        if self.config.lease.is_none() {
            leader.begun.clear();
        }
        self.send_to_some(is_due, is_flushed);
        self.tell_successor();
    }

    /// Whether the round under way may have been lost: then reads need not wait for it.
    fn is_round_stuck(&self) -> bool {
        let State::Leader(leader) = &self.state else { return false };
        leader.followers.values().any(|progress| {
            progress.round < leader.round && self.now >= progress.sent_at + self.config.heartbeat
        })
    }

    fn send_to_all(&mut self, is_due: bool) {
        self.send_to_some(is_due, true);
    }

    /// Sends to all for whom a heartbeat is due; to all voters if `is_due`; and what there is room
    /// for if `is_flushed`.
    fn send_to_some(&mut self, is_due: bool, is_flushed: bool) {
        let State::Leader(leader) = &mut self.state else { return };
        let context = Context {
            config: &self.config,
            log: &self.log,
            now: self.now,
            term: self.ballot.term,
            commit: self.commit,
        };
        let names: Vec<NodeId> = leader.followers.keys().copied().collect();
        for to in names {
            let is_voter = self.log.members().voters.contains(&to);
            let heartbeat_at = leader.followers[&to].sent_at + self.config.heartbeat;
            let is_due = (is_due && is_voter) || heartbeat_at <= self.now;
            if is_due || is_flushed {
                leader.replicate(to, is_due, &context, &mut self.out.messages);
            }
        }
    }

    /// Once its successor has everything, it is told to stand (thesis §3.10).
    fn tell_successor(&mut self) {
        let State::Leader(leader) = &mut self.state else { return };
        let Some(plan) = &mut leader.hand_over else { return };
        let to = plan.to;
        let has_all = leader.followers.get(&to).is_some_and(|p| p.matched == self.log.last().index);
        if has_all && !plan.is_sent {
            plan.is_sent = true;
            leader.has_handed_over = true;
            self.send(to, Body::TimeoutNow);
        }
    }

    /// A leader that nobody follows makes way, so that its clients look elsewhere (thesis §6.2).
    pub(super) fn check_quorum(&mut self) {
        let State::Leader(leader) = &self.state else { return };
        let heard = leader.quorum_heard_at(self.log.members());
        if self.now >= heard.saturating_add(self.config.election_timeout) {
            self.follow(self.ballot.term, None);
        }
    }

    /// An answer of a follower: its progress, if this is its leader.
    fn hear_follower(&mut self, from: NodeId, round: u64) -> Option<&mut Progress> {
        let State::Leader(leader) = &mut self.state else { return None };
        let newest = leader.round;
        let progress = leader.followers.get_mut(&from)?;
        progress.heard_at = self.now;
        progress.round = progress.round.max(round);
        if self.planted.is(Bug::ReadByOldReply) {
            progress.round = newest;
        }
        Some(progress)
    }

    pub(super) fn on_appended(&mut self, from: NodeId, matched: Index, round: u64) {
        let last = self.log.last().index;
        let Some(progress) = self.hear_follower(from, round) else { return };
        assert!(
            matched <= last,
            "log matching: {from} agrees up to {matched}, and {last} is the end"
        );
        progress.appended(matched);
    }

    pub(super) fn on_rejected(
        &mut self,
        from: NodeId,
        previous: Index,
        hint: Position,
        round: u64,
    ) {
        let agreeable = match self.log.last_agreeable(hint) {
            Some(position) => position.index,
            // It lacks what is no longer kept: the entry before that is a snapshot's business.
            None => self.log.start().index.saturating_sub(1),
        };
        if let Some(progress) = self.hear_follower(from, round) {
            progress.rejected(previous, agreeable);
        }
    }
}
