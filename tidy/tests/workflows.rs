//! The workflows of the forge do what the repository has.

use std::fs;

use kolk_tidy::{files, root};
use kolk_workload::challenge::CHALLENGES;

/// A challenge that no workflow runs can break unseen.
#[test]
fn the_matrix_is_the_list_of_challenges() {
    let path = root().join(".github/workflows/challenges.yml");
    let text = fs::read_to_string(path).expect("the workflow");
    let line = text.lines().find_map(|line| line.trim().strip_prefix("id: [")).expect("a matrix");
    let ids: Vec<&str> =
        line.trim_end_matches(']').split(',').map(|id| id.trim().trim_matches('"')).collect();
    let expected: Vec<&str> = CHALLENGES.iter().map(|challenge| challenge.id).collect();
    assert_eq!(ids, expected, "challenges.yml against kolk-workload's list");
}

/// A sweep stands behind each table of the nodes' READMEs; one that nobody runs proves nothing.
#[test]
fn each_sweep_is_in_the_weekly_workflow() {
    let path = root().join(".github/workflows/weekly.yml");
    let weekly = fs::read_to_string(path).expect("the workflow");
    let nodes = root().join("nodes");
    let mut sweeps = 0;
    for path in files(&nodes, &[".rs"]) {
        let text = fs::read_to_string(&path).expect("a file");
        if !text.contains("KOLK_SEEDS=") {
            continue;
        }
        let inner = path.strip_prefix(&nodes).expect("it is below");
        let node = inner.components().next().expect("a node").as_os_str().to_string_lossy();
        let test = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let command = format!("-p kolk-{node} --test {test} ");
        assert!(weekly.contains(&command), "weekly.yml does not run `{command}`");
        sweeps += 1;
    }
    assert!(sweeps > 5, "{sweeps} sweeps were found");
}
