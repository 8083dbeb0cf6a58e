use kolk_history::Outcome;
use kolk_protocol::{Key, random::Random};

use super::refutation::Refutation;
use super::*;
use crate::check::Validity;
use crate::txn::graph::Kinds;
use crate::txn::levels::{Levels, settle};
use crate::txn::records::{self, Op, Record};
use crate::txn::rw_register;
use crate::txn::stores::{Clock, Promise, records};
use crate::txn::sweep;
use crate::txn::table::{Builder, Datatype, MicroOp, NONE};
use crate::txn::testing::{history, register_history};

/// What a read saw of what is there, as a part of a history may lack what was read; nothing if that
/// is not known.
fn seen(facts: &Facts<'_>, read: MicroOp) -> Option<Vec<u32>> {
    let table = facts.table;
    let is_there = |element: &u32| {
        let writer = table.elements.writer(*element);
        writer != NONE && facts.happened[writer as usize]
    };
    match table.list(read) {
        Some(list) => Some(list.iter().copied().filter(is_there).collect()),
        None => {
            let value = table.last_read(read)?;
            value.as_ref().is_none_or(is_there).then(|| Vec::from_iter(value))
        }
    }
}

/// Whether a read saw what is there, after all these writes: of a register, the last of them.
fn fits(table: &Table, seen: &[u32], written: &[u32]) -> bool {
    match table.kind {
        Datatype::List => seen == written,
        Datatype::Register => seen.last() == written.last(),
    }
}

/// What a transaction writes to a key.
fn writes(table: &Table, transaction: u32, key: u32) -> impl Iterator<Item = u32> {
    let ops = table.micro_ops(transaction).iter();
    ops.filter(move |op| op.is_write() && op.key() == key).map(|op| op.element())
}

/// Whether an order of events shows what it should: everybody reads, in the state where it begins,
/// what it read; nobody overwrites what has changed since; and the clients' order is kept.
fn shows(problem: &Problem<'_>, clients: Clients, order: &[u32]) -> bool {
    let (facts, table) = (problem.facts, problem.facts.table);
    let place = |vertex: u32| order.iter().position(|other| *other == vertex).expect("a place");
    let happened = |t: &u32| facts.happened[*t as usize];
    // What was written to a key before an event.
    let state = |vertex: u32, key: u32| -> Vec<u32> {
        let committed = |other: &u32| {
            let transaction = problem.transaction(*other).filter(happened);
            transaction.filter(|transaction| problem.commit(*transaction) == *other)
        };
        let before = order[..place(vertex)].iter().filter_map(committed);
        before.flat_map(|transaction| writes(table, transaction, key)).collect()
    };
    let reads_fit = |t: u32| {
        let ops = table.micro_ops(t);
        (0..ops.len()).filter(|_| table.is_ok(t)).all(|at| {
            let is_first = ops[..at].iter().all(|op| op.key() != ops[at].key());
            ops[at].is_write()
                || problem.shape.is_known()
                || !is_first
                || seen(facts, ops[at])
                    .is_none_or(|seen| fits(table, &seen, &state(t, ops[at].key())))
        })
    };
    let is_current = |t: u32| {
        let keys = table.micro_ops(t).iter().filter(|op| op.is_write()).map(|op| op.key());
        problem.shape != Shape::Snapshot
            || keys.into_iter().all(|key| state(t, key) == state(problem.commit(t), key))
    };
    let is_ordered = |a: u32, b: u32| {
        let (one, other) = (table.transactions[a as usize], table.transactions[b as usize]);
        let is_before = table.is_ok(a) && one.completion < other.index;
        let counts = match clients {
            Clients::Any => false,
            Clients::Sessions => one.process == other.process,
            Clients::RealTime => true,
        };
        counts && is_before
    };
    let in_turn = |a: u32, b: u32| !is_ordered(a, b) || place(problem.commit(a)) < place(b);
    let all: Vec<u32> = (0..table.len() as u32).filter(happened).collect();
    if problem.shape == Shape::Parallel {
        return shows_in_parallel(problem, &all, order, is_ordered);
    }
    all.iter().all(|t| {
        place(*t) <= place(problem.commit(*t))
            && reads_fit(*t)
            && is_current(*t)
            && all.iter().all(|other| t == other || in_turn(*t, *other))
    })
}

