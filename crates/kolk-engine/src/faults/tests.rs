use super::*;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("n{n}")).collect()
}

fn hears(blocked: &Blocked, receiver: &str, sender: &str) -> bool {
    blocked.get(receiver).is_none_or(|senders| !senders.iter().any(|name| name == sender))
}

/// Whom each node hears, itself included.
fn heard(nodes: &[String], blocked: &Blocked) -> Vec<Vec<String>> {
    let of = |receiver: &String| {
        nodes.iter().filter(|sender| hears(blocked, receiver, sender)).cloned().collect()
    };
    nodes.iter().map(of).collect()
}

fn is_mutual(nodes: &[String], blocked: &Blocked) -> bool {
    nodes.iter().all(|a| nodes.iter().all(|b| hears(blocked, a, b) == hears(blocked, b, a)))
}

/// All kinds, for 1 to 40 nodes and several seeds.
fn for_all(shape: Shape, mut check: impl FnMut(&[String], &Blocked)) {
    for count in 1..=40 {
        let nodes = names(count);
        for seed in 0..20 {
            check(&nodes, &shape.draw(&nodes, &mut Key::new(seed).random()));
        }
    }
}

/// The sizes of the groups that a clean split leaves, smaller first; fails if it is not clean.
fn groups(nodes: &[String], blocked: &Blocked) -> Vec<usize> {
    let mut groups = heard(nodes, blocked);
    groups.sort();
    groups.dedup();
    let mut sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
    assert_eq!(sizes.iter().sum::<usize>(), nodes.len(), "{groups:?} overlap");
    sizes.sort_unstable();
    sizes
}

#[test]
fn clean_splits_have_the_sizes_they_promise() {
    type Smaller = fn(usize) -> usize;
    let kinds: [(Shape, Smaller); 3] = [
        (Shape::IsolatedNode, |count| usize::from(count > 1)),
        (Shape::Majority, |count| count / 2),
        (Shape::Third, |count| (count - 1) / 3),
    ];
    for (shape, smaller) in kinds {
        for_all(shape, |nodes, blocked| {
            let count = nodes.len();
            let smaller = smaller(count);
            let mut expected = vec![smaller, count - smaller];
            expected.retain(|size| *size > 0);
            expected.sort_unstable();
            assert_eq!(groups(nodes, blocked), expected, "{shape:?} of {count}");
        });
    }
}

#[test]
fn in_a_ring_each_hears_another_majority() {
    for_all(Shape::Ring, |nodes, blocked| {
        let count = nodes.len();
        let majority = count / 2 + 1;
        let mut majorities = heard(nodes, blocked);
        let larger = majorities.iter().filter(|heard| heard.len() > majority).count();
        assert!(majorities.iter().all(|heard| heard.len() >= majority), "{count}: {blocked:?}");
        // Where an odd number of nodes would each need an odd number of others, one has one more.
        let odd = count % 4 == 3 && count > 3;
        assert_eq!(larger, usize::from(odd), "{count}: {blocked:?}");
        if count > 2 {
            majorities.sort();
            majorities.dedup();
            assert_eq!(majorities.len(), count, "{count}: {blocked:?}");
        }
        assert_eq!(is_mutual(nodes, blocked), count != 3, "{count}: {blocked:?}");
    });
}

#[test]
fn partitions_alternate_and_end_with_the_load() {
    let nodes = names(5);
    let load = Duration::from_secs(60);
    for seed in 0..200 {
        let faults = partitions(seed, &nodes, Duration::from_secs(2), load);
        assert_eq!(faults[0].begin, 0);
        let mut healed = 0;
        for fault in &faults {
            assert!(fault.begin >= healed && fault.begin < nanoseconds(load), "{faults:?}");
            assert!(fault.end >= fault.begin && fault.end <= nanoseconds(load), "{faults:?}");
            healed = fault.end;
        }
        // 60 s hold about 15 partitions of 2 s with pauses of 2 s.
        assert!((6..40).contains(&faults.len()), "{}", faults.len());
        assert_eq!(faults, partitions(seed, &nodes, Duration::from_secs(2), load));
    }
}

#[test]
fn gaps_have_the_mean_asked_for() {
    let (interval, load) = (Duration::from_secs(10), Duration::from_secs(1_000_000));
    let faults = partitions(7, &names(5), interval, load);
    let open: u64 = faults.iter().map(|fault| fault.end - fault.begin).sum();
    let mean = open as f64 / faults.len() as f64 / 1e9;
    assert!((9.9..10.1).contains(&mean), "{mean}");
    assert!((49_500..50_500).contains(&faults.len()), "{}", faults.len());
    let longest = faults.iter().map(|fault| fault.end - fault.begin).max();
    assert!(longest.is_some_and(|longest| longest <= 20_000_000_000));
    for shape in Shape::ALL {
        let drawn = faults.iter().filter(|fault| {
            matches!(&fault.kind, FaultKind::Partition { shape: name, .. } if name == shape.name())
        });
        let share = drawn.count() as f64 / faults.len() as f64;
        assert!((0.24..0.26).contains(&share), "{shape:?} {share}");
    }
}

