//! Who leads, as nodes say of themselves on their stderr, in words or as their
//! [state](kolk_history::NodeState).

use std::collections::BTreeMap;

use kolk_history::NodeState;
use regex::bytes::Regex;

/// What a node writes to its stderr in words that begins to lead. That another one was elected, as
/// in `n1 elected leader n2`, is no such line.
const BEGINS: &str = r"(?ix)
    \b(became|becomes|becoming|elected\s+as|(was|been|got)\s+elected)
    \s+((as|the|a|new)\s+)*leader\b
    | \bentering\s+leader\s+state\b";

/// What one writes that leads, perhaps again and again.
const LEADS: &str = r"(?i)\b(am|i'm)\s+((now|the|a)\s+)*leader\b";

/// What one writes that leads no more.
const FOLLOWS: &str = r"(?ix)
    \b(became|becomes|becoming|am|i'm)\s+((now|the|a)\s+)*(follower|candidate)\b
    | \bstep(s|ped|ping)?\s+down\b";

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// True if the node begins to lead, which is not known yet.
    pub(crate) begins: bool,
    /// The term that it leads, and who said first that it leads that term, if that was another one.
    pub(crate) beside: Option<(u64, u16)>,
}

/// The words that are looked for.
#[derive(Debug)]
struct Words {
    begins: Regex,
    leads: Regex,
    follows: Regex,
}

impl Words {
    fn new() -> Words {
        let [begins, leads, follows] =
            [BEGINS, LEADS, FOLLOWS].map(|words| Regex::new(words).expect("it is one"));
        Words { begins, leads, follows }
    }
}

/// What nodes have said of who leads.
#[derive(Debug)]
pub(crate) struct Leaders {
    /// Where somebody wants to know what they say in words.
    words: Option<Words>,
    /// For each node what it said last of itself.
    known: Vec<Option<Lead>>,
    /// Who was the first to say that it leads a term.
    terms: BTreeMap<u64, u16>,
    /// Who said last that it leads.
    latest: Option<u16>,
}

/// What a node says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    /// Its state says that it does not lead.
    Follows,
    /// It says in words that it leads.
    InWords,
    /// Its state says that it leads, and perhaps in which term.
    Leads(Option<u64>),
}

impl Leaders {
    /// Of so many nodes. What they say in words is only read if somebody wants to know.
    pub(crate) fn new(nodes: usize, words_are_wanted: bool) -> Leaders {
        let words = words_are_wanted.then(Words::new);
        Leaders { words, known: vec![None; nodes], terms: BTreeMap::new(), latest: None }
    }

    /// A node has written this line.
    pub(crate) fn take(&mut self, node: u16, line: &[u8]) -> Said {
        let said = match NodeState::read(line) {
            Some(state) => self.take_state(node, &state),
            None => self.take_words(node, line),
        };
        if said.begins {
            self.latest = Some(node);
            // Of those who do not tell their state nobody says when it ends.
            for (other, known) in self.known.iter_mut().enumerate() {
                if other != usize::from(node) && *known == Some(Lead::InWords) {
                    *known = None;
                }
            }
        }
        said
    }

    fn take_state(&mut self, node: u16, state: &NodeState) -> Said {
        if state.role.is_none() {
            return Said::default();
        }
        let lead = if state.leads() { Lead::Leads(state.term) } else { Lead::Follows };
        let known = self.known[usize::from(node)].replace(lead);
        if known == Some(lead) || lead == Lead::Follows {
            return Said::default();
        }
        // What was said in words before, counted then.
        let begins = known != Some(Lead::InWords);
        Said { begins, beside: state.term.and_then(|term| self.beside(node, term)) }
    }

    /// The term, and who said before this node that it leads it.
    fn beside(&mut self, node: u16, term: u64) -> Option<(u64, u16)> {
        if self.terms.len() >= TERMS_MAX && !self.terms.contains_key(&term) {
            // The oldest one is past.
            self.terms.pop_first();
        }
        let first = *self.terms.entry(term).or_insert(node);
        (first != node).then_some((term, first))
    }

    fn take_words(&mut self, node: u16, line: &[u8]) -> Said {
        let known = &mut self.known[usize::from(node)];
        let Some(words) = &self.words else { return Said::default() };
        // Whoever tells by its state that it leads may say so in words as well.
        if matches!(known, Some(Lead::Leads(_))) {
            return Said::default();
        }
        let is_known = *known == Some(Lead::InWords);
        let begins = words.begins.is_match(line) || (!is_known && words.leads.is_match(line));
        if begins {
            *known = Some(Lead::InWords);
        } else if is_known && words.follows.is_match(line) {
            *known = None;
        }
        Said { begins, beside: None }
    }

    /// A node was killed: the next life begins without what this one said of itself.
    pub(crate) fn forget(&mut self, node: u16) {
        self.known[usize::from(node)] = None;
    }

    /// Who said last that it leads.
    pub(crate) fn latest(&self) -> Option<u16> {
        self.latest
    }

