//! Packages depend on what they use, and on those above them in `ARCHITECTURE.md` alone.

use std::fs;

use kolk_tidy::packages::{Package, packages};
use kolk_tidy::{files, root};

/// The packages in the order of the table in `ARCHITECTURE.md`.
fn order() -> Vec<String> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the document");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned()))
        .filter(|row| row.starts_with("crates/") || row == "nodes/*")
        .map(|row| row.trim_start_matches("crates/").to_owned())
        .collect()
}

/// Where a package stands in the table.
fn place(order: &[String], name: &str) -> Option<usize> {
    order.iter().position(|row| row == name)
}

/// The direction of the house: a crate uses only those above it. Tests may look further.
#[test]
fn each_crate_uses_those_above_it() {
    let order = order();
    assert!(order.len() > 9, "the table was not found: {order:?}");
    for package in packages() {
        let folder = package.folder.to_string_lossy().into_owned();
        if !folder.contains("/crates/") {
            continue;
        }
        let here = place(&order, &package.name)
            .unwrap_or_else(|| panic!("{} is not in ARCHITECTURE's table", package.name));
        for other in package.dependencies.iter().filter_map(|name| place(&order, name)) {
            assert!(other < here, "{} may not use {}", package.name, order[other]);
        }
    }
}

/// What must stay absent, as `ARCHITECTURE.md` says, with the reason.
const MAY_NOT: &[(&str, &str, &str)] = &[
    ("kolk-check", "kolk-engine", "a checker judges histories, whoever recorded them"),
    ("kolk-report", "kolk-engine", "nothing that is shown needs a running cluster"),
    ("kolk-report", "kolk-workload", "a report is drawn from what a run left behind"),
    ("kolk-serve", "kolk-engine", "a stored run is shown without a running cluster"),
    ("kolk-engine", "kolk-check", "the engine knows no checker"),
    ("kolk-engine", "kolk-workload", "the engine knows no workload's meaning"),
    ("kolk-engine", "tokio", "the engine has no asynchronous runtime"),
    ("kolk-node", "kolk-engine", "a node is a program of its own"),
    ("kolk-raft", "kolk-node", "whoever embeds it need not have a node of ours"),
    ("kolk-raft", "kolk-protocol", "it serves programs that know nothing of Maelstrom"),
];

#[test]
fn what_must_stay_absent_is_absent() {
    let packages = packages();
    for (name, other, reason) in MAY_NOT {
        let package = packages.iter().find(|package| package.name == *name).expect("a package");
        assert!(!package.dependencies.contains(*other), "{name} may not use {other}: {reason}");
    }
}

/// A reference node is written with what a user of the library has.
#[test]
fn nodes_use_the_node_library_alone() {
    for package in packages() {
        if !package.folder.to_string_lossy().contains("/nodes/") {
            continue;
        }
        for name in package.dependencies.iter().filter(|name| name.starts_with("kolk-")) {
            let is_library = matches!(name.as_str(), "kolk-node" | "kolk-replica" | "kolk-raft");
            let is_node = root().join("nodes").join(name.trim_start_matches("kolk-")).exists();
            assert!(is_library || is_node, "{} may not use {name}", package.name);
        }
    }
}

/// The names under which a package's sources may mention a dependency.
fn is_mentioned(package: &Package, name: &str, folders: &[&str]) -> bool {
    // A package whose library has another name.
    let word = if name == "maelstrom-node" { "maelstrom" } else { name };
    let word = word.replace('-', "_");
    let folders = folders.iter().map(|folder| package.folder.join(folder));
    folders.filter(|folder| folder.exists()).flat_map(|folder| files(&folder, &[".rs"])).any(
        |path| {
            let text = fs::read_to_string(path).expect("a file");
            text.match_indices(&word).any(|(place, _)| {
                let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                !is_part(text[..place].chars().next_back())
                    && !is_part(text[place + word.len()..].chars().next())
            })
        },
    )
}

/// Whoever builds a package should not build what it does not use.
#[test]
fn dependencies_are_used() {
    let mut unused = Vec::new();
    for package in packages() {
        let test_folders: &[&str] = &["src", "tests", "benches", "examples"];
        let lists =
            [(&package.dependencies, &["src"][..]), (&package.test_dependencies, test_folders)];
        for (names, folders) in lists {
            // They compile files that stand elsewhere: the examples of README and book, and what
            // the tests of kolk-traced share.
            let is_used_elsewhere = |name: &str| match &*package.name {
                "kolk-sweep" => matches!(name, "kolk-g-set" | "serde_json"),
                "kolk" => name == "seccompiler",
                _ => false,
            };
            let names = names.iter().filter(|name| !is_used_elsewhere(name));
            let names = names.filter(|name| !is_mentioned(&package, name, folders));
            unused.extend(names.map(|name| format!("{}: {name}", package.name)));
        }
    }
    assert!(unused.is_empty(), "dependencies that no source mentions:\n{}", unused.join("\n"));
}
