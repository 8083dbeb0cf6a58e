//! `kafka`: logs that clients append to and poll.
//!
//! An operation is one `send` or one `poll`, and now and then an `assign` of keys to a client,
//! which from then on polls those. A client has a position in each of its logs: on assignment the
//! one it has, else what was committed, else the beginning. After a poll it moves past what it saw
//! and commits the greatest offsets seen. Clients crash: the worker goes on with a fresh one.
//!
//! At the end every worker's client crashes, is assigned every key from the beginning, and polls
//! until it has seen everything that is known to be there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kolk_engine::{Call, Completion, Invocation, ReplyError, Step, Worker, Workload};
use kolk_history::{Function, Plan, Value};
use kolk_protocol::Random;
use kolk_protocol::message::Body;
use serde::{Deserialize, Serialize};

use crate::keys::Keys;
use crate::reply;

/// One operation in so many is an `assign`.
const ASSIGN_ONE_IN: u64 = 64;
/// One `assign` in so many also takes every key with messages that were sent and not polled.
const CATCH_UP_ONE_IN: u64 = 3;
/// How often a worker's client crashes, on average.
const CRASH_EVERY: Duration = Duration::from_secs(30);
/// How long a worker waits between its polls at the end.
const FINAL_PAUSE: Duration = Duration::from_millis(200);
/// How long the end may take.
const FINAL_LIMIT: Duration = Duration::from_secs(10);
/// Names and offsets: the first to read next, the greatest committed, and the like.
type Offsets = BTreeMap<Arc<String>, i64>;

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Request<'a> {
    Send { key: &'a str, msg: i64 },
    Poll { offsets: &'a Offsets },
    CommitOffsets { offsets: &'a Offsets },
    ListCommittedOffsets { keys: Vec<&'a str> },
}

/// A poll's answer: keys, each with offsets and messages.
type Messages = BTreeMap<Arc<String>, Pairs>;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::enum_variant_names, reason = "the protocol's names")]
enum Reply {
    SendOk { offset: i64 },
    PollOk { msgs: Messages },
    CommitOffsetsOk {},
    ListCommittedOffsetsOk { offsets: Offsets },
}

/// `[[offset, message], …]`.
#[derive(Deserialize)]
#[serde(transparent)]
struct Pairs(Vec<(i64, Value)>);

impl Pairs {
    fn greatest(&self) -> Option<i64> {
        self.0.iter().map(|(offset, _)| *offset).max()
    }

    fn into_value(self) -> Value {
        let packed = |(offset, message): &(i64, Value)| Some([*offset, message.as_int()?]);
        if let Some(pairs) = self.0.iter().map(packed).collect() {
            return Value::pairs(pairs);
        }
        let pair = |(offset, message)| Value::list(vec![Value::Int(offset), message]);
        Value::List(Arc::new(self.0.into_iter().map(pair).collect()))
    }
}

/// What a worker's client knows.
#[derive(Debug, Default)]
struct Client {
    /// Its process: another one is a fresh client.
    process: u32,
    /// For each assigned key the offset to read next.
    positions: Offsets,
    /// A poll's messages and the positions after it, while they are being committed.
    polled: Option<(Value, Offsets)>,
    /// At the end: what is not seen yet. Greatest offsets.
    missing: Offsets,
}

/// The workload. Values are those of Maelstrom: a send's is `[[:send key message]]` and ends as
/// `[[:send key [offset message]]]`, a poll's `[[:poll]]` and `[[:poll {key [[offset message]
/// …]}]]`, an assignment's its keys.
#[derive(Debug)]
pub struct Kafka {
    keys: Keys<Arc<String>>,
    crash_chance: f64,
    clients: Vec<Client>,
    /// The greatest offsets that were sent or polled.
    known: Offsets,
    /// Of keys with messages that were sent and not polled: the greatest offsets sent, and polled.
    unseen: BTreeMap<Arc<String>, (i64, i64)>,
    poll: Value,
}

impl Kafka {
    /// Uses so many keys at a time, each for so many messages. More than 63 keys count as 63: each
    /// key is chosen twice as often as the one before it.
    pub fn new(key_count: u32, max_writes_per_key: u32) -> Kafka {
        Kafka {
            keys: Keys::new(key_count, max_writes_per_key, |number| Arc::new(number.to_string())),
            crash_chance: 0.0,
            clients: Vec::new(),
            known: Offsets::new(),
            unseen: BTreeMap::new(),
            poll: Value::List(Arc::new(vec![Value::List(Arc::new(vec![word(&"poll")]))])),
        }
    }

    /// The worker's client: a fresh one if its process is another one by now.
    fn client(&mut self, worker: &Worker) -> &mut Client {
        if self.clients.len() <= worker.number {
            self.clients.resize_with(worker.number + 1, Client::default);
        }
        let client = &mut self.clients[worker.number];
        if client.process != worker.process {
            let missing = std::mem::take(&mut client.missing);
            *client = Client { process: worker.process, missing, ..Client::default() };
        }
        client
    }

    fn assign(&self, place: usize, random: &mut Random) -> Invocation {
        let chosen = self.keys.at(place);
        let mut keys: Vec<&Arc<String>> = vec![chosen];
        if random.below(CATCH_UP_ONE_IN) == 0 {
            keys.extend(self.unseen.keys().filter(|key| *key != chosen));
        }
        assignment(keys.into_iter())
    }

    fn send(&mut self, place: usize) -> Invocation {
        let (key, message) = self.keys.write(place);
        Invocation::new(Function::Send, send_value(key, Value::Int(message)))
    }

    /// Learns of an offset of a key.
    fn learn(&mut self, key: &Arc<String>, offset: i64, sent: bool) {
        let known = self.known.entry(Arc::clone(key)).or_insert(offset);
        *known = (*known).max(offset);
        let unseen = self.unseen.entry(Arc::clone(key)).or_insert((-1, -1));
        let side = if sent { &mut unseen.0 } else { &mut unseen.1 };
        *side = (*side).max(offset);
        if unseen.0 <= unseen.1 {
            self.unseen.remove(key);
        }
    }

    fn sent(&mut self, invocation: &Invocation, offset: i64) -> Step {
        let (key, message) = sending(&invocation.value);
        let key = Arc::clone(key);
        self.learn(&key, offset, true);
        let pair = Value::ints(vec![offset, message]);
        Step::Done(Completion::Ok(send_value(&key, pair)))
    }

    /// Takes a poll's messages and commits the greatest offsets, if there are any.
    fn polled(&mut self, worker: &Worker, messages: Messages, call: &mut Call<'_>) -> Step {
        let mut greatest = Offsets::new();
        let mut logs = Vec::with_capacity(messages.len());
        for (key, pairs) in messages {
            if let Some(offset) = pairs.greatest() {
                greatest.insert(Arc::clone(&key), offset);
            }
            logs.push((Value::Text(key), pairs.into_value()));
        }
        let poll = Value::List(Arc::new(vec![word(&"poll"), Value::map(logs)]));
        let value = Value::List(Arc::new(vec![poll]));
        if greatest.is_empty() {
            return Step::Done(Completion::Ok(value));
        }
        let step = call.request(&Request::CommitOffsets { offsets: &greatest });
        self.client(worker).polled = Some((value, greatest));
        step
    }

    /// A poll is over: the client moves past what it saw.
    fn committed(&mut self, worker: &Worker) -> Step {
        let client = self.client(worker);
        let (value, greatest) = client.polled.take().unwrap_or_default();
        for (key, offset) in &greatest {
            let position = client.positions.entry(Arc::clone(key)).or_insert(0);
            *position = (*position).max(offset.saturating_add(1));
            if client.missing.get(key).is_some_and(|missing| missing <= offset) {
                client.missing.remove(key);
            }
        }
        for (key, offset) in &greatest {
            self.learn(key, *offset, false);
        }
        Step::Done(Completion::Ok(value))
    }

    /// An assignment is over: positions the client has, else committed ones, else the beginning.
    fn assigned(&mut self, worker: &Worker, invocation: &Invocation, committed: &Offsets) -> Step {
        let client = self.client(worker);
        let position = |key: &Arc<String>| {
            client.positions.get(key).or_else(|| committed.get(key)).copied().unwrap_or(0)
        };
        let positions = keys(&invocation.value).map(|key| (Arc::clone(key), position(key)));
        let positions = positions.collect();
        client.positions = positions;
        Step::Done(Completion::Ok(invocation.value.clone()))
    }
}

fn word(word: &'static &'static str) -> Value {
    Value::Keyword(word)
}

fn send_value(key: &Arc<String>, message: Value) -> Value {
    let micro = vec![word(&"send"), Value::Text(Arc::clone(key)), message];
    Value::List(Arc::new(vec![Value::List(Arc::new(micro))]))
}

/// The key and the message of a send's value, which [`Kafka::send`] has made.
fn sending(value: &Value) -> (&Arc<String>, i64) {
    if let Value::List(micros) = value
        && let [Value::List(micro)] = &micros[..]
        && let [_, Value::Text(key), Value::Int(message)] = &micro[..]
    {
        return (key, *message);
    }
    panic!("{value} is no send")
}

fn assignment<'a>(keys: impl Iterator<Item = &'a Arc<String>>) -> Invocation {
    let keys = keys.map(|key| Value::Text(Arc::clone(key))).collect();
    Invocation::new(Function::Assign, Value::List(Arc::new(keys)))
}

