//! Settings.

use std::time::Duration;

use crate::entry::NodeId;

/// A node's settings. All but the first two have defaults that suit a local network:
///
/// ```
/// use kolk_raft::Config;
///
/// let config = Config { heartbeat: std::time::Duration::from_millis(20), ..Config::new(1, 42) };
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Who this is.
    pub id: NodeId,
    /// What the node's timeouts are drawn from. Give every node, and every start of it, another,
    /// from the machine's entropy; in a simulation, from the simulation's seed.
    pub seed: u64,
    /// Without a word from a leader for this long up to twice as long, drawn anew each time, a
    /// follower stands for election (§5.2); a leader that hears from no majority for this long
    /// steps down (thesis §6.2). It should be ten times a round trip, or more. If leases are used,
    /// it must be the same everywhere.
    pub election_timeout: Duration,
    /// A leader leaves no follower without a message for longer than this. Less than half of the
    /// election timeout, so that one may be lost.
    pub heartbeat: Duration,
    /// While something is under way, a leader waits this long for more commands and reads before
    /// it sends messages for them, or until entries are committed, if that is sooner. 0: it does
    /// not wait; commands that come while [`in_flight_max`](Config::in_flight_max) messages are
    /// under way are sent together all the same, and so are reads that come during a round.
    pub batch_delay: Duration,
    /// How many entries a message holds at most.
    pub batch_max: usize,
    /// How many messages with entries may be under way to a follower unanswered (thesis §10.2.1).
    pub in_flight_max: usize,
    /// How many entries a leader may have that are not committed; beyond them commands are refused
    /// as [busy](crate::Refusal::Busy).
    pub uncommitted_max: u64,
    /// How many reads may wait at a leader; beyond them they are refused as busy.
    pub reads_max: usize,
    /// How many entries before a snapshot are kept for followers that are a little late. The rest
    /// is dropped: who needs it gets the snapshot.
    pub keep_behind: u64,
    /// A leader sends a snapshot again if it is not answered for this long.
    pub snapshot_timeout: Duration,
    /// Reads by lease instead of by a round of messages.
    pub lease: Option<Lease>,
}

/// Reads without messages (thesis §6.4.1): for an election timeout after a majority has heard from
/// it nobody else can be elected, so the leader may answer alone.
///
/// # The assumption
///
/// Between any two nodes the clocks that [`Raft::step`](crate::Raft::step) is given run at rates
/// that differ at most by the factor [`drift_max`](Lease::drift_max), and none jumps. Where that
/// does not hold (a clock that is set, a virtual machine that is moved or stopped with its clock),
/// **reads can be stale**. Leave leases off if you are not sure: without them no clock matters to
/// safety.
///
/// All nodes must have the same election timeout, and all must have leases on: a node with leases
/// votes for nobody during the first election timeout after its start, since it may have promised
/// that before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lease {
    /// The factor: 1 or more, for instance 1.05.
    pub drift_max: f64,
}

impl Config {
    /// The defaults.
    pub fn new(id: NodeId, seed: u64) -> Config {
        Config {
            id,
            seed,
            election_timeout: Duration::from_millis(150),
            heartbeat: Duration::from_millis(50),
            batch_delay: Duration::ZERO,
            batch_max: 1_000,
            in_flight_max: 64,
            uncommitted_max: 100_000,
            reads_max: 100_000,
            keep_behind: 1_000,
            snapshot_timeout: Duration::from_secs(5),
            lease: None,
        }
    }

    /// # Panics
    ///
    /// If a setting is outside of its bounds.
    pub(crate) fn check(&self) {
        let heartbeat = self.heartbeat;
        assert!(
            !heartbeat.is_zero() && heartbeat * 2 <= self.election_timeout,
            "config: a heartbeat of {heartbeat:?} is not within half of an election timeout of \
             {:?}",
            self.election_timeout,
        );
        assert!(
            self.batch_max > 0 && self.in_flight_max > 0 && self.uncommitted_max > 0,
            "config: nothing can be sent with a limit of 0",
        );
        if let Some(lease) = self.lease {
            assert!(
                lease.drift_max >= 1.0,
                "config: clocks that differ by less than a factor of 1"
            );
        }
    }
}
