//! What nodes say of their state: lines of their logs that are the word `state` and a JSON object.
//!
//! `state {"term":3,"role":"leader","leader":"n1","commit":17,"log":[1,20]}`: each key may be left
//! out, and those that are not known are passed over. It holds until the node's next such line. The
//! book's page on what a run leaves describes them for those who write nodes.

use serde::Deserialize;

/// What such a line begins with.
const WORD: &[u8] = b"state {";

/// A state as a node writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NodeState {
    /// The term, or whatever else counts leaders.
    #[serde(default)]
    pub term: Option<u64>,
    /// `leader`, `follower` and so on.
    #[serde(default)]
    pub role: Option<String>,
    /// Whom it takes for the leader.
    #[serde(default)]
    pub leader: Option<String>,
    /// Up to where its log is committed.
    #[serde(default)]
    pub commit: Option<u64>,
    /// The first and the last entry of its log.
    #[serde(default)]
    pub log: Option<(u64, u64)>,
}

impl NodeState {
    /// Reads a line without its end; `None` if it is any other.
    pub fn read(line: &[u8]) -> Option<NodeState> {
        if !line.starts_with(WORD) {
            return None;
        }
        let state: NodeState = serde_json::from_slice(&line[WORD.len() - 1..]).ok()?;
        (state != NodeState::default()).then_some(state)
    }

    /// True if it says that the node leads.
    pub fn leads(&self) -> bool {
        self.role.as_ref().is_some_and(|role| role.eq_ignore_ascii_case("leader"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_states_and_lines_that_are_not() {
        let read = |line: &str| NodeState::read(line.as_bytes());
        let expected = NodeState {
            term: Some(3),
            role: Some("leader".to_owned()),
            leader: Some("n1".to_owned()),
            commit: Some(17),
            log: Some((1, 20)),
        };
        for line in [
            r#"state {"term":3,"role":"leader","leader":"n1","commit":17,"log":[1,20],"x":{}}"#,
            // As Python writes it.
            r#"state {"log": [1, 20], "term": 3, "role": "leader", "leader": "n1", "commit": 17}"#,
        ] {
            let state = read(line).expect("a state");
            assert_eq!(state, expected, "{line}");
            assert!(state.leads());
        }
        let term = NodeState { term: Some(0), ..NodeState::default() };
        for line in [r#"state {"term":0}"#, r#"state {"term":0,"leader":null}"#] {
            assert_eq!(read(line).as_ref(), Some(&term), "{line}");
            assert!(!term.leads());
        }
        for line in [
            "state",
            "state {}",
            r#"state {"other":1}"#,
            r#"state {"term":-1}"#,
            r#"state {"term":"3"}"#,
            r#"state {"term":1} and more"#,
            r#"state {"log":[1]}"#,
            r#"the state {"term":1}"#,
            r#"state  {"term":1}"#,
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
