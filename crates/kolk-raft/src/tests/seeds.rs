//! Many seeds under every kind of trouble. For more of them:
//!
//! ```text
//! KOLK_SEEDS=1000 cargo test --release -p kolk-raft --lib seeds -- --nocapture
//! ```

use super::simulator::{MS, Settings, Style, Tally, World};
use crate::planted::Bug;

pub(super) fn settings(seed: u64, style: Style, bug: Bug) -> Settings {
    let nodes = if style == Style::Rejoin { 3 } else { [3, 5][(seed % 2) as usize] };
    Settings { seed, nodes, trouble: 3_000 * MS, style, bug }
}

fn seeds(default: u64) -> u64 {
    std::env::var("KOLK_SEEDS").map_or(default, |text| text.parse().expect("KOLK_SEEDS: a number"))
}

fn sound(style: Style) {
    let mut sum = Tally::default();
    let count = seeds(60);
    for seed in 0..count {
        let settings = settings(seed, style, Bug::None);
        let mut world = World::new(settings);
        if std::env::var("KOLK_SEED").is_ok_and(|wanted| wanted == seed.to_string()) {
            world.told = Some(Vec::new());
        }
        let found = world.run();
        for line in world.told.iter().flatten() {
            println!("{line}");
        }
        let tally = found.unwrap_or_else(|found| panic!("{style:?}, seed {seed}: {found:?}"));
        sum.leaders += tally.leaders;
        sum.kills += tally.kills;
        sum.completed += tally.completed;
        sum.snapshots_sent += tally.snapshots_sent;
        sum.changes += tally.changes;
    }
    println!("{style:?}, {count} seeds: {sum:?}");
    // Trouble that does not come proves nothing.
    assert!(sum.leaders > 2 * count && sum.completed > 30 * count, "{style:?}: {sum:?}");
    assert!(sum.kills > count / 2 && sum.snapshots_sent > 0, "{style:?}: {sum:?}");
}

#[test]
fn all_trouble() {
    sound(Style::All);
}

#[test]
fn leaders_fall() {
    sound(Style::Leaders);
}

#[test]
fn many_candidates() {
    sound(Style::Elections);
}

#[test]
fn members_come_and_go() {
    sound(Style::Members);
}

#[test]
fn leases_hold() {
    sound(Style::Leases);
}

/// A cluster of one needs nobody, and one of two needs both; others join them and leave.
#[test]
fn small_clusters() {
    for seed in 0..seeds(30) {
        let settings =
            Settings { nodes: 1 + seed % 2, ..settings(seed, Style::Members, Bug::None) };
        let found = World::new(settings).run();
        found.unwrap_or_else(|found| panic!("seed {seed}: {found:?}"));
    }
}

/// Whoever was cut off and comes back disturbs nobody: there is one leader all the time.
#[test]
fn nobody_is_disturbed() {
    for seed in 0..seeds(60) {
        let found = World::new(settings(seed, Style::Rejoin, Bug::None)).run();
        let tally = found.unwrap_or_else(|found| panic!("seed {seed}: {found:?}"));
        assert_eq!(tally.leaders, 1, "seed {seed}");
    }
}

/// The same settings are the same run.
#[test]
fn a_run_is_a_function_of_its_settings() {
    let told = || {
        let mut world = World::new(settings(7, Style::All, Bug::None));
        world.told = Some(Vec::new());
        world.run().expect("it is sound");
        world.told
    };
    assert_eq!(told(), told());
}
