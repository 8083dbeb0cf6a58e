//! The part of a journal that is drawn: as many events in a row as a picture has room for.

use std::collections::VecDeque;
use std::io::BufRead;

use kolk_history::ReadError;
use kolk_history::journal::{DropReason, HeadKind, JournalHead, JournalLine, JournalReader};
use kolk_protocol::Time;
use kolk_protocol::message::Body;
use rustc_hash::FxHashMap;

/// How much of a body is kept.
const BODY_BYTES_MAX: usize = 1 << 12;

/// Which events are wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// Those from here on; if there is room left, those before it too.
    pub from: Time,
    /// No later ones.
    pub to: Time,
    /// At most so many.
    pub events_max: usize,
    /// Whether none before `from` may be taken.
    pub is_strict: bool,
}

/// What happens to a message in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is sent.
    Send,
    /// It, or a copy of it, arrives.
    Receive,
    /// It, or a copy of it, is swallowed.
    Drop(DropReason),
}

/// An event of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub time: Time,
    /// The message's number.
    pub id: u64,
    /// What happens.
    pub what: What,
}

/// A message that has an event in the window, or is on its way there.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who sent it.
    pub src: String,
    /// Who is to get it.
    pub dest: String,
    /// When it was sent.
    pub sent: Time,
    /// Its body's type; empty if that could not be read.
    pub kind: String,
    /// Its body, or the beginning of it.
    pub body: String,
    /// How long the whole body is.
    pub body_bytes: usize,
    /// True if it answers a request.
    pub is_reply: bool,
    /// The operation it serves.
    pub op: Option<u32>,
    /// How many ends are still to come.
    open: u8,
}

/// What was found in a journal.
#[derive(Debug, Default)]
pub struct Window {
    /// The events, in their order.
    pub events: Vec<Event>,
    /// The messages, by their numbers.
    pub messages: FxHashMap<u64, Message>,
    /// How many messages the journal has.
    pub message_count: u64,
    /// How many of these were sent before the window.
    pub messages_before: u64,
    /// How many events the journal has.
    pub event_count: u64,
    /// How many messages were sent in each part of the run.
    pub density: Vec<u32>,
    /// Whether there are wanted events for which there was no room.
    pub is_cut: bool,
}

/// Finds the window. `place` says in which of `parts` parts of the run a moment lies.
pub fn find(
    journal: impl BufRead,
    wanted: Wanted,
    parts: usize,
    place: impl Fn(Time) -> usize,
) -> Result<Window, ReadError> {
    let mut window = Window { density: vec![0; parts], ..Window::default() };
    let mut before: VecDeque<Event> = VecDeque::new();
    let mut reader = JournalReader::new(journal);
    while let Some(head) = reader.next_head() {
        let head = head?;
        window.event_count += 1;
        if head.event == HeadKind::Send {
            window.message_count += 1;
            window.density[place(head.time).min(parts - 1)] += 1;
        }
        let is_full = window.events.len() >= wanted.events_max;
        if is_full || head.time > wanted.to {
            window.is_cut |= is_full && head.time <= wanted.to;
            continue;
        }
        let Some(event) = window.take(head, &reader.current()?) else { continue };
        if head.time >= wanted.from {
            window.events.push(event);
            continue;
        }
        before.push_back(event);
        window.messages_before += u64::from(event.what == What::Send);
        if before.len() > wanted.events_max {
            before.pop_front().into_iter().for_each(|gone| window.forget(gone));
        }
    }
    if !wanted.is_strict {
        while window.events.len() + before.len() > wanted.events_max {
            before.pop_front();
        }
        let taken = before.iter().filter(|event| event.what == What::Send).count();
        window.messages_before -= taken as u64;
        window.events.splice(0..0, before);
    }
    Ok(window)
}

impl Window {
    /// Notes what the event says of its message; `None` if it says nothing of any that is known.
    fn take(&mut self, head: JournalHead, line: &JournalLine<'_>) -> Option<Event> {
        let what = match head.event {
            HeadKind::Send => {
                self.messages.insert(head.id, message(head.time, line));
                What::Send
            }
            HeadKind::Duplicate => {
                self.messages.get_mut(&head.id)?.open += 1;
                return None;
            }
            HeadKind::Receive => What::Receive,
            HeadKind::Drop => What::Drop(line.reason.unwrap_or(DropReason::DeadNode)),
        };
        let message = self.messages.get_mut(&head.id)?;
        if what != What::Send {
            message.open = message.open.saturating_sub(1);
        }
        Some(Event { time: head.time, id: head.id, what })
    }

    /// An event before the window is out of reach; its message too, unless more is to come.
    fn forget(&mut self, event: Event) {
        if self.messages.get(&event.id).is_some_and(|message| message.open == 0) {
            self.messages.remove(&event.id);
        }
    }
}

fn message(sent: Time, line: &JournalLine<'_>) -> Message {
    let body = line.body.map_or("{}", |body| body.get());
    let head = Body::parse(body).ok();
    let end = (0..=body.len().min(BODY_BYTES_MAX)).rev().find(|at| body.is_char_boundary(*at));
    Message {
        src: line.src.clone().into_owned(),
        dest: line.dest.clone().into_owned(),
        sent,
        kind: head.as_ref().map_or(String::new(), |head| head.kind.clone().into_owned()),
        body: body[..end.unwrap_or_default()].to_owned(),
        body_bytes: body.len(),
        is_reply: head.is_some_and(|head| head.in_reply_to.is_some()),
        op: line.op,
        open: 1,
    }
}
