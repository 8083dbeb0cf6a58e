//! What each anomaly is, and where to look for its cause: the book's page on anomalies, `kolk help
//! anomaly` and the end of a failing run are drawn from it.

use kolk_history::summary::ViolationKind;

use crate::kind::Kind;
use crate::txn::cycles::{Scope, Shape};
use crate::txn::level::Level;

/// One kind of anomaly, in some workloads or in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guide {
    /// The kind of anomaly, or the measure, by its name.
    pub name: &'static str,
    /// The workloads it is said for; none for all that have no entry of their own.
    pub workloads: &'static [&'static str],
    /// What it is, a sentence.
    pub what: &'static str,
    /// What usually lies behind it and what to do, a sentence.
    pub look: &'static str,
}

/// What is told of an anomaly in a workload: of its family, as the order of processes or of real
/// time changes nothing of what it is. `None` for what only another version of kolk knows.
pub fn guide(kind: Kind, workload: &str) -> Option<&'static Guide> {
    let name = kind.family().as_str();
    let mut all = GUIDES.iter().filter(|guide| guide.name == name);
    let is_for = |guide: &&Guide| guide.workloads.contains(&workload);
    all.clone()
        .find(is_for)
        .or_else(|| all.clone().find(|guide| guide.workloads.is_empty()))
        .or_else(|| all.next())
}

/// What is told of a measure that a challenge sets a limit to.
pub fn of_limit(measure: &str) -> Option<&'static Guide> {
    let name = measure.replace(' ', "-");
    GUIDES.iter().find(|guide| guide.name == name)
}

const fn all(kind: Kind, what: &'static str, look: &'static str) -> Guide {
    some(kind, &[], what, look)
}

const fn some(
    kind: Kind,
    workloads: &'static [&'static str],
    what: &'static str,
    look: &'static str,
) -> Guide {
    Guide { name: kind.as_str(), workloads, what, look }
}

const fn limit(name: &'static str, what: &'static str, look: &'static str) -> Guide {
    Guide { name, workloads: &[], what, look }
}

const fn cycle(shape: Shape) -> Kind {
    Kind::cycle(shape, Scope::Data)
}

const fn level(level: Level) -> Kind {
    level.violation(false)
}

