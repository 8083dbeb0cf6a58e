//! Histories in Jepsen's own formats: `history.edn` and `history.txt`.
//!
//! `history.edn` holds one operation map a line, as Jepsen's and Elle's tools read it:
//! `{:index 4, :time 1000000, :type :ok, :process 0, :f :read, :value [1 2], :node "n1"}`, with
//! `:final? true`, `:convergence? true` and `:error` where they apply; faults are the process
//! `:nemesis`. The value of an echo that was answered is the reply's body, as Jepsen's checker
//! wants it: `{:type "echo_ok", :echo "Please echo 7"}`. `history.txt` is for people and `grep`:
//! process, type, function, value and error, with tabs between.

mod reader;

use kolk_protocol::Time;

use crate::history::{AnyEvent, Event, EventKind, FaultEvent, History};
use crate::{Function, Outcome, Phase, Value, edn};

pub use reader::read;
#[cfg(test)]
pub(crate) use reader::read_parts;

/// Appends a client's event as one line of `history.edn`. `nodes` are the names that
/// [`Event::node`] points into.
pub fn write_event(out: &mut Vec<u8>, event: &Event, nodes: &[String]) {
    begin(out, event.index, event.time, event.kind.name());
    out.extend_from_slice(b", :process ");
    out.extend_from_slice(itoa::Buffer::new().format(event.process).as_bytes());
    out.extend_from_slice(b", :f :");
    out.extend_from_slice(event.function.name().as_bytes());
    out.extend_from_slice(b", :value ");
    if event.function == Function::Echo && event.kind == EventKind::Complete(Outcome::Ok) {
        // Jepsen's checker looks for the payload in the reply's body.
        edn::write(out, &reply_to_echo(&event.value));
    } else {
        edn::write(out, &event.value);
    }
    match event.phase {
        Phase::Load => {}
        Phase::Final => out.extend_from_slice(b", :final? true"),
        Phase::Convergence => out.extend_from_slice(b", :convergence? true"),
    }
    if !event.error.is_null() {
        out.extend_from_slice(b", :error ");
        edn::write(out, &event.error);
    }
    if let Some(name) = event.node.and_then(|node| nodes.get(usize::from(node))) {
        out.extend_from_slice(b", :node ");
        edn::write(out, &Value::text(name.as_str()));
    }
    out.extend_from_slice(b"}\n");
}

/// The type of the reply to an echo.
const ECHO_OK: &str = "echo_ok";

/// The body of the reply that carried a payload back, without the numbers of messages.
fn reply_to_echo(payload: &Value) -> Value {
    Value::map(vec![
        (Value::Keyword(&"type"), Value::text(ECHO_OK)),
        (Value::Keyword(&"echo"), payload.clone()),
    ])
}

/// Appends a fault's event as one line of `history.edn`.
pub fn write_fault(out: &mut Vec<u8>, event: &FaultEvent) {
    begin(out, event.index, event.time, "info");
    out.extend_from_slice(b", :process :nemesis, :f ");
    write_name(out, &event.function);
    out.extend_from_slice(b", :value ");
    edn::write(out, &event.value);
    out.extend_from_slice(b"}\n");
}

/// Appends a fault's name as a keyword, or as a string if it cannot be one.
fn write_name(out: &mut Vec<u8>, name: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !name.is_empty() && name.bytes().all(plain) {
        out.push(b':');
        out.extend_from_slice(name.as_bytes());
    } else {
        edn::write(out, &Value::text(name));
    }
}

fn begin(out: &mut Vec<u8>, index: u32, time: Time, kind: &str) {
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(b"{:index ");
    out.extend_from_slice(digits.format(index).as_bytes());
    out.extend_from_slice(b", :time ");
    out.extend_from_slice(digits.format(time.as_nanos()).as_bytes());
    out.extend_from_slice(b", :type :");
    out.extend_from_slice(kind.as_bytes());
}

/// Appends a whole history as `history.edn`.
pub fn write(out: &mut Vec<u8>, history: &History) {
    for event in history.events() {
        match event {
            AnyEvent::Client(event) => write_event(out, &event, &history.nodes),
            AnyEvent::Fault(fault) => write_fault(out, fault),
        }
    }
}

/// Appends a whole history as `history.txt`.
pub fn write_text(out: &mut Vec<u8>, history: &History) {
    for event in history.events() {
        let (value, error) = match &event {
            AnyEvent::Client(event) => {
                out.extend_from_slice(itoa::Buffer::new().format(event.process).as_bytes());
                out.extend_from_slice(b"\t:");
                out.extend_from_slice(event.kind.name().as_bytes());
                out.extend_from_slice(b"\t:");
                out.extend_from_slice(event.function.name().as_bytes());
                (&event.value, Some(&event.error).filter(|error| !error.is_null()))
            }
            AnyEvent::Fault(fault) => {
                out.extend_from_slice(b":nemesis\t:info\t");
                write_name(out, &fault.function);
                (&fault.value, None)
            }
        };
        out.push(b'\t');
        edn::write(out, value);
        if let Some(error) = error {
            out.push(b'\t');
            edn::write(out, error);
        }
        out.push(b'\n');
    }
}
