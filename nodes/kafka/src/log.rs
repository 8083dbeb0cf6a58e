//! A log: messages at offsets 0, 1, 2, … without a hole.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::value::RawValue;

/// A message as it came: the node never looks inside.
pub type Message = Rc<RawValue>;

/// One key's log, or a copy of it.
#[derive(Debug, Default)]
pub struct Log {
    /// Without a hole from offset 0 on: what polls see.
    messages: Vec<Message>,
    /// What arrived before something that belongs in front of it.
    ahead: BTreeMap<u64, Message>,
}

impl Log {
    /// Appends a message and returns its offset: what a key's owner does, and nobody else.
    pub fn append(&mut self, message: Message) -> u64 {
        self.messages.push(message);
        self.messages.len() as u64 - 1
    }

    /// Keeps a message that the owner has given this offset. Nothing happens if it is here already.
    pub fn keep(&mut self, offset: u64, message: Message) {
        if offset < self.messages.len() as u64 {
            return;
        }
        self.ahead.insert(offset, message);
        while let Some(message) = self.ahead.remove(&(self.messages.len() as u64)) {
            self.messages.push(message);
        }
    }

    /// The messages from an offset on, at most so many.
    pub fn from(&self, offset: u64, count_max: usize) -> &[Message] {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.messages.len());
        let to = from.saturating_add(count_max).min(self.messages.len());
        &self.messages[from..to]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u64) -> Message {
        RawValue::from_string(number.to_string()).expect("JSON").into()
    }

    fn seen(log: &Log, offset: u64, count_max: usize) -> Vec<&str> {
        log.from(offset, count_max).iter().map(|message| message.get()).collect()
    }

    #[test]
    fn appends_count_up() {
        let mut log = Log::default();
        assert_eq!([log.append(message(7)), log.append(message(8))], [0, 1]);
        for (offset, count_max, expected) in [
            (0, 9, &["7", "8"][..]),
            (1, 9, &["8"]),
            (2, 9, &[]),
            (u64::MAX, 9, &[]),
            (0, 1, &["7"]),
            (0, usize::MAX, &["7", "8"]),
        ] {
            assert_eq!(seen(&log, offset, count_max), expected);
        }
    }

    #[test]
    fn a_copy_shows_nothing_behind_a_hole() {
        let mut log = Log::default();
        for (offset, expected) in [
            (2, &[][..]),
            (0, &["0"]),
            (0, &["0"]),
            (2, &["0"]),
            (1, &["0", "1", "2"]),
            (1, &["0", "1", "2"]),
            (3, &["0", "1", "2", "3"]),
        ] {
            log.keep(offset, message(offset));
            assert_eq!(seen(&log, 0, 9), expected);
        }
    }
}