/// All of them, those of one kind in a row.
pub const GUIDES: &[Guide] = &[
    all(
        Kind::NeverOk,
        "No operation of a kind succeeded, so nothing can be said of it.",
        "See what the node answers to that kind of request: an error, nothing, or a type of reply \
        that nobody waits for.",
    ),
    all(
        Kind::Unavailable,
        "Fewer operations succeeded than `--availability` asks for.",
        "See what the failed operations waited for: a node that answers only after hearing from \
        others does not answer while they are cut off.",
    ),
    all(
        Kind::Unanswered,
        "A client waited in vain until its time ran out, though nothing was in the way.",
        "Find the request in the report and follow it: a handler that never replies, an await that \
        nothing ends, or a reply without `in_reply_to`.",
    ),
    some(
        Kind::Lost,
        &["broadcast"],
        "A value that a node had acknowledged, or that a read had shown, is missing from a later \
        read.",
        "Follow the value in the report: a message that is sent once and lost is gone, so send it \
        again until the other node acknowledges it.",
    ),
    some(
        Kind::Lost,
        &["g-set"],
        "An element that a node had acknowledged, or that a read had shown, is missing from a \
        later read.",
        "Follow the element in the report: it must reach the other nodes and stay; merge sets as \
        unions, and exchange them again and again.",
    ),
    all(
        Kind::Lost,
        "A value that was acknowledged, or seen, is missing from a later read.",
        "Follow the value in the report: who had it last, and which message should have carried it \
        on.",
    ),
    some(
        Kind::Duplicate,
        &["kafka"],
        "One value stands at two offsets of a log.",
        "A send was carried out twice: after a timeout or a conflict the node appended again \
        without looking whether the first attempt had worked.",
    ),
    all(
        Kind::Duplicate,
        "One read has the same value twice.",
        "Keep values in a set, or look whether a value is there before it is added: messages may \
        come twice.",
    ),
    all(
        Kind::NeverAdded,
        "A read has a value that nobody added before it.",
        "Look at how the answer is made: values of another type, of another run, or numbers of \
        messages that got in between.",
    ),
    all(
        Kind::FailedAdd,
        "A read has a value whose add had been answered with an error that says it did not \
        happen.",
        "Answer with an indefinite error, such as 0 or 13, if the update may have happened; the \
        definite codes promise that it did not: see `kolk help error`.",
    ),
    some(
        Kind::Diverged,
        &["broadcast", "g-set"],
        "Long after the last fault a node still lacks a value that was acknowledged.",
        "See which messages to that node were lost: what is sent once needs a repetition that goes \
        on until it is acknowledged.",
    ),
    some(
        Kind::Diverged,
        &["g-counter", "pn-counter"],
        "Long after the last fault the nodes still disagree about the sum.",
        "See whether each node's part reaches the others after a partition: send it again, or read \
        the store afresh before an answer.",
    ),
    some(
        Kind::Diverged,
        &["txn-list-append", "txn-rw-register"],
        "Long after the last fault the nodes still disagree about a key.",
        "Replicas must agree on one order of writes: a timestamp or version that every node \
        compares alike, sent until it is acknowledged.",
    ),
    some(
        Kind::Diverged,
        &["kafka"],
        "Long after the last fault a node still lacks an acknowledged value.",
        "See whether every node reads the same log: one owner for each key, or a store that all \
        share.",
    ),
    all(
        Kind::Diverged,
        "Long after the last fault nodes still disagree.",
        "See which messages to the node that lags were lost, and what would send them again.",
    ),
    all(
        Kind::Silent,
        "At the end, long after the last fault, a node does not answer a read.",
        "Look at the node's stderr and its last messages: it may wait for a reply that was lost, \
        or for a lock that nobody gives back.",
    ),
    some(
        Kind::WrongTotal,
        &["bank"],
        "A read of all accounts shows more or less than there is.",
        "A transfer was seen by halves, or one was lost under another: reads must be of one \
         snapshot, and transfers must fail if somebody else wrote meanwhile.",
    ),
    some(
        Kind::WrongTotal,
        &["counter"],
        "A read is no sum of what had been added before it and what was under way.",
        "See which adds are missing or counted twice, or whether one counts that had failed.",
    ),
    all(
        Kind::WrongTotal,
        "A final read is no sum that the acknowledged adds can have.",
        "See which adds are missing or counted twice: an update of a key must be a compare-and-set \
        that is tried again, and an add must not be repeated after an unknown outcome.",
    ),
    all(
        Kind::TooLow,
        "A read lacks adds that its own process had been acknowledged before.",
        "A node answered from a copy that is older than its own adds: count them in, or read \
        afresh.",
    ),
    all(
        Kind::TooHigh,
        "A read has more than all adds begun by then.",
        "An add was counted twice: a repeated message, or a compare-and-set that worked and was \
        tried again.",
    ),
    all(
        Kind::NilBalance,
        "A read of all accounts shows no balance for one account.",
        "Look for an account that is removed and put back, or written in a transaction of its own.",
    ),
    all(
        Kind::UnexpectedAccount,
        "A read of all accounts shows one that was not there in the beginning.",
        "Look at how the answer is made: rows of another run, or keys that are something else.",
    ),
    all(
        Kind::Overdrawn,
        "A read of all accounts shows less than nothing in one of them.",
        "Two transfers from one account did not see each other: what a transaction read must still \
         be so when it commits.",
    ),
    all(
        Kind::LongFork,
        "Two reads saw two writes in opposite orders.",
        "Writes reach replicas in different orders: under parallel snapshot isolation that may be, \
         under snapshot isolation not.",
    ),
    all(
        Kind::MissingPredecessor,
        "A read shows a value without one that was there before it.",
        "What was written later became visible earlier: parts of the data are read at different \
         times, or from replicas that lag behind by different amounts.",
    ),
    all(
        Kind::NeverEnqueued,
        "A dequeue took what nobody had put into the queue, or what had failed to be put in.",
        "Answer with an indefinite error if an enqueue may have happened; only what surely did not \
        happen may fail.",
    ),
    all(
        Kind::DuplicateDequeue,
        "A dequeue returned a value more often than it was enqueued.",
        "Two consumers were given the same message: it must be gone, for all, when it is given \
         out.",
    ),
    all(
        Kind::OutOfOrder,
        "A value was taken from a queue before another that had been put in earlier.",
        "Look for several partitions or retries: what is sent again comes after what was sent \
         since.",
    ),
    all(
        Kind::WrongAnswer,
        "A transaction was acknowledged with other reads and writes than were asked for.",
        "Answer each micro-operation in its place and by its name: a read as a read, with what it \
         saw.",
    ),
    all(
        Kind::DuplicateId,
        "An id was given out twice.",
        "Make ids from the node's own name and a counter of its own, or of enough entropy; a clock \
        alone ticks too slowly.",
    ),
    all(
        Kind::WrongEcho,
        "The answer to an echo is not what was sent.",
        "Answer with the value of `echo` as it came, and with the `msg_id` of that very request as \
        `in_reply_to`.",
    ),
    all(
        Kind::FailedEcho,
        "An echo was answered with an error.",
        "See the error's text: an echo has no reason to fail.",
    ),
    all(
        Kind::InconsistentOffsets,
        "One offset of a log had two values.",
        "Two nodes numbered the messages of one log each by itself: give each key one owner, or \
        draw offsets by compare-and-set.",
    ),
    some(
        Kind::LostWrite,
        &["kafka"],
        "An acknowledged value was passed over by polls of what came later in its log.",
        "The value was overwritten or never stored: acknowledge a send only when it stands in the \
        log, and write the log by compare-and-set.",
    ),
    some(
        Kind::LostWrite,
        &["lin-kv", "kv", "register"],
        "An acknowledged write was undone: later reads show an older value.",
        "A replica that had not heard of the write answered, or took over: answer only with a \
        majority's consent.",
    ),
    all(
        Kind::LostWrite,
        "An acknowledged write vanished though nothing overwrote it.",
        "Follow the write in the report: acknowledge only what is stored where a later read will \
        look.",
    ),
    all(
        Kind::Unseen,
        "An acknowledged value was never polled, not even at the end.",
        "See whether the node that was polled has the log at all: an answer is everything from the \
        offset on, or a prefix of it.",
    ),
    all(
        Kind::PollSkip,
        "A process's later poll jumped over values that are in the log.",
        "Polls must go on where the last one ended: do not leave out an offset that may still be \
        filled.",
    ),
    all(
        Kind::IntPollSkip,
        "One poll jumped over values that are in the log.",
        "Give back an unbroken part of the log: stop at the first offset that is not there yet.",
    ),
    all(
        Kind::NonmonotonicPoll,
        "A process's later poll went back behind an earlier one.",
        "The process had not asked for an earlier offset: answer each key from one copy of its \
        log.",
    ),
    all(
        Kind::IntNonmonotonicPoll,
        "Inside one poll offsets go down.",
        "Give back the messages of a log by rising offsets.",
    ),
    all(
        Kind::NonmonotonicSend,
        "A process's later send has a lower offset than its earlier one.",
        "Offsets must rise with time: draw them from one counter for each key.",
    ),
    all(
        Kind::IntNonmonotonicSend,
        "Inside one operation a later send has a lower offset than an earlier one.",
        "Offsets must rise with time: draw them from one counter for each key.",
    ),
    all(
        Kind::IntSendSkip,
        "Inside one operation two sends have offsets with others between them.",
        "Others may send in between, so this is seldom wrong; it matters if the sends should be \
        one unit.",
    ),
    all(
        Kind::PrecommittedRead,
        "An operation polled what it had itself just sent.",
        "What an operation sends must not be seen before it is complete.",
    ),
    all(
        Kind::NonmonotonicCommit,
        "Committed offsets went back, and no other commit explains it.",
        "Keep the greatest offset that was committed, in a place that all nodes read: one node's \
        memory does not do.",
    ),
    all(
        Kind::NonmonotonicOffset,
        "A send has a lower offset than one that was acknowledged before it began.",
        "Offsets must rise with time over all nodes: draw them from one counter for each key.",
    ),
    all(
        Kind::StaleRead,
        "A read shows a value that had been overwritten, and acknowledged, before it began.",
        "A replica answered from its own copy: let reads go through the leader's log or a \
        majority, or through compare-and-set.",
    ),
    all(
        Kind::ResurrectedValue,
        "A value that had been overwritten came back.",
        "A late message or an old replica wrote again: compare versions before a write is taken \
        over.",
    ),
    all(
        Kind::ReadBeforeWrite,
        "A read shows a value whose write had not begun.",
        "Look at how values are kept: of another key, of another run, or from a message that got \
        in between.",
    ),
    all(
        Kind::NeverWritten,
        "A read shows a value that nobody wrote.",
        "Look at how the answer is made: a default value, another key's value, or another type.",
    ),
    all(
        Kind::FailedWrite,
        "A read shows a value whose write had been answered with an error that says it did not \
        happen.",
        "Answer with an indefinite error, such as 0 or 13, if the write may have happened; the \
        definite codes promise that it did not: see `kolk help error`.",
    ),
    all(
        Kind::StaleCas,
        "A compare-and-set was decided against a value that was no longer there.",
        "Compare and set in one step, in the one place where the newest value is known.",
    ),
    all(
        Kind::NonAtomicCas,
        "Two compare-and-sets took the same value for theirs.",
        "Between comparing and setting something else came in: no await may stand between the \
        two.",
    ),
    all(
        Kind::NotLinearizable,
        "No order of the operations fits both the answers and real time.",
        "See the smallest part of the history: which answer would have been right then, and where \
        the node that gave it had its value from.",
    ),
    all(
        Kind::NotSequential,
        "No order of all operations fits the answers and the order of each process.",
        "A process saw the store go back: stay with one replica, or remember how new the last \
        answer was.",
    ),
    all(
        Kind::StaleAfterBarrier,
        "After a write of its own a process does not see what had been acknowledged before.",
        "A write must bring its writer up to date: answer it only when the replica has all writes \
        before it.",
    ),
    all(
        Kind::StaleView,
        "During the load a process does not see, after a write of its own, what had been \
        acknowledged before.",
        "A write must bring its writer up to date: answer it only when the replica has all writes \
        before it.",
    ),
    all(
        cycle(Shape::G0),
        "Transactions overwrote each other in a circle.",
        "Writes of one transaction must be applied as a unit: give them one place in an order that \
        all nodes share.",
    ),
    some(
        Kind::G1a,
        &["kafka"],
        "A poll had a value whose send had failed.",
        "Answer a send with an error only if its value is not in the log, nor will be.",
    ),
    all(
        Kind::G1a,
        "A transaction read what was never committed.",
        "Answer with an error only if nothing of the transaction can be seen; an indefinite error \
        says that something may.",
    ),
    all(
        Kind::G1b,
        "A transaction read a value that its own writer overwrote later in the same transaction.",
        "Let others see a transaction's writes only when it is complete.",
    ),
    some(
        cycle(Shape::G1c),
        &["kafka"],
        "Operations depend on one another in a circle.",
        "See the steps: a poll had what was sent only after it.",
    ),
    all(
        cycle(Shape::G1c),
        "Transactions read from one another, or overwrote one another, in a circle.",
        "A transaction's reads must come from before it and its writes after: take all of it in \
        one step.",
    ),
    all(
        cycle(Shape::GSingle),
        "A transaction read something that another then overwrote, and yet saw another effect of \
        that one.",
        "It read some keys before and some after: read all keys from one state.",
    ),
    all(
        cycle(Shape::GNonadjacent),
        "A circle of transactions has two or more reads that others then overwrote, none next to \
        another.",
        "Transactions read from different states: take each from one state, and check when it is \
        written that nothing it read has changed.",
    ),
    all(
        cycle(Shape::G2),
        "Two or more transactions each read what the next then overwrote.",
        "This is write skew: check, when a transaction is written, that nothing it read has \
        changed since.",
    ),
    all(
        Kind::Internal,
        "A transaction's read contradicts its own earlier read or write.",
        "Inside a transaction reads must show its own writes; keep a copy of what it has read and \
        written.",
    ),
    all(
        Kind::FutureRead,
        "A transaction read what it wrote itself only later.",
        "Carry out a transaction's operations in their order.",
    ),
    all(
        Kind::LostUpdate,
        "Transactions read the same version of a key and each wrote after it: one update is lost.",
        "Write only if what was read is still the newest: a compare-and-set, tried again when it \
        fails.",
    ),
    all(
        Kind::DirtyUpdate,
        "A transaction built on a value that was never committed.",
        "Let others see, and build on, a transaction's writes only when it is complete.",
    ),
    all(
        Kind::IncompatibleOrder,
        "Two reads show the elements of a list in orders that do not fit together.",
        "Replicas appended in different orders: one place must decide the order for each key.",
    ),
    all(
        Kind::DuplicateElements,
        "One read of a list has the same element twice.",
        "An append was carried out twice: after an unknown outcome look whether it is there before \
        it is repeated.",
    ),
    all(
        Kind::CyclicVersions,
        "Versions of a key come before themselves.",
        "Replicas disagree which of two writes is newer: use one order that every node compares \
        alike.",
    ),
    all(
        Kind::GarbageRead,
        "A read has a value that nobody wrote.",
        "Look at how the answer is made: a default value, another key's value, or another type.",
    ),
    all(
        Kind::AbortedWrite,
        "At the end a node shows a write of a transaction that had failed.",
        "Take back everything that a failed transaction wrote, on every node; or answer that its \
        outcome is unknown.",
    ),
    all(
        level(Level::ReadCommitted),
        "Transactions saw others only in part, or from what was never committed.",
        "A transaction must not meet a writer's newer value and later an older one of the same.",
    ),
    all(
        level(Level::ReadAtomic),
        "A transaction saw some of another's writes and not the rest.",
        "Make all writes of a transaction visible at once, on every node.",
    ),
    all(
        level(Level::Causal),
        "A transaction saw an effect and not what had caused it.",
        "Send with each write what it depends on, and show it only when that is there.",
    ),
    all(
        Kind::SerializableViolation,
        "No order of the transactions explains what they read.",
        "Two transactions that each overlook the other's write must not both commit: check what \
         was read when committing.",
    ),
    all(
        Kind::StrongSessionSerializableViolation,
        "No order of the transactions explains what they read and keeps each client's own order.",
        "A client must find its own earlier transactions: pass on to whom it asks next what it has \
        seen.",
    ),
    all(
        Kind::StrictSerializableViolation,
        "No order of the transactions explains what they read and respects real time.",
        "A transaction that began after another was acknowledged must see it: ask a majority, or \
        the one that orders, also for reads.",
    ),
    all(
        Kind::SnapshotIsolationViolation,
        "No snapshots explain what transactions read, with no two of them writing one key at once.",
        "Read all keys as of one moment, and of two transactions that write the same key at once \
         let one fail.",
    ),
    all(
        Kind::StrongSessionSnapshotIsolationViolation,
        "No snapshots explain what transactions read, if each is at least as new as its client's \
        last.",
        "Take a client's next snapshot no older than its last transaction.",
    ),
    all(
        Kind::StrongSnapshotIsolationViolation,
        "No snapshots explain what transactions read, if each has all that was acknowledged before \
        it began.",
        "Take the newest snapshot at the beginning: an old replica must not give one.",
    ),
    all(
        Kind::PrefixViolation,
        "No single order of the writes exists in which each transaction read a prefix.",
        "Let all replicas take over writes in one order, and show none before those ahead of it.",
    ),
    all(
        Kind::ParallelSnapshotIsolationViolation,
        "No order of each key's writes explains what transactions read, if of two that write a key \
        one sees the other, and all that it saw.",
        "Show a transaction only where all that it saw is shown, and of two that write the same \
         key without seeing each other let one fail.",
    ),
    all(
        Kind::StrongSessionPrefixViolation,
        "No single order of the writes exists in which each transaction read a prefix at least as \
        long as its client's last.",
        "Take a client's next prefix no shorter than its last, with what it wrote itself.",
    ),
    all(
        Kind::StrongPrefixViolation,
        "No single order of the writes exists in which each transaction read a prefix that holds \
         all that was acknowledged before the transaction began.",
        "Take the longest prefix at the beginning: an old replica must not give one.",
    ),
    all(
        Kind::StrongSessionParallelSnapshotIsolationViolation,
        "No snapshots explain what transactions read, even if different observers may see writes \
         in different orders, if each holds what its client did before.",
        "Let a client's next snapshot hold what it saw and wrote before.",
    ),
    all(
        Kind::StrongParallelSnapshotIsolationViolation,
        "No snapshots explain what transactions read, even if different observers may see writes \
         in different orders, if each holds all that was acknowledged before it began.",
        "Take over all that was acknowledged before a snapshot is taken.",
    ),
    all(
        Kind::StrongSessionReadCommittedViolation,
        "Information flows in a circle, over what transactions read and the order in which a \
         client ran them.",
        "A transaction must not read from one that began after its client had gone on.",
    ),
    all(
        Kind::Protocol(ViolationKind::NotAMessage),
        "A node wrote a line that is no message, or answered a client with numbers that are no \
        integers.",
        "Write nothing but messages to standard output: logs go to standard error.",
    ),
    all(
        Kind::Protocol(ViolationKind::UnknownSource),
        "A node sent a message in the name of somebody who does not exist.",
        "Write the name from `init`, `node_id`, as `src`.",
    ),
    all(
        Kind::Protocol(ViolationKind::UnknownDestination),
        "A node sent a message to somebody who does not exist.",
        "Write to names from `init`, `node_ids`, to the `src` of a request, or to a service.",
    ),
    all(
        Kind::Protocol(ViolationKind::MalformedReply),
        "A node answered a client with a body that does not fit the request.",
        "See which field is missing or of another type: `kolk help workload NAME` shows each \
        answer.",
    ),
    all(
        Kind::Protocol(ViolationKind::ForeignSource),
        "A node sent a message whose `src` is somebody else.",
        "Write your own name as `src`; a request that is passed on needs a `msg_id` of your own.",
    ),
    all(
        Kind::Protocol(ViolationKind::TextAfterMessage),
        "A node wrote more behind a message on its line: what follows is not read.",
        "Write each message with its line end in one piece: two threads that write at once mix \
        their lines.",
    ),
    all(
        Kind::Protocol(ViolationKind::NoType),
        "A node sent a body without a `type`, or with one that is no string.",
        "Every body has a `type`.",
    ),
    all(
        Kind::Protocol(ViolationKind::NoErrorCode),
        "A node answered a client with an error without a code, or with one that is no integer.",
        "Give every error its `code`, a number: `kolk help error` lists them.",
    ),
    all(
        Kind::Protocol(ViolationKind::LooseJson),
        "A node wrote bytes that are no UTF-8, or control characters in a string.",
        "Let the language's JSON library write messages.",
    ),
    all(
        Kind::Protocol(ViolationKind::OutputOutsideStep),
        "In lockstep a node wrote when it was not its turn.",
        "After `idle` nothing may be written until the next line comes: no thread or timer of its \
        own may act.",
    ),
    all(
        Kind::Protocol(ViolationKind::NeverIdle),
        "In lockstep a node did not say that it has nothing left to do.",
        "Write `idle` after every line, also after one that was not understood.",
    ),
    all(
        Kind::Protocol(ViolationKind::Died),
        "A node ended before the run did.",
        "The last lines of its stderr say why; `kolk check-node` tries the program by itself.",
    ),
    all(
        Kind::Protocol(ViolationKind::NotRestarted),
        "A node that was killed and started again did not answer `init` as it must.",
        "Read its log: what it finds of its last life must not keep it from starting.",
    ),
    all(
        Kind::Protocol(ViolationKind::TwoLeaders),
        "Two nodes said as their state, on their standard error, that they lead in the same term. \
         No client need have seen it yet: what each of them commits can differ.",
        "See who voted for both: a node has one vote in a term. It must know its term and its vote \
         again when it is started again, so they are synced before the answer is sent; and a vote \
         that comes twice, or late, counts once and for its own term.",
    ),
    all(
        Kind::Protocol(ViolationKind::ClosedOutput),
        "A node closed its standard output before the run was over.",
        "Keep it open; a program that starts another must not end before that one.",
    ),
    all(
        Kind::Protocol(ViolationKind::ClosedInput),
        "A node closed its standard input before the run was over.",
        "Read until the input ends: a reader thread that failed leaves messages unread.",
    ),
    all(
        Kind::Protocol(ViolationKind::Overrun),
        "A node wrote more than can be kept.",
        "Look for a loop that answers its own messages, or a reply that grows with each message.",
    ),
    all(
        Kind::Protocol(ViolationKind::Storm),
        "Messages beget messages without end.",
        "Pass a value on only the first time it comes, and never answer an answer.",
    ),
    // What a challenge sets a limit to: not found by a checker, but measured.
    limit(
        "server-messages-per-operation",
        "Messages between nodes, and between nodes and services, for each operation: more than the \
        challenge allows.",
        "See in the report which type makes most of them, and which carry nothing new: send to few \
        neighbours, put several values into one message, acknowledge many at once.",
    ),
    limit(
        "median-stable-latency",
        "The time from a value's acknowledgement until every read has it, of the value in the \
         middle: longer than the challenge allows.",
        "Count the hops and the pauses on a value's way in the report: each hop costs the \
         network's latency, and each message that is held back its pause.",
    ),
    limit(
        "maximum-stable-latency",
        "The time from a value's acknowledgement until every read has it, of the slowest value: \
         longer than the challenge allows.",
        "Follow the slowest value in the report, to the last node that it reached: the longest way \
        through the topology, and the longest pause at each hop, make up its time.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_in_a_workload() {
        for (place, guide) in GUIDES.iter().enumerate() {
            for other in &GUIDES[place + 1..] {
                let overlap = guide.workloads.is_empty() && other.workloads.is_empty()
                    || guide.workloads.iter().any(|name| other.workloads.contains(name));
                assert!(guide.name != other.name || !overlap, "{}", guide.name);
            }
            assert!(guide.what.ends_with('.') && guide.look.ends_with('.'), "{}", guide.name);
            for name in guide.workloads {
                assert!(crate::WORKLOADS.contains(name), "{name}");
            }
        }
    }

    #[test]
    fn every_kind_is_told_of_and_nothing_else_but_limits() {
        for kind in Kind::all() {
            let guide = guide(kind, "").unwrap_or_else(|| panic!("nobody is told what {kind} is"));
            assert_eq!(guide.name, kind.family().as_str());
        }
        let is_no_kind = |guide: &&Guide| guide.name.parse::<Kind>().is_err();
        let others: Vec<&str> = GUIDES.iter().filter(is_no_kind).map(|guide| guide.name).collect();
        let limits =
            ["server-messages-per-operation", "median-stable-latency", "maximum-stable-latency"];
        assert_eq!(others, limits);
        assert_eq!(of_limit("median stable latency").map(|guide| guide.name), Some(limits[1]));
        assert_eq!(guide(Kind::Stored("of-another-version"), "echo"), None);
    }

    #[test]
    fn the_workload_decides() {
        for (kind, workload, word) in [
            ("lost", "broadcast", "once"),
            ("lost", "g-set", "unions"),
            ("lost-write", "kafka", "log"),
            ("G1c-process", "txn-rw-register", "one step"),
            ("G2-item-realtime", "txn-list-append", "write skew"),
            ("read-atomic-violation-process", "txn-rw-register", "visible at once"),
        ] {
            let guide = guide(kind.parse().expect(kind), workload).expect(kind);
            assert!(guide.look.contains(word), "{kind}: {}", guide.look);
        }
    }
}
