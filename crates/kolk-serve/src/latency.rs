//! The course of a run's latencies, from its history: a few numbers for a sparkline.

use std::io::{self, BufRead};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The number of parts of equal length that a run is cut into.
pub const PARTS: usize = 48;

/// How much of a history is read: beyond that a run is too long for its drawing to be made while
/// the browser waits.
pub const HISTORY_BYTES_MAX: u64 = 1 << 28;

/// The latencies of operations that ended `ok`, in each part of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latencies {
    /// The number of such operations in all.
    pub count: usize,
    /// When the last operation ended, in nanoseconds.
    pub ended: u64,
    /// For each part the median in nanoseconds; null where no operation ended.
    pub medians: Vec<Option<u64>>,
    /// For each part the longest latency in nanoseconds; null where no operation ended.
    pub longest: Vec<Option<u64>>,
    /// True if the history was too long, or damaged, and what follows is missing.
    pub is_cut: bool,
}

/// The fields of a line of `history.jsonl` that are read. Values are skipped.
#[derive(Deserialize)]
struct Line<'a> {
    time: u64,
    #[serde(rename = "type")]
    kind: &'a str,
    /// A worker's number, or a name: `nemesis`.
    #[serde(borrow)]
    process: &'a RawValue,
    #[serde(default)]
    convergence: bool,
}

/// Reads a history. A line that is none ends it: the last of a run in progress may be half there.
///
/// # Errors
///
/// If the file cannot be read.
pub fn read(history: impl BufRead) -> io::Result<Latencies> {
    let mut history = history.take(HISTORY_BYTES_MAX);
    let mut open: FxHashMap<u64, u64> = FxHashMap::default();
    // When each ended, and how long it took.
    let mut ended: Vec<(u64, u64)> = Vec::new();
    let mut text = Vec::new();
    let mut is_cut = false;
    loop {
        text.clear();
        if history.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        let Ok(line) = serde_json::from_slice::<Line<'_>>(&text) else {
            is_cut = true;
            break;
        };
        let Ok(process) = line.process.get().parse::<u64>() else { continue };
        if line.convergence {
            continue;
        }
        if line.kind == "invoke" {
            open.insert(process, line.time);
        } else if let Some(invoked) = open.remove(&process)
            && line.kind == "ok"
        {
            ended.push((line.time, line.time.saturating_sub(invoked)));
        }
    }
    is_cut |= history.limit() == 0;
    Ok(Latencies { is_cut, ..summary(&ended) })
}

fn summary(ended: &[(u64, u64)]) -> Latencies {
    let end = ended.iter().map(|(time, _)| *time).max().unwrap_or_default();
    let mut parts = vec![Vec::new(); PARTS];
    for (time, latency) in ended {
        let place = u128::from(*time) * PARTS as u128 / (u128::from(end) + 1);
        parts[place as usize].push(*latency);
    }
    for part in &mut parts {
        part.sort_unstable();
    }
    Latencies {
        count: ended.len(),
        ended: end,
        medians: parts.iter().map(|part| part.get(part.len() / 2).copied()).collect(),
        longest: parts.iter().map(|part| part.last().copied()).collect(),
        is_cut: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(time: u64, kind: &str, process: &str, more: &str) -> String {
        format!("{{\"index\":0,\"time\":{time},\"type\":\"{kind}\",\"process\":{process}{more}}}\n")
    }

    #[test]
    fn latencies_are_those_of_what_ended_ok() {
        let history = [
            event(0, "invoke", "0", ",\"f\":\"read\",\"value\":[1,{\"a\":null}]"),
            event(5, "invoke", "1", ""),
            event(10, "info", "\"nemesis\"", ""),
            event(40, "ok", "0", ""),
            event(47, "fail", "1", ""),
            event(50, "invoke", "1", ""),
            event(60, "invoke", "0", ""),
            event(94, "ok", "1", ""),
            event(95, "ok", "0", ""),
            event(96, "invoke", "0", ",\"convergence\":true"),
            event(900, "ok", "0", ",\"convergence\":true"),
            event(950, "ok", "7", ""),
        ];
        let found = read(history.concat().as_bytes()).unwrap();
        assert_eq!((found.count, found.ended, found.is_cut), (3, 95, false));
        let parts = |times: &[Option<u64>]| {
            let parts = times.iter().enumerate();
            parts.filter_map(|(place, time)| Some((place, (*time)?))).collect::<Vec<_>>()
        };
        assert_eq!(parts(&found.medians), [(20, 40), (47, 44)]);
        assert_eq!(parts(&found.longest), [(20, 40), (47, 44)]);
    }

    #[test]
    fn what_is_damaged_ends_it() {
        let (begin, end) = (event(0, "invoke", "0", ""), event(40, "ok", "0", ""));
        for (history, count, is_cut) in [
            (String::new(), 0, false),
            (begin.clone(), 0, false),
            (format!("{begin}{end}"), 1, false),
            (format!("{begin}{}", &end[..20]), 0, true),
            (format!("{begin}\u{0}\n{end}"), 0, true),
            (format!("{begin}{end}[1]\n"), 1, true),
        ] {
            let found = read(history.as_bytes()).unwrap();
            assert_eq!((found.count, found.is_cut), (count, is_cut), "{history}");
            assert_eq!((found.medians.len(), found.longest.len()), (PARTS, PARTS));
        }
    }
}
