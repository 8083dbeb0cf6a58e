//! `seq-kv`: a few keys that are read, written and compared and set, in a store that promises
//! sequential consistency. Ours: Maelstrom has no such workload.
//!
//! No value is written twice, which is what lets the checker decide quickly: whoever reads a value
//! has seen the one operation that set it.
//!
//! At the end every worker makes a *barrier*, a write of a fresh value to a key of its own, and
//! then reads every key. A store may answer reads from an old state as long as it likes, but a
//! process that has just made an update should see all that was acknowledged before it.

use std::time::Duration;

use kolk_engine::{Call, Invocation, ReplyError, Step, Worker, Workload};
use kolk_history::{Function, Value};
use kolk_protocol::Random;
use kolk_protocol::message::Body;

/// One compare-and-set in so many expects a value that the key had, or will have, some other time.
const OFF_ONE_IN: u64 = 8;

/// How often a worker tries to make its barrier.
const BARRIERS_MAX: u32 = 10;

/// How long it waits in between.
const BARRIER_PAUSE: Duration = Duration::from_millis(500);

/// Where a worker stands in its final operations.
#[derive(Clone, Copy, Debug, Default)]
struct Finale {
    /// The process that it is.
    process: u32,
    /// How often it tried to make a barrier.
    attempts: u32,
    /// Its barrier is made.
    has_barrier: bool,
    /// The key to read next.
    next_key: i64,
}

/// The workload. A read's value is `[key, null]` and ends as `[key, value]`, a write's is `[key,
/// value]`, a compare-and-set's `[key, [from, to]]`. Keys are 0, 1, …, and behind them comes a key
/// for each worker's barrier; values are 1, 2, …
#[derive(Debug)]
pub struct SeqKv {
    /// For each key the value that somebody saw or set last; 0, which is no value, in the
    /// beginning.
    latest: Vec<i64>,
    /// The greatest value that was used.
    last_value: i64,
    finales: Vec<Finale>,
}

impl SeqKv {
    /// With so many keys.
    pub fn new(key_count: u32) -> SeqKv {
        SeqKv { latest: vec![0; key_count as usize], last_value: 0, finales: Vec::new() }
    }

    fn key_count(&self) -> i64 {
        self.latest.len() as i64
    }

    fn fresh_value(&mut self) -> i64 {
        self.last_value += 1;
        self.last_value
    }

    /// The worker's place in the final phase: another process must make a barrier of its own.
    fn finale(&mut self, worker: &Worker) -> &mut Finale {
        if self.finales.len() <= worker.number {
            self.finales.resize(worker.number + 1, Finale::default());
        }
        let finale = &mut self.finales[worker.number];
        if finale.process != worker.process {
            let attempts = finale.attempts;
            *finale = Finale { process: worker.process, attempts, ..Finale::default() };
        }
        finale
    }

    /// Learns what a key holds.
    fn learn(&mut self, worker: &Worker, function: Function, result: &Value) {
        let parts = result.as_list().unwrap_or_default();
        let [Value::Int(key), value] = &*parts else { return };
        let swapped = value.as_list().and_then(|swap| swap.last().and_then(Value::as_int));
        match (self.latest.get_mut(*key as usize), value.as_int().or(swapped)) {
            (Some(latest), Some(value)) => *latest = value,
            (None, _) if function == Function::Write => self.finale(worker).has_barrier = true,
            _ => {}
        }
    }
}

