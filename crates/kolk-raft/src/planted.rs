//! Mistakes that tests plant, to see that they are found: for tests alone, those of this crate and,
//! with the feature `planted`, of others. Everywhere else the question whether one is planted is
//! the constant `false`, and none can be planted.

/// A mistake. The README's table says what each is, what finds it and how soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(
    not(any(test, feature = "planted")),
    expect(dead_code, reason = "only tests plant mistakes")
)]
#[cfg_attr(feature = "planted", allow(missing_docs, reason = "the README says what they are"))]
#[rustfmt::skip]
pub enum Bug {
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

#[cfg(any(test, feature = "planted"))]
thread_local! {
    /// The mistake of all nodes that this thread makes.
    pub(crate) static PLANTED: std::cell::Cell<Bug> = const { std::cell::Cell::new(Bug::None) };
}

/// From now on all nodes that this thread makes have this mistake.
#[cfg(feature = "planted")]
pub fn plant(bug: Bug) {
    PLANTED.set(bug);
}

/// Which mistake is planted, if any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planted(#[cfg(any(test, feature = "planted"))] pub(crate) Bug);

impl Planted {
    /// Nothing, but in a test what its thread has planted.
    pub(crate) fn of_this_thread() -> Planted {
        Planted(
            #[cfg(any(test, feature = "planted"))]
            PLANTED.get(),
        )
    }

    /// Whether it is this one.
    pub(crate) fn is(self, bug: Bug) -> bool {
        #[cfg(any(test, feature = "planted"))]
        return self.0 == bug;
        #[cfg(not(any(test, feature = "planted")))]
        {
            let _ = bug;
            false
        }
    }
}
