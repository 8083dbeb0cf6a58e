//! What goes wrong in a simulation, and when.

use super::invariants::Violation;
use super::simulator::{Event, MS, Style, World};
use crate::{Change, Input};

/// A request of nobody's: no client waits for it.
const NOBODY: u64 = u64::MAX;

/// Something goes wrong, or right again.
pub(super) fn cause(world: &mut World) -> Result<(), Violation> {
    if world.is_calm {
        return Ok(());
    }
    let leader = world.leader();
    let (pause, weights) = weights(world.settings.style);
    let sum: u64 = weights.iter().map(|(weight, _)| weight).sum();
    let mut drawn = world.random.below(sum);
    let fault = weights.iter().find(|(weight, _)| {
        let is_it = drawn < *weight;
        drawn = drawn.saturating_sub(*weight);
        is_it
    });
    let fault = fault.expect("the weights have a sum").1;
    world.tell(|| format!("{fault:?}"));
    let names: Vec<u64> = world.nodes.keys().copied().collect();
    let any = names[world.random.index(names.len())];
    let chosen = leader.unwrap_or(any);
    world.after(2 * pause * MS, Event::Trouble);
    match fault {
        Fault::Kill => kill(world, any),
        Fault::KillLeader => kill(world, chosen),
        Fault::KillMany => {
            for node in names {
                if world.random.chance(0.6) {
                    kill(world, node);
                }
            }
        }
        Fault::KillFollowers => {
            for node in names.into_iter().filter(|node| *node != chosen) {
                world.kill(node);
                world.after(20 * MS, Event::Restart(node));
            }
        }
        Fault::Split => {
            let side: Vec<bool> = names.iter().map(|_| world.random.chance(0.5)).collect();
            for (a, a_side) in names.iter().zip(&side) {
                for (b, b_side) in names.iter().zip(&side) {
                    if a_side != b_side {
                        world.cut.insert((*a, *b));
                    }
                }
            }
        }
        Fault::CutLeader => {
            for node in names {
                world.cut.insert((chosen, node));
                world.cut.insert((node, chosen));
            }
        }
        Fault::OneWay => {
            let is_deaf = world.random.chance(0.5);
            for node in names.into_iter().filter(|node| *node != chosen) {
                world.cut.insert(if is_deaf { (node, chosen) } else { (chosen, node) });
            }
        }
        // The leader reaches one other and nobody else.
        Fault::Leak => {
            for node in names.into_iter().filter(|node| *node != any) {
                world.cut.insert((chosen, node));
                world.cut.insert((node, chosen));
            }
        }
        // The same, and then that one forgets that it was reached: a third one may ask it for its
        // vote.
        Fault::Forget => {
            world.cut.clear();
            for node in names.into_iter().filter(|node| *node != any) {
                world.cut.insert((chosen, node));
                world.cut.insert((node, chosen));
            }
            let delay = 200 * MS + world.random.below(300 * MS);
            world.at(world.now + delay, Event::Forget { node: any, other: chosen });
        }
        Fault::CutFollower => {
            world.cut.clear();
            for node in names.into_iter().filter(|node| any != chosen && *node != any) {
                world.cut.insert((any, node));
                world.cut.insert((node, any));
            }
        }
        Fault::Heal => world.cut.clear(),
        Fault::Pause => {
            world.nodes.get_mut(&chosen).expect("a node").paused = true;
            world.after(600 * MS, Event::Resume(chosen));
        }
        Fault::Disk => world.sync = [0, MS, 20 * MS, 100 * MS][world.random.index(4)],
        Fault::HandOver => {
            if let Some(leader) = leader.filter(|leader| !world.nodes[leader].paused) {
                world.step(leader, Input::HandOver { token: NOBODY, to: any })?;
                // It does not hear what comes of it.
                if world.settings.style == Style::Leases {
                    world.cut.extend(names.into_iter().map(|node| (node, leader)));
                    world.cut.remove(&(leader, leader));
                }
            }
        }
        Fault::Member => {
            for _ in 0..1 + world.random.below(3) {
                change(world)?;
            }
        }
    }
    Ok(())
}

/// Somebody asks the leader for a change of members.
pub(super) fn change(world: &mut World) -> Result<(), Violation> {
    let Some(leader) = world.leader().filter(|leader| !world.nodes[leader].paused) else {
        return Ok(());
    };
    let names: Vec<u64> = world.nodes.keys().copied().collect();
    let any = names[world.random.index(names.len())];
    let members = world.nodes[&leader].raft.as_ref().expect("it leads").members().clone();
    let change = match (members.voters.contains(&any), members.learners.contains(&any)) {
        (true, _) => Change::Remove(any),
        (_, true) if world.random.chance(0.8) => Change::Promote(any),
        (_, true) => Change::Remove(any),
        (false, false) => Change::AddLearner(any),
    };
    // A cluster of two stands still whenever one of them does.
    if world.is_calm || members.voters.len() < 3 && change == Change::Remove(any) {
        return Ok(());
    }
    world.tell(|| format!("n{leader}: {change:?}"));
    world.tally.changes += 1;
    world.step(leader, Input::Change { token: NOBODY, change })
}

/// How long it takes from one to the next on average, in milliseconds, and how often each comes.
#[rustfmt::skip]
fn weights(style: Style) -> (u64, &'static [(u64, Fault)]) {
    match style {
        Style::All => (300, &[
            (3, Fault::Kill), (3, Fault::KillLeader), (2, Fault::KillMany), (3, Fault::Split),
            (3, Fault::CutLeader), (2, Fault::OneWay), (5, Fault::Heal), (2, Fault::Pause),
            (1, Fault::HandOver), (2, Fault::Member), (1, Fault::Disk),
        ]),
        Style::Leaders => (120, &[
            (4, Fault::KillLeader), (3, Fault::CutLeader), (4, Fault::Heal), (2, Fault::Split),
            (3, Fault::KillMany), (2, Fault::Disk), (2, Fault::Leak),
        ]),
        Style::Elections => (25, &[
            (6, Fault::KillLeader), (6, Fault::Kill), (1, Fault::CutLeader), (2, Fault::Heal),
        ]),
        Style::Members => (60, &[
            (14, Fault::Member), (2, Fault::Split), (3, Fault::CutLeader), (4, Fault::Heal),
            (2, Fault::KillLeader), (1, Fault::KillMany), (1, Fault::HandOver), (2, Fault::Leak),
        ]),
        Style::Leases => (200, &[
            (4, Fault::CutLeader), (5, Fault::Heal), (3, Fault::HandOver), (2, Fault::OneWay),
            (2, Fault::KillFollowers), (2, Fault::Leak), (1, Fault::KillLeader), (3, Fault::Forget),
        ]),
        Style::Rejoin => (300, &[(1, Fault::CutFollower), (1, Fault::Heal)]),
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Kill,
    KillLeader,
    KillMany,
    KillFollowers,
    Split,
    CutLeader,
    OneWay,
    Leak,
    Forget,
    CutFollower,
    Heal,
    Pause,
    Disk,
    HandOver,
    Member,
}

fn kill(world: &mut World, node: u64) {
    world.kill(node);
    // Some are back so soon that nobody has noticed.
    let down = match world.settings.style {
        Style::Elections => 20 * MS,
        _ => [5 * MS, 50 * MS, 400 * MS][world.random.index(3)],
    };
    world.after(down, Event::Restart(node));
}
