//! Which models are proved to hold.

use crate::kind::Kind;
use crate::models::{self, Model, Models};
use crate::txn::levels;
use crate::txn::table::{Datatype, Table};

use super::Findings;

/// What was decided beside what was found.
#[derive(Debug, Default)]
pub(super) struct Decided {
    /// The levels that were decided exactly, and whether they hold.
    pub levels: Vec<(&'static str, bool)>,
    /// Models that were proved, with all that they imply.
    proved: Models,
    /// Where decisions stopped that did not come to an end, in words.
    stopped: Vec<String>,
}

impl Decided {
    /// Whether a level was looked at.
    pub(super) fn has(&self, level: &str) -> bool {
        self.levels.iter().any(|(name, _)| *name == level)
    }

    fn holds(&self, level: &str) -> bool {
        self.levels.iter().any(|(name, holds)| *name == level && *holds)
    }
}

impl Findings<'_> {
    /// Takes note of levels that were decided exactly, and whether they hold.
    pub(crate) fn decided(&mut self, levels: Vec<(&'static str, bool)>) {
        self.decided.levels = levels;
    }

    /// Takes note that models hold, with all that they imply.
    pub(crate) fn proved(&mut self, models: Models) {
        self.decided.proved = self.decided.proved.and(models.implied());
    }

    /// Takes note that whether a model holds was not decided, and where that stood.
    pub(crate) fn stopped(&mut self, model: Model, stopped: &str) {
        let note = format!("whether it is {model} is not known: the search {stopped}");
        self.decided.stopped.push(note);
    }

    /// The models that hold if nothing that was found rules them out: of these, cycles and what
    /// shows without one tell all.
    pub(crate) fn told(&self) -> Models {
        let table = self.table;
        // Whether all that a transaction read of a key was seen at once: else cycles do not tell of
        // each of its reads where it stands.
        let is_told = !self.found.contains(&Kind::Internal);
        // Cycles know of no session that a transaction of unknown outcome belongs to.
        let has_sessions = is_told && table.is_certain();
        let mut told = Models::new(&[
            Model::ReadUncommitted,
            Model::StrongSessionReadUncommitted,
            Model::StrongReadUncommitted,
        ]);
        if is_told {
            told = told.with(Model::StrongReadCommitted);
        }
        if has_sessions {
            told = told.with(Model::StrongSessionReadCommitted);
        }
        if table.kind == Datatype::List && !has_unread_rivals(table) {
            // The order of all versions is known.
            let by_cycles = self.decidable.without(decided_elsewhere());
            let of_sessions = if has_sessions { Models::default() } else { models::of_sessions() };
            told = told.and(by_cycles.without(of_sessions));
        }
        match table.untimed {
            true => told.without(models::of_real_time()),
            false => told,
        }
    }

    /// What is proved: what was decided, and what nothing that was found rules out, if that tells
    /// all. The weaker levels are decided by what is known of who read from whom, and of the order
    /// of versions that transactions tell, as any order that agrees with these will do.
    pub(super) fn prove(&mut self) {
        if !self.table.confused_keys.is_empty() {
            return;
        }
        let decided = std::mem::take(&mut self.decided);
        let mut found: Vec<Model> = self.told().iter().collect();
        found.extend(decided.has("read-committed").then_some(Model::ReadCommitted));
        if decided.has("read-atomic") {
            found.extend([Model::ReadAtomic, Model::StrongSessionReadAtomic]);
        }
        if decided.holds("causal") {
            found.extend([Model::Causal, Model::CausalCerone]);
        }
        found.extend(decided.holds(Model::CausalCerone.name()).then_some(Model::CausalCerone));
        found.retain(|model| !self.rules_out(*model));
        let found = Models::from_iter(found);
        // What is stronger is proved only with what it implies.
        let all = found.and(decided.proved);
        let is_based = |model: &Model| {
            let below = Models::new(&[*model]).implied();
            let levels = [Model::ReadCommitted, Model::ReadAtomic];
            levels.iter().all(|level| !below.contains(*level) || all.contains(*level))
        };
        let proved = Models::from_iter(found.iter().filter(is_based)).and(decided.proved);
        let is_sound = |model: &Model| !self.rules_out(*model);
        self.check.proved = Some(Models::from_iter(proved.implied().iter().filter(is_sound)));
        self.check.notes.extend(decided.stopped.iter().cloned());
        self.decided = decided;
    }
}

/// The models of which cycles do not tell whether they hold, whatever is known of versions: levels
/// have a decision of their own, and prefixes a search.
fn decided_elsewhere() -> Models {
    levels::all().and(Models::new(&[
        Model::StrongSessionReadAtomic,
        Model::Prefix,
        Model::StrongSessionPrefix,
        Model::StrongPrefix,
    ]))
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
