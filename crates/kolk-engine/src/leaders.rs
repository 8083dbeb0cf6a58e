//! Who leads, as nodes say of themselves on their stderr, in words or as their
//! [state](kolk_history::NodeState).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use kolk_history::NodeState;
use regex::bytes::Regex;

/// What a node writes to its stderr in words that leads from now on.
const WORDS: &str = r"(?i)\b(became|becomes|becoming|elected|am|is now)\b.*\bleader\b";

/// As much of a line is kept whose end has not come.
const LINE_MAX: usize = 1 << 16;

/// How many terms are told apart: a node can count as fast as it likes.
const TERMS_MAX: usize = 1 << 16;

/// The lines that nodes write to their stderr: their texts come in parts.
#[derive(Debug)]
pub(crate) struct Lines {
    /// For each node the line that has not ended.
    open: Vec<Vec<u8>>,
}

impl Lines {
    pub(crate) fn new(nodes: usize) -> Lines {
        Lines { open: vec![Vec::new(); nodes] }
    }

    /// The lines that end in this part of what a node writes, each without its end.
    pub(crate) fn ended(&mut self, node: u16, text: &[u8]) -> Vec<Vec<u8>> {
        let open = &mut self.open[usize::from(node)];
        let mut ended = Vec::new();
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            let (part, is_end) = match part.strip_suffix(b"\n") {
                Some(part) => (part, true),
                None => (part, false),
            };
            open.extend_from_slice(&part[..part.len().min(LINE_MAX.saturating_sub(open.len()))]);
            if is_end {
                ended.push(std::mem::take(open));
            }
        }
        ended
    }
}

/// What a line says of who leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing, or nothing new.
    Nothing,
    /// The node leads from now on.
    Leads,
    /// The node leads from now on, and in a term in which another node did.
    LeadsToo {
        /// The term.
        term: u64,
        /// Who said first that it leads it.
        first: u16,
    },
}

/// What nodes have said of who leads.
#[derive(Debug)]
pub(crate) struct Leaders {
    /// Where somebody wants to know what they say in words.
    words: Option<Regex>,
    /// For each node whether its last state says that it leads, and then in which term.
    states: Vec<Option<Lead>>,
    /// Who was the first to say that it leads a term.
    terms: BTreeMap<u64, u16>,
    /// Who said last that it leads.
    latest: Option<u16>,
}

/// What a node's last state says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    Follows,
    Leads(Option<u64>),
}

impl Leaders {
    /// Of so many nodes. What they say in words is only read if somebody wants to know.
    pub(crate) fn new(nodes: usize, words_are_wanted: bool) -> Leaders {
        let words = words_are_wanted.then(|| Regex::new(WORDS).expect("it is one"));
        Leaders { words, states: vec![None; nodes], terms: BTreeMap::new(), latest: None }
    }

    /// A node has written this line.
    pub(crate) fn take(&mut self, node: u16, line: &[u8]) -> Said {
        let known = &mut self.states[usize::from(node)];
        let Some(state) = NodeState::read(line) else {
            // Whoever tells its state may say the same in words as well: it counts once.
            let leads =
                known.is_none() && self.words.as_ref().is_some_and(|words| words.is_match(line));
            if leads {
                self.latest = Some(node);
            }
            return if leads { Said::Leads } else { Said::Nothing };
        };
        if state.role.is_none() {
            return Said::Nothing;
        }
        let lead = if state.leads() { Lead::Leads(state.term) } else { Lead::Follows };
        if known.replace(lead) == Some(lead) || lead == Lead::Follows {
            return Said::Nothing;
        }
        self.latest = Some(node);
        let Some(term) = state.term else { return Said::Leads };
        let has_room = self.terms.len() < TERMS_MAX;
        match self.terms.entry(term) {
            Entry::Occupied(first) if *first.get() != node => {
                Said::LeadsToo { term, first: *first.get() }
            }
            Entry::Vacant(entry) if has_room => {
                entry.insert(node);
                Said::Leads
            }
            _ => Said::Leads,
        }
    }

