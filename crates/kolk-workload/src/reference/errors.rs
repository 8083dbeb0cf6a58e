//! Error codes.

/// What there is to know of an error code.
#[derive(Clone, Copy, Debug)]
pub struct ErrorDoc {
    /// The number in `code`.
    pub code: u32,
    /// Its name.
    pub name: &'static str,
    /// True if it promises that the operation did not happen, and never will.
    pub is_definite: bool,
    /// What it says, a sentence.
    pub about: &'static str,
    /// When to answer with it, or what to do about it, a sentence.
    pub advice: &'static str,
}

/// All that have a name.
pub const ERRORS: &[ErrorDoc] = &[
    ErrorDoc {
        code: 0,
        name: "timeout",
        is_definite: false,
        about: "No answer came in time.",
        advice: "The operation may have happened, or may yet: read before you repeat it, unless \
                 it may safely happen twice.",
    },
    ErrorDoc {
        code: 1,
        name: "node-not-found",
        is_definite: true,
        about: "The request was for a node that does not exist.",
        advice: "Look at `dest`: a name from `node_ids`, or a service.",
    },
    ErrorDoc {
        code: 10,
        name: "not-supported",
        is_definite: true,
        about: "The receiver knows no request of this `type`.",
        advice: "Answer every request of a type you do not know with it, so that nobody waits.",
    },
    ErrorDoc {
        code: 11,
        name: "temporarily-unavailable",
        is_definite: true,
        about: "It cannot be done now; it may be later.",
        advice: "Answer with it only if nothing was done: a node that cannot reach its leader \
                 before it has sent anything.",
    },
    ErrorDoc {
        code: 12,
        name: "malformed-request",
        is_definite: true,
        about: "The request's body does not fit its `type`.",
        advice: "Look at the keys of the body and at what stands there.",
    },
    ErrorDoc {
        code: 13,
        name: "crash",
        is_definite: false,
        about: "Something went wrong inside.",
        advice: "Answer with it when an exception came from the midst of an operation: it may \
                 have happened.",
    },
    ErrorDoc {
        code: 14,
        name: "abort",
        is_definite: true,
        about: "The operation was given up, and did not happen.",
        advice: "Answer with it when you chose not to do it, and are sure that nobody will.",
    },
    ErrorDoc {
        code: 20,
        name: "key-does-not-exist",
        is_definite: true,
        about: "There is no such key.",
        advice: "A key exists once it was written. A counter that finds none begins at 0.",
    },
    ErrorDoc {
        code: 21,
        name: "key-already-exists",
        is_definite: true,
        about: "The key is there already.",
        advice: "No service of kolk answers with it; it is there for yours.",
    },
    ErrorDoc {
        code: 22,
        name: "precondition-failed",
        is_definite: true,
        about: "A condition of the request did not hold, such as `from` of a `cas`.",
        advice: "Read again, compute again, try again; the text shows the present value.",
    },
    ErrorDoc {
        code: 30,
        name: "txn-conflict",
        is_definite: true,
        about: "The transaction was aborted because of another one.",
        advice: "Answer with it only if none of its writes can be seen, now or later.",
    },
];

/// The code with this number or name.
pub fn error(code: &str) -> Option<&'static ErrorDoc> {
    ERRORS.iter().find(|doc| doc.name == code || code.parse() == Ok(doc.code))
}
