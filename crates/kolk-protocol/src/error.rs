//! Error codes and what they say about an operation.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The code of an error reply.
///
/// The named ones are Maelstrom's
/// (<https://github.com/jepsen-io/maelstrom/blob/main/doc/protocol.md#errors>); codes from 1000 up
/// are free for a program's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorCode(pub u32);

impl ErrorCode {
    /// No answer came in time: the operation may have happened.
    pub const TIMEOUT: ErrorCode = ErrorCode(0);
    /// The request was sent to a node that does not exist.
    pub const NODE_NOT_FOUND: ErrorCode = ErrorCode(1);
    /// The node does not support this type of request.
    pub const NOT_SUPPORTED: ErrorCode = ErrorCode(10);
    /// The node cannot perform the operation now, but may be able to later.
    pub const TEMPORARILY_UNAVAILABLE: ErrorCode = ErrorCode(11);
    /// The request's body does not have the form that its type asks for.
    pub const MALFORMED_REQUEST: ErrorCode = ErrorCode(12);
    /// An internal error of the node: the operation may have happened.
    pub const CRASH: ErrorCode = ErrorCode(13);
    /// The operation was aborted and surely did not happen.
    pub const ABORT: ErrorCode = ErrorCode(14);
    /// The key does not exist.
    pub const KEY_DOES_NOT_EXIST: ErrorCode = ErrorCode(20);
    /// The key exists already.
    pub const KEY_ALREADY_EXISTS: ErrorCode = ErrorCode(21);
    /// A condition of the request did not hold, such as a compare-and-set's `from`.
    pub const PRECONDITION_FAILED: ErrorCode = ErrorCode(22);
    /// The transaction was aborted because of another one.
    pub const TXN_CONFLICT: ErrorCode = ErrorCode(30);

    /// True if the operation surely did not happen. Codes nobody has defined are indefinite.
    pub const fn is_definite(self) -> bool {
        matches!(self.0, 1 | 10 | 11 | 12 | 14 | 20 | 21 | 22 | 30)
    }

    /// The code's name in Maelstrom's documentation, if it has one.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "timeout",
            1 => "node-not-found",
            10 => "not-supported",
            11 => "temporarily-unavailable",
            12 => "malformed-request",
            13 => "crash",
            14 => "abort",
            20 => "key-does-not-exist",
            21 => "key-already-exists",
            22 => "precondition-failed",
            30 => "txn-conflict",
            _ => return None,
        })
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// An error as a reply carries it, and as the caller of an RPC gets it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error {code}: {text}")]
pub struct RpcError {
    /// The kind of error.
    pub code: ErrorCode,
    /// A description of the error, for people.
    pub text: String,
}

impl RpcError {
    /// An error with this code and text.
    pub fn new(code: ErrorCode, text: impl Into<String>) -> RpcError {
        RpcError { code, text: text.into() }
    }

    /// True if the operation surely did not happen; otherwise it may have.
    pub const fn is_definite(&self) -> bool {
        self.code.is_definite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definite_codes() {
        let definite: Vec<u32> = (0..2000).filter(|code| ErrorCode(*code).is_definite()).collect();
        assert_eq!(definite, [1, 10, 11, 12, 14, 20, 21, 22, 30]);
    }
}
