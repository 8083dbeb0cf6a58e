//! The invariants of the paper (figure 3), checked over a trace of what nodes did. Nothing here
//! uses the core: only what a trace says is known.

use std::collections::BTreeMap;

/// An entry as a trace knows it: its term, and what it says as a number, 0 if that is no command.
pub(super) type Line = (u64, u64);

/// Something a node did.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// It starts with this log after `start`, all its memory gone.
    Start { node: u64, start: u64, log: Vec<Line> },
    /// Its log now ends with these, which stand from `from` on.
    Log { node: u64, from: u64, lines: Vec<Line> },
    /// A snapshot takes the place of its log up to `start`, and of all of it if `is_new`.
    Snapshot { node: u64, start: u64, is_new: bool },
    /// A vote for `candidate` leaves it.
    Vote { node: u64, term: u64, candidate: u64 },
    /// It leads in a term from now on.
    Leads { node: u64, term: u64 },
    /// It leads no more.
    Follows { node: u64 },
    /// In this term it holds its log to be committed up to here.
    Commit { node: u64, term: u64, index: u64 },
    /// It performs a command.
    Apply { node: u64, index: u64, line: Line },
    /// It puts the state at an index in place of its own.
    Restore { node: u64, index: u64 },
}

/// An invariant that is broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) name: &'static str,
    pub(super) detail: String,
}

#[derive(Default)]
struct Node {
    start: u64,
    log: Vec<Line>,
    leads: Option<u64>,
    commit: u64,
    applied: u64,
}

impl Node {
    fn at(&self, index: u64) -> Option<Line> {
        let offset = usize::try_from(index.checked_sub(self.start + 1)?).ok()?;
        self.log.get(offset).copied()
    }

    fn last(&self) -> u64 {
        self.start + self.log.len() as u64
    }

    fn holds(&self, index: u64, line: Line) -> bool {
        index <= self.start || self.at(index) == Some(line)
    }
}

#[derive(Default)]
pub(super) struct Checker {
    nodes: BTreeMap<u64, Node>,
    leaders: BTreeMap<u64, u64>,
    votes: BTreeMap<(u64, u64), u64>,
    /// Each entry there ever was, by index and term: what it says, and the term of the one before
    /// it.
    entries: BTreeMap<(u64, u64), (u64, Option<u64>)>,
    /// What is committed, and the term in which that was known first.
    committed: BTreeMap<u64, (Line, u64)>,
}

type Checked = Result<(), Violation>;

fn require(holds: bool, name: &'static str, detail: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation { name, detail: detail() }) }
}

impl Checker {
    pub(super) fn check(&mut self, event: &Event) -> Checked {
        match event {
            Event::Start { node, start, log } => {
                let fresh = Node { start: *start, ..Node::default() };
                self.nodes.insert(*node, fresh);
                self.extend(*node, *start + 1, log)
            }
            Event::Log { node, from, lines } => {
                let known = self.nodes.entry(*node).or_default();
                require(
                    known.leads.is_none() || *from > known.last(),
                    "leader append-only",
                    || format!("{node} leads and changes its log at {from}"),
                )?;
                self.extend(*node, *from, lines)
            }
            Event::Snapshot { node, start, is_new } => {
                let known = self.nodes.entry(*node).or_default();
                let dropped = start.saturating_sub(known.start) as usize;
                if *is_new || dropped > known.log.len() {
                    known.log.clear();
                } else {
                    known.log.drain(..dropped);
                }
                known.start = *start;
                Ok(())
            }
            Event::Vote { node, term, candidate } => {
                let first = *self.votes.entry((*node, *term)).or_insert(*candidate);
                require(first == *candidate, "one vote a term", || {
                    format!("in term {term} {node} votes for {first} and for {candidate}")
                })
            }
            Event::Leads { node, term } => self.leads(*node, *term),
            Event::Follows { node } => {
                self.nodes.entry(*node).or_default().leads = None;
                Ok(())
            }
            Event::Commit { node, term, index } => self.commits(*node, *term, *index),
            Event::Apply { node, index, line } => self.applies(*node, *index, *line),
            Event::Restore { node, index } => {
                let known = self.nodes.entry(*node).or_default();
                let applied = std::mem::replace(&mut known.applied, *index);
                require(*index > applied, "state machine safety", || {
                    format!("{node} goes back from {applied} to a snapshot of {index}")
                })
            }
        }
    }