/// A longer load has the same partitions, and more.
#[test]
fn partitions_do_not_depend_on_what_comes_after() {
    let nodes = names(5);
    let long = partitions(3, &nodes, Duration::from_secs(3), Duration::from_secs(100));
    let short = partitions(3, &nodes, Duration::from_secs(3), Duration::from_secs(50));
    let whole = short.len() - 1;
    assert!(whole > 3);
    assert_eq!(long[..whole], short[..whole]);
}

/// Every node is cut off once in each round, by itself, for half of the interval to one and a half,
/// and always somebody is.
#[test]
fn rolling_cuts_go_round() {
    let interval = Duration::from_secs(2);
    let whole = nanoseconds(interval);
    let (load, long) = (Duration::from_secs(60), Duration::from_secs(90));
    for count in 2..=7 {
        let nodes = names(count);
        for seed in 0..50 {
            let faults = rolling(seed, &nodes, interval, load);
            let mut begin = 0;
            let mut round: BTreeSet<&String> = BTreeSet::new();
            for (number, fault) in faults.iter().enumerate() {
                assert_eq!(fault.begin, begin);
                begin = fault.end;
                let lasts = fault.end - fault.begin;
                let is_last = number + 1 == faults.len();
                assert!(lasts <= whole * 3 / 2 && (is_last || lasts >= whole / 2), "{lasts}");
                let FaultKind::Partition { shape, blocked } = &fault.kind else {
                    panic!("no partition")
                };
                assert_eq!(shape, Shape::IsolatedNode.name());
                let alone = nodes.iter().find(|node| *blocked == isolated(&nodes, node));
                // Of two nodes either is as much cut off as the other.
                assert!(round.insert(alone.expect("one node")) || count == 2, "{faults:?}");
                if round.len() == count {
                    round.clear();
                }
            }
            assert_eq!(begin, nanoseconds(load));
            assert!((20..60).contains(&faults.len()), "{}", faults.len());
            let more = rolling(seed, &nodes, interval, long);
            assert_eq!(more[..faults.len() - 1], faults[..faults.len() - 1]);
        }
    }
    assert_eq!(rolling(1, &names(1), interval, load), []);
    assert_eq!(rolling(1, &names(3), Duration::ZERO, load), []);
    // The shortest interval that there is ends, too.
    assert_eq!(rolling(1, &names(3), Duration::from_nanos(1), Duration::from_nanos(9)).len(), 9);
}

/// Every second leader is unseated while it begins to lead, and each later, so that there is a next
/// one.
#[test]
fn coups_follow_one_another() {
    let second = Duration::from_secs(1);
    let shown = |load: u32, has_power| -> Vec<String> {
        let faults = coups(&names(3), second, second * load, has_power);
        let shown = |fault: &Fault| {
            let on = fault.on.as_ref().map(ToString::to_string).unwrap_or_default();
            let whom = fault.kind.targets().map_or("", |targets| targets.targets.as_str());
            let [begin, end] = [fault.begin, fault.end].map(|at| at / 1_000_000);
            format!("{on} {begin}..{end} {} {whom}", fault.kind.name())
        };
        faults.iter().map(shown).collect()
    };
    assert_eq!(
        shown(3, true),
        [
            "leader 0..1000 partition ",
            "leader 0..10 power others",
            "leader 2000..2010 power trigger",
            "leader#2 2000..2010 power trigger",
            "leader#3 0..1000 partition ",
            "leader#3 0..10 power others",
            "leader#3 2000..2010 power trigger",
            "leader#4 2000..2010 power trigger",
            "leader#5 0..1000 partition ",
            "leader#5 0..10 power others",
            "leader#5 2000..2010 power trigger",
        ]
    );
    assert!(shown(3, false).iter().all(|fault| !fault.contains("power")));
    // None comes later than the load, and the shortest and the longest times end as well.
    assert!(shown(2, true).iter().all(|fault| !fault.contains("trigger")));
    assert_eq!(coups(&names(3), Duration::ZERO, second, true), []);
    // A node by itself is not followed by another.
    assert_eq!(coups(&names(1), second, second, true), []);
    let least = Duration::from_nanos(1);
    assert!(coups(&names(3), least, second, true).len() <= 3 * COUPS_MAX as usize);
    let longest = coups(&names(3), Duration::MAX, second, true);
    assert!(longest.iter().all(|fault| fault.end <= 1_000_000_000));
}

fn shown(faults: &[Fault]) -> Vec<String> {
    faults
        .iter()
        .map(|fault| {
            let FaultKind::Partition { shape, blocked } = &fault.kind else {
                panic!("no partition")
            };
            let deaf = blocked.iter().map(|(node, to)| format!("{node}:{}", to.join("+")));
            let deaf = deaf.collect::<Vec<_>>().join(" ");
            format!("{}..{} {shape} {deaf}", fault.begin, fault.end)
        })
        .collect()
}

