//! A journal as a table of messages.

use std::io::BufRead;

use kolk_history::History;
use kolk_history::journal::{DropReason, JournalLine, JournalReader};
use kolk_protocol::Datum;
use kolk_protocol::message::Body;
use rustc_hash::FxHashMap;

use super::columns::{Columns, or_zero};
use super::error::HtmlError;
use super::intern::Names;
use super::pack::Sections;
use super::texts::Texts;

/// How many bytes of a body are kept: the journal has the rest.
const BODY_BYTES_MAX: usize = 1 << 16;

/// What became of a message, or of one of its copies.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    /// When; nanoseconds.
    time: u64,
    /// The line of the journal that says so, from 0 without the blank ones.
    order: u32,
    /// 0 while it is on its way, 1 received, 2 lost, 3 cut off, 4 sent to a dead node.
    fate: u8,
}

/// One message.
#[derive(Clone, Copy, Debug)]
struct Message {
    id: u64,
    sent: u64,
    /// The line of the journal that says it was sent.
    order: u32,
    src: u32,
    dest: u32,
    kind: u32,
    /// The place of the operation it serves.
    op: Option<u32>,
    /// The place of the message whose handling sent it.
    cause: Option<u32>,
    /// The place of the request it answers.
    request: Option<u32>,
    end: End,
}

/// All messages of a journal.
#[derive(Debug, Default)]
pub struct Messages {
    table: Vec<Message>,
    /// What became of second copies: the message's place, and the end.
    copies: Vec<(u32, End)>,
    /// How many lines the journal has.
    pub event_count: u32,
    /// Everybody who sends or receives.
    pub actors: Names,
    /// The bodies' types.
    pub kinds: Names,
    /// With which message each chunk of bodies begins.
    pub body_starts: Vec<u64>,
}

impl Messages {
    /// How many messages there are.
    pub fn count(&self) -> usize {
        self.table.len()
    }

    /// How many arrived a second time, or would have.
    pub fn copy_count(&self) -> usize {
        self.copies.len()
    }

    /// Reads a journal; the bodies are written as they come.
    pub fn read(
        journal: impl BufRead,
        history: &History,
        sections: &mut Sections<'_>,
    ) -> Result<Messages, HtmlError> {
        let mut messages = Messages::default();
        let mut bodies = Texts::new("bodies");
        let mut requests = Requests::default();
        let mut reader = JournalReader::new(journal);
        while let Some(line) = reader.next() {
            let line = line?;
            let order = messages.event_count;
            messages.event_count += 1;
            let fate = match (line.event, line.reason) {
                ("send", _) => {
                    let body = line.body.map_or("{}", |body| body.get());
                    messages.send(&line, order, body, history, &mut requests);
                    push_body(&mut bodies, messages.last_kind(), body, sections)?;
                    continue;
                }
                ("receive", _) => 1,
                ("drop", Some(DropReason::Loss)) => 2,
                ("drop", Some(DropReason::Partition)) => 3,
                ("drop", _) => 4,
                // That a copy will follow is known when it does.
                _ => continue,
            };
            messages.end(line.id, End { time: line.time.as_nanos(), order, fate });
        }
        messages.body_starts = bodies.finish(sections)?;
        Ok(messages)
    }

    /// Who sent the last message, and of which type it is: what one sender says again and again is
    /// often much the same.
    fn last_kind(&self) -> u64 {
        self.table.last().map_or(0, |last| u64::from(last.src) << 32 | u64::from(last.kind))
    }

    fn send(
        &mut self,
        line: &JournalLine<'_>,
        order: u32,
        body: &str,
        history: &History,
        requests: &mut Requests,
    ) {
        let place = self.table.len() as u32;
        let (src, dest) = (self.actors.number(&line.src), self.actors.number(&line.dest));
        // A body that is none can only come from a journal that was changed; it has no type.
        let head = Body::parse(body).ok();
        let kind = self.kinds.number(head.as_ref().map_or("", |head| &head.kind));
        let request = head.as_ref().and_then(|head| head.in_reply_to);
        let request =
            request.and_then(|id| requests.get(&(dest, src, RequestId::new(id))).copied());
        if let Some(id) = head.and_then(|head| head.msg_id) {
            requests.insert((src, dest, RequestId::new(id)), place);
        }
        let operations = &history.operations;
        let op = line.op.and_then(|index| {
            operations.binary_search_by_key(&index, |operation| operation.index).ok()
        });
        self.table.push(Message {
            id: line.id,
            sent: line.time.as_nanos(),
            order,
            src,
            dest,
            kind,
            op: op.map(|place| place as u32),
            cause: line.cause.and_then(|id| self.place(id)),
            request,
            end: End::default(),
        });
    }

    /// Notes what became of a message. One nobody sent, which a sound journal does not have, is
    /// passed over.
    fn end(&mut self, id: u64, end: End) {
        let Some(place) = self.place(id) else { return };
        let message = &mut self.table[place as usize];
        if message.end.fate == 0 {
            message.end = end;
        } else {
            self.copies.push((place, end));
        }
    }