    /// The same, if it did not say since that it does not.
    pub(crate) fn leading(&self) -> Option<u16> {
        let leads = |node: &u16| {
            matches!(self.known[usize::from(*node)], Some(Lead::InWords | Lead::Leads(_)))
        };
        self.latest.filter(leads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGINS: Said = Said { begins: true, beside: None };
    const NOTHING: Said = Said { begins: false, beside: None };

    #[test]
    fn a_node_says_that_it_leads_in_words_or_as_its_state() {
        for (line, expected) in [
            ("n1 became leader of term 3", true),
            ("I am the Leader", true),
            ("I'm now leader of term 3", true),
            ("n1 was elected as the new leader", true),
            ("elected as leader", true),
            ("raft: entering leader state", true),
            ("raft.node: n1 elected leader n2 at term 2", false),
            ("n2 is now the leader", false),
            ("becomes follower of leader n2", false),
            ("the leader is n2", false),
            (r#"state {"term":3,"role":"leader","leader":"n1","commit":7,"log":[1,9]}"#, true),
            (r#"state {"term":3,"role":"follower","leader":"n1","commit":7,"log":[1,9]}"#, false),
            ("state {\"role\": \"leader\", \"term\": 3}\r", true),
            (r#"in state {"role":"leader"}"#, false),
        ] {
            let mut leaders = Leaders::new(2, true);
            assert_eq!(leaders.take(1, line.as_bytes()).begins, expected, "{line}");
            assert_eq!(leaders.latest(), expected.then_some(1), "{line}");
            assert_eq!(leaders.leading(), leaders.latest(), "{line}");
            // Words are read if somebody wants to know, and states always.
            let begins = Leaders::new(2, false).take(1, line.as_bytes()).begins;
            assert_eq!(begins, expected && line.starts_with("state"), "{line}");
        }
    }

    #[test]
    fn each_time_that_a_node_begins_to_lead_counts_once() {
        let leads = |term| format!(r#"state {{"term":{term},"role":"leader"}}"#);
        let follows = |term| format!(r#"state {{"term":{term},"role":"follower"}}"#);
        let beside = |begins, term, first| Said { begins, beside: Some((term, first)) };
        let mut leaders = Leaders::new(3, true);
        for (node, line, expected) in [
            (0, "I am the leader of term 1".to_owned(), BEGINS),
            (0, "I am the leader of term 1".to_owned(), NOTHING),
            (0, leads(1), NOTHING),
            (0, leads(1), NOTHING),
            (0, r#"state {"term":1,"commit":7}"#.to_owned(), NOTHING),
            (0, "I am the leader of term 1".to_owned(), NOTHING),
            (1, follows(1), NOTHING),
            // Its state is known, and does not say yet that it leads.
            (1, "became leader".to_owned(), BEGINS),
            (1, leads(1), beside(false, 1, 0)),
            (1, follows(1), NOTHING),
            (0, leads(2), BEGINS),
            (0, follows(2), NOTHING),
            (0, leads(2), BEGINS),
            (1, leads(2), beside(true, 2, 0)),
            (1, leads(2), NOTHING),
            (2, leads(2), beside(true, 2, 0)),
            (1, leads(3), BEGINS),
            (0, r#"state {"role":"leader"}"#.to_owned(), BEGINS),
            (2, r#"state {"role":"leader"}"#.to_owned(), BEGINS),
        ] {
            assert_eq!(leaders.take(node, line.as_bytes()), expected, "{node} {line}");
        }
        assert_eq!(leaders.latest(), Some(2));
        // A life begins with nothing said.
        leaders.forget(2);
        assert_eq!((leaders.latest(), leaders.leading()), (Some(2), None));
        assert_eq!(leaders.take(2, r#"state {"role":"leader"}"#.as_bytes()), BEGINS);
    }

    /// Whoever says again and again that it leads begins to do so once, until it says that it does
    /// not, or another one begins.
    #[test]
    fn words_count_once() {
        let mut leaders = Leaders::new(2, true);
        for (node, line, begins) in [
            (0, "I am the leader, and have 7 entries", true),
            (0, "I am the leader, and have 8 entries", false),
            (0, "stepping down", false),
            (0, "I am the leader, and have 9 entries", true),
            (1, "became leader", true),
            (1, "became leader", true),
            (0, "I am the leader", true),
            (0, "I am a follower", false),
            (0, "I am the leader", true),
        ] {
            assert_eq!(leaders.take(node, line.as_bytes()).begins, begins, "{node} {line}");
        }
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

    /// A node that counts up for ever does not fill the memory, and hides no later term.
    #[test]
    fn terms_are_bounded() {
        let leads = |term| format!(r#"state {{"term":{term},"role":"leader"}}"#);
        let mut leaders = Leaders::new(2, false);
        for term in 0..2 * TERMS_MAX as u64 {
            assert_eq!(leaders.take(0, leads(term).as_bytes()), BEGINS);
        }
        assert_eq!(leaders.terms.len(), TERMS_MAX);
        let last = 2 * TERMS_MAX as u64 - 1;
        let said = leaders.take(1, leads(last).as_bytes());
        assert_eq!(said, Said { begins: true, beside: Some((last, 0)) });
    }
}