/// Whether an order of transactions shows that they ran on parallel snapshots, by the definition:
/// each sees whom it read from, who wrote before it what it writes, whom clients know to be before
/// it, and whom these see; and of what
/// it sees it read the last write of each key.
fn shows_in_parallel(
    problem: &Problem<'_>,
    all: &[u32],
    order: &[u32],
    is_ordered: impl Fn(u32, u32) -> bool,
) -> bool {
    let table = problem.facts.table;
    let place = |t: u32| order.iter().position(|other| *other == t).expect("a place");
    let ops = |t: u32| table.micro_ops(t).iter();
    // The first micro-operation on each key, if it is a read.
    let reads = |t: u32| -> Vec<(u32, Vec<u32>)> {
        let mut keys = Vec::new();
        let mut first = ops(t).filter(|op| {
            let is_first = !keys.contains(&op.key());
            keys.push(op.key());
            is_first && !op.is_write() && table.is_ok(t)
        });
        first.by_ref().filter_map(|op| Some((op.key(), seen(problem.facts, *op)?))).collect()
    };
    let mut in_order = all.to_vec();
    in_order.sort_by_key(|t| place(*t));
    let mut sees = vec![vec![false; table.len()]; table.len()];
    for (at, t) in in_order.iter().enumerate() {
        for other in &in_order[..at] {
            let last = |key: u32| writes(table, *other, key).last();
            let reads_from = reads(*t)
                .into_iter()
                .any(|(key, seen)| seen.last().is_some_and(|seen| last(key) == Some(*seen)));
            let writes_same = ops(*t).any(|op| op.is_write() && last(op.key()).is_some());
            if reads_from || writes_same || is_ordered(*other, *t) {
                sees[*t as usize][*other as usize] = true;
                for third in &in_order[..at] {
                    let more = sees[*other as usize][*third as usize];
                    sees[*t as usize][*third as usize] |= more;
                }
            }
        }
    }
    let all_pairs = || in_order.iter().flat_map(|a| in_order.iter().map(move |b| (*a, *b)));
    let is_in_turn = |(a, b): (u32, u32)| a == b || !is_ordered(a, b) || place(a) < place(b);
    all_pairs().all(is_in_turn)
        && in_order.iter().all(|t| {
            reads(*t).into_iter().all(|(key, seen)| {
                let sees = |other: &&u32| sees[*t as usize][**other as usize];
                let before = in_order.iter().filter(sees);
                let written: Vec<u32> =
                    before.flat_map(|other| writes(table, *other, key)).collect();
                fits(table, &seen, &written)
            })
        })
}

/// What transactions of some store saw, of which some reads are then changed to what else was
/// written.
fn story(kind: Datatype, size: usize, random: &mut Random) -> Vec<Record> {
    let promise = *random.choose(Promise::ALL).expect("a promise");
    let clock = *random.choose(&[Clock::RealTime, Clock::Sessions, Clock::Free]).expect("a clock");
    let mut records = records((kind, promise, clock), size, false, random);
    let mut written: Vec<(i64, i64)> = Vec::new();
    for op in records.iter().filter(|record| record.is_ok()).flat_map(|record| &record.ops) {
        if let Op::Write(key, value) = op {
            written.push((*key, *value));
        }
    }
    for _ in 0..random.index(2) {
        let at = random.index(records.len());
        let number = random.index(records[at].ops.len().max(1));
        let Some((key, value)) = random.choose(&written).copied() else { break };
        if let Some(Op::Read(read, seen)) = records[at].ops.get_mut(number)
            && *read == key
        {
            match kind {
                Datatype::Register => *seen = vec![value],
                Datatype::List => seen.truncate(random.index(seen.len() + 1)),
            }
        }
    }
    records
}

/// Of the records, those of acknowledged transactions and others, but for one here and there.
fn without_some(table: &Table, random: &mut Random) -> Table {
    let kept: Vec<u32> = (0..table.len() as u32).filter(|_| random.chance(0.8)).collect();
    crate::txn::shrink::part(table, &kept)
}

/// Whether nothing but the order of transactions can speak against a model.
fn is_sound(table: &Table, model: Model) -> bool {
    let check = records::check(table, &[model], rw_register::AssumedKeys::default());
    check.validity(true) != Validity::Invalid
}

