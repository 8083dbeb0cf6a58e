//! What is asked of a node by its driver.

use super::leading::{HandOver, Read};
use super::{Raft, State};
use crate::entry::{Index, NodeId, Payload};
use crate::io::{Answer, Change, Refusal, Token};
use crate::planted::Bug;

impl<C: Clone, S: Clone> Raft<C, S> {
    /// Whether it leads and takes requests; if not, why.
    fn is_open(&self) -> Result<(), Refusal> {
        match &self.state {
            State::Leader(leader) if leader.hand_over.is_some() => Err(Refusal::HandingOver),
            State::Leader(_) => Ok(()),
            _ => Err(Refusal::NotLeader { leader: self.leader }),
        }
    }

    pub(super) fn propose(&mut self, token: Token, command: C) {
        let is_full = self.log.last().index >= self.commit + self.config.uncommitted_max;
        match self.is_open() {
            Err(refusal) => self.refuse(token, refusal),
            Ok(()) if is_full => self.refuse(token, Refusal::Busy),
            Ok(()) => self.append_for(token, Payload::Command(command)),
        }
    }

    fn append_for(&mut self, token: Token, payload: Payload<C>) {
        let position = self.append(payload);
        self.tokens.insert((position.index, position.term), token);
        self.wait_for_company();
    }

    /// What comes within the next moment is sent together. The first of all does not wait: if
    /// nothing is under way, most likely nothing else comes.
    fn wait_for_company(&mut self) {
        let State::Leader(leader) = &mut self.state else { return };
        let entries = self.log.last().index - self.commit;
        let is_alone = entries + leader.reads.len() as Index <= 1;
        if !self.config.batch_delay.is_zero() && !is_alone {
            leader.flush_at.get_or_insert(self.now + self.config.batch_delay);
        }
    }

    /// Thesis §6.4. What is committed when the read is asked for must be applied before it is
    /// answered; a leader knows what is committed once an entry of its own is.
    pub(super) fn read(&mut self, token: Token) {
        let leader = self.leader;
        let State::Leader(office) = &mut self.state else {
            return self.refuse(token, Refusal::NotLeader { leader });
        };
        if office.reads.len() >= self.config.reads_max {
            return self.refuse(token, Refusal::Busy);
        }
        let mut index = self.commit.max(office.first);
        if self.planted.is(Bug::ReadBeforeOwnTerm) {
            index = self.commit;
        }
        let mut round = None;
        let is_lent = !office.has_handed_over || self.planted.is(Bug::LeaseDuringHandOver);
        if let Some(lease) = self.config.lease.filter(|_| is_lent) {
            let until = office.lease_until(self.log.members(), &self.config, lease, self.now);
            // Round 0 is confirmed from the beginning.
            round = (self.now < until).then_some(0);
        }
        if self.planted.is(Bug::ReadWithoutRound) {
            round = Some(0);
        }
        // Behind one that waits for its round, all wait.
        if office.reads.back().is_some_and(|read| read.round.is_none()) {
            round = None;
        }
        office.reads.push_back(Read { token, index, round });
        self.wait_for_company();
    }

    /// Answers reads whose round is confirmed and whose index is applied.
    pub(super) fn serve_reads(&mut self) {
        let State::Leader(leader) = &mut self.state else { return };
        if leader.reads.is_empty() {
            return;
        }
        let confirmed = leader.confirmed_round(self.log.members());
        while let Some(read) = leader.reads.front()
            && read.round.is_some_and(|round| round <= confirmed)
            && read.index <= self.applied
        {
            self.out.answers.push((read.token, Answer::Readable));
            leader.reads.pop_front();
        }
    }

    /// Thesis §4.1 and §4.2: one member at a time, one change at a time, and none before an entry
    /// of the own term is committed.
    pub(super) fn change(&mut self, token: Token, change: Change) {
        if let Err(refusal) = self.is_open().and_then(|()| self.check_change(change)) {
            return self.refuse(token, refusal);
        }
        let mut members = self.log.members().clone();
        match change {
            Change::AddLearner(node) => {
                members.learners.insert(node);
            }
            Change::Promote(node) => {
                members.learners.remove(&node);
                members.voters.insert(node);
            }
            Change::Remove(node) => {
                members.learners.remove(&node);
                members.voters.remove(&node);
                if self.planted.is(Bug::TwoVotersAtOnce) && members.voters.len() > 1 {
                    members.voters.pop_last();
                }
            }
        }
        self.append_for(token, Payload::Members(members));
    }

    fn check_change(&self, change: Change) -> Result<(), Refusal> {
        let State::Leader(leader) = &self.state else { return Ok(()) };
        let members = self.log.members();
        let is_pending = self.log.members_index() > self.commit;
        let is_early = self.commit < leader.first;
        if (is_pending && !self.planted.is(Bug::TwoChangesAtOnce))
            || (is_early && !self.planted.is(Bug::ChangeBeforeOwnTerm))
        {
            return Err(Refusal::ChangePending);
        }
        match change {
            Change::AddLearner(node) if members.contains(node) => Err(Refusal::NoChange),
            Change::Promote(node) if !members.learners.contains(&node) => Err(Refusal::NoChange),
            Change::Promote(node) => {
                // Thesis §4.2.1: a voter that lacks much would only stand in the way.
                let matched = leader.matched(node).unwrap_or(0);
                let is_near = matched + self.config.batch_max as u64 >= self.log.last().index;
                // Nothing is known about one that has not answered yet.
                if is_near && matched > 0 { Ok(()) } else { Err(Refusal::Behind) }
            }
            Change::Remove(node) if !members.contains(node) => Err(Refusal::NoChange),
            Change::Remove(node) if members.voters.iter().eq([&node]) => Err(Refusal::LastVoter),
            Change::AddLearner(_) | Change::Remove(_) => Ok(()),
        }
    }

    pub(super) fn hand_over(&mut self, token: Token, to: NodeId) {
        if let Err(refusal) = self.is_open() {
            return self.refuse(token, refusal);
        }
        let is_voter = self.log.members().voters.contains(&to) && to != self.config.id;
        let until = self.now + self.config.election_timeout;
        match &mut self.state {
            State::Leader(leader) if is_voter => {
                leader.hand_over = Some(HandOver { to, until, is_sent: false });
            }
            _ => self.refuse(token, Refusal::NoSuchVoter),
        }
    }
}
