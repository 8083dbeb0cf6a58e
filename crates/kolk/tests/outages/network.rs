//! Faults of the network for a while, in all kinds of node: what is lost, what comes twice, and
//! what waits for a wave.

use super::*;
use kolk_workload::planner::{Asked, Other};

/// A message between the two nodes: when it was sent, when it arrived, and whether it was lost.
#[derive(Debug, Default)]
struct Fate {
    sent: u64,
    received: Vec<u64>,
    lost: bool,
}

/// Two nodes that broadcast what they are told, for three seconds.
fn between_nodes(host: Host, wanted: Other, text: &str) -> (Vec<Fate>, u64) {
    let settings = Settings {
        rate: 40.0,
        time_limit: 3.0,
        asked: vec![Asked::read(wanted, text).expect("a fault")],
        ..settings("broadcast", host, &[])
    };
    let plan = plan(&settings).expect("a plan");
    let make = |_: usize| machine(kolk_broadcast::factory(&[]).unwrap());
    let args = ["node", "broadcast"].map(str::to_owned).to_vec();
    let nodes = match host {
        Host::InProcess => NodeSource::InProcess(&make),
        _ => NodeSource::Program { path: PROGRAM.into(), args, patience: Patience::default() },
    };
    let (run, _) = run(&plan, nodes, None);
    assert_eq!(run.ending, Ending::Completed, "{host:?} {:?}", run.summary.violations);
    let journal = String::from_utf8(run.journal.clone().expect("a journal")).expect("text");
    let mut fates: BTreeMap<u64, Fate> = BTreeMap::new();
    for line in journal.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let is_node = |end: &str| line[end].as_str().is_some_and(|name| name.starts_with('n'));
        if !is_node("src") || !is_node("dest") {
            continue;
        }
        let fate = fates.entry(line["id"].as_u64().unwrap()).or_default();
        let time = line["time"].as_u64().unwrap().saturating_sub(run.load_began.as_nanos());
        match line["event"].as_str() {
            Some("send") => fate.sent = time,
            Some("receive") => fate.received.push(time),
            Some("drop") => fate.lost = true,
            _ => {}
        }
    }
    (fates.into_values().collect(), run.history.faults.len() as u64)
}

const SECOND: u64 = 1_000_000_000;

/// Well within the window, so that the real clock's delays do not count.
fn is_within(fate: &Fate) -> bool {
    (SECOND + SECOND / 20..2 * SECOND - SECOND / 20).contains(&fate.sent)
}

fn is_outside(fate: &Fate) -> bool {
    fate.sent < SECOND || fate.sent > 2 * SECOND + SECOND / 5
}

#[test]
fn loss_and_duplication_for_a_while() {
    for host in HOSTS {
        let (fates, faults) = between_nodes(host, Other::Loss, "1@1..2");
        let within: Vec<&Fate> = fates.iter().filter(|fate| is_within(fate)).collect();
        assert!(within.len() > 3 && within.iter().all(|fate| fate.lost), "{host:?} {within:?}");
        assert!(fates.iter().filter(|fate| is_outside(fate)).all(|fate| !fate.lost), "{host:?}");
        assert_eq!(faults, 2, "{host:?}: its beginning and its end");
        let (fates, _) = between_nodes(host, Other::Duplication, "1@1..2");
        let within: Vec<&Fate> = fates.iter().filter(|fate| is_within(fate)).collect();
        assert!(within.len() > 3 && within.iter().all(|fate| fate.received.len() == 2));
        let outside = fates.iter().filter(|fate| is_outside(fate));
        assert!(outside.filter(|fate| fate.received.len() > 1).count() == 0, "{host:?}");
    }
}

#[test]
fn clogged_links_deliver_in_waves() {
    for host in HOSTS {
        let (fates, _) = between_nodes(host, Other::Clog, "n1/0.5@1..2");
        let within: Vec<&Fate> = fates.iter().filter(|fate| is_within(fate)).collect();
        assert!(within.len() > 3, "{host:?} {fates:?}");
        for fate in within {
            let [at] = fate.received[..] else { panic!("{host:?}: {fate:?} is lost") };
            let wave = fate.sent.div_ceil(SECOND / 2) * (SECOND / 2);
            // Machines are late, and never early.
            let late = if host == Host::Real { SECOND / 4 } else { 1 };
            assert!((wave..wave + late).contains(&at), "{host:?}: {fate:?} and {wave}");
        }
    }
}