    /// Log matching: by induction two logs agree up to an entry that both have if each entry,
    /// wherever it is, says the same and stands after the same.
    fn extend(&mut self, node: u64, from: u64, lines: &[Line]) -> Checked {
        let known = self.nodes.entry(node).or_default();
        require(from > known.start && from <= known.last() + 1, "log matching", || {
            format!("{node} has a gap in its log before {from}")
        })?;
        known.log.truncate((from - known.start - 1) as usize);
        for (index, (term, says)) in (from..).zip(lines) {
            let before = match index {
                1 => Some(0),
                _ => known.at(index - 1).map(|(term, _)| term),
            };
            let entry = self.entries.entry((index, *term)).or_insert((*says, before));
            require(entry.0 == *says, "log matching", || {
                format!("{index}/{term} says {} elsewhere, and {says} at {node}", entry.0)
            })?;
            let (there, here) = (entry.1, before);
            require(there.is_none() || here.is_none() || there == here, "log matching", || {
                format!("{index}/{term} follows term {there:?} elsewhere, and {here:?} at {node}")
            })?;
            entry.1 = there.or(here);
            known.log.push((*term, *says));
        }
        Ok(())
    }

    fn leads(&mut self, node: u64, term: u64) -> Checked {
        let first = *self.leaders.entry(term).or_insert(node);
        require(first == node, "election safety", || {
            format!("{first} and {node} both lead in term {term}")
        })?;
        let known = self.nodes.entry(node).or_default();
        known.leads = Some(term);
        for (index, (line, committed_in)) in &self.committed {
            require(
                *committed_in >= term || known.holds(*index, *line),
                "leader completeness",
                || {
                    format!(
                        "{index} is committed in term {committed_in}, and {node} leads in {term} without"
                    )
                },
            )?;
        }
        Ok(())
    }

    fn commits(&mut self, node: u64, term: u64, index: u64) -> Checked {
        let known = self.nodes.entry(node).or_default();
        let before = std::mem::replace(&mut known.commit, index);
        require(index >= before, "monotone commit", || {
            format!("{node} goes back from {before} to {index}")
        })?;
        for at in before.max(known.start) + 1..=index {
            let Some(line) = known.at(at) else {
                return require(false, "monotone commit", || format!("{node} has no entry {at}"));
            };
            let first = *self.committed.entry(at).or_insert((line, term));
            require(first.0 == line, "state machine safety", || {
                format!("at {at} {:?} is committed, and {line:?} by {node}", first.0)
            })?;
        }
        // Whoever leads in a later term has it already.
        for (other, later) in &self.nodes {
            let Some(leads) = later.leads.filter(|leads| *leads > term) else { continue };
            for (at, (line, committed_in)) in self.committed.range(before + 1..=index) {
                let holds = *committed_in >= leads || later.holds(*at, *line);
                require(holds, "leader completeness", || {
                    format!(
                        "{at} is committed in term {term}, and {other} leads in {leads} without"
                    )
                })?;
            }
        }
        Ok(())
    }

    fn applies(&mut self, node: u64, index: u64, line: Line) -> Checked {
        let known = self.nodes.entry(node).or_default();
        let applied = std::mem::replace(&mut known.applied, index);
        require(index > applied, "state machine safety", || {
            format!("{node} applies {index} after {applied}")
        })?;
        let skipped = (applied + 1..index).find(|at| known.at(*at).is_some_and(|line| line.1 != 0));
        require(skipped.is_none(), "state machine safety", || {
            format!("{node} applies {index} after {applied} and leaves out {skipped:?}")
        })?;
        let committed = self.committed.get(&index).map(|(line, _)| *line);
        require(committed == Some(line), "state machine safety", || {
            format!("{node} applies {line:?} at {index}, where {committed:?} is committed")
        })
    }
}

/// The first violation in a trace.
fn judge(trace: &[Event]) -> Checked {
    let mut checker = Checker::default();
    trace.iter().try_for_each(|event| checker.check(event))
}

fn log(node: u64, from: u64, lines: &[Line]) -> Event {
    Event::Log { node, from, lines: lines.to_vec() }
}