/// Decides each goal for so many histories and verifies what proves the answers: how often each
/// failed, and held.
fn assert_proved(
    kind: Datatype,
    histories: std::ops::Range<u64>,
    most: usize,
) -> Vec<(Model, [u64; 2])> {
    let mut seen: Vec<(Model, [u64; 2])> = GOALS.map(|goal| (goal.model, [0; 2])).to_vec();
    for seed in histories {
        let mut random = Key::new(seed).random();
        let size = 2 + random.index(most);
        let table = records::table(kind, &story(kind, size, &mut random));
        let part = without_some(&table, &mut random);
        for (at, goal) in GOALS.into_iter().enumerate() {
            let what = format!("seed {seed}, {kind:?}, {}", goal.model);
            let is_sound = is_sound(&table, goal.model);
            let holds = assert_proved_of(&table, goal, is_sound, &what);
            seen[at].1[usize::from(holds)] += 1;
            // A part of what has a model has it, though it may lack what was read.
            let part_holds = assert_proved_of(&part, goal, is_sound, &what);
            assert!(part_holds || !holds || !is_sound, "{what}: a part fails");
        }
    }
    seen
}

/// Decides a goal and verifies what proves the answer, if the reads are sound: one that no order
/// fits is told elsewhere.
fn assert_proved_of(table: &Table, goal: Goal, is_sound: bool, what: &str) -> bool {
    let facts = Facts::new(table);
    let problem = Problem::new(&facts, goal.shape, goal.clients);
    match Search::new(&problem, work_max(table)).run() {
        Answer::Holds(order) => {
            assert!(!is_sound || shows(&problem, goal.clients, &order), "{what}");
            true
        }
        Answer::Fails(core) => {
            let kept = crate::txn::shrink::part(table, &enough(table, goal, core));
            let facts = Facts::new(&kept);
            let problem = Problem::new(&facts, goal.shape, goal.clients);
            let refutation = Refutation::find(&problem);
            let refutation = refutation.unwrap_or_else(|| panic!("{what}: no proof"));
            assert!(refutation.is_sound(&problem), "{what}: {refutation:?}");
            false
        }
        Answer::Stopped(stopped) => panic!("{what}: {stopped}"),
    }
}

#[test]
fn answers_come_with_their_proofs() {
    for (kind, histories) in [(Datatype::Register, 500), (Datatype::List, 400)] {
        let seen = assert_proved(kind, 0..histories, 10);
        let is_open = |model| kind == Datatype::Register || model != Model::Prefix;
        let mut counts = seen.iter().filter(|(model, _)| is_open(*model));
        assert!(counts.all(|(_, counts)| counts.iter().all(|count| *count > 1)), "{seen:?}");
    }
}

/// How many of so many histories of a store are decided within so many steps.
fn decided(kind: Datatype, promise: Promise, goal: Model, work_max: u64) -> usize {
    let goal = GOALS.into_iter().find(|known| known.model == goal).expect("a goal");
    let is_decided = |seed: &u64| {
        let mut random = Key::new(*seed).random();
        let size = 10 + random.index(30);
        let records = records((kind, promise, Clock::RealTime), size, false, &mut random);
        let table = records::table(kind, &records);
        let facts = Facts::new(&table);
        let problem = Problem::new(&facts, goal.shape, goal.clients);
        !matches!(Search::new(&problem, work_max).run(), Answer::Stopped(_))
    };
    (0..200).filter(is_decided).count()
}

#[test]
fn few_steps_are_enough() {
    use Datatype::{List, Register};
    use Promise::{Prefix, ReadAtomic, Serial, Snapshot, Statements};
    // Of two hundred histories of a store, how many are decided within so many steps: none are
    // taken where the order that a search begins with is the answer.
    for (kind, promise, goal, steps, least) in [
        (Register, Serial, Model::StrictSerializable, 0, 109),
        (Register, Serial, Model::StrictSerializable, 200, 161),
        (Register, Serial, Model::Serializable, 0, 169),
        (Register, Serial, Model::Serializable, 1_000, 194),
        (Register, Snapshot, Model::StrongSnapshotIsolation, 0, 181),
        (Register, Snapshot, Model::SnapshotIsolation, 0, 189),
        (Register, Snapshot, Model::SnapshotIsolation, 200, 200),
        (Register, Prefix, Model::Prefix, 0, 158),
        (Register, Prefix, Model::SnapshotIsolation, 1_000, 132),
        (Register, ReadAtomic, Model::SnapshotIsolation, 200, 62),
        (Register, ReadAtomic, Model::SnapshotIsolation, 1_000, 122),
        (Register, ReadAtomic, Model::SnapshotIsolation, 4_000, 185),
        (Register, Statements, Model::Serializable, 1_000, 186),
        (Register, Statements, Model::SnapshotIsolation, 4_000, 182),
        (Register, Statements, Model::ParallelSnapshotIsolation, 1_000, 149),
        (Register, Statements, Model::ParallelSnapshotIsolation, 4_000, 185),
        (List, Statements, Model::SnapshotIsolation, 0, 195),
        (List, Statements, Model::ParallelSnapshotIsolation, 200, 176),
    ] {
        let decided = decided(kind, promise, goal, steps);
        assert!(decided >= least, "{kind:?}, {promise:?}, {goal}, {steps} steps: {decided}");
    }
}