impl Workload for SeqKv {
    fn name(&self) -> &'static str {
        "seq-kv"
    }

    fn next(&mut self, _: &Worker, _: u64, random: &mut Random) -> Option<Invocation> {
        let key = random.below(self.key_count() as u64) as i64;
        Some(match random.below(4) {
            0 | 1 => super::read(key),
            2 => super::write(key, self.fresh_value()),
            _ => {
                let is_off = random.below(OFF_ONE_IN) == 0;
                let other = random.below(self.last_value as u64 + 1) as i64;
                let from = if is_off { other } else { self.latest[key as usize] };
                super::cas(key, from, self.fresh_value())
            }
        })
    }

    fn last(&mut self, worker: &Worker, _: u32) -> Option<Invocation> {
        let (keys, finale) = (self.key_count(), self.finale(worker));
        if finale.has_barrier {
            finale.next_key += 1;
            return (finale.next_key <= keys).then(|| super::read(finale.next_key - 1));
        }
        finale.attempts += 1;
        if finale.attempts > BARRIERS_MAX {
            return None;
        }
        Some(super::write(keys + worker.number as i64, self.fresh_value()))
    }

    fn pause(&mut self, worker: &Worker, _: u32) -> Duration {
        let finale = self.finale(worker);
        let failed = finale.attempts > 0 && !finale.has_barrier;
        if failed { BARRIER_PAUSE } else { Duration::ZERO }
    }

    fn has_final(&self) -> bool {
        true
    }

    fn start(&mut self, _: &Worker, invocation: &Invocation, call: &mut Call<'_>) -> Step {
        super::start(invocation, call)
    }

    fn reply(
        &mut self,
        worker: &Worker,
        invocation: &Invocation,
        reply: &Body<'_>,
        _: &mut Call<'_>,
    ) -> Result<Step, ReplyError> {
        let result = super::result(invocation, reply)?;
        self.learn(worker, invocation.function, &result);
        Ok(super::done(result))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolk_engine::{Completion, Step};
    use kolk_protocol::Key;
    use std::collections::BTreeSet;

    const WORKER: Worker = Worker { number: 1, process: 1, node: 0 };

    fn answer(workload: &mut SeqKv, invocation: &Invocation, json: &str) -> Value {
        let body = Body::parse(json).expect("a body");
        let mut request = Vec::new();
        match workload.reply(&WORKER, invocation, &body, &mut Call::new(&mut request, 1)) {
            Ok(Step::Done(Completion::Ok(value))) => value,
            other => panic!("{other:?}"),
        }
    }

    fn parts(invocation: &Invocation) -> (Function, i64, Value) {
        let parts = invocation.value.as_list().expect("a list").into_owned();
        (invocation.function, parts[0].as_int().expect("a key"), parts[1].clone())
    }

    #[test]
    fn no_value_is_written_twice_and_compared_is_with_the_latest() {
        let mut workload = SeqKv::new(3);
        let (mut written, mut swaps, mut apt) = (BTreeSet::new(), 0, 0);
        for number in 0..2000 {
            let random = &mut Key::new(3).with(number).random();
            let invocation = workload.next(&WORKER, number, random).expect("an operation");
            let (function, key, value) = parts(&invocation);
            assert!((0..3).contains(&key));
            match function {
                Function::Read => assert_eq!(value, Value::Null),
                Function::Write => {
                    assert!(written.insert(value.as_int().expect("a value")));
                    answer(&mut workload, &invocation, r#"{"type":"write_ok","in_reply_to":1}"#);
                    assert_eq!(workload.latest[key as usize], value.as_int().expect("a value"));
                }
                _ => {
                    let swap = value.as_list().expect("a pair").into_owned();
                    swaps += 1;
                    apt += u32::from(swap[0].as_int() == Some(workload.latest[key as usize]));
                    assert!(written.insert(swap[1].as_int().expect("a value")));
                    answer(&mut workload, &invocation, r#"{"type":"cas_ok","in_reply_to":1}"#);
                    assert_eq!(Some(workload.latest[key as usize]), swap[1].as_int());
                }
            }
        }
        assert!((400..600).contains(&swaps), "{swaps}");
        assert!((0.8..0.95).contains(&(f64::from(apt) / f64::from(swaps))), "{apt} of {swaps}");
    }

    #[test]
    fn at_the_end_comes_a_barrier_and_then_all_keys_are_read() {
        let mut workload = SeqKv::new(2);
        assert_eq!(workload.pause(&WORKER, 0), Duration::ZERO);
        let first = workload.last(&WORKER, 0).expect("a barrier");
        assert_eq!(parts(&first), (Function::Write, 3, Value::Int(1)));
        // It failed: once more, after a pause.
        assert_eq!(workload.pause(&WORKER, 1), BARRIER_PAUSE);
        let second = workload.last(&WORKER, 1).expect("a barrier");
        assert_eq!(parts(&second), (Function::Write, 3, Value::Int(2)));
        answer(&mut workload, &second, r#"{"type":"write_ok","in_reply_to":1}"#);
        assert_eq!(workload.pause(&WORKER, 2), Duration::ZERO);
        for key in [0, 1] {
            assert_eq!(workload.last(&WORKER, 2), Some(super::super::read(key)));
        }
        assert_eq!(workload.last(&WORKER, 4), None);
        // Another process of the same worker has made none.
        let next = Worker { process: 6, ..WORKER };
        let third = workload.last(&next, 5).expect("a barrier");
        assert_eq!(parts(&third), (Function::Write, 3, Value::Int(3)));
    }

    #[test]
    fn a_store_that_takes_no_barrier_is_left_in_the_end() {
        let mut workload = SeqKv::new(2);
        let attempts = (0..100).take_while(|nth| workload.last(&WORKER, *nth).is_some()).count();
        assert_eq!(attempts, BARRIERS_MAX as usize);
    }
}
