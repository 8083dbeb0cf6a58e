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
    VoteBeforeSync, AppendReplyBeforeSync, SnapshotReplyBeforeSync, OwnEntryBeforeSync,
    // Replication and commitment.
    NoPreviousTerm, TruncatesMatching, MatchedIsOwnLast, ReplyFromEarlierTerm, NextBelowMatched,
    CommitsOldTerms, CommitsUnverified, CommitGoesBack, AppliesUncommitted, AppliesTwice,
    // Snapshots.
    LastForgottenBySnapshot, StaleAppendAfterSnapshot, OldSnapshotInstalled,
    SnapshotForgetsMembers,
    // Reads.
    ReadWithoutRound, ReadByOldReply, ReadBeforeOwnTerm, LeaseFromReceipt, LeaseDuringHandOver,
    LeaseForgottenAtRestart,
    // Membership.
    ChangeBeforeOwnTerm, TwoChangesAtOnce, TwoVotersAtOnce, LearnerCounts,
}

#[cfg(test)]
thread_local! {
    /// The mistake of all nodes that this thread makes.
    pub(crate) static PLANTED: std::cell::Cell<Bug> = const { std::cell::Cell::new(Bug::None) };
}

/// Which mistake is planted, if any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planted(#[cfg(test)] pub(crate) Bug);

impl Planted {
    /// Nothing, but in a test what its thread has planted.
    pub(crate) fn of_this_thread() -> Planted {
        Planted(
            #[cfg(test)]
            PLANTED.get(),
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
