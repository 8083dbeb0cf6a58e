//! The invariants of Raft (Ongaro & Ousterhout 2014, figure 3), checked over a run's journal: over
//! what nodes on [`kolk_replica::replicated`](https://docs.rs/kolk-replica) said to each other, and
//! nothing else. What is here knows nothing of how they are made; the messages' form is all that it
//! has in common with them.
//!
//! - *One vote a term*, *election safety*: a node votes for one in a term, and one leads in it.
//! - *Leader append-only*: what a leader says stands at an index it never changes.
//! - *Log matching*: an entry of an index and a term says the same wherever it is, and stands after
//!   the same.
//! - *Commit rule*: what a leader says is committed, and nobody said before it, a majority has
//!   acknowledged, and it is of its own term or stands before one that is (§5.4.2).
//! - *Monotone commit*: what a leader tells a node is committed never shrinks.
//! - *State machine safety*: at an index one entry is committed.
//! - *Leader completeness*: whoever leads in a later term has it there.

use std::collections::BTreeMap;
use std::fmt;

use kolk_history::journal::JournalReader;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// An invariant that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub name: &'static str,
    /// How.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.detail)
    }
}

/// What a sound journal has told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// In how many terms somebody led.
    pub leaders: usize,
    /// How many entries were committed.
    pub committed: u64,
}

/// Checks the journal of a run with so many nodes that Raft replicates something on, all of them
/// members from the beginning.
///
/// # Errors
///
/// The first violation.
///
/// # Panics
///
/// If this is no journal, or holds messages of Raft of another form.
pub fn check(journal: &[u8], nodes: usize) -> Result<Told, Violation> {
    let mut checker = Checker::new(nodes);
    let mut reader = JournalReader::new(journal);
    while let Some(line) = reader.next() {
        let line = line.expect("a journal");
        let Some(body) = line.body.filter(|_| line.event == "send") else { continue };
        if !body.get().contains(r#""type":"raft_"#) {
            continue;
        }
        let envelope: Envelope = serde_json::from_str(body.get()).expect("a message of Raft");
        for message in envelope.raft {
            checker.check(&message)?;
        }
    }
    Ok(checker.told())
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    raft: Vec<Message>,
}

/// What one node tells another, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Message {
    from: u64,
    to: u64,
    term: u64,
    body: Body,
}

#[derive(Debug, Deserialize)]
enum Body {
    PreVote(IgnoredAny),
    PreVoteReply(IgnoredAny),
    Vote(IgnoredAny),
    VoteReply { granted: bool },
    Append { previous: Position, entries: Vec<Entry>, commit: u64 },
    Appended { matched: u64 },
    Rejected(IgnoredAny),
    Install { snapshot: Snapshot },
    TimeoutNow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Position {
    term: u64,
    index: u64,
}

#[derive(Debug, Deserialize)]
struct Entry {
    position: Position,
    payload: Box<RawValue>,
}

#[derive(Debug, Deserialize)]
struct Snapshot {
    position: Position,
}

type Checked = Result<(), Violation>;

fn require(holds: bool, name: &'static str, detail: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation { name, detail: detail() }) }
}

/// What is known of an entry.
struct Known {
    says: String,
    /// The term of the entry before it.
    before: u64,
}

/// What is known of a term's leader.
#[derive(Default)]
struct Leader {
    /// Nobody, as long as it is 0.
    node: u64,
    /// The terms of the entries that it has shown to stand in its log.
    log: BTreeMap<u64, u64>,
    /// How far it has told each node that the log is committed, and the greatest of that.
    told: BTreeMap<u64, u64>,
    commit: u64,
    /// How far its followers have said that they agree.
    matched: BTreeMap<u64, u64>,
}

struct Checker {
    majority: usize,
    votes: BTreeMap<(u64, u64), u64>,
    leaders: BTreeMap<u64, Leader>,
    /// Every entry, by index and term.
    entries: BTreeMap<(u64, u64), Known>,
    /// By index the term of the entry that is committed, and in which term that was first said.
    committed: BTreeMap<u64, (u64, u64)>,
}

impl Leader {
    /// Whether a majority has said that it agrees up to this index.
    fn is_on_majority(&self, index: u64, majority: usize) -> bool {
        self.matched.values().filter(|matched| **matched >= index).count() + 1 >= majority
    }
}

impl Checker {
    fn new(nodes: usize) -> Checker {
        Checker {
            majority: nodes / 2 + 1,
            votes: BTreeMap::new(),
            leaders: BTreeMap::new(),
            entries: BTreeMap::new(),
            committed: BTreeMap::new(),
        }
    }

    fn told(&self) -> Told {
        let leaders = self.leaders.values().filter(|leader| leader.node > 0).count();
        Told { leaders, committed: self.last_committed() }
    }

