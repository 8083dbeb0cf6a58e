//! When nodes wrote what stands in their logs.
//!
//! A log is plain text, as the node wrote it, and says nothing of time. Beside the logs stands one
//! file for all of them, a line whenever a log was found to have grown:
//! `{"time":…,"node":"n0","bytes":…}`: by then, in nanoseconds, the node's log was that long. On
//! the virtual clock that is after the step in which it grew, so a line of a log has the time of
//! the step that wrote it; on the real clock it is when somebody looked.

use std::collections::BTreeMap;
use std::io::BufRead;

use kolk_protocol::Time;
use kolk_protocol::message::write_string;
use serde::Deserialize;

use crate::error::ReadError;
use crate::lines::each_whole;

/// The file's name in the folder of the logs.
pub const FILE: &str = "times.jsonl";

/// How far a log had come at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogTime {
    /// When.
    pub time: Time,
    /// How many bytes the log had then.
    pub bytes: u64,
}

impl LogTime {
    /// Appends what is known of the log of `node` as one line, its end included.
    pub fn write(&self, out: &mut Vec<u8>, node: &str) {
        let mut digits = itoa::Buffer::new();
        out.extend_from_slice(b"{\"time\":");
        out.extend_from_slice(digits.format(self.time.as_nanos()).as_bytes());
        out.extend_from_slice(b",\"node\":");
        write_string(out, node);
        out.extend_from_slice(b",\"bytes\":");
        out.extend_from_slice(digits.format(self.bytes).as_bytes());
        out.extend_from_slice(b"}\n");
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    time: Time,
    #[serde(borrow)]
    node: std::borrow::Cow<'a, str>,
    bytes: u64,
}

/// Reads the file: for each node how far its log had come when, in the order of the lines.
///
/// # Errors
///
/// If `input` cannot be read, or a line is not as described above. A last line without an end is
/// passed over: whoever wrote it was stopped.
pub fn read(input: impl BufRead) -> Result<BTreeMap<String, Vec<LogTime>>, ReadError> {
    let mut logs: BTreeMap<String, Vec<LogTime>> = BTreeMap::new();
    each_whole(input, |line| {
        let line: Line<'_> = serde_json::from_slice(line)?;
        let known = LogTime { time: line.time, bytes: line.bytes };
        match logs.get_mut(line.node.as_ref()) {
            Some(log) => log.push(known),
            None => drop(logs.insert(line.node.into_owned(), vec![known])),
        }
        Ok(())
    })?;
    Ok(logs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let known = |millis, bytes| LogTime { time: Time::from_millis(millis), bytes };
        let mut stored = Vec::new();
        known(1, 10).write(&mut stored, "n0");
        known(2, 7).write(&mut stored, "n\"1");
        known(2, 30).write(&mut stored, "n0");
        stored.extend_from_slice(br#"{"time":3,"node":"n0","by"#);
        let logs = read(stored.as_slice()).unwrap();
        let expected = [("n\"1", vec![known(2, 7)]), ("n0", vec![known(1, 10), known(2, 30)])];
        assert_eq!(logs, expected.map(|(node, log)| (node.to_owned(), log)).into());
    }

    #[test]
    fn says_which_line_is_wrong() {
        let text = "{\"time\":1,\"node\":\"n0\",\"bytes\":5}\n{\"time\":2}\n";
        let problem = read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(problem, "line 2, column 10: missing field `node`");
    }
}
