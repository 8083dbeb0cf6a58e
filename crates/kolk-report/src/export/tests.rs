use std::collections::BTreeMap;
use std::fmt::Write;

use kolk_history::journal::{DropReason, JournalEvent, JournalKind};
use kolk_protocol::{Key, Time};

use super::shiviz;

/// A journal of some messages among `hosts` hosts that come and go at random, and for each event
/// that ShiViz sees who it is at, and the place of the sending that it follows.
fn random(seed: u64, hosts: usize, steps: usize) -> (Vec<u8>, Vec<(usize, Option<usize>)>) {
    let mut random = Key::new(seed).with_name("journal").random();
    let mut journal = Vec::new();
    let mut events: Vec<(usize, Option<usize>)> = Vec::new();
    // Messages on their way: number, from, to, the place of the sending, copies.
    let mut open: Vec<(u64, usize, usize, usize, u8)> = Vec::new();
    let names: Vec<String> = (0..hosts).map(|host| format!("h{host}")).collect();
    for step in 0..steps {
        let time = Time::from_millis(step as u64);
        let mut note = |kind, id, src: usize, dest: usize| {
            JournalEvent { kind, time, id, src: &names[src], dest: &names[dest] }
                .write(&mut journal);
        };
        let choice = random.index(10);
        if open.is_empty() || choice < 5 {
            let (src, dest, id) = (random.index(hosts), random.index(hosts), step as u64);
            note(
                JournalKind::Send { body: "{\"type\":\"x\"}", op: None, cause: None },
                id,
                src,
                dest,
            );
            let mut copies = 1;
            if random.index(5) == 0 {
                note(JournalKind::Duplicate, id, src, dest);
                copies = 2;
            }
            open.push((id, src, dest, events.len(), copies));
            events.push((src, None));
            continue;
        }
        let at = random.index(open.len());
        let (id, src, dest, sent, copies) = open[at];
        if choice == 9 {
            note(JournalKind::Drop(DropReason::Loss), id, src, dest);
        } else {
            note(JournalKind::Receive, id, src, dest);
            events.push((dest, Some(sent)));
        }
        if copies == 1 {
            open.swap_remove(at);
        } else {
            open[at].4 -= 1;
        }
    }
    (journal, events)
}

/// The hosts and clocks of a log.
fn clocks(log: &str) -> Vec<(String, BTreeMap<String, u32>)> {
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len() % 2, 0);
    let clock = |pair: &[&str]| {
        let (host, clock) = pair[1].split_once(' ').expect("a host and a clock");
        (host.to_owned(), serde_json::from_str(clock).expect("a clock"))
    };
    lines.chunks(2).map(clock).collect()
}

/// One event is before another exactly if its clock is: compared with all paths of the
/// happens-before relation (Lamport 1978).
#[test]
fn clocks_are_what_happened_before() {
    for seed in 0..60 {
        let (journal, events) = random(seed, 2 + seed as usize % 4, 60);
        let mut log = Vec::new();
        let count = shiviz(&mut log, journal.as_slice(), None).expect("a journal");
        let log = String::from_utf8(log).expect("text");
        let clocks = clocks(&log);
        assert_eq!((count as usize, clocks.len()), (events.len(), events.len()));
        let total = events.len();
        let mut before = vec![vec![false; total]; total];
        for (later, (host, sent)) in events.iter().enumerate() {
            for earlier in 0..later {
                before[earlier][later] = events[earlier].0 == *host || *sent == Some(earlier);
            }
        }
        // All paths: Warshall's algorithm.
        for through in 0..total {
            for from in 0..total {
                for to in 0..total {
                    before[from][to] |= before[from][through] && before[through][to];
                }
            }
        }
        let mut own: BTreeMap<&str, u32> = BTreeMap::new();
        for (place, (host, clock)) in clocks.iter().enumerate() {
            assert_eq!(*host, format!("h{}", events[place].0));
            let count = own.entry(host).or_default();
            *count += 1;
            assert_eq!(clock.get(host), Some(&*count), "each event of a host counts one");
            for (other, (_, known)) in clocks.iter().enumerate() {
                let is_less = clock.iter().all(|(host, count)| known.get(host) >= Some(count));
                assert_eq!(
                    is_less && place != other,
                    before[place][other],
                    "{seed}: {place} {other}"
                );
            }
        }
    }
}

/// In a window clocks begin anew, and refer to nothing before it.
#[test]
fn windows_stand_for_themselves() {
    let (journal, _) = random(3, 3, 200);
    let span = (Time::from_millis(80), Time::from_millis(120));
    let mut log = Vec::new();
    shiviz(&mut log, journal.as_slice(), Some(span)).expect("a journal");
    let log = String::from_utf8(log).expect("text");
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    for (host, clock) in clocks(&log) {
        *known.entry(host.clone()).or_default() += 1;
        assert_eq!(clock[&host], known[&host]);
        assert!(clock.iter().all(|(other, count)| known.get(other) >= Some(count)));
    }
    assert!(log.starts_with("0.08"), "{}", &log[..20]);
}

/// Whatever stands in names and bodies stays on its line, and hosts keep apart.
#[test]
fn logs_are_lines() {
    let bad = "a b\\n{\\\"x\\\":1}\\u202e";
    let mut journal = String::new();
    for (id, name) in [bad, "a_b__x_:1__", "a b"].iter().enumerate() {
        let _ = writeln!(
            journal,
            "{{\"event\":\"send\",\"time\":{id},\"id\":{id},\"src\":\"{name}\",\"dest\":\"n0\",\"body\":{{\"type\":\"{bad}\"}}}}\n\
             {{\"event\":\"receive\",\"time\":{id},\"id\":{id},\"src\":\"{name}\",\"dest\":\"n0\"}}"
        );
    }
    let mut log = Vec::new();
    assert_eq!(shiviz(&mut log, journal.as_bytes(), None).expect("a journal"), 6);
    let log = String::from_utf8(log).expect("text");
    let clocks = clocks(&log);
    let mut hosts: Vec<&str> = clocks.iter().map(|(host, _)| host.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    assert_eq!((clocks.len(), hosts.len()), (6, 4), "{log}");
    assert!(!log.chars().any(|c| c != '\n' && c.is_control() || c == '\u{202e}'));
}
