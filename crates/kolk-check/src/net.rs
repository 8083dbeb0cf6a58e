//! net: how many messages there were.
//!
//! Always valid. For all messages, those with a client at one end, and the others (between nodes,
//! and between nodes and services). Measures: `messages`, `messages-per-operation`,
//! `server-messages-per-operation`.

use kolk_history::summary::MessageCounts;
use kolk_history::{History, Summary, Value};

use crate::check::Check;
use crate::tree::{count, key, single};

/// Counts messages, and divides by the operations that clients invoked.
pub fn check(history: &History, summary: &Summary) -> Check {
    let mut check = Check::new("net");
    let operations = history.counted().count();
    let counts = |counts: &MessageCounts, per_operation: bool| {
        let mut entries = vec![
            (key(&"send-count"), count(counts.send_count)),
            (key(&"recv-count"), count(counts.recv_count)),
            (key(&"msg-count"), count(counts.msg_count)),
        ];
        if per_operation && operations > 0 {
            let ratio = counts.msg_count as f64 / operations as f64;
            entries.push((key(&"msgs-per-op"), single(ratio)));
        }
        Value::map(entries)
    };
    check.results = vec![
        (key(&"all"), counts(&summary.all, true)),
        (key(&"clients"), counts(&summary.clients, false)),
        (key(&"servers"), counts(&summary.servers, true)),
    ];
    check.measure("messages", summary.all.msg_count as f64, "");
    if operations > 0 {
        let ratio = |counts: &MessageCounts| counts.msg_count as f64 / operations as f64;
        check.measure("messages-per-operation", ratio(&summary.all), "");
        check.measure("server-messages-per-operation", ratio(&summary.servers), "");
    }
    check
}
