//! From anomalies and cycles to a verdict on the models asked for.

use kolk_history::Value;

use super::cycles::{Cycle, CycleType, Scope, Shape};
use super::graph::Kinds;
use super::levels;
use super::order;
use super::table::{Kind, Malformed, Table};
use crate::check::{Anomaly, Check, Validity};
use crate::models::{self, Model, Models};
use crate::tree::{count, key, list, text};

/// What Elle calls it that no transaction depends on another.
pub(super) const EMPTY_GRAPH: &str = "empty-transaction-graph";

/// The note that says so.
pub(super) const NO_DEPENDENCIES: &str =
    "no transaction depends on another: there is nothing to judge by";

/// How many operations are listed that could not be understood.
const LISTED_MAX: usize = 8;

/// Collects what is found, sorted into what the models asked for forbid and what they allow.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    pub table: &'a Table,
    requested: Models,
    pub check: Check,
    /// The types found, whether forbidden or not.
    found: Vec<&'static str>,
    /// The types Elle would have found.
    types: Vec<&'static str>,
    /// Models that the anomalies of this workload can rule out.
    decidable: Models,
    /// The levels that were decided exactly, and whether they hold.
    decided: Vec<(&'static str, bool)>,
    /// Models that violations of these levels rule out.
    violated: Models,
    /// Models that were proved, with all that they imply.
    proved: Models,
    /// Where decisions stopped that did not come to an end, in words.
    stopped: Vec<String>,
}

impl<'a> Findings<'a> {
    /// Nothing found yet.
    pub(crate) fn new(table: &'a Table, requested: Models, decidable: Models) -> Findings<'a> {
        let check = Check::new("workload");
        Findings {
            table,
            requested,
            check,
            found: Vec::new(),
            types: Vec::new(),
            decidable,
            decided: Vec::new(),
            violated: Models::default(),
            proved: Models::default(),
            stopped: Vec::new(),
        }
    }

    /// True if there is nothing to report, forbidden or not.
    pub(crate) fn has_none(&self) -> bool {
        self.found.is_empty()
    }

    /// True if the models asked for forbid anomalies of this type.
    fn forbids(&self, kind: &str) -> bool {
        // What sessions alone speak against is told where a level is named, even if it does not
        // count.
        let is_named = self.requested.overlaps(levels::all());
        models::exactly(kind, self.table.in_sessions || is_named).overlaps(self.requested)
    }

    /// Adds the violation of a level. It is told only if the level was asked for by name, or if
    /// nothing else speaks against the models asked for: whatever breaks a level mostly makes a
    /// cycle that was told already.
    pub(crate) fn violation(&mut self, kind: &'static str, anomaly: impl FnOnce() -> Anomaly) {
        self.violated = self.violated.and(models::exactly(kind, self.table.in_sessions));
        if self.check.anomalies.is_empty() || self.requested.overlaps(levels::all()) {
            self.stronger(kind, anomaly);
        }
    }

    /// True if something that was found rules out a model.
    pub(crate) fn rules_out(&self, model: Model) -> bool {
        let exactly =
            |kind: &&'static str| models::exactly(kind, self.table.in_sessions).contains(model);
        self.violated.contains(model) || self.found.iter().any(exactly)
    }

    /// True if something rules out a model, other than that values are not known to have been
    /// written: that is so of every part of a history, and says nothing of the order of its
    /// transactions.
    pub(crate) fn is_settled(&self, model: Model) -> bool {
        let exactly = |kind: &&'static str| {
            *kind != "garbage-read" && models::exactly(kind, self.table.in_sessions).contains(model)
        };
        self.violated.contains(model) || self.found.iter().any(exactly)
    }

    /// Whether all that a transaction read of a key was seen at once: else cycles do not tell of
    /// each of its reads where it stands.
    fn is_told(&self) -> bool {
        !self.found.contains(&"internal")
    }

