//! `lww-kv`: a key-value store in which the last write wins, whatever was written meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use kolk_protocol::Datum;
use kolk_protocol::Random;
use kolk_protocol::message::Body;

use super::key_value::{Action, Answer, Request, serve};
use super::{Service, Stale};

/// How many replicas there are.
const REPLICAS: usize = 2;

/// Replicas that each answer for themselves and are merged now and then: deliberately unsafe.
///
/// Before each request one replica, drawn at random, is merged into another, which may be itself;
/// the replica that answers is drawn as well. A value bears the Lamport time of the replica it was
/// written to; of two the later one stays, of two with the same time that of the replica merged
/// from. As in Maelstrom a `cas` with `create_if_not_exists` creates nothing.
#[derive(Debug, Default)]
pub struct LwwKv {
    replicas: [Replica; REPLICAS],
    /// What was stale about the last answer.
    stale: Option<Stale>,
}

#[derive(Debug, Default)]
struct Replica {
    /// The Lamport time of the next write.
    clock: u64,
    values: BTreeMap<Datum, Stamped>,
    /// For each replica the keys that changed here since this one was last merged into it. No
    /// other key can make a difference: what the other has of those is the same, or was written
    /// there since, at a later time.
    unmerged: [BTreeSet<Datum>; REPLICAS],
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamped {
    time: u64,
    value: Datum,
}

impl Service for LwwKv {
    fn name(&self) -> &'static str {
        "lww-kv"
    }

    fn handle(
        &mut self,
        _: &str,
        body: &Body<'_>,
        random: &mut Random,
        reply: &mut Vec<u8>,
    ) -> bool {
        self.stale = None;
        serve("lww-kv", body, reply, |request| {
            let (source, dest) = (random.index(REPLICAS), random.index(REPLICAS));
            self.merge(source, dest);
            self.act(random.index(REPLICAS), request)
        })
    }

    fn take_stale(&mut self) -> Option<Stale> {
        self.stale.take()
    }
}

impl LwwKv {
    fn merge(&mut self, source: usize, dest: usize) {
        if source == dest {
            return;
        }
        let clock = self.replicas[source].clock;
        self.replicas[dest].clock = self.replicas[dest].clock.max(clock);
        for key in std::mem::take(&mut self.replicas[source].unmerged[dest]) {
            let Some(theirs) = self.replicas[source].values.get(&key).cloned() else { continue };
            let ours = self.replicas[dest].values.get(&key);
            if ours.is_none_or(|ours| ours.time <= theirs.time && *ours != theirs) {
                self.replicas[dest].set(dest, key, theirs);
            }
        }
    }

    fn act(&mut self, replica: usize, request: &Request) -> Answer {
        let at = replica;
        let newest = self.replicas.iter().filter_map(|replica| replica.values.get(&request.key));
        let newest = newest.max_by_key(|stamped| stamped.time).map(|stamped| &stamped.value);
        let current = self.replicas[at].values.get(&request.key).map(|stamped| &stamped.value);
        let is_write = matches!(request.action, Action::Write { .. });
        self.stale = (!is_write && newest != current).then(|| Stale {
            key: request.key.clone(),
            answered: current.cloned(),
            newest: newest.cloned(),
        });
        let replica = &mut self.replicas[at];
        let current = replica.values.get(&request.key);
        let (answer, stored) = match (&request.action, current) {
            (Action::Cas { .. }, None) => (Answer::NoSuchKey, None),
            (action, current) => action.apply(current.map(|stamped| &stamped.value)),
        };
        if let Some(value) = stored {
            let time = replica.clock;
            replica.clock += 1;
            replica.set(at, request.key.clone(), Stamped { time, value });
        }
        answer
    }
}

impl Replica {
    /// Sets a value in this replica, which is the one at `at`.
    fn set(&mut self, at: usize, key: Datum, stamped: Stamped) {
        for (other, unmerged) in self.unmerged.iter_mut().enumerate() {
            if other != at {
                unmerged.insert(key.clone());
            }
        }
        self.values.insert(key, stamped);
    }
}

/// Against a plain model of Maelstrom's: whole maps merged, before every request.
#[cfg(test)]
mod tests {
    use kolk_protocol::Key;

    use super::*;

    #[derive(Clone, Default)]
    struct Model {
        clock: u64,
        values: BTreeMap<i64, (u64, i64)>,
    }

    fn merged(source: &Model, dest: &Model) -> Model {
        let mut values = dest.values.clone();
        for (key, theirs) in &source.values {
            let ours = values.entry(*key).or_insert(*theirs);
            if ours.0 <= theirs.0 {
                *ours = *theirs;
            }
        }
        Model { clock: source.clock.max(dest.clock), values }
    }

    #[test]
    fn merging_what_changed_is_merging_all() {
        for seed in 0..50 {
            let mut service = LwwKv::default();
            let mut model = [Model::default(), Model::default()];
            for number in 0..400 {
                let key = Key::new(seed).with(number);
                let mut choice = key.with_name("request").random();
                let (name, value) = (choice.below(5) as i64, number as i64);
                let write = choice.below(3) == 0;
                let json = if write {
                    format!(r#"{{"type":"write","msg_id":1,"key":{name},"value":{value}}}"#)
                } else {
                    format!(r#"{{"type":"read","msg_id":1,"key":{name}}}"#)
                };
                let mut reply = Vec::new();
                let body = Body::parse(&json).expect("a body");
                service.handle("n0", &body, &mut key.random(), &mut reply);

                let mut random = key.random();
                let (source, dest) = (random.index(2), random.index(2));
                model[dest] = merged(&model[source], &model[dest]);
                let replica = &mut model[random.index(2)];
                let expected = if write {
                    replica.values.insert(name, (replica.clock, value));
                    replica.clock += 1;
                    r#"{"type":"write_ok","in_reply_to":1}"#.to_owned()
                } else {
                    match replica.values.get(&name) {
                        Some((_, value)) => {
                            format!(r#"{{"type":"read_ok","in_reply_to":1,"value":{value}}}"#)
                        }
                        None => concat!(
                            r#"{"type":"error","in_reply_to":1,"code":20,"#,
                            r#""text":"key does not exist"}"#
                        )
                        .to_owned(),
                    }
                };
                assert_eq!(String::from_utf8_lossy(&reply), expected, "seed {seed} at {number}");
            }
        }
    }
}
