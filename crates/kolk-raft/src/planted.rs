//! Mistakes that tests plant, to see that they are found. Outside of this crate's unit tests the
//! question whether one is planted is the constant `false`, and none can be planted.

/// A mistake. The README's table says what each is, what finds it and how soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(test), expect(dead_code, reason = "only tests plant mistakes"))]
#[rustfmt::skip]
pub(crate) enum Bug {
    None,
    // Elections.
    TwoVotes, VoteForgottenAtRestart, TermBackAtRestart, VoteFromEarlierTerm, VotesCountedTwice,
    NoElectionRestriction, LongerLogWins, NoStickiness, PreVoteGrantedByLeader,
    // What must be durable first.
    VoteBeforeSync, CandidacyBeforeSync, AppendReplyBeforeSync, SnapshotReplyBeforeSync,
    OwnEntryBeforeSync,
    // Replication and commitment.
    NoPreviousTerm, TruncatesMatching, MatchedIsOwnLast, ReplyFromEarlierTerm, NextBelowMatched,
    CommitsOldTerms, CommitsUnverified, CommitGoesBack, AppliesUncommitted, AppliesTwice,
    // Snapshots.
    LastForgottenBySnapshot, StaleAppendAfterSnapshot, SnapshotKeepsConflicts,
    SnapshotForgetsMembers,
    // Reads.
    ReadWithoutRound, ReadByOldReply, ReadBeforeOwnTerm, LeaseFromReceipt, LeaseDuringHandOver,
    LeaseForgottenAtRestart,
    // Membership.
    ChangeBeforeOwnTerm, TwoChangesAtOnce, TwoVotersAtOnce, LearnerCounts, RemovedLeaderCounts,
}

/// Which mistake is planted, if any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planted(#[cfg(test)] pub(crate) Bug);

impl Planted {
    pub(crate) const fn none() -> Planted {
        Planted(
            #[cfg(test)]
            Bug::None,
        )
    }

    /// Whether it is this one.
    pub(crate) fn is(self, bug: Bug) -> bool {
        #[cfg(test)]
        return self.0 == bug;
        #[cfg(not(test))]
        {
            let _ = bug;
            false
        }
    }
}