    /// The models that allow a transaction to read what is not one state, of which cycles tell
    /// whether they hold.
    pub(crate) fn told_by_cycles(&self) -> Models {
        let mut told = Models::new(&[Model::ReadUncommitted]);
        if !self.is_told() {
            return told;
        }
        let are_certain = self.table.is_certain();
        told = told.with(Model::StrongReadCommitted);
        if are_certain {
            told = told.with(Model::StrongSessionReadCommitted);
        }
        // Where reads of what failed are allowed, that somebody read of a transaction does not
        // prove that it happened: a cycle through one of unknown outcome counts as one of reads,
        // and may hide one of writes.
        if are_certain || !self.found.iter().any(|kind| kind.starts_with("G1c")) {
            told =
                told.with(Model::StrongSessionReadUncommitted).with(Model::StrongReadUncommitted);
        }
        told
    }

    /// Takes note that models hold, with all that they imply.
    pub(crate) fn proved(&mut self, models: Models) {
        self.proved = self.proved.and(models.implied());
    }

    /// Takes note that whether a model holds was not decided, and where that stood.
    pub(crate) fn stopped(&mut self, model: Model, stopped: &str) {
        self.stopped.push(format!("whether it is {model} is not known: the search {stopped}"));
    }

    /// What is proved: what was decided, and the weaker levels that nothing rules out. These
    /// are decided by what is known of who read from whom, and of the order of versions that
    /// transactions tell, as any order that agrees with these will do.
    fn prove(&mut self) {
        if !self.table.confused_keys.is_empty() {
            return;
        }
        let is_list = self.table.kind == Kind::Append;
        let is_decided = |name: &str| self.decided.iter().any(|(level, _)| *level == name);
        let holds = |name: &str| self.decided.contains(&(name, true));
        let mut proved = vec![Model::ReadUncommitted];
        let are_certain = self.table.is_certain();
        let is_timed = !self.table.untimed;
        for model in self.told_by_cycles().iter().filter(|model| model.name().starts_with("strong"))
        {
            let is_of_time = models::of_real_time().contains(model);
            proved.extend((is_timed || !is_of_time).then_some(model));
        }
        let is_told = self.is_told();
        proved.extend(is_decided("read-committed").then_some(Model::ReadCommitted));
        if is_decided("read-atomic") {
            proved.extend([Model::ReadAtomic, Model::StrongSessionReadAtomic]);
        }
        if holds("causal") {
            proved.extend([Model::Causal, Model::CausalCerone]);
        }
        proved.extend(holds(Model::CausalCerone.name()).then_some(Model::CausalCerone));
        if is_list && !has_unread_rivals(self.table) {
            // The order of all versions is known, and circles tell of each model whether it holds.
            let told = if are_certain && is_told {
                self.decidable
            } else {
                self.decidable.without(models::of_sessions())
            };
            proved.extend(told.iter());
        }
        proved.retain(|model| !self.rules_out(*model));
        let mut proved = Models::from_iter(proved);
        // What is stronger is proved only with what it implies.
        let decided = proved.and(self.proved);
        let base = Models::from_iter(proved.iter().filter(|model| {
            let below = Models::new(&[*model]).implied();
            [Model::ReadCommitted, Model::ReadAtomic]
                .iter()
                .all(|level| !below.contains(*level) || decided.contains(*level))
        }));
        proved = base.and(self.proved).implied();
        let sound = proved.iter().filter(|model| !self.rules_out(*model));
        self.check.proved = Some(Models::from_iter(sound));
        let stopped = std::mem::take(&mut self.stopped);
        self.check.notes.extend(stopped);
    }

