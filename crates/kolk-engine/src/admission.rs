//! What the wire admits: whether what a node wrote is a message, from whom, and to whom.
//!
//! It is decided here and nowhere else, for programs on either clock and for nodes in this process.
//! What Maelstrom lets pass is let pass; what it lets pass only because it does not look is noted
//! with a warning that quotes the line. What it would stop reading a node for is a violation.

use std::borrow::Cow;

use kolk_history::summary::ViolationKind;
use kolk_protocol::message::{Body, Line, LineError, Marks, is_integer};
use kolk_protocol::scan::CONTROL_CHARACTER;
use kolk_protocol::write_line;

use crate::endpoint::Endpoint;
use crate::host::HostFailure;
use crate::run::EngineError;
use crate::simulation::{Cause, Simulation};

/// A message that a node wants sent, as far as it can be read without knowing who there is.
struct Said<'a> {
    src: Cow<'a, str>,
    dest: Cow<'a, str>,
    body: Body<'a>,
    /// The line it stands on; none if the node runs in this process and wrote none.
    line: Option<&'a str>,
}

impl Said<'_> {
    /// The line, made up if there is none.
    fn text(&self) -> Cow<'_, str> {
        match self.line {
            Some(line) => line.into(),
            None => {
                let mut line = Vec::new();
                write_line(&mut line, None, None, &self.src, &self.dest, self.body.json.as_bytes());
                String::from_utf8_lossy(line.trim_ascii_end()).into_owned().into()
            }
        }
    }

    /// A failure that quotes the line, and in it the part that is at fault.
    fn failure(
        &self,
        kind: ViolationKind,
        part: &str,
        problem: String,
        advice: String,
    ) -> HostFailure {
        let text = self.text();
        let quoted = format!("\"{part}\"");
        let span = place(&text, part)
            .or_else(|| text.find(&quoted).map(|from| (from, from + quoted.len())));
        HostFailure::plain(kind, problem, advice).with_line(&text, span)
    }
}

/// Where `part`, which was cut out of `text`, stands in it; a string with its quotation marks.
fn place(text: &str, part: &str) -> Option<(usize, usize)> {
    let from = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let to = from + part.len();
    if to > text.len() || part.is_empty() {
        return None;
    }
    let bytes = text.as_bytes();
    let is_string = from > 0 && bytes[from - 1] == b'"' && bytes.get(to) == Some(&b'"');
    Some(if is_string { (from - 1, to + 1) } else { (from, to) })
}

impl Simulation<'_> {
    /// Takes a line that a program wrote: sends the message it holds, if the protocol allows it.
    pub(crate) fn take_line(
        &mut self,
        node: u16,
        bytes: &[u8],
        cause: Cause,
    ) -> Result<(), EngineError> {
        // A blank line does no harm, and many a runtime prints one.
        if bytes.trim_ascii().is_empty() {
            return Ok(());
        }
        let read = std::str::from_utf8(bytes)
            .map_err(|error| LineError::NotUtf8 { offset: error.valid_up_to() })
            .and_then(|text| Ok((text, Line::parse_first(text)?)));
        let error = match read {
            Ok((text, (line, rest))) => return self.take_message(node, text, line, rest, cause),
            Err(error) => error,
        };
        let text = String::from_utf8_lossy(bytes);
        let mended = is_forgiven(&error).then(|| escape_controls(&text));
        match mended.as_deref().map(Line::parse_first) {
            Some(Ok((line, rest))) => {
                let mended = mended.as_deref().unwrap_or_default();
                self.warning(node, ViolationKind::LooseJson, || {
                    let mut failure = HostFailure::line_error(&text, &error);
                    failure.violation.kind = ViolationKind::LooseJson;
                    failure
                });
                self.take_message(node, mended, line, rest, cause)
            }
            Some(Err(error)) => {
                let mended = mended.as_deref().unwrap_or_default();
                self.violation(node, HostFailure::line_error(mended, &error));
                Ok(())
            }
            None => {
                self.violation(node, HostFailure::line_error(&text, &error));
                Ok(())
            }
        }
    }

    fn take_message(
        &mut self,
        node: u16,
        text: &str,
        line: Line<'_>,
        rest: usize,
        cause: Cause,
    ) -> Result<(), EngineError> {
        if rest < text.len() {
            self.warning(node, ViolationKind::TextAfterMessage, || {
                HostFailure::plain(
                    ViolationKind::TextAfterMessage,
                    "more follows the message on its line, and nobody reads it".to_owned(),
                    "A line holds one message. If several threads write, only one may write at a \
                     time, and each message ends with a newline."
                        .to_owned(),
                )
                .with_line(text, Some((rest, text.len())))
            });
        }
        let Line { src, dest, body, .. } = line;
        self.admit(node, &Said { src, dest, body, line: Some(text) }, cause)
    }

    /// Takes a message of a node in this process, which speaks for itself alone. Its body is
    /// scanned unless its writer has told what a scan would find.
    pub(crate) fn take_body(
        &mut self,
        node: u16,
        (dest, json, marks): (&str, &str, Option<&Marks>),
        cause: Cause,
    ) -> Result<(), EngineError> {
        match marks.map_or_else(|| Body::parse(json), |marks| Ok(marks.body(json))) {
            Ok(body) => {
                let src = self.directory.name(Endpoint::Node(node)).to_owned().into();
                self.admit(node, &Said { src, dest: dest.into(), body, line: None }, cause)
            }
            Err(error) => {
                self.violation(node, HostFailure::line_error(json, &error));
                Ok(())
            }
        }
    }

    /// Sends a message if there are such a sender and such a receiver.
    fn admit(&mut self, node: u16, said: &Said<'_>, cause: Cause) -> Result<(), EngineError> {
        let own = Endpoint::Node(node);
        let is_own = said.src == self.directory.name(own);
        let src = if is_own { Some(own) } else { self.directory.find(&said.src) };
        let Some(src) = src else {
            let failure = self.unknown_source(said, node);
            self.violation(node, failure);
            return Ok(());
        };
        let Some(dest) = self.directory.find(&said.dest) else {
            let failure = self.unknown_destination(said);
            self.violation(node, failure);
            return Ok(());
        };
        if dest.is_client()
            && let Some(failure) = misnumbered(said)
        {
            self.violation(node, failure);
            return Ok(());
        }
        if src != own {
            let name = self.directory.name(own).to_owned();
            self.warning(node, ViolationKind::ForeignSource, || foreign_source(said, &name));
        }
        if said.body.kind.is_empty() {
            self.warning(node, ViolationKind::NoType, || no_type(said));
        }
        if dest.is_client() && said.body.kind == "error" {
            let code = said.body.field("code");
            if !code.is_some_and(is_integer) {
                self.warning(node, ViolationKind::NoErrorCode, || no_error_code(said, code));
            }
        }
        self.send((src, dest), &said.body, cause)
    }

    fn unknown_source(&self, said: &Said<'_>, node: u16) -> HostFailure {
        let node = self.directory.name(Endpoint::Node(node));
        let problem = format!(
            "the message says it comes from `{}`, who does not exist; `{node}` sent it",
            said.src
        );
        let advice = format!(
            "`src` must be the node's own id, which `init` gave as `node_id`: here `{node}`."
        );
        said.failure(ViolationKind::UnknownSource, &said.src, problem, advice)
    }

    fn unknown_destination(&self, said: &Said<'_>) -> HostFailure {
        let problem = format!("there is no `{}` to send to", said.dest);
        let advice = format!(
            "There are the nodes {}, the clients that sent requests, and the services lin-kv, \
             seq-kv, lww-kv and lin-tso.",
            self.directory.nodes().join(", ")
        );
        said.failure(ViolationKind::UnknownDestination, &said.dest, problem, advice)
    }
}