/// What a seed means is part of the format of a plan: this may never change.
#[test]
fn draws_are_frozen() {
    let faults = rolling(1, &names(3), Duration::from_secs(3), Duration::from_secs(9));
    assert_eq!(
        shown(&faults),
        [
            "0..2173806791 isolated-node n0:n1+n2 n1:n0 n2:n0",
            "2173806791..4994705660 isolated-node n0:n1 n1:n0+n2 n2:n1",
            "4994705660..9000000000 isolated-node n0:n2 n1:n2 n2:n0+n1",
        ]
    );
    let faults = partitions(1, &names(5), Duration::from_secs(3), Duration::from_secs(30));
    assert_eq!(
        shown(&faults),
        [
            "0..4727001176 isolated-node n0:n3 n1:n3 n2:n3 n3:n0+n1+n2+n4 n4:n3",
            "10566579821..16399934247 majority n0:n2+n4 n1:n2+n4 n2:n0+n1+n3 n3:n2+n4 n4:n0+n1+n3",
            "21226658840..24007507038 ring n0:n2+n3 n1:n2+n4 n2:n0+n1 n3:n0+n4 n4:n1+n3",
            "26364096344..27167164283 majority n0:n1+n3+n4 n1:n0+n2 n2:n1+n3+n4 n3:n0+n2 n4:n0+n2",
        ]
    );
}

#[test]
fn cuts_are_read() {
    let seconds = Duration::from_secs_f64;
    for (text, nodes, begin, end) in [
        ("n3@0..20", vec!["n3"], 0.0, Some(20.0)),
        ("n1+n3@5..7.5", vec!["n1", "n3"], 5.0, Some(7.5)),
        ("n3+n1+n3@0.1..0.2", vec!["n1", "n3"], 0.1, Some(0.2)),
        ("n0@10..", vec!["n0"], 10.0, None),
    ] {
        let nodes = nodes.into_iter().map(str::to_owned).collect();
        let when = Window { begin: seconds(begin), end: end.map(seconds) };
        let expected = Cut { nodes, when };
        assert_eq!(text.parse(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_cut_says_why() {
    for (text, problem) in [
        ("n3", "there is no `@`"),
        ("n3@5", "there is no `..`"),
        ("@0..5", "a node's name is missing"),
        ("n1+@0..5", "a node's name is missing"),
        ("n3@x..5", "the beginning is no number of seconds"),
        ("n3@-1..5", "the beginning is no number of seconds"),
        ("n3@0..inf", "the end is no number of seconds"),
        ("n3@5..5", "it ends before it begins"),
    ] {
        let example = "n3@0..20 or n1+n3@5..7.5";
        let text = text.to_owned();
        let expected = FaultError::Syntax { what: "cut", text: text.clone(), problem, example };
        assert_eq!(text.parse::<Cut>(), Err(expected), "{text}");
    }
}

#[test]
fn cuts_become_faults() {
    let nodes = names(4);
    let load = Duration::from_secs(20);
    let shown = |text: &str| match text.parse::<Cut>().expect("a cut").fault(&nodes, load) {
        Ok(Fault { begin, end, kind: FaultKind::Partition { shape, blocked }, .. }) => {
            let deaf = blocked.iter().map(|(node, to)| format!("{node}:{}", to.join("+")));
            format!("{begin}..{end} {shape} {}", deaf.collect::<Vec<_>>().join(" "))
        }
        Ok(fault) => panic!("no partition: {fault:?}"),
        Err(error) => error.to_string(),
    };
    for (text, expected) in [
        ("n3@0..20", "0..20000000000 cut n0:n3 n1:n3 n2:n3 n3:n0+n1+n2"),
        ("n1+n3@0.5..", "500000000..20000000000 cut n0:n1+n3 n1:n0+n2 n2:n1+n3 n3:n0+n2"),
        ("n7@0..5", "the cut names `n7`, which is no node; nodes are n0, n1, n2, n3"),
        ("n0+n1+n2+n3@0..5", "the cut names all nodes: there is nobody left to cut them off from"),
        ("n1@0..21", "the cut ends at 21 s, but the load is over after 20 s"),
        ("n1@25..", "the cut ends at 25 s, but the load is over after 20 s"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

/// With fewer than four nodes some kinds cut nobody off; none of those is drawn.
#[test]
fn every_partition_bites() {
    let (interval, load) = (Duration::from_secs(1), Duration::from_secs(100));
    for count in 2..=5 {
        for seed in 0..50 {
            for fault in partitions(seed, &names(count), interval, load) {
                let is_idle = matches!(&fault.kind, FaultKind::Partition { blocked, .. } if blocked.is_empty());
                assert!(!is_idle, "{count} nodes: {fault:?}");
            }
        }
    }
    assert!(partitions(1, &names(1), interval, load).is_empty());
}