/// Figure 8 (e) of the paper, in short: what is committed stays, whoever leads.
#[test]
fn a_sound_trace_is_sound() {
    let trace = [
        Event::Vote { node: 2, term: 1, candidate: 1 },
        Event::Leads { node: 1, term: 1 },
        log(1, 1, &[(1, 7), (1, 8)]),
        log(2, 1, &[(1, 7)]),
        Event::Commit { node: 1, term: 1, index: 1 },
        Event::Apply { node: 1, index: 1, line: (1, 7) },
        Event::Start { node: 2, start: 0, log: vec![(1, 7)] },
        Event::Vote { node: 3, term: 2, candidate: 2 },
        Event::Leads { node: 2, term: 2 },
        log(2, 2, &[(2, 0), (2, 9)]),
        Event::Follows { node: 1 },
        log(1, 2, &[(2, 0), (2, 9)]),
        Event::Commit { node: 2, term: 2, index: 3 },
        Event::Snapshot { node: 3, start: 3, is_new: true },
        Event::Commit { node: 3, term: 2, index: 3 },
        Event::Restore { node: 3, index: 3 },
        Event::Commit { node: 1, term: 2, index: 3 },
        Event::Apply { node: 1, index: 3, line: (2, 9) },
    ];
    assert_eq!(judge(&trace), Ok(()));
}

/// Each invariant finds what breaks it: its last event does.
#[test]
fn each_invariant_can_fail() {
    let led = [Event::Leads { node: 1, term: 1 }, log(1, 1, &[(1, 7), (1, 8)])];
    let committed = Event::Commit { node: 1, term: 1, index: 2 };
    let applied = Event::Apply { node: 1, index: 1, line: (1, 7) };
    let cases: Vec<(&str, &str, Vec<Event>)> = vec![
        (
            "one vote a term",
            "two candidates",
            vec![
                Event::Vote { node: 1, term: 4, candidate: 2 },
                Event::Vote { node: 1, term: 4, candidate: 3 },
            ],
        ),
        ("election safety", "two leaders", vec![Event::Leads { node: 2, term: 1 }]),
        ("leader append-only", "its own log", vec![log(1, 2, &[(1, 9)])]),
        ("log matching", "another command", vec![log(2, 1, &[(1, 7), (1, 9)])]),
        ("log matching", "another beginning", vec![log(2, 1, &[(0, 7), (1, 8)])]),
        ("log matching", "a gap", vec![log(2, 2, &[(1, 8)])]),
        (
            "leader completeness",
            "a short log",
            vec![committed.clone(), log(2, 1, &[(1, 7)]), Event::Leads { node: 2, term: 2 }],
        ),
        (
            "leader completeness",
            "committed behind a leader's back",
            vec![log(2, 1, &[(1, 7)]), Event::Leads { node: 2, term: 2 }, committed.clone()],
        ),
        (
            "state machine safety",
            "two entries committed at a place",
            vec![
                committed.clone(),
                log(2, 1, &[(1, 7), (2, 9)]),
                Event::Commit { node: 2, term: 2, index: 2 },
            ],
        ),
        ("state machine safety", "applied and not committed", vec![applied.clone()]),
        (
            "state machine safety",
            "applied twice",
            vec![committed.clone(), applied.clone(), applied.clone()],
        ),
        (
            "state machine safety",
            "left out",
            vec![committed.clone(), Event::Apply { node: 1, index: 2, line: (1, 8) }],
        ),
        (
            "state machine safety",
            "an old snapshot",
            vec![committed.clone(), applied, Event::Restore { node: 1, index: 1 }],
        ),
        ("monotone commit", "back", vec![committed, Event::Commit { node: 1, term: 1, index: 1 }]),
        ("monotone commit", "beyond the log", vec![Event::Commit { node: 1, term: 1, index: 3 }]),
    ];
    for (name, what, events) in cases {
        let trace: Vec<Event> = led.iter().cloned().chain(events).collect();
        let sound = &trace[..trace.len() - 1];
        assert_eq!(judge(sound), Ok(()), "{name}, {what}: before the last event");
        assert_eq!(judge(&trace).map_err(|found| found.name), Err(name), "{what}");
    }
}