/// What is wrong with the numbers of a message to a client, whose own are integers.
fn misnumbered(said: &Said<'_>) -> Option<HostFailure> {
    let body = &said.body;
    let in_reply_to = body.in_reply_to?;
    let is_read = body.kind != "error";
    let numbers = [("in_reply_to", Some(in_reply_to)), ("msg_id", body.msg_id.filter(|_| is_read))];
    let (key, json) = numbers
        .into_iter()
        .find_map(|(key, json)| Some((key, json.filter(|json| !is_integer(json))?)))?;
    let text = said.text();
    let offset = place(&text, json).map_or(0, |(from, _)| from);
    let error = LineError::WrongKind { key, expected: "an integer", offset };
    Some(HostFailure::line_error(&text, &error))
}

fn foreign_source(said: &Said<'_>, node: &str) -> HostFailure {
    let problem = format!("the message says it comes from `{}`, and `{node}` sent it", said.src);
    let advice = format!(
        "It was delivered as it is. `src` should be the node's own id, which `init` gave as \
         `node_id`: here `{node}`."
    );
    said.failure(ViolationKind::ForeignSource, &said.src, problem, advice)
}

fn no_type(said: &Said<'_>) -> HostFailure {
    let found = said.body.field("type");
    let problem = match found {
        Some(_) => "the body's `type` is no name".to_owned(),
        None => "the body has no `type`".to_owned(),
    };
    let advice = "It was delivered as it is. A body's `type` is a string that says what kind of \
                  message it is."
        .to_owned();
    said.failure(ViolationKind::NoType, found.unwrap_or(said.body.json), problem, advice)
}

fn no_error_code(said: &Said<'_>, code: Option<&str>) -> HostFailure {
    let problem = match code {
        Some(_) => "the error's `code` is no integer".to_owned(),
        None => "the error has no `code`".to_owned(),
    };
    let advice = "Without a code that is known to mean that nothing happened, the operation's \
                  outcome is unknown."
        .to_owned();
    said.failure(ViolationKind::NoErrorCode, code.unwrap_or(said.body.json), problem, advice)
}

/// True if Maelstrom's reader would not mind: it replaces what is no UTF-8, and takes control
/// characters in strings.
fn is_forgiven(error: &LineError) -> bool {
    match error {
        LineError::NotUtf8 { .. } => true,
        LineError::NotJson(error) => error.reason == CONTROL_CHARACTER,
        _ => false,
    }
}

/// The text with the control characters in its strings escaped.
fn escape_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        if in_string && c.is_ascii_control() && c != '\u{7f}' {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
            escaped = false;
            continue;
        }
        if c == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = in_string && c == '\\' && !escaped;
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_in_strings_alone() {
        for (text, expected) in [
            ("{\t\"a\tb\": \"\\\"\t\",\t\"c\":1}", "{\t\"a\\u0009b\": \"\\\"\\u0009\",\t\"c\":1}"),
            ("{\"a\":\"\\\\\"}\t", "{\"a\":\"\\\\\"}\t"),
            ("\"\u{0}\u{7f}é\"", "\"\\u0000\u{7f}é\""),
        ] {
            assert_eq!(escape_controls(text), expected);
        }
    }

    #[test]
    fn parts_are_found_by_where_they_were_cut_out() {
        let text = r#"{"src":"n1","dest":"n1","body":{"msg_id":12}}"#;
        assert_eq!(place(text, &text[20..22]), Some((19, 23)));
        assert_eq!(place(text, &text[41..43]), Some((41, 43)));
        assert_eq!(place(text, "n1"), None);
    }
}