    /// Takes note of levels that were decided exactly, and whether they hold.
    pub(crate) fn decided(&mut self, levels: Vec<(&'static str, bool)>) {
        self.decided = levels;
    }

    /// Adds an anomaly that Elle finds.
    pub(crate) fn anomaly(&mut self, kind: &'static str, anomaly: impl FnOnce() -> Anomaly) {
        self.add(kind, kind, false, anomaly);
    }

    /// Adds an anomaly that Elle overlooks.
    pub(crate) fn stronger(&mut self, kind: &'static str, anomaly: impl FnOnce() -> Anomaly) {
        self.add(kind, kind, true, anomaly);
    }

    /// Adds an anomaly of that kind, which counts as `claim`.
    fn add(
        &mut self,
        kind: &'static str,
        claim: &'static str,
        is_stronger: bool,
        anomaly: impl FnOnce() -> Anomaly,
    ) {
        if !self.found.contains(&claim) {
            self.found.push(claim);
        }
        if !self.forbids(claim) {
            return;
        }
        if is_stronger || !models::ruled_out(claim).overlaps(self.requested) {
            self.check.stronger(kind, anomaly);
        } else {
            if !self.types.contains(&kind) {
                self.types.push(kind);
            }
            self.check.anomaly(kind, anomaly);
        }
    }

    /// The most demanding order that the models asked for speak of: Elle looks at no other.
    fn scope(&self) -> Scope {
        let speaks = |scope: Scope| {
            CycleType::all().any(|kind| kind.scope == scope && self.forbids(kind.name()))
        };
        if speaks(Scope::Realtime) {
            Scope::Realtime
        } else if speaks(Scope::Process) {
            Scope::Process
        } else {
            Scope::Data
        }
    }

    /// Adds cycles. A process's order is part of real time's: where real time counts, Elle
    /// names cycles by that. `explain` gives the sentence for an edge between two transactions that
    /// are called by these names.
    pub(crate) fn cycles(&mut self, cycles: &[Cycle], explain: &Explain<'_>) {
        self.add_cycles(cycles, explain, false);
    }

    /// Adds cycles that Elle overlooks.
    pub(crate) fn stronger_cycles(&mut self, cycles: &[Cycle], explain: &Explain<'_>) {
        self.add_cycles(cycles, explain, true);
    }

    fn add_cycles(&mut self, cycles: &[Cycle], explain: &Explain<'_>, is_stronger: bool) {
        let scope = self.scope();
        let table = self.table;
        for cycle in cycles {
            let claim = certain_kind(table, cycle).name();
            let is_real_time = scope == Scope::Realtime && !table.untimed;
            if cycle.kind.scope == Scope::Process && is_real_time {
                if !self.found.contains(&claim) {
                    self.found.push(claim);
                }
            } else {
                let anomaly = || describe(table, cycle, explain);
                self.add(cycle.kind.name(), claim, is_stronger, anomaly);
            }
        }
    }

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
                self.stronger("wrong-answer", || {
                    let claim = format!("operation {index} was acknowledged, but {problem}");
                    Anomaly::new("wrong-answer", claim, vec![*index])
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
            self.decided.retain(|(_, holds)| !holds);
        }
    }

    /// A level does not hold either where something else was found that rules it out: of lists,
    /// more is known than who wrote the last element.
    fn correct_decided(&mut self) {
        for (level, holds) in &mut self.decided {
            let model = levels::all().iter().find(|model| model.name() == *level);
            let with_sessions = model != Some(Model::CausalCerone) || self.table.in_sessions;
            let rules_out = |kind: &&str| {
                model.is_some_and(|model| models::exactly(kind, with_sessions).contains(model))
            };
            *holds &= !self.found.iter().any(rules_out);
            if model == Some(Model::Causal) && !*holds {
                self.violated = self.violated.and(Models::new(&[Model::Causal]).implying());
            }
        }
    }

    /// Says what was decided about levels that were asked for by name.
    fn note_decided(&mut self) {
        let is_undecided = !self.decided.iter().any(|(level, _)| *level == "causal");
        if is_undecided && self.table.confused_keys.is_empty() {
            let note = "whether it is causal, which is more than was asked for, was not looked at";
            self.check.notes.push(note.to_owned());
            self.decidable = self.decidable.without(Models::new(&[Model::Causal]));
        }
        for model in levels::all().iter().filter(|model| self.requested.contains(*model)) {
            let is_there = self.decided.iter().any(|(level, _)| *level == model.name());
            let name = if is_there { model.name() } else { "causal" };
            if let Some((_, holds)) = self.decided.iter().find(|(level, _)| *level == name) {
                let exactly = |kind: &str| models::exactly(kind, self.table.in_sessions);
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
        let ruled_out = self.found.iter().map(|kind| models::ruled_out(kind));
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
        if !self.decided.is_empty() {
            let levels = self.decided.iter().map(|(level, holds)| (text(level), (*holds).into()));
            results.push((key(&"decided-exactly"), Value::map(levels.collect())));
        }
        let allowed: Vec<&str> =
            self.found.iter().copied().filter(|kind| !self.forbids(kind)).collect();
        if !allowed.is_empty() {
            results.push((key(&"allowed-anomaly-types"), list(allowed.iter().map(text))));
        }
        self.check.results.extend(results);
    }
}

/// Whether several transactions that may have happened append to the same list what nobody read.
fn has_unread_rivals(table: &Table) -> bool {
    let mut is_read = vec![false; table.elements.len()];
    for key in 0..table.keys.len() as u32 {
        table.spine(key).iter().for_each(|element| is_read[*element as usize] = true);
    }
    let mut unread = vec![false; table.keys.len()];
    table.elements.all().any(|element| {
        let origin = table.elements.origin(element);
        let counts = !is_read[element as usize] && origin.sound_writer().is_some();
        counts && std::mem::replace(&mut unread[table.elements.key(element) as usize], true)
    })
}

/// What a cycle surely is. That somebody read what a transaction wrote proves that it was committed
/// only where reads of what was not are forbidden: if it was not, a cycle of writes through it is
/// none, and those reads are *G1*, as is *G1c*.
fn certain_kind(table: &Table, cycle: &Cycle) -> CycleType {
    let is_certain = cycle.steps.iter().all(|step| table.is_ok(step.from));
    match cycle.kind.shape {
        Shape::G0 if !is_certain => CycleType { shape: Shape::G1c, ..cycle.kind },
        _ => cycle.kind,
    }
}

/// The sentence that justifies an edge of that kind between two transactions, each with the name
/// the sentence is to call it by.
pub(crate) type Explain<'a> = dyn Fn(Kinds, (u32, &str), (u32, &str)) -> Option<String> + 'a;

/// A cycle in words: the transactions in order, then why each comes before the next.
pub(crate) fn describe(table: &Table, cycle: &Cycle, explain: &Explain<'_>) -> Anomaly {
    let members: Vec<u32> = cycle.steps.iter().map(|step| step.from).collect();
    let names: Vec<String> = (1..=members.len()).map(|number| format!("T{number}")).collect();
    let listed: Vec<String> = names
        .iter()
        .zip(&members)
        .map(|(name, member)| format!("{name} ({})", table.operation_text(*member)))
        .collect();
    let claim = match listed.as_slice() {
        [one, other] => format!("{one} and {other} each come before the other"),
        _ => format!(
            "{} come before one another in a circle",
            crate::tree::some_of(listed.iter(), 8)
        ),
    };
    let mut steps: Vec<String> = names
        .iter()
        .zip(&members)
        .map(|(name, member)| format!("{name}: {}", table.transaction_text(*member)))
        .collect();
    for (at, step) in cycle.steps.iter().enumerate() {
        let next = (at + 1) % members.len();
        let (from, to) = ((members[at], names[at].as_str()), (members[next], names[next].as_str()));
        let reason = match step.kind {
            Kinds::PROCESS => {
                let process = table.transactions[from.0 as usize].process;
                Some(format!("process {process} ran {} before {}", from.1, to.1))
            }
            Kinds::REALTIME => {
                debug_assert!(order::is_before(table, from.0, to.0));
                let completion = table.transactions[from.0 as usize].completion;
                Some(format!(
                    "{} was acknowledged (event {completion}) before {} was invoked (event {})",
                    from.1,
                    to.1,
                    table.index(to.0)
                ))
            }
            kind => explain(kind, from, to),
        };
        let reason = reason.unwrap_or_else(|| format!("{:?}", step.kind));
        steps.push(format!("{} before {}: {reason}", from.1, to.1));
    }
    let operations = members.iter().map(|member| table.index(*member)).collect();
    Anomaly { steps, ..Anomaly::new(cycle.kind.name(), claim, operations) }
}
