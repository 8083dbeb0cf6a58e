//! Updates of the store, and their outcomes.

use kolk_node::{Datum, ErrorCode, RpcError};
use kolk_replica::versions::Versions;
use serde::{Deserialize, Serialize};

/// Something that changes the store, or would if a key were as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Update {
    /// Changes nothing, and stands in the order of updates all the same: a node that has done it
    /// has all that was acknowledged to anybody before.
    Sync,
    /// Sets a key.
    Write {
        /// The key.
        key: Datum,
        /// The value to set.
        value: Datum,
    },
    /// Sets a key that does not exist.
    Create {
        /// The key.
        key: Datum,
        /// The value to set.
        value: Datum,
    },
    /// Sets a key if it has the expected value.
    Cas {
        /// The key.
        key: Datum,
        /// The expected value.
        from: Datum,
        /// The value to set.
        to: Datum,
        /// If true, the key is also set if it does not exist.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        create_if_not_exists: bool,
    },
}

/// The outcome of an update. All but [`Outcome::Done`] say that nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The update was performed.
    Done,
    /// The key does not exist.
    NoSuchKey,
    /// The key has another value than the one expected, or has one where none was: this one.
    Differs(Datum),
}

/// The error of a key that does not exist: error 20.
pub(crate) fn no_such_key() -> RpcError {
    RpcError::new(ErrorCode::KEY_DOES_NOT_EXIST, "key does not exist")
}

impl Outcome {
    /// The outcome as a client is told it: error 20 or 22 if the update was not performed.
    ///
    /// # Errors
    ///
    /// If the update was not performed.
    pub fn into_result(self) -> Result<(), RpcError> {
        match self {
            Outcome::Done => Ok(()),
            Outcome::NoSuchKey => Err(no_such_key()),
            Outcome::Differs(value) => {
                let text = format!("the current value is {value}");
                Err(RpcError::new(ErrorCode::PRECONDITION_FAILED, text))
            }
        }
    }
}

impl Update {
    /// Performs it on the map that all copies follow.
    pub(crate) fn perform(self, map: &mut Versions<Datum, Datum>) -> Outcome {
        let current = |key: &Datum| map.get(key).cloned();
        let (key, value) = match self {
            Update::Sync => return Outcome::Done,
            Update::Write { key, value } => (key, value),
            Update::Create { key, value } => match current(&key) {
                Some(current) => return Outcome::Differs(current),
                None => (key, value),
            },
            Update::Cas { key, from, to, create_if_not_exists } => match current(&key) {
                None if !create_if_not_exists => return Outcome::NoSuchKey,
                Some(current) if current != from => return Outcome::Differs(current),
                _ => (key, to),
            },
        };
        map.set(key, value);
        Outcome::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_updates() {
        let datum = |json: &str| Datum::parse(json).expect("JSON");
        let key = || datum("\"k\"");
        let cas = |from: &str, to: &str, create_if_not_exists| {
            let (from, to) = (datum(from), datum(to));
            Update::Cas { key: key(), from, to, create_if_not_exists }
        };
        let mut map = Versions::default();
        for (update, outcome, value, position) in [
            (cas("1", "2", false), Outcome::NoSuchKey, None, 0),
            (Update::Sync, Outcome::Done, None, 0),
            (cas("1", "2", true), Outcome::Done, Some("2"), 1),
            (cas("1", "3", true), Outcome::Differs(datum("2")), Some("2"), 1),
            (cas("2", "4", false), Outcome::Done, Some("4"), 2),
            (
                Update::Create { key: key(), value: datum("4") },
                Outcome::Differs(datum("4")),
                Some("4"),
                2,
            ),
            (Update::Write { key: key(), value: datum("[5]") }, Outcome::Done, Some("[5]"), 3),
            (Update::Create { key: datum("0"), value: datum("1") }, Outcome::Done, Some("[5]"), 4),
        ] {
            assert_eq!(update.clone().perform(&mut map), outcome, "{update:?}");
            assert_eq!(map.get(&key()).map(Datum::text), value, "{update:?}");
            assert_eq!(map.position(), position, "{update:?}");
        }
    }
}
