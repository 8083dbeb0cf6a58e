//! What a follower does with what its leader says (paper §5.3 and §7).

use super::{Raft, State};
use crate::entry::{Entry, Index, NodeId, Position, Snapshot};
use crate::message::Body;
use crate::planted::Bug;

impl<C: Clone, S: Clone> Raft<C, S> {
    /// A message from the leader of this term: there is one, and it is heard.
    fn hear(&mut self, from: NodeId) {
        let is_other = matches!(self.state, State::Leader(_))
            || self.leader.is_some_and(|leader| leader != from);
        assert!(
            !is_other,
            "election safety: {from} and {:?} both lead in term {} (figure 3)",
            self.leader, self.ballot.term,
        );
        self.follow(self.ballot.term, Some(from));
        self.heard_at = Some(self.now);
        self.put_off_election();
    }

    pub(super) fn on_append(
        &mut self,
        from: NodeId,
        previous: Position,
        entries: Vec<Entry<C>>,
        commit: Index,
        round: u64,
    ) {
        self.hear(from);
        let is_at = |position: Position| {
            let is_there = self.log.term_at(position.index).is_some();
            self.log.position(position.index) == Some(position)
                || (is_there && self.planted.is(Bug::NoPreviousTerm))
        };
        // Up to the commit index all logs agree (§5.4.3: state machine safety), whether the entries
        // are still here or in a snapshot.
        let is_settled = previous.index <= self.commit;
        if !is_settled && !is_at(previous) {
            return self.reject(from, previous.index, round);
        }
        let verified = previous.index + entries.len() as Index;
        if self.planted.is(Bug::TruncatesMatching)
            && self.log.entry(previous.index + 1).is_some()
            && previous.index + 1 > self.commit
        {
            self.log.truncate(previous.index + 1);
        }
        for entry in entries {
            let index = entry.position.index;
            if index <= self.log.start().index && !self.planted.is(Bug::StaleAppendAfterSnapshot) {
                continue;
            }
            let there = self.log.term_at(index);
            if there == Some(entry.position.term) {
                continue;
            }
            if there.is_some() {
                // Only what conflicts gives way, and all that follows it (§5.3).
                assert!(
                    index > self.commit,
                    "state machine safety: {} is committed at {index}, and {from} has {} (figure \
                     3)",
                    self.commit,
                    entry.position,
                );
                self.log.truncate(index);
            }
            self.log.push(entry);
        }
        // What stands after the last entry of the message may not be the leader's (figure 2: "index
        // of last new entry").
        let mut known = commit.min(verified);
        if self.planted.is(Bug::CommitsUnverified) {
            known = commit.min(self.log.last().index);
        }
        if known > self.commit || self.planted.is(Bug::CommitGoesBack) {
            self.set_commit(known);
        }
        let mut matched = verified.max(self.commit);
        if self.planted.is(Bug::MatchedIsOwnLast) {
            matched = self.log.last().index;
        }
        self.send_when_durable(from, Body::Appended { matched, round });
    }

    /// Says that the log does not hold what it should, and where the two may agree: one question
    /// for each term that differs (§5.3, "the protocol can be optimized").
    pub(super) fn reject(&mut self, from: NodeId, previous: Index, round: u64) {
        let mut hint = self.log.last();
        if previous < hint.index
            && let Some(position) = self.log.position(previous)
        {
            hint = position;
        }
        self.send_when_durable(from, Body::Rejected { previous, hint, round });
    }

    pub(super) fn on_install(&mut self, from: NodeId, snapshot: Snapshot<S>, round: u64) {
        self.hear(from);
        let position = snapshot.position;
        if position.index > self.commit || self.planted.is(Bug::OldSnapshotInstalled) {
            // A log that holds the entry is only told that it is committed; else nothing in it can
            // be relied on (§7).
            if self.log.position(position.index) != Some(position) {
                self.log.install(snapshot);
            }
            self.set_commit(position.index);
        }
        let body = Body::Appended { matched: self.commit, round };
        if self.planted.is(Bug::SnapshotReplyBeforeSync) {
            return self.send(from, body);
        }
        self.send_when_durable(from, body);
    }

    /// Drops what a snapshot of the state machine makes superfluous.
    pub(super) fn compact(&mut self, index: Index, state: S) {
        assert!(index <= self.applied, "driver: a snapshot of {index}, which is not applied");
        let newest = self.log.snapshot().map_or(0, |snapshot| snapshot.position.index);
        if index > newest {
            self.log.compact(index, state, self.config.keep_behind);
        }
    }
}