/// Transactions that all overlap and write without having read, of a store that runs them one after
/// another; some of what was read is then made older.
fn tangled(kind: Datatype, size: usize, random: &mut Random) -> Vec<Record> {
    const KEYS: usize = 3;
    let mut written: [Vec<i64>; KEYS] = Default::default();
    let mut ends: Vec<u32> = (0..size as u32).collect();
    random.shuffle(&mut ends);
    (0..size as u32)
        .zip(ends)
        .map(|(process, end)| {
            let mut keys: Vec<usize> = (0..KEYS).collect();
            random.shuffle(&mut keys);
            let mut ops = Vec::new();
            for key in keys.into_iter().take(2 + random.index(2)) {
                let values = &mut written[key];
                if random.chance(0.6) {
                    values.push(values.len() as i64 + 1);
                    ops.push(Op::Write(key as i64, values.len() as i64));
                } else {
                    let back = if random.chance(0.15) { random.index(3) } else { 0 };
                    let seen = values[..values.len().saturating_sub(back)].to_vec();
                    let shown = match kind {
                        Datatype::List => random.chance(0.5),
                        Datatype::Register => true,
                    };
                    if shown {
                        ops.push(Op::Read(key as i64, seen));
                    }
                }
            }
            let completed = Some(1_000 + end);
            Record { process, invoked: process, completed, outcome: Outcome::Ok, ops }
        })
        .collect()
}

/// What is left of a proof without a step, without what it supposes, or with one case for both: as
/// cycles are as short as can be, none of it proves anything.
fn spoiled(proof: &Refutation) -> Vec<Refutation> {
    match proof {
        Refutation::Cycle(steps) => {
            let without = |at: usize| [&steps[..at], &steps[at + 1..]].concat();
            let shorter = (0..steps.len()).map(|at| Refutation::Cycle(without(at)));
            shorter.chain([Refutation::Cycle(Vec::new())]).collect()
        }
        Refutation::Either(one, other, cases) => {
            let [first, second] = &**cases;
            let both = |case: &Refutation| {
                Refutation::Either(*one, *other, Box::new([case.clone(), case.clone()]))
            };
            vec![first.clone(), second.clone(), both(first), both(second)]
        }
    }
}

/// What is tangled takes many decisions, which are learned from and taken back: how often the goals
/// failed, and held.
fn assert_tangled(kind: Datatype, histories: std::ops::Range<u64>) -> [u64; 2] {
    let mut counts = [0, 0];
    for seed in histories {
        let mut random = Key::new(seed).random();
        let size = 4 + random.index(16);
        let table = records::table(kind, &tangled(kind, size, &mut random));
        for goal in GOALS {
            let what = format!("seed {seed}, {kind:?}, {}", goal.model);
            counts[usize::from(assert_proved_of(&table, goal, true, &what))] += 1;
        }
    }
    counts
}

#[test]
fn answers_to_what_is_tangled_come_with_their_proofs() {
    for kind in [Datatype::Register, Datatype::List] {
        let counts = assert_tangled(kind, 0..1_500);
        assert!(counts.iter().all(|count| *count > 1_000), "{counts:?}");
    }
}

