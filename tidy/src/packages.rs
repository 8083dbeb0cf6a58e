//! The workspace's packages and what their manifests say.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::root;

/// A package of the workspace.
#[derive(Debug)]
pub struct Package {
    /// Its name in its manifest.
    pub name: String,
    /// The folder of its manifest.
    pub folder: PathBuf,
    /// What its library or program needs.
    pub dependencies: BTreeSet<String>,
    /// What only its tests, examples and benchmarks need.
    pub test_dependencies: BTreeSet<String>,
}

/// All packages of the workspace, by folder.
///
/// # Panics
///
/// If a manifest cannot be read.
pub fn packages() -> Vec<Package> {
    let mut folders: Vec<PathBuf> = ["crates", "nodes"]
        .iter()
        .flat_map(|parent| fs::read_dir(root().join(parent)).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .chain(["benches", "tidy"].map(|name| root().join(name)))
        .filter(|folder| folder.join("Cargo.toml").exists())
        .collect();
    folders.sort();
    folders.into_iter().map(read).collect()
}

fn read(folder: PathBuf) -> Package {
    let path = folder.join("Cargo.toml");
    let text = fs::read_to_string(&path).expect("a manifest");
    let manifest: toml::Table =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let keys = |table: &toml::Table, name: &str| -> Vec<String> {
        let table = table.get(name).and_then(toml::Value::as_table);
        table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
    };
    let (mut dependencies, mut test_dependencies) = (BTreeSet::new(), BTreeSet::new());
    // Those of one platform are tables of the same shape under `target`.
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(|table| table.values().filter_map(|v| v.as_table()));
    for table in std::iter::once(&manifest).chain(targets) {
        dependencies.extend(keys(table, "dependencies"));
        test_dependencies.extend(keys(table, "dev-dependencies"));
    }
    let name = manifest["package"]["name"].as_str().expect("a name").to_owned();
    Package { name, folder, dependencies, test_dependencies }
}
