//! What became of nodes, and of the disks that are simulated for them.
//!
//! One file for all nodes, beside their logs, an event a line, in the order in which they happened:
//! `{"time":…,"node":"n0","event":"append","file":"log","bytes":12}`. It is a view of the run and
//! no part of its digest; a run in which no node was stopped and none used a disk has none.
//!
//! | `event` | what happened | with |
//! |---|---|---|
//! | `killed` | the node was killed | |
//! | `started` | it was started again | |
//! | `up` | it has answered `init` | `delivered`: how many messages it was given that had been kept for it; `dropped`: how many had come beyond those |
//! | `paused`, `resumed` | it stands still; it goes on | of `resumed`: `delivered`, `dropped` |
//! | `append`, `write` | bytes were added to a file, or are its whole contents | `file`, `bytes` |
//! | `rename` | a file has another name | `file`, `to` |
//! | `remove` | a file is gone | `file` |
//! | `sync` | what was written to a file is safe, `bytes` more of it | `file`, `bytes` |
//! | `sync-names` | what files are called is safe | |
//! | `failed`, `full` | a fault had a call fail, or left no room for it | `call`, `file` |
//! | `corrupt` | a fault has overwritten a part of a file | `file`, `from`, `bytes` |
//! | `power` | the power was lost; what became of each file that was not safe follows | |
//! | `kept` | all that was not synced is there | `file`, `was`, `is` |
//! | `lost` | nothing of it is there | `file`, `was`, `is` |
//! | `torn` | a part of it is | `file`, `was`, `is` |
//! | `empty` | the file is empty | `file`, `was`, `is` |
//! | `gone` | no file has the name any more | `file`, `was`, `is` |
//! | `back` | a file that was removed or renamed has the name again | `file`, `was`, `is` |
//! | `earlier` | the file that had the name before has it again | `file`, `was`, `is` |
//! | `cut` | what follows is not recorded: the file has all the room there is for it | |
//!
//! `was` and `is` are a file's bytes before and after.

use std::io::BufRead;

use kolk_protocol::Time;
use serde::{Deserialize, Serialize};

use crate::error::ReadError;
use crate::lines::each_whole;

/// The file's name in the folder of the logs.
pub const FILE: &str = "events.jsonl";

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the table above says what each is")]
pub enum Kind {
    Killed,
    Started,
    Up,
    Paused,
    Resumed,
    Append,
    Write,
    Rename,
    Remove,
    Sync,
    SyncNames,
    Failed,
    Full,
    Corrupt,
    Power,
    Kept,
    Lost,
    Torn,
    Empty,
    Gone,
    Back,
    Earlier,
    Cut,
}

impl Kind {
    /// All of them, in the order of their numbers in the report's page.
    pub const ALL: [Kind; 23] = [
        Kind::Killed,
        Kind::Started,
        Kind::Up,
        Kind::Paused,
        Kind::Resumed,
        Kind::Append,
        Kind::Write,
        Kind::Rename,
        Kind::Remove,
        Kind::Sync,
        Kind::SyncNames,
        Kind::Failed,
        Kind::Full,
        Kind::Corrupt,
        Kind::Power,
        Kind::Kept,
        Kind::Lost,
        Kind::Torn,
        Kind::Empty,
        Kind::Gone,
        Kind::Back,
        Kind::Earlier,
        Kind::Cut,
    ];
}

/// An event; what it has nothing to say of is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEvent {
    /// When.
    pub time: Time,
    /// Whose.
    pub node: String,
    /// What.
    pub event: Kind,
    /// Which file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What it is called now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Which call: `append`, `write`, `rename`, `remove`, `sync` or `sync-names`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// From which byte on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// How many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How many bytes the file had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<u64>,
    /// How many it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<u64>,
    /// How many messages were delivered that had been kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<u64>,
    /// How many had come beyond those, and are lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
}

impl NodeEvent {
    /// An event that has nothing more to say.
    pub fn new(time: Time, node: &str, event: Kind) -> NodeEvent {
        NodeEvent {
            time,
            node: node.to_owned(),
            event,
            file: None,
            to: None,
            call: None,
            from: None,
            bytes: None,
            was: None,
            is: None,
            delivered: None,
            dropped: None,
        }
    }

    /// Appends it as one line, its end included.
    pub fn write(&self, out: &mut Vec<u8>) {
        // A vector takes everything, and texts and numbers are JSON.
        let _ = serde_json::to_writer(&mut *out, self);
        out.push(b'\n');
    }
}

/// Reads the file, event by event. A last line without an end is passed over: whoever wrote it was
/// stopped.
///
/// # Errors
///
/// If `input` cannot be read, or a line is no event. Events of kinds that a later kolk may know are
/// an error, too.
pub fn read(input: impl BufRead, mut found: impl FnMut(NodeEvent)) -> Result<(), ReadError> {
    each_whole(input, |line| serde_json::from_slice(line).map(&mut found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let (mut stored, mut events) = (Vec::new(), Vec::new());
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            let mut event = NodeEvent::new(Time::from_millis(place as u64), "n\"0", kind);
            event.file = (place % 2 == 0).then(|| "log".to_owned());
            event.was = (place % 3 == 0).then_some(7);
            event.write(&mut stored);
            events.push(event);
        }
        stored.extend_from_slice(br#"{"time":3,"node":"n0","ev"#);
        let mut found = Vec::new();
        read(stored.as_slice(), |event| found.push(event)).unwrap();
        assert_eq!(found, events);
        let line = r#"{"time":5,"node":"n1","event":"torn","file":"log","was":12,"is":9}"#;
        let event = NodeEvent {
            file: Some("log".to_owned()),
            was: Some(12),
            is: Some(9),
            ..NodeEvent::new(Time::from_nanos(5), "n1", Kind::Torn)
        };
        let mut written = Vec::new();
        event.write(&mut written);
        assert_eq!(String::from_utf8(written).unwrap(), format!("{line}\n"));
    }

    #[test]
    fn says_which_line_is_wrong() {
        let text = "{\"time\":1,\"node\":\"n0\",\"event\":\"up\"}\n{\"time\":2}\n";
        let problem = read(text.as_bytes(), |_| ()).unwrap_err().to_string();
        assert_eq!(problem, "line 2, column 10: missing field `node`");
    }
}