    fn last_committed(&self) -> u64 {
        self.committed.last_key_value().map_or(0, |(index, _)| *index)
    }

    fn check(&mut self, message: &Message) -> Checked {
        let Message { from, to, term, body } = message;
        match body {
            Body::Vote(_) => self.votes_for(*from, *term, *from),
            Body::VoteReply { granted: true } => self.votes_for(*from, *term, *to),
            Body::Append { previous, entries, commit } => {
                self.leads(*from, *term)?;
                let mut before = *previous;
                for entry in entries {
                    self.learn(before, entry)?;
                    before = entry.position;
                }
                self.shows(*term, *previous)?;
                entries.iter().try_for_each(|entry| self.shows(*term, entry.position))?;
                let leader = self.leaders.entry(*term).or_default();
                let told = leader.told.insert(*to, *commit).unwrap_or_default();
                require(*commit >= told, "monotone commit", || {
                    format!("{from} goes back from {told} to {commit} in term {term}")
                })?;
                self.commits(*term, *commit)
            }
            Body::Install { snapshot } => {
                self.leads(*from, *term)?;
                self.shows(*term, snapshot.position)?;
                self.has_committed(*from, *term, snapshot.position.index)
            }
            Body::Appended { matched } => {
                let leader = self.leaders.entry(*term).or_default();
                let known = leader.matched.entry(*from).or_default();
                *known = (*known).max(*matched);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn votes_for(&mut self, node: u64, term: u64, candidate: u64) -> Checked {
        let first = *self.votes.entry((node, term)).or_insert(candidate);
        require(first == candidate, "one vote a term", || {
            format!("in term {term} {node} votes for {first} and for {candidate}")
        })
    }

    fn leads(&mut self, node: u64, term: u64) -> Checked {
        let leader = self.leaders.entry(term).or_default();
        let first = if leader.node == 0 { node } else { leader.node };
        leader.node = first;
        require(first == node, "election safety", || {
            format!("{first} and {node} both lead in term {term}")
        })
    }

    /// By induction two logs agree up to an entry that both have if each entry, wherever it is,
    /// says the same and stands after the same.
    fn learn(&mut self, before: Position, entry: &Entry) -> Checked {
        let Position { term, index } = entry.position;
        require(index == before.index + 1 && term >= before.term, "log matching", || {
            format!("{index}/{term} is said to follow {}/{}", before.index, before.term)
        })?;
        let says = entry.payload.get();
        let known = self
            .entries
            .entry((index, term))
            .or_insert_with(|| Known { says: says.to_owned(), before: before.term });
        require(known.says == says, "log matching", || {
            format!("{index}/{term} says {says} here, and {} elsewhere", known.says)
        })?;
        require(known.before == before.term, "log matching", || {
            format!(
                "{index}/{term} follows an entry of term {} here, and of {} elsewhere",
                before.term, known.before
            )
        })
    }

    /// A leader shows what stands in its log.
    fn shows(&mut self, term: u64, Position { term: of, index }: Position) -> Checked {
        if index == 0 {
            return Ok(());
        }
        let leader = self.leaders.entry(term).or_default();
        let known = *leader.log.entry(index).or_insert(of);
        require(known == of, "leader append-only", || {
            format!("the leader of term {term} had {index}/{known}, and has {index}/{of}")
        })?;
        let Some((committed, said_in)) = self.committed.get(&index) else { return Ok(()) };
        require(*said_in > term || *committed == of, "leader completeness", || {
            format!(
                "{index}/{committed} was committed in term {said_in}, and the leader of {term} \
                 has {index}/{of}"
            )
        })?;
        require(index > leader.commit || *committed == of, "state machine safety", || {
            format!("{index}/{committed} is committed, and {index}/{of} in term {term}")
        })
    }

    /// The latest of its terms in which a majority has told this node that an entry is in their
    /// logs that is of the same term and stands at `index`, or behind it if `or_later`. What a
    /// leader has learned so it may say only when it leads again.
    fn acknowledged(&self, node: u64, term: u64, index: u64, or_later: bool) -> Option<u64> {
        let last = if or_later { u64::MAX } else { index };
        let mut led = self.leaders.range(..=term).rev().filter(|(_, leader)| leader.node == node);
        let found = led.find(|(led, leader)| {
            let mut own = leader.log.range(index..=last).filter(|(_, of)| *of == *led);
            own.any(|(index, _)| leader.is_on_majority(*index, self.majority))
        });
        found.map(|(led, _)| *led)
    }

    /// A leader has a snapshot of what is committed, and may not have said so.
    fn has_committed(&self, node: u64, term: u64, index: u64) -> Checked {
        let is_known = index <= self.last_committed();
        let is_own = is_known || self.acknowledged(node, term, index, true).is_some();
        require(is_own, "commit rule", || {
            format!("{node} has a snapshot of {index} in term {term}, which no majority has")
        })
    }

    /// The leader of a term says that its log is committed up to an index.
    fn commits(&mut self, term: u64, commit: u64) -> Checked {
        let before = self.last_committed();
        let leader = self.leaders.entry(term).or_default();
        let said = leader.commit;
        leader.commit = said.max(commit);
        // What others have said is committed there.
        let known = commit.min(before);
        if said < known {
            for (index, of) in leader.log.range(said + 1..=known) {
                let (committed, _) = self.committed[index];
                require(committed == *of, "state machine safety", || {
                    format!("{index}/{committed} is committed, and {index}/{of} in term {term}")
                })?;
            }
        }
        if commit <= before {
            return Ok(());
        }
        let node = leader.node;
        let Some(term) = self.acknowledged(node, term, commit, false) else {
            return require(false, "commit rule", || {
                format!(
                    "{commit} is committed in term {term}, and {node} has not heard of a majority \
                     that it is in their logs with an entry of its own term"
                )
            });
        };
        let mut of = term;
        for index in (before + 1..=commit).rev() {
            self.committed.insert(index, (of, term));
            for (later, leader) in self.leaders.range(term + 1..) {
                let has = leader.log.get(&index).copied().unwrap_or(of);
                require(has == of, "leader completeness", || {
                    format!(
                        "{index}/{of} is committed in term {term}, and the leader of {later} has \
                         {index}/{has}"
                    )
                })?;
            }
            let Some(known) = self.entries.get(&(index, of)) else {
                return require(false, "commit rule", || {
                    format!("{index}/{of} is committed, and nobody was sent it")
                });
            };
            of = known.before;
        }
        let (known, _) = self.committed.get(&before).copied().unwrap_or_default();
        require(of == known, "state machine safety", || {
            format!("{before}/{known} is committed, and {before}/{of} in term {term}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(from: u64, term: u64, previous: (u64, u64), terms: &[u64], commit: u64) -> Message {
        saying(from, term, previous, terms, commit, "7")
    }

    /// Entries of these terms after `previous`, an index and a term.
    fn saying(
        from: u64,
        term: u64,
        previous: (u64, u64),
        terms: &[u64],
        commit: u64,
        says: &str,
    ) -> Message {
        let (index, of) = previous;
        let entry = |(index, term): (u64, &u64)| Entry {
            position: Position { term: *term, index },
            payload: RawValue::from_string(says.to_owned()).expect("JSON"),
        };
        let entries = (index + 1..).zip(terms).map(entry).collect();
        let body = Body::Append { previous: Position { term: of, index }, entries, commit };
        Message { from, to: 9, term, body }
    }

    fn message(from: u64, to: u64, term: u64, body: Body) -> Message {
        Message { from, to, term, body }
    }

    fn appended(from: u64, term: u64, matched: u64) -> Message {
        message(from, 1, term, Body::Appended { matched })
    }

    fn install(from: u64, term: u64, (index, of): (u64, u64)) -> Message {
        let position = Position { term: of, index };
        message(from, 3, term, Body::Install { snapshot: Snapshot { position } })
    }

    fn vote(from: u64, to: u64, term: u64) -> Message {
        message(from, to, term, Body::VoteReply { granted: true })
    }

    fn judge(messages: Vec<Message>) -> Result<Told, Violation> {
        let mut checker = Checker::new(3);
        messages.iter().try_for_each(|message| checker.check(message))?;
        Ok(checker.told())
    }

    /// A leader commits two entries; another has them and commits one more.
    fn sound() -> Vec<Message> {
        vec![
            vote(2, 1, 1),
            append(1, 1, (0, 0), &[1, 1], 0),
            appended(2, 1, 2),
            append(1, 1, (2, 1), &[], 2),
            vote(3, 2, 2),
            append(2, 2, (2, 1), &[2], 2),
            appended(3, 2, 3),
            append(2, 2, (3, 2), &[2], 3),
        ]
    }

    #[test]
    fn a_sound_journal_is_sound() {
        assert_eq!(judge(sound()), Ok(Told { leaders: 2, committed: 3 }));
        let mut more = sound();
        // A late leader of the first term, and a snapshot.
        more.extend([append(1, 1, (2, 1), &[1], 2), install(2, 2, (3, 2)), appended(3, 2, 4)]);
        assert_eq!(judge(more), Ok(Told { leaders: 2, committed: 3 }));
        // What it learned in its first term it says in its second.
        let again = vec![
            append(1, 1, (0, 0), &[1], 0),
            appended(2, 1, 1),
            append(1, 2, (1, 1), &[2], 1),
            append(3, 3, (1, 1), &[3], 1),
        ];
        assert_eq!(judge(again), Ok(Told { leaders: 3, committed: 1 }));
    }

    /// Each invariant finds what breaks it, and it is the last message that does.
    #[test]
    fn each_invariant_can_fail() {
        let cases: Vec<(&str, &str, Vec<Message>)> = vec![
            ("one vote a term", "another candidate", vec![vote(3, 1, 2)]),
            ("one vote a term", "itself", vec![message(3, 1, 2, Body::Vote(IgnoredAny))]),
            ("election safety", "two leaders", vec![append(3, 2, (2, 1), &[], 2)]),
            ("leader append-only", "another term", vec![append(2, 2, (4, 1), &[], 3)]),
            ("log matching", "another command", vec![saying(2, 2, (2, 1), &[2], 3, "8")]),
            (
                "log matching",
                "after another entry",
                vec![append(1, 3, (4, 2), &[3], 3), append(1, 3, (4, 1), &[3], 3)],
            ),
            ("log matching", "a term that falls", vec![append(1, 3, (5, 3), &[2], 3)]),
            (
                "leader completeness",
                "without what is committed",
                vec![append(3, 3, (2, 1), &[3], 2)],
            ),
            (
                "leader completeness",
                "committed behind its back",
                vec![
                    append(3, 3, (3, 2), &[3], 3),
                    appended(3, 2, 4),
                    append(2, 2, (4, 2), &[], 4),
                ],
            ),
            ("leader completeness", "another snapshot", vec![install(3, 3, (3, 1))]),
            (
                "state machine safety",
                "another entry is committed",
                vec![append(1, 1, (2, 1), &[1], 2), append(1, 1, (3, 1), &[], 3)],
            ),
            (
                "state machine safety",
                "what follows another entry",
                vec![
                    append(1, 1, (2, 1), &[1, 1], 2),
                    appended(3, 1, 4),
                    appended(2, 1, 4),
                    append(1, 1, (4, 1), &[], 4),
                ],
            ),
            ("monotone commit", "back", vec![append(2, 2, (3, 2), &[], 2)]),
            ("commit rule", "no majority", vec![append(2, 2, (4, 2), &[], 4)]),
            ("commit rule", "a snapshot of what no majority has", vec![install(2, 2, (4, 2))]),
            (
                "commit rule",
                "an earlier term's entry",
                vec![
                    append(1, 3, (4, 2), &[3], 3),
                    appended(3, 3, 4),
                    append(1, 3, (5, 3), &[], 4),
                ],
            ),
            (
                "commit rule",
                "what nobody was sent",
                vec![appended(3, 2, 5), append(2, 2, (4, 2), &[], 5)],
            ),
        ];
        for (name, what, mut messages) in cases {
            let last = messages.pop().expect("a message");
            let all = sound().into_iter().chain(messages);
            let mut checker = Checker::new(3);
            for message in all {
                checker.check(&message).unwrap_or_else(|found| panic!("{what}: {found}"));
            }
            let found = checker.check(&last).expect_err(what);
            assert_eq!(found.name, name, "{what}: {found}");
        }
    }

    #[test]
    fn messages_are_read_as_they_are_written() {
        let send = |body: &str| {
            format!(
                "{{\"event\":\"send\",\"time\":1,\"id\":1,\"src\":\"n0\",\"dest\":\"n1\",\
                 \"body\":{body}}}\n"
            )
        };
        let append = |from: u64| {
            send(&format!(
                r#"{{"type":"raft_append","at":5,"raft":[{{"from":{from},"to":3,"term":1,"body":{{"Append":{{"previous":{{"term":0,"index":0}},"entries":[{{"position":{{"term":1,"index":1}},"payload":"Blank"}}],"commit":0,"round":1}}}}}}]}}"#
            ))
        };
        let other = send(
            r#"{"type":"raft_pre_vote","at":5,"raft":[{"from":1,"to":2,"term":0,"body":{"PreVote":{"campaign":1,"last":{"term":0,"index":0}}}}]}"#,
        );
        let timeout = send(
            r#"{"type":"raft_timeout_now","at":5,"raft":[{"from":1,"to":2,"term":1,"body":"TimeoutNow"}]}"#,
        );
        let journal = [other, append(1), timeout, send(r#"{"type":"read","key":1}"#)].concat();
        let told = Ok(Told { leaders: 1, committed: 0 });
        assert_eq!(check(journal.as_bytes(), 3), told);
        let journal = [append(1), append(2)].concat();
        let found = check(journal.as_bytes(), 3).expect_err("two lead");
        assert_eq!(found.name, "election safety");
    }
}