/// An order of which two places were changed shows what it should or is told apart.
#[test]
fn wrong_orders_are_told_apart() {
    let mut counts = [0, 0];
    for seed in 0..600 {
        let mut random = Key::new(seed).random();
        let kind = if seed % 2 == 0 { Datatype::Register } else { Datatype::List };
        let table = records::table(kind, &tangled(kind, 7, &mut random));
        let facts = Facts::new(&table);
        for goal in GOALS {
            let problem = Problem::new(&facts, goal.shape, goal.clients);
            let answer = Search::new(&problem, work_max(&table)).run();
            let Answer::Holds(mut order) = answer else { continue };
            let (one, other) = (random.index(order.len()), random.index(order.len()));
            order.swap(one, other);
            let is_shown = proof::shows(&problem, &order);
            let what = format!("seed {seed}, {kind:?}, {}", goal.model);
            assert!(!is_shown || shows(&problem, goal.clients, &order), "{what}: {order:?}");
            counts[usize::from(is_shown)] += 1;
        }
    }
    assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
}

#[test]
fn wrong_proofs_are_told_apart() {
    let mut counts = [0, 0];
    for seed in 0..300 {
        let mut random = Key::new(seed).random();
        let records = tangled(Datatype::Register, 6, &mut random);
        let table = records::table(Datatype::Register, &records);
        let facts = Facts::new(&table);
        for goal in GOALS {
            let problem = Problem::new(&facts, goal.shape, goal.clients);
            let Some(proof) = Refutation::find(&problem) else { continue };
            assert!(proof.is_sound(&problem), "seed {seed}, {}: {proof:?}", goal.model);
            for wrong in spoiled(&proof) {
                assert!(!wrong.is_sound(&problem), "seed {seed}, {}: {wrong:?}", goal.model);
            }
            counts[usize::from(matches!(proof, Refutation::Either(..)))] += 1;
        }
    }
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
}

#[test]
fn what_holds_has_no_refutation() {
    for seed in 0..200 {
        let mut random = Key::new(seed).random();
        let kind = if seed % 2 == 0 { Datatype::Register } else { Datatype::List };
        let table = records::table(kind, &tangled(kind, 4, &mut random));
        let facts = Facts::new(&table);
        for goal in GOALS {
            let problem = Problem::new(&facts, goal.shape, goal.clients);
            if let Answer::Holds(_) = Search::new(&problem, work_max(&table)).run() {
                let proof = Refutation::find(&problem);
                assert_eq!(proof, None, "seed {seed}, {kind:?}, {}", goal.model);
            }
        }
    }
}

/// Write skew: of parallel snapshots, two may well not see each other.
#[test]
fn no_proof_of_parallel_snapshots_has_two_that_do_not_see_another() {
    let reads_and_writes = |process: u32, read, write| Record {
        process,
        invoked: process,
        completed: Some(10 + process),
        outcome: Outcome::Ok,
        ops: vec![Op::Read(read, Vec::new()), Op::Write(write, 1)],
    };
    let records = [reads_and_writes(0, 0, 1), reads_and_writes(1, 1, 0)];
    let table = records::table(Datatype::Register, &records);
    let facts = Facts::new(&table);
    let step = |from| refutation::Step { from, kind: Kinds::RW, because: None };
    let circle = Refutation::Cycle(vec![step(0), step(1)]);
    for (shape, is_proof) in [(Shape::Serial, true), (Shape::Parallel, false)] {
        let problem = Problem::new(&facts, shape, Clients::Any);
        assert_eq!(circle.is_sound(&problem), is_proof, "{shape:?}");
    }
}

const STRONG: &str = "strong-snapshot-isolation-violation";

/// Of a list it is known what comes after what was read, whether that was read itself or not: it
/// takes no two cases to show that a transaction sees what it must not.
#[test]
fn what_lists_show_takes_no_cases() {
    for text in ["ax1 ax2ay1 rx12 rx1ry1", "ax1 ax2ay1 rx1ry1", "ax1ay1 rx_ry1"] {
        let table = Builder::read(&history(text), Datatype::List);
        let facts = Facts::new(&table);
        for goal in GOALS.into_iter().filter(|goal| !goal.shape.is_known()) {
            let problem = Problem::new(&facts, goal.shape, goal.clients);
            let proof = Refutation::find(&problem);
            let is_cycle = matches!(proof, Some(Refutation::Cycle(_)));
            assert!(is_cycle, "{text}, {}: {proof:?}", goal.model);
        }
    }
}

