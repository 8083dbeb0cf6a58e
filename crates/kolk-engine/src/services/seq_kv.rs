//! `seq-kv`: a sequentially consistent key-value store, as stale as it may be.

use std::collections::{BTreeMap, VecDeque};

use kolk_protocol::Datum;
use kolk_protocol::Random;
use kolk_protocol::message::Body;

use super::key_value::{Action, Answer, Request, serve};
use super::{Service, Stale};

/// How many states are kept, the newest among them.
const STATES_KEPT: usize = 32;

/// All clients see the same sequence of states, each at its own pace and never going back.
///
/// For each request a state is drawn, evenly, from those that are kept and not older than what the
/// client last saw, the newest included. A request that leaves that state as it is gets its answer
/// from there, however old it is: so reads are stale, and who only reads comes up to date in the
/// end. A request that changes the state drawn acts on the newest one instead, and makes a new one.
///
/// Maelstrom draws from the same range, but for a client that is further behind than the states it
/// keeps, to whom it may show a later state before an earlier one; here nobody ever goes back.
///
/// States share what they have in common: each key has the versions that kept states can see.
#[derive(Debug, Default)]
pub struct SeqKv {
    /// For each key its values, each with the number of the state it came with, in that order.
    versions: BTreeMap<Datum, Vec<(u64, Datum)>>,
    /// The number of the newest state; the empty one in the beginning is 0.
    newest: u64,
    /// The keys that kept states but the oldest one changed, oldest first; `None` for a state like
    /// the one before it.
    changed: VecDeque<Option<Datum>>,
    /// For each client the state that it last saw.
    seen: BTreeMap<String, u64>,
    /// What was stale about the last answer.
    stale: Option<Stale>,
}

impl Service for SeqKv {
    fn name(&self) -> &'static str {
        "seq-kv"
    }

    fn handle(
        &mut self,
        src: &str,
        body: &Body<'_>,
        random: &mut Random,
        reply: &mut Vec<u8>,
    ) -> bool {
        self.stale = None;
        serve("seq-kv", body, reply, |request| self.act(src, request, random))
    }

    fn take_stale(&mut self) -> Option<Stale> {
        self.stale.take()
    }
}

impl SeqKv {
    fn act(&mut self, client: &str, request: &Request, random: &mut Random) -> Answer {
        let state = self.choose_state(client, random);
        let before = self.value_at(&request.key, state);
        let (answer, stored) = request.action.apply(before);
        let unchanged = stored.is_none() || stored.as_ref() == before;
        if unchanged {
            let newest = self.value_at(&request.key, self.newest);
            let is_write = matches!(request.action, Action::Write { .. });
            self.stale = (!is_write && newest != before).then(|| Stale {
                key: request.key.clone(),
                answered: before.cloned(),
                newest: newest.cloned(),
            });
            self.saw(client, state);
            return answer;
        }
        let before = self.value_at(&request.key, self.newest);
        let (answer, stored) = request.action.apply(before);
        // A request that no longer changes anything here (a compare-and-set whose time has passed)
        // makes a state all the same, as in Maelstrom.
        let stored = stored.filter(|value| Some(value) != before);
        self.add_state(stored.map(|value| (request.key.clone(), value)));
        self.saw(client, self.newest);
        answer
    }

    fn choose_state(&self, client: &str, random: &mut Random) -> u64 {
        let oldest = self.newest - self.changed.len() as u64;
        let seen = self.seen.get(client).copied().unwrap_or(0).max(oldest);
        seen + random.below(self.newest - seen + 1)
    }

    fn saw(&mut self, client: &str, state: u64) {
        match self.seen.get_mut(client) {
            Some(seen) => *seen = state,
            None => {
                self.seen.insert(client.to_owned(), state);
            }
        }
    }

    fn value_at(&self, key: &Datum, state: u64) -> Option<&Datum> {
        let versions = self.versions.get(key)?;
        let after = versions.partition_point(|(number, _)| *number <= state);
        Some(&versions[after.checked_sub(1)?].1)
    }

    fn add_state(&mut self, change: Option<(Datum, Datum)>) {
        self.newest += 1;
        self.changed.push_back(change.as_ref().map(|(key, _)| key.clone()));
        if let Some((key, value)) = change {
            self.versions.entry(key).or_default().push((self.newest, value));
        }
        if self.changed.len() == STATES_KEPT {
            let oldest = self.newest - (STATES_KEPT as u64 - 1);
            // The state that made this change is now the oldest: nobody sees the values before it.
            if let Some(Some(key)) = self.changed.pop_front()
                && let Some(versions) = self.versions.get_mut(&key)
            {
                versions.retain(|(number, _)| *number >= oldest);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn version_count(&self) -> usize {
        self.versions.values().map(Vec::len).sum()
    }
}
