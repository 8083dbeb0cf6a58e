//! What the three key-value services share: requests, what they do to one value, and replies.

use kolk_protocol::Datum;
use kolk_protocol::message::Body;
use kolk_protocol::scan::{ScanError, Scanner};
use kolk_protocol::{ErrorCode, RpcError};

use super::{refuse, write_error, write_reply};

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) key: Datum,
    pub(super) action: Action,
}

/// What a request wants of its key's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Read,
    Write { value: Datum },
    Cas { from: Datum, to: Datum, create_if_not_exists: bool },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Read(Datum),
    Written,
    Swapped,
    NoSuchKey,
    Mismatch { current: Datum, from: Datum },
}

impl Action {
    /// Acts on the present value, if there is one: the answer, and the value to store, if any; it
    /// may be the one that is there.
    pub(super) fn apply(&self, current: Option<&Datum>) -> (Answer, Option<Datum>) {
        match (self, current) {
            (Action::Read, Some(value)) => (Answer::Read(value.clone()), None),
            (Action::Write { value }, _) => (Answer::Written, Some(value.clone())),
            (Action::Cas { from, to, .. }, Some(current)) if from == current => {
                (Answer::Swapped, Some(to.clone()))
            }
            (Action::Cas { from, .. }, Some(current)) => {
                (Answer::Mismatch { current: current.clone(), from: from.clone() }, None)
            }
            (Action::Cas { to, create_if_not_exists: true, .. }, None) => {
                (Answer::Swapped, Some(to.clone()))
            }
            (Action::Read | Action::Cas { .. }, None) => (Answer::NoSuchKey, None),
        }
    }
}

impl Answer {
    /// Writes the reply.
    pub(super) fn write(&self, request: &Body<'_>, reply: &mut Vec<u8>) -> bool {
        let error = match self {
            Answer::Read(value) => {
                return write_reply(reply, request, "read_ok", |reply| {
                    reply.extend_from_slice(b",\"value\":");
                    reply.extend_from_slice(value.text().as_bytes());
                });
            }
            Answer::Written => return write_reply(reply, request, "write_ok", |_| {}),
            Answer::Swapped => return write_reply(reply, request, "cas_ok", |_| {}),
            Answer::NoSuchKey => RpcError::new(ErrorCode::KEY_DOES_NOT_EXIST, "key does not exist"),
            Answer::Mismatch { current, from } => RpcError::new(
                ErrorCode::PRECONDITION_FAILED,
                format!("current value {} is not {}", current.text(), from.text()),
            ),
        };
        write_error(reply, request, &error)
    }
}

/// Reads a request, lets `act` answer it, and writes the reply. Returns false if there is none.
pub(super) fn serve(
    service: &str,
    body: &Body<'_>,
    reply: &mut Vec<u8>,
    act: impl FnOnce(&Request) -> Answer,
) -> bool {
    if !matches!(&*body.kind, "read" | "write" | "cas") {
        return refuse(reply, body, service, "`read`, `write` and `cas`");
    }
    match Request::read(body) {
        Ok(request) => act(&request).write(body, reply),
        Err(error) => {
            let error = RpcError::new(ErrorCode::MALFORMED_REQUEST, error.to_string());
            write_error(reply, body, &error)
        }
    }
}

impl Request {
    /// Reads a request of a known type. What it leaves out is null, as serializers leave out what
    /// is empty: Go's `omitempty`, Rust's `skip_serializing_if`.
    fn read(body: &Body<'_>) -> Result<Request, ScanError> {
        let [mut key, mut value, mut from, mut to] = [const { None }; 4];
        let mut create_if_not_exists = false;
        Scanner::new(body.json).object(|scanner, name, _| {
            let json = scanner.value()?;
            match &*name {
                "key" => key = Some(Datum::parse(json)?),
                "value" => value = Some(Datum::parse(json)?),
                "from" => from = Some(Datum::parse(json)?),
                "to" => to = Some(Datum::parse(json)?),
                // True is whatever is not false or null.
                "create_if_not_exists" => create_if_not_exists = !matches!(json, "false" | "null"),
                _ => {}
            }
            Ok::<(), ScanError>(())
        })?;
        let or_null = |field: Option<Datum>| field.unwrap_or_else(Datum::null);
        let action = match &*body.kind {
            "read" => Action::Read,
            "write" => Action::Write { value: or_null(value) },
            _ => Action::Cas { from: or_null(from), to: or_null(to), create_if_not_exists },
        };
        Ok(Request { key: or_null(key), action })
    }
}
