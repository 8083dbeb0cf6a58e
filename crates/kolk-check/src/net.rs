//! net: how many messages there were.
//!
//! Always valid. For all messages, those with a client at one end, and the others (between nodes,
//! and between nodes and services). Measures: `messages`, `messages-per-operation`,
//! `server-messages-per-operation`.

use kolk_history::summary::{Excess, GoneClient, Growth, MessageCounts};
use kolk_history::{History, Summary, Value};
use kolk_protocol::Time;

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
    check.notes.extend(deaf(summary));
    check.notes.extend(summary.growth.as_ref().map(Growth::describe));
    check.notes.extend(summary.excess.as_ref().map(Excess::describe));
    check
}

/// Where Maelstrom would have stopped listening.
fn deaf(summary: &Summary) -> Option<String> {
    let first = summary.gone_clients.first()?;
    let GoneClient { node, id, client, .. } = first;
    let serves = first.op.map(|op| format!(", which serves operation {op},"));
    let others = match summary.gone_clients.len() - 1 {
        0 => String::new(),
        1 => "; one other node would fare likewise".to_owned(),
        others => format!("; {others} other nodes would fare likewise"),
    };
    Some(format!(
        "Maelstrom would go deaf to {node} at {}: message {id}{} goes to {client}, which is gone \
         (clients are closed when they have started a node, and when they give up after five \
         seconds), and Maelstrom never again reads a node that sends to somebody who is not \
         there{others}",
        Time::from_nanos(first.time),
        serves.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use kolk_history::summary::Mostly;

    use super::*;

    #[test]
    fn says_what_no_load_explains() {
        let mostly = Mostly {
            src: "n0".to_owned(),
            dest: "n1".to_owned(),
            kind: "gossip".to_owned(),
            back: None,
        };
        let excess = Excess { time: 0, messages: 24_000, operations: 1, mostly };
        let summary = Summary { excess: Some(excess), ..Summary::default() };
        assert_eq!(
            check(&History::default(), &summary).notes,
            ["traffic between servers is more than the load explains: 24000 messages a second \
                 beside 1 operation a second, most of it `gossip` from n0 to n1; nodes that answer \
                 answers never stop"]
        );
    }

    #[test]
    fn says_where_maelstrom_would_go_deaf() {
        let gone = |node: &str, op| GoneClient {
            node: node.to_owned(),
            time: 6_500_000_000,
            id: 12,
            client: "c7".to_owned(),
            op,
        };
        let mut summary = Summary { gone_clients: vec![gone("n1", Some(4))], ..Summary::default() };
        let history = History::new(vec!["n1".to_owned(), "n2".to_owned()]);
        let notes = check(&history, &summary).notes.join("\n");
        let expected = format!(
            "Maelstrom would go deaf to n1 at {}: message 12, which serves operation 4, goes to \
             c7,",
            Time::from_nanos(6_500_000_000)
        );
        assert!(notes.starts_with(&expected), "{notes}");
        summary.gone_clients.push(gone("n2", None));
        assert!(check(&history, &summary).notes[0].ends_with("one other node would fare likewise"));
        assert!(check(&history, &Summary::default()).notes.is_empty());
    }
}
