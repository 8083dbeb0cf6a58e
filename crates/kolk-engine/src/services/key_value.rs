//! What the three key-value services share: requests, what they do to one value, and replies.

use kolk_protocol::Datum;
use kolk_protocol::message::Body;
use kolk_protocol::scan::{ScanError, Scanner};
use kolk_protocol::{ErrorCode, RpcError};

use super::{unknown_type, write_error, write_reply};

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
    /// Writes the reply; returns false if none is wanted.
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

/// Reads a request, lets `act` answer it, and writes the reply. Returns false if none is wanted.
pub(super) fn serve(
    service: &str,
    body: &Body<'_>,
    reply: &mut Vec<u8>,
    act: impl FnOnce(&Request) -> Answer,
) -> bool {
    match Request::read(service, body) {
        Ok(request) => act(&request).write(body, reply),
        Err(error) => write_error(reply, body, &error),
    }
}

impl Request {
    fn read(service: &str, body: &Body<'_>) -> Result<Request, RpcError> {
        let kind = &*body.kind;
        if !matches!(kind, "read" | "write" | "cas") {
            return Err(unknown_type(service, body, "`read`, `write` and `cas`"));
        }
        let fields = Fields::read(body).map_err(|error| malformed(error.to_string()))?;
        let needed = |name: &str, field: Option<Datum>| {
            field.ok_or_else(|| malformed(format!("`{kind}` needs `{name}`")))
        };
        let action = match kind {
            "read" => Action::Read,
            "write" => Action::Write { value: needed("value", fields.value)? },
            _ => Action::Cas {
                from: needed("from", fields.from)?,
                to: needed("to", fields.to)?,
                create_if_not_exists: match fields.create_if_not_exists {
                    None | Some("false" | "null") => false,
                    Some("true") => true,
                    Some(other) => {
                        return Err(malformed(format!(
                            "`create_if_not_exists` must be true or false, not {other}"
                        )));
                    }
                },
            },
        };
        Ok(Request { key: needed("key", fields.key)?, action })
    }
}

fn malformed(text: String) -> RpcError {
    RpcError::new(ErrorCode::MALFORMED_REQUEST, text)
}

/// A body's fields, as far as a key-value request has them.
#[derive(Default)]
struct Fields<'a> {
    key: Option<Datum>,
    value: Option<Datum>,
    from: Option<Datum>,
    to: Option<Datum>,
    create_if_not_exists: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn read(body: &Body<'a>) -> Result<Fields<'a>, ScanError> {
        let mut fields = Fields::default();
        Scanner::new(body.json).object(|scanner, name, _| {
            let json = scanner.value()?;
            match &*name {
                "key" => fields.key = Some(Datum::parse(json)?),
                "value" => fields.value = Some(Datum::parse(json)?),
                "from" => fields.from = Some(Datum::parse(json)?),
                "to" => fields.to = Some(Datum::parse(json)?),
                "create_if_not_exists" => fields.create_if_not_exists = Some(json),
                _ => {}
            }
            Ok::<(), ScanError>(())
        })?;
        Ok(fields)
    }
}
