//! No circle between the modules of a package: each can be read after those that it uses. A module
//! that is split over files, one and those in the folder of its name, is one module here. Other
//! circles are listed, with what holds them together.

use std::collections::BTreeSet;

use kolk_tidy::mentions::Mentions;
use kolk_tidy::packages::packages;

/// The arrows that close a circle all the same: package, from, to, and the reason.
const ALLOWED: &[(&str, &str, &str, &str)] = &[
    ("kolk", "runner.rs", "commands.rs", "a finished run writes its report as the command does"),
    ("kolk-explore", "faults.rs", "observation.rs", "what faults did is part of what was observed"),
    ("kolk-traced", "tracer/calls/wait.rs", "tracer/calls/ids.rs", "a wait names whom it is for"),
    ("kolk-check", "txn/findings.rs", "txn/levels.rs", "the order of findings is that of levels"),
    ("kolk-node", "machine.rs", "storage/disk.rs", "a machine is given its disk"),
    ("kolk-node", "state.rs", "storage.rs", "a node's state holds its disk, which waits by timers"),
    ("kolk-node", "storage.rs", "stdio/folder.rs", "a disk is simulated or a folder"),
    ("kolk-history", "micro_ops.rs", "value.rs", "a value may hold operations, which hold values"),
];

/// Whether all files are one module and the files in its folder.
fn is_one_module(circle: &BTreeSet<String>) -> bool {
    circle.iter().any(|file| {
        let folder = file.trim_end_matches(".rs");
        circle.iter().all(|other| {
            other == file || other.strip_prefix(folder).is_some_and(|inner| inner.starts_with('/'))
        })
    })
}

#[test]
fn modules_need_each_other_in_one_direction() {
    let mut faults = Vec::new();
    for package in packages() {
        let mut mentions = Mentions::of(&package.folder.join("src"));
        for (_, from, to, _) in ALLOWED.iter().filter(|arrow| arrow.0 == package.name) {
            let is_there = mentions.remove(from, to);
            assert!(
                is_there,
                "{}: {from} no longer needs {to}: take it off the list",
                package.name
            );
        }
        for circle in mentions.circles().into_iter().filter(|circle| !is_one_module(circle)) {
            for (from, to) in mentions.arrows_among(&circle) {
                faults.push(format!("{}: {from} needs {to}", package.name));
            }
        }
    }
    assert!(faults.is_empty(), "circles between modules:\n{}", faults.join("\n"));
}