    /// The place of the message with this id: ids rise, and are places unless some are left out.
    fn place(&self, id: u64) -> Option<u32> {
        let direct = usize::try_from(id)
            .ok()
            .filter(|place| self.table.get(*place).is_some_and(|message| message.id == id));
        let place =
            direct.or_else(|| self.table.binary_search_by_key(&id, |message| message.id).ok());
        place.map(|place| place as u32)
    }

    /// The table as columns; an end is told by how much later it is than the sending.
    pub fn columns(&self) -> Columns {
        let mut columns = Columns::default();
        let all = || self.table.iter();
        let since = |number: usize, place: Option<u32>| {
            place.map_or(0, |place| number as u64 - u64::from(place))
        };
        columns.differences(all().map(|message| message.id));
        columns.differences(all().map(|message| message.sent));
        columns.differences(all().map(|message| u64::from(message.order)));
        columns.plain(all().map(|message| u64::from(message.src)));
        columns.plain(all().map(|message| u64::from(message.dest)));
        columns.plain(all().map(|message| u64::from(message.kind)));
        columns.differences(all().map(|message| or_zero(message.op)));
        columns.plain(all().enumerate().map(|(number, message)| since(number, message.cause)));
        columns.plain(all().enumerate().map(|(number, message)| since(number, message.request)));
        columns.plain(all().map(|message| u64::from(message.end.fate)));
        columns.plain(all().map(|message| message.end.time.saturating_sub(message.sent)));
        columns
            .plain(all().map(|message| u64::from(message.end.order.saturating_sub(message.order))));
        let copies = || self.copies.iter();
        let sent = |place: u32| &self.table[place as usize];
        columns.differences(copies().map(|(place, _)| u64::from(*place)));
        columns.plain(copies().map(|(_, end)| u64::from(end.fate)));
        columns.plain(copies().map(|(place, end)| end.time.saturating_sub(sent(*place).sent)));
        columns.plain(
            copies().map(|(place, end)| u64::from(end.order.saturating_sub(sent(*place).order))),
        );
        columns
    }
}

/// Requests by sender, receiver and what the sender calls them: places of messages.
type Requests = FxHashMap<(u32, u32, RequestId), u32>;

/// What a request is called, however its JSON is spelled.
#[derive(PartialEq, Eq, Hash)]
enum RequestId {
    /// As a rule it is a number.
    Number(i64),
    /// Any other JSON, in its canonical form where it has one.
    Json(Box<str>),
}

impl RequestId {
    fn new(json: &str) -> RequestId {
        match json.parse() {
            Ok(number) => RequestId::Number(number),
            Err(_) => RequestId::Json(match Datum::parse(json) {
                Ok(datum) => datum.text().into(),
                Err(_) => json.into(),
            }),
        }
    }
}

fn push_body(
    bodies: &mut Texts,
    kind: u64,
    body: &str,
    sections: &mut Sections<'_>,
) -> std::io::Result<()> {
    if body.len() <= BODY_BYTES_MAX {
        return bodies.push_like(kind, body.as_bytes(), sections);
    }
    let end = (0..=BODY_BYTES_MAX).rev().find(|at| body.is_char_boundary(*at)).unwrap_or_default();
    let more = format!("… ({} bytes in all, in journal.jsonl)", body.len());
    bodies.push_like(kind, [&body[..end], &more].concat().as_bytes(), sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a request is called, and however its answer spells that, the two belong together;
    /// what is called almost the same does not.
    #[test]
    fn answers_find_their_requests_whatever_those_are_called() {
        let ids = [
            "1",
            "\"1\"",
            "1.5",
            "1180591620717411303425",
            "1180591620717411303426",
            r#""é""#,
            r#"{"a":[1],"b":2}"#,
            "true",
        ];
        let spelled = [
            "1",
            r#""\u0031""#,
            "1.50",
            "1180591620717411303425",
            "1180591620717411303426",
            r#""\u00e9""#,
            r#"{"b": 2, "a": [1]}"#,
            "true",
        ];
        let mut journal = String::new();
        let mut send = |id: usize, src: &str, dest: &str, body: String| {
            journal.push_str(&format!(
                "{{\"event\":\"send\",\"time\":0,\"id\":{id},\"src\":\"{src}\",\"dest\":\"{dest}\",\
                 \"body\":{body}}}\n"
            ));
        };
        for (number, id) in ids.iter().enumerate() {
            send(number, "n0", "n1", format!("{{\"type\":\"ask\",\"msg_id\":{id}}}"));
        }
        for (number, id) in spelled.iter().enumerate() {
            let body = format!("{{\"type\":\"answer\",\"in_reply_to\":{id}}}");
            send(ids.len() + number, "n1", "n0", body);
        }
        send(99, "n1", "n0", "{\"in_reply_to\":null}".to_owned());
        let mut page = Vec::new();
        let history = History::new(vec!["n0".to_owned(), "n1".to_owned()]);
        let messages =
            Messages::read(journal.as_bytes(), &history, &mut Sections::new(&mut page)).unwrap();
        let requests: Vec<Option<u32>> =
            messages.table.iter().map(|message| message.request).collect();
        let mut expected = vec![None; ids.len()];
        expected.extend((0..ids.len() as u32).map(Some));
        expected.push(None);
        assert_eq!(requests, expected);
    }
}
