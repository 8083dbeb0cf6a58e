//! Elections (paper §5.2 and §5.4.1; pre-vote, thesis §9.6).

use std::collections::BTreeSet;

use super::{Raft, State};
use crate::entry::{NodeId, Position, Term};
use crate::message::Body;
use crate::planted::Bug;
use crate::stored::Ballot;

impl<C: Clone, S: Clone> Raft<C, S> {
    /// Whether a leader was heard from so lately that nobody else could have been told by its clock
    /// to stand (thesis §4.2.3). A leader hears itself: check-quorum ends it if others do not.
    pub(super) fn hears_a_leader(&self, body: &Body<C, S>) -> bool {
        if matches!(self.state, State::Leader(_)) {
            let is_pre_vote = matches!(body, Body::PreVote { .. });
            return !(is_pre_vote && self.planted.is(Bug::PreVoteGrantedByLeader)
                || self.planted.is(Bug::NoStickiness));
        }
        if self.planted.is(Bug::NoStickiness) {
            return false;
        }
        self.heard_at.is_some_and(|heard| self.now < heard + self.config.election_timeout)
    }

    /// Whether it may stand. One that its log calls a voter may; and one that an entry at the end
    /// of its log removes, as long as that is not known to be committed: the others may need it, if
    /// it alone has that entry (thesis §4.2.2).
    pub(super) fn is_electable(&self) -> bool {
        let me = &self.config.id;
        self.log.members().voters.contains(me)
            || (self.log.members_index() > self.commit
                && self.log.members_at(self.commit).voters.contains(me))
    }

    /// Asks whether it could win. Nothing about the term changes yet.
    pub(super) fn ask_for_pre_votes(&mut self) {
        self.leader = None;
        let granted = BTreeSet::from([self.config.id]);
        let is_won = self.log.members().is_majority(&granted);
        self.state = State::PreCandidate { granted };
        if is_won {
            return self.stand(false);
        }
        let body = Body::PreVote { campaign: self.ballot.term + 1, last: self.log.last() };
        for to in self.other_voters() {
            self.send(to, body.clone());
        }
    }

    fn other_voters(&self) -> Vec<NodeId> {
        let voters = self.log.members().voters.iter().copied();
        voters.filter(|voter| *voter != self.config.id).collect()
    }

    pub(super) fn on_pre_vote(&mut self, from: NodeId, campaign: Term, last: Position) {
        let granted = campaign > self.ballot.term && self.is_up_to_date(last);
        self.send(from, Body::PreVoteReply { campaign, granted });
    }

    /// Whether a log that ends there holds whatever may be committed, as far as this node can tell:
    /// it ends in a later term, or not before this one (§5.4.1).
    fn is_up_to_date(&self, last: Position) -> bool {
        if self.planted.is(Bug::LongerLogWins) {
            return last.index >= self.log.last().index;
        }
        last >= self.log.last() || self.planted.is(Bug::NoElectionRestriction)
    }

    pub(super) fn on_pre_vote_reply(&mut self, from: NodeId, campaign: Term, is_granted: bool) {
        let next = self.ballot.term + 1;
        let State::PreCandidate { granted } = &mut self.state else { return };
        if !is_granted || campaign != next {
            return;
        }
        granted.insert(from);
        if self.log.members().is_majority(granted) {
            self.stand(false);
        }
    }

    /// Stands for election in a new term, and votes for itself.
    pub(super) fn stand(&mut self, hand_over: bool) {
        self.ballot = Ballot { term: self.ballot.term + 1, vote: Some(self.config.id) };
        self.is_ballot_new = true;
        self.leader = None;
        self.state =
            State::Candidate { granted: BTreeSet::new(), own_vote: self.written + 1, answers: 0 };
        self.put_off_election();
        let body = Body::Vote { last: self.log.last(), hand_over };
        for to in self.other_voters() {
            self.send_when_durable(to, body.clone());
        }
    }

    pub(super) fn on_timeout_now(&mut self) {
        if matches!(self.state, State::Follower) && self.is_electable() {
            self.stand(true);
        }
    }

    pub(super) fn on_vote(&mut self, from: NodeId, last: Position) {
        let is_free = self.ballot.vote.is_none_or(|vote| vote == from);
        let is_free = is_free || self.planted.is(Bug::TwoVotes);
        let granted = is_free && self.is_up_to_date(last);
        if granted && self.ballot.vote.is_none() {
            self.ballot.vote = Some(from);
            self.is_ballot_new = true;
        }
        if granted {
            self.put_off_election();
        }
        self.send_when_durable(from, Body::VoteReply { granted });
    }

    pub(super) fn on_vote_reply(&mut self, from: NodeId, is_granted: bool) {
        let State::Candidate { granted, answers, .. } = &mut self.state else { return };
        if is_granted {
            granted.insert(from);
            *answers += 1;
            self.take_office_if_elected();
        }
    }

    /// A vote for itself counts like that of others: once it is durable.
    pub(super) fn count_own_vote(&mut self) {
        let State::Candidate { granted, own_vote, .. } = &mut self.state else { return };
        if *own_vote <= self.synced && granted.insert(self.config.id) {
            self.take_office_if_elected();
        }
    }

    fn take_office_if_elected(&mut self) {
        let State::Candidate { granted, answers, .. } = &self.state else { return };
        let members = self.log.members();
        let is_planted =
            self.planted.is(Bug::VotesCountedTwice) && *answers >= members.voters.len() / 2;
        if members.is_majority(granted) || is_planted {
            self.take_office();
        }
    }
}