/// The keys of an assignment's value, which [`assignment`] has made.
fn keys(value: &Value) -> impl Iterator<Item = &Arc<String>> {
    let keys: &[Value] = if let Value::List(keys) = value { keys } else { &[] };
    keys.iter().filter_map(|key| if let Value::Text(key) = key { Some(key) } else { None })
}

impl Workload for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn prepare(&mut self, plan: &Plan) {
        let crashes = f64::from(plan.concurrency) / CRASH_EVERY.as_secs_f64();
        self.crash_chance = crashes / plan.rate;
    }

    fn next(&mut self, _: &Worker, _: u64, random: &mut Random) -> Option<Invocation> {
        if random.chance(self.crash_chance) {
            return Some(Invocation::new(Function::Crash, Value::Null));
        }
        let place = self.keys.choose(random);
        Some(if random.below(ASSIGN_ONE_IN) == 0 {
            self.assign(place, random)
        } else if random.below(2) == 0 {
            Invocation::new(Function::Poll, self.poll.clone())
        } else {
            self.send(place)
        })
    }

    fn last(&mut self, worker: &Worker, nth: u32) -> Option<Invocation> {
        if nth == 0 {
            let known = self.known.clone();
            self.client(worker).missing = known;
        }
        let client = self.client(worker);
        if client.missing.is_empty() {
            return None;
        }
        // A client that is fresh because a poll's outcome was unknown begins again.
        let fresh = client.positions.is_empty();
        Some(match nth {
            0 => Invocation::new(Function::Crash, Value::Null),
            _ if fresh => assignment(self.known.keys()),
            _ => Invocation::new(Function::Poll, self.poll.clone()),
        })
    }

    fn has_final(&self) -> bool {
        true
    }

    fn pause(&mut self, _: &Worker, nth: u32) -> Duration {
        // Crash, assignment and the first poll follow one another at once.
        if nth < 3 { Duration::ZERO } else { FINAL_PAUSE }
    }

    fn final_limit(&self) -> Option<Duration> {
        Some(FINAL_LIMIT)
    }

    fn start(&mut self, worker: &Worker, invocation: &Invocation, call: &mut Call<'_>) -> Step {
        match invocation.function {
            Function::Crash => Step::Done(Completion::Info(Value::Null)),
            Function::Send => {
                let (key, msg) = sending(&invocation.value);
                call.request(&Request::Send { key, msg })
            }
            Function::Assign => {
                if !self.client(worker).missing.is_empty() {
                    // At the end, from the beginning: there is nothing to ask.
                    return self.assigned(worker, invocation, &Offsets::new());
                }
                let keys = keys(&invocation.value).map(|key| key.as_str()).collect();
                call.request(&Request::ListCommittedOffsets { keys })
            }
            _ => call.request(&Request::Poll { offsets: &self.client(worker).positions }),
        }
    }

    fn reply(
        &mut self,
        worker: &Worker,
        invocation: &Invocation,
        reply: &Body<'_>,
        call: &mut Call<'_>,
    ) -> Result<Step, ReplyError> {
        let expected = match invocation.function {
            Function::Send => "send_ok",
            Function::Assign => "list_committed_offsets_ok",
            _ if self.client(worker).polled.is_some() => "commit_offsets_ok",
            _ => "poll_ok",
        };
        Ok(match reply::read(reply, expected)? {
            Reply::SendOk { offset } => self.sent(invocation, offset),
            Reply::PollOk { msgs } => self.polled(worker, msgs, call),
            Reply::CommitOffsetsOk {} => self.committed(worker),
            Reply::ListCommittedOffsetsOk { offsets } => {
                self.assigned(worker, invocation, &offsets)
            }
        })
    }

    fn ended(&mut self, worker: &Worker, _: &Invocation, _: bool) {
        // What was polled and not committed has not been seen: the client stays where it was.
        self.client(worker).polled = None;
    }
}

#[cfg(test)]
mod tests;
