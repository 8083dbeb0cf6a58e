//! The verdict: what was found and decided, as a check says it.

use kolk_history::Value;

use crate::check::{Anomaly, Check, Validity};
use crate::kind::Kind;
use crate::models::{self, Model, Models};
use crate::tree::{count, key, list, text};
use crate::txn::cycles::Scope;
use crate::txn::graph::Kinds;
use crate::txn::levels::{self, EMPTY_GRAPH, NO_DEPENDENCIES};
use crate::txn::table::Malformed;

use super::Findings;

/// How many operations are listed that could not be understood.
const LISTED_MAX: usize = 8;

impl Findings<'_> {
    /// The verdict. `kinds` are those of the edges of the whole graph.
    pub(crate) fn finish(mut self, kinds: Kinds) -> Check {
        let mut considered = Kinds::DATA;
        match self.scope() {
            Scope::Data => {}
            Scope::Process => considered = considered.with(Kinds::PROCESS),
            // An acknowledgement that nothing comes after leads to a hub and not beyond.
            Scope::Realtime => considered = considered.with(Kinds::PROCESS).with(Kinds::FREE),
        }
        if !kinds.overlaps(considered) {
            self.check.validity = self.check.validity.worst(Validity::Unknown);
            self.types.push(EMPTY_GRAPH);
            if (0..self.table.len() as u32).any(|number| self.table.is_ok(number)) {
                self.check.notes.push(NO_DEPENDENCIES.to_owned());
            } else if self.table.malformed.is_empty() {
                self.check.checked_nothing("no transaction was acknowledged");
            }
        }
        self.note_malformed();
        let is_sound = self.table.malformed.is_empty();
        self.correct_decided();
        self.note_confused();
        self.note_decided();
        if self.table.untimed {
            let note = "the history tells no times: nothing is checked of the order of real time";
            self.check.notes.push(note.to_owned());
            self.decidable = self.decidable.without(models::of_real_time());
        }
        if is_sound {
            self.prove();
        }
        self.results();
        self.check
    }

    fn note_malformed(&mut self) {
        let table = self.table;
        let malformed = &table.malformed;
        if !malformed.is_empty() {
            self.check.validity = self.check.validity.worst(Validity::Unknown);
            let Malformed { index, problem, .. } = &malformed[0];
            self.check
                .notes
                .push(format!("operation {index} {problem}, so what it read is not checked"));
            for Malformed { index, problem, .. } in malformed.iter().filter(|m| m.is_answer) {
                self.stronger(Kind::WrongAnswer, || {
                    let claim = format!("operation {index} was acknowledged, but {problem}");
                    Anomaly::new(Kind::WrongAnswer, claim, vec![*index])
                });
            }
            if let [_, others @ ..] = malformed.as_slice()
                && !others.is_empty()
            {
                let others = others.iter().map(|malformed| malformed.index);
                let some = crate::tree::some_of(others, LISTED_MAX);
                self.check
                    .notes
                    .push(format!("the same is true, for the like, of operations {some}"));
            }
        }
    }

    /// Says which keys were left out. What was decided holds without them, and need not with them.
    fn note_confused(&mut self) {
        let confused = &self.table.confused_keys;
        if !confused.is_empty() {
            self.check.validity = self.check.validity.worst(Validity::Unknown);
            let told = confused.iter().take(LISTED_MAX);
            self.check.notes.extend(told.map(|told| {
                format!("{told}: what was read cannot be told apart, so this key is not checked")
            }));
            if confused.len() > LISTED_MAX {
                let more = confused.len() - LISTED_MAX;
                self.check.notes.push(format!("the same is true of {more} more keys"));
            }
            self.decidable = Models::default();
            self.decided.levels.retain(|(_, holds)| !holds);
        }
    }

    /// A level does not hold either where something else was found that rules it out: of lists,
    /// more is known than who wrote the last element.
    fn correct_decided(&mut self) {
        for (level, holds) in &mut self.decided.levels {
            let model = levels::all().iter().find(|model| model.name() == *level);
            let with_sessions = model != Some(Model::CausalCerone) || self.table.in_sessions;
            let rules_out = |kind: &Kind| {
                model.is_some_and(|model| models::exactly(*kind, with_sessions).contains(model))
            };
            *holds &= !self.found.iter().any(rules_out);
            if model == Some(Model::Causal) && !*holds {
                self.violated = self.violated.and(Models::new(&[Model::Causal]).implying());
            }
        }
    }

    /// Says what was decided about levels that were asked for by name.
    fn note_decided(&mut self) {
        let is_undecided = !self.decided.has("causal");
        if is_undecided && self.table.confused_keys.is_empty() {
            let note = "whether it is causal, which is more than was asked for, was not looked at";
            self.check.notes.push(note.to_owned());
            self.decidable = self.decidable.without(Models::new(&[Model::Causal]));
        }
        for model in levels::all().iter().filter(|model| self.requested.contains(*model)) {
            let is_there = self.decided.has(model.name());
            let name = if is_there { model.name() } else { "causal" };
            if let Some((_, holds)) = self.decided.levels.iter().find(|(level, _)| *level == name) {
                let exactly = |kind: &Kind| models::exactly(*kind, self.table.in_sessions);
                let verdict = match holds {
                    true if name == Model::CausalCerone.name() => {
                        ": it holds, but not with the order of each process included"
                    }
                    true => ", the order of each process included: it holds",
                    false if self.found.iter().any(|kind| exactly(kind).contains(model)) => {
                        ": it does not hold"
                    }
                    false if model == Model::CausalCerone => continue,
                    false => {
                        ": it holds, but not with the order of each process included, as AWDIT \
                         means it"
                    }
                };
                self.check.notes.push(format!("{model} was decided exactly{verdict}"));
            }
        }
    }

    fn results(&mut self) {
        let table = self.table;
        let ruled_out = self.found.iter().map(|kind| models::ruled_out(*kind));
        let untold = models::unnamed().without(self.requested);
        let impossible = ruled_out.fold(Models::default(), Models::and).without(untold);
        self.types.sort_unstable();
        let names = |models: Models| {
            let mut names: Vec<Model> = models.iter().collect();
            names.sort_by_key(|model| model.name());
            list(names.into_iter().map(|model| Value::Keyword(model.word())))
        };
        let weakest = impossible.weakest();
        let strongest = match self.check.proved {
            Some(proved) => proved,
            None => {
                let possible = self.decidable.without(impossible);
                Models::from_iter(possible.iter().filter(|model| !self.rules_out(*model)))
            }
        };
        let strongest = strongest.without(untold).strongest();
        let possible = (0..table.len() as u32).filter(|number| table.is_possible(*number)).count();
        let mut results = vec![
            (key(&"transaction-count"), count(possible)),
            (key(&"consistency-models"), names(self.requested)),
            (key(&"strongest-models"), names(strongest)),
        ];
        if !self.types.is_empty() || !impossible.is_empty() {
            results.push((key(&"anomaly-types"), list(self.types.iter().map(text))));
            results.push((key(&"not"), names(weakest)));
            results.push((key(&"also-not"), names(impossible.without(weakest))));
        }
        if !self.decided.levels.is_empty() {
            let levels =
                self.decided.levels.iter().map(|(level, holds)| (text(level), (*holds).into()));
            results.push((key(&"decided-exactly"), Value::map(levels.collect())));
        }
        let allowed: Vec<Kind> =
            self.found.iter().copied().filter(|kind| !self.forbids(*kind)).collect();
        if !allowed.is_empty() {
            results.push((key(&"allowed-anomaly-types"), list(allowed.iter().map(text))));
        }
        self.check.results.extend(results);
    }
}
