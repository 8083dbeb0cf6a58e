//! Checkers of transactions side by side, on the histories that `transactions --write FOLDER SIZE`
//! leaves in a folder: `transactions-race FOLDER…`.
//!
//! Beside kolk's, `adya`, after the method of Jepsen's Elle too. Each reads the file of JSON lines
//! and checks it against strict serializability, in a process of its own, in turns, three each; the
//! best of them counts.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;

use kolk_benches::measured::{cpu_seconds, peak_megabytes, timed};
use kolk_check::models::{Model, Models};
use kolk_check::{Options, Validity};

const RACERS: [&str; 2] = ["kolk", "adya"];

/// The histories, and the workloads they are of.
const HISTORIES: [(&str, &str); 2] =
    [("list-append.jsonl", "txn-list-append"), ("rw-register.jsonl", "txn-rw-register")];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["kolk", workload, path] => kolk(workload, Path::new(path)),
        ["adya", workload, path] => adya(workload, Path::new(path)),
        folders => race(folders),
    }
}

fn race(folders: &[&str]) {
    println!("| history | | together | CPU | peak memory |");
    println!("|---|---|---:|---:|---:|");
    for folder in folders {
        for (file, workload) in HISTORIES {
            let path = Path::new(folder).join(file);
            let mut best: [Option<Vec<f64>>; 2] = [None, None];
            for _ in 0..3 {
                for (racer, best) in RACERS.iter().zip(&mut best) {
                    let told = run(racer, workload, &path);
                    if best.as_ref().is_none_or(|best| told[0] < best[0]) {
                        *best = Some(told);
                    }
                }
            }
            for (racer, best) in RACERS.iter().zip(best.into_iter().flatten()) {
                let (seconds, cpu, peak) = (best[0], best[1], best[2]);
                println!(
                    "| {} | {racer} | {seconds:.3} s | {cpu:.2} s | {peak:.0} MB |",
                    path.display()
                );
            }
        }
    }
}

/// Seconds, seconds of all processors, and megabytes.
fn run(racer: &str, workload: &str, path: &Path) -> Vec<f64> {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args([racer, workload]).arg(path).output();
    let output = output.expect("a measurement");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

fn tell(seconds: std::time::Duration) {
    println!("{} {} {}", seconds.as_secs_f64(), cpu_seconds(), peak_megabytes());
}

fn kolk(workload: &str, path: &Path) {
    let (verdict, seconds) = timed(|| {
        let file = BufReader::with_capacity(1 << 18, File::open(path).expect("a file"));
        let history = kolk_history::read(file, Vec::new()).expect("a history");
        let consistency_models = Models::new(&[Model::StrictSerializable]);
        let options = Options { workload, strict: true, consistency_models, ..Options::default() };
        let verdict = kolk_check::check_run(&history, None, &options);
        // Giving memory back is not measured: neither program need do it.
        std::mem::forget(history);
        verdict
    });
    assert_eq!(verdict.validity, Validity::Valid);
    tell(seconds);
}

fn adya(workload: &str, path: &Path) {
    let workload = match workload {
        "txn-list-append" => adya::Workload::ListAppend,
        _ => adya::Workload::RwRegister,
    };
    // What kolk infers of registers by itself.
    let options = adya::Opts { wfr_keys: true, ..adya::Opts::default() };
    let (valid, seconds) = timed(|| {
        let text = std::fs::read_to_string(path).expect("a file");
        let history = adya::History::parse(&text).expect("a history");
        let report = adya::check(&history, workload, &options);
        let valid = report.valid;
        std::mem::forget((history, report));
        valid
    });
    assert_eq!(valid, adya::Valid::True);
    tell(seconds);
}