#[test]
fn what_has_no_cycle_in_each_order_alone_is_told_case_by_case() {
    for (text, model, kind, said) in [
        // Write skew, over what was there before.
        (
            "wx1wy1 / rx1wy2 ry1wx2",
            Model::Serializable,
            "serializable-violation",
            "if T1 set x to 1 before T3 set it to 2",
        ),
        ("wx1wy1 / rx1wy2 ry1wx2", Model::SnapshotIsolation, "", ""),
        // Two orders of two keys, of which neither decides anything alone.
        (
            "wx1wa1 wx2wb1 wy1wc1 wy2wd1 rx1rc1rd1 rx2rc1rd1 ry1ra1rb1 ry2ra1rb1",
            Model::Serializable,
            "prefix-violation",
            "if T1 set x to 1 before T2 set it to 2 and T3 set y to 1 before T4 set it to 2",
        ),
        // Two orders of blind writes, each of which somebody speaks against.
        (
            "wx1 wx2 1:wx3 / 1:rx1 2:rx2 / 1:rx2 2:rx1",
            Model::StrongSessionSerializable,
            "causal-violation-process",
            "",
        ),
        ("wx1 wx2 1:wx3 / 1:rx1 2:rx2 / 1:rx2 2:rx1", Model::Serializable, "", ""),
        // A stale read, of which only real time knows.
        ("wx1 / wx2 / rx1", Model::StrictSerializable, STRONG, "T3 before"),
        ("wx1 / wx2 / rx1", Model::StrongSessionSerializable, "", ""),
        // What nobody acknowledged may have happened late, or never.
        ("wx1 / wx2? / rx1 / rx2", Model::StrictSerializable, "", ""),
        ("wx1 / wx2? / rx1", Model::StrictSerializable, "", ""),
        ("wx1 / wx2? / rx2 / rx1", Model::StrictSerializable, STRONG, ""),
        // The second read of a key tells too from whom it came.
        (
            "1:rx1rx2 / 1:wx2 2:wx1",
            Model::StrongSessionReadCommitted,
            "strong-session-read-committed-violation",
            "process 1 ran",
        ),
        ("wx1 / rx1rx2 / wx2", Model::StrongReadCommitted, "G1c-realtime", "was acknowledged"),
        ("wx1 / rx1rx2 / wx2", Model::StrongSessionReadCommitted, "", ""),
        ("rx_rx2 / wx2?", Model::StrongReadCommitted, "G1c-realtime", "was acknowledged"),
        // Parallel snapshots that hold what the session did, or all that was acknowledged.
        ("1:wx1 / 2:rx_", Model::StrongSessionParallelSnapshotIsolation, "", ""),
        ("1:wx1 / 1:rx_", Model::ParallelSnapshotIsolation, "", ""),
        ("wx1 / rx_", Model::StrongPrefix, "strong-prefix-violation", "was acknowledged"),
        ("wx1 / rx_", Model::StrongSessionPrefix, "", ""),
    ] {
        let requested = Models::new(&[model]);
        let mut check = rw_register::check(&register_history(text), requested);
        settle(&mut check, requested, Levels::Exact, false);
        let found = check.anomalies.iter().find(|anomaly| anomaly.kind == kind);
        assert_eq!(check.anomalies.len(), usize::from(!kind.is_empty()), "{text}: {check:#?}");
        let told = found.map(|anomaly| anomaly.steps.join("\n")).unwrap_or_default();
        assert_eq!(check.validity == Validity::Valid, kind.is_empty(), "{text}: {check:#?}");
        assert!(found.is_some() || kind.is_empty(), "{text}: {check:#?}");
        assert!(told.contains(said), "{text}: {told}");
    }
}

/// `cargo test --release -p kolk-check -- --ignored --nocapture a_search_of_many`: or of as many as
/// `KOLK_HISTORIES` says.
#[test]
#[ignore = "takes minutes"]
fn a_search_of_many_comes_with_its_proofs() {
    let histories = sweep::histories(100_000);
    for kind in [Datatype::Register, Datatype::List] {
        let what = format!("proofs of up to twelve transactions, {kind:?}");
        let counts = sweep::sweep(&what, histories, |seeds| assert_proved(kind, seeds, 11));
        eprintln!("{histories} histories, {what}, all verified:");
        for (model, [fails, holds]) in counts {
            eprintln!("  {model}: {fails} refuted, {holds} shown");
        }
        let what = format!("proofs of what is tangled, {kind:?}");
        let counts =
            sweep::sweep(&what, histories, |seeds| vec![((), assert_tangled(kind, seeds))]);
        let [fails, holds] = counts[0].1;
        eprintln!("{histories} histories, {what}: {fails} refuted, {holds} shown, all verified");
    }
}
