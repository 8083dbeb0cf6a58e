//! The names of a run's nodes, checked.
//!
//! A node's name becomes the name of its log file and an address on the network, and it comes from
//! command lines and from plans that others wrote. [`NodeNames`] is the one door: whoever holds
//! one need not check again.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// The most nodes that a run may have.
pub const NODES_MAX: usize = 1000;

/// The names of a run's nodes, in their order: at least one, none of them twice, and each fit to be
/// a file's name and an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct NodeNames(Vec<String>);

/// Why these cannot be the nodes of a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NodeNamesError {
    /// No nodes, or too many.
    #[error("there must be 1 to {NODES_MAX} nodes")]
    Count,
    /// A name that no node can have.
    #[error("node name `{name}` {problem}", name = name.escape_debug())]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it, as a verb phrase.
        problem: &'static str,
    },
}

impl TryFrom<Vec<String>> for NodeNames {
    type Error = NodeNamesError;

    fn try_from(names: Vec<String>) -> Result<NodeNames, NodeNamesError> {
        if names.is_empty() || names.len() > NODES_MAX {
            return Err(NodeNamesError::Count);
        }
        for (at, name) in names.iter().enumerate() {
            let is_known = names[..at].contains(name);
            if let Some(problem) = problem(name).or(is_known.then_some("comes twice")) {
                return Err(NodeNamesError::Name { name: name.clone(), problem });
            }
        }
        Ok(NodeNames(names))
    }
}

/// The names as they are, where a list is wanted that may be changed.
impl From<NodeNames> for Vec<String> {
    fn from(names: NodeNames) -> Vec<String> {
        names.0
    }
}

impl Deref for NodeNames {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a NodeNames {
    type Item = &'a String;
    type IntoIter = std::slice::Iter<'a, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Why a node cannot be called so. A name becomes the name of a log file, and must not be taken
/// for a client's or a service's.
fn problem(name: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 {
        return Some("must have 1 to 64 characters");
    }
    if !name.chars().all(plain) || name.starts_with('.') || name.starts_with('-') {
        return Some(
            "may only hold letters, digits, `-`, `_` and `.`, and begin with none of `-.`",
        );
    }
    if matches!(name, "lin-kv" | "seq-kv" | "lww-kv" | "lin-tso" | "clock" | "nemesis") {
        return Some("is the name of something else");
    }
    let number = name.strip_prefix('c')?;
    let is_client = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_client.then_some("is a client's name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_where_they_are_read() {
        for (text, problem) in [
            (r#"["n0","n1"]"#, ""),
            (r#"["a.b","A-1_"]"#, ""),
            ("[]", "1 to 1000 nodes"),
            (r#"["n0","n0"]"#, "comes twice"),
            (r#"[""]"#, "1 to 64 characters"),
            (r#"["../../../victim"]"#, "may only hold"),
            (r#"["/etc/passwd"]"#, "may only hold"),
            (r#"[".."]"#, "may only hold"),
            (r#"["n\u0000"]"#, r"`n\0` may only hold"),
            (r#"["-rf"]"#, "begin with none of"),
            (r#"["lin-kv"]"#, "something else"),
            (r#"["c7"]"#, "client's name"),
        ] {
            let found = serde_json::from_str::<NodeNames>(text).err();
            let found = found.map_or(String::new(), |error| error.to_string());
            assert!(found.contains(problem) && found.is_empty() == problem.is_empty(), "{found}");
        }
    }
}