    /// Who said last that it leads.
    pub(crate) fn latest(&self) -> Option<u16> {
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_says_that_it_leads_in_words_or_as_its_state() {
        for (line, expected) in [
            ("n1 became leader of term 3", true),
            ("I am the Leader", true),
            (r#"state {"term":3,"role":"leader","leader":"n1","commit":7,"log":[1,9]}"#, true),
            (r#"state {"term":3,"role":"follower","leader":"n1","commit":7,"log":[1,9]}"#, false),
            ("state {\"role\": \"leader\", \"term\": 3}\r", true),
            (r#"in state {"role":"leader"}"#, false),
            ("the leader is n2", false),
        ] {
            let mut leaders = Leaders::new(2, true);
            let said = leaders.take(1, line.as_bytes());
            assert_eq!(said == Said::Leads, expected, "{line}");
            assert_eq!(leaders.latest(), expected.then_some(1), "{line}");
            // Words are read if somebody wants to know, and states always.
            let said = Leaders::new(2, false).take(1, line.as_bytes());
            assert_eq!(said == Said::Leads, expected && line.starts_with("state"), "{line}");
        }
    }

    #[test]
    fn each_time_that_a_node_begins_to_lead_counts_once() {
        let leads = |term| format!(r#"state {{"term":{term},"role":"leader"}}"#);
        let follows = |term| format!(r#"state {{"term":{term},"role":"follower"}}"#);
        let mut leaders = Leaders::new(3, true);
        for (node, line, expected) in [
            (0, "I am the leader of term 1".to_owned(), Said::Leads),
            (0, leads(1), Said::Leads),
            (0, leads(1), Said::Nothing),
            (0, r#"state {"term":1,"commit":7}"#.to_owned(), Said::Nothing),
            (0, "I am the leader of term 1".to_owned(), Said::Nothing),
            (1, follows(1), Said::Nothing),
            (0, leads(2), Said::Leads),
            (0, follows(2), Said::Nothing),
            // It may have been killed, or says it again.
            (0, leads(2), Said::Leads),
            (1, leads(2), Said::LeadsToo { term: 2, first: 0 }),
            (1, leads(2), Said::Nothing),
            (2, leads(2), Said::LeadsToo { term: 2, first: 0 }),
            (1, leads(3), Said::Leads),
            (0, r#"state {"role":"leader"}"#.to_owned(), Said::Leads),
            (2, r#"state {"role":"leader"}"#.to_owned(), Said::Leads),
        ] {
            assert_eq!(leaders.take(node, line.as_bytes()), expected, "{node} {line}");
        }
        assert_eq!(leaders.latest(), Some(2));
    }

    #[test]
    fn lines_come_in_parts_and_are_bounded() {
        let mut lines = Lines::new(2);
        let none: Vec<Vec<u8>> = Vec::new();
        assert_eq!(lines.ended(0, b"one\ntw"), [b"one"]);
        assert_eq!(lines.ended(1, b"other"), none);
        assert_eq!(lines.ended(0, b"o\n\nthree"), [&b"two"[..], b""]);
        for _ in 0..100 {
            assert_eq!(lines.ended(1, &[b'x'; 1 << 12]), none);
        }
        assert_eq!(lines.ended(1, b"\n")[0].len(), LINE_MAX);
    }

    /// A node that counts up for ever does not fill the memory.
    #[test]
    fn terms_are_bounded() {
        let mut leaders = Leaders::new(1, false);
        for term in 0..2 * TERMS_MAX {
            let line = format!(r#"state {{"term":{term},"role":"leader"}}"#);
            assert_eq!(leaders.take(0, line.as_bytes()), Said::Leads);
        }
        assert_eq!(leaders.terms.len(), TERMS_MAX);
    }
}
