//! Many short runs at once in one process: each ends its own processes, and nobody else's.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use kolk_engine::{
    Call, Ending, Flow, Invocation, JournalSink, NodeSource, Patience, Progress, ReplyError, Setup,
    Step, Worker, Workload,
};
use kolk_history::Plan;
use kolk_history::plan::{
    ClockKind, DRAWS, Exceptions, FORMAT, LatencyDistribution, NetworkSpec, NodeSpec, WorkloadSpec,
};
use kolk_protocol::Random;
use kolk_protocol::message::Body;

const RUNS: usize = 1000;
const THREADS: usize = 4;
/// Each so-many-th run leaves a daemon behind.
const DAEMON_EVERY: usize = 50;

/// Starts the nodes and does nothing.
struct Idle;

impl Workload for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn next(&mut self, _: &Worker, _: u64, _: &mut Random) -> Option<Invocation> {
        None
    }

    fn start(&mut self, _: &Worker, _: &Invocation, _: &mut Call<'_>) -> Step {
        Step::Call
    }

    fn reply(
        &mut self,
        _: &Worker,
        _: &Invocation,
        _: &Body<'_>,
        _: &mut Call<'_>,
    ) -> Result<Step, ReplyError> {
        Ok(Step::Call)
    }
}

fn plan() -> Plan {
    let nodes = ["n0", "n1"].map(str::to_owned).to_vec();
    Plan {
        format: FORMAT,
        draws: DRAWS,
        kolk_version: String::new(),
        seed: 7,
        clock: ClockKind::Virtual,
        node: NodeSpec::BuiltIn { name: "sh".into(), args: Vec::new(), separate: true },
        nodes: nodes.try_into().expect("names that fit"),
        concurrency: 1,
        rate: 1.0,
        time_limit: 1_000_000,
        workload: WorkloadSpec { name: "idle".into(), settings: Default::default() },
        network: NetworkSpec {
            latency: 0.0,
            latency_dist: LatencyDistribution::Constant,
            loss: 0.0,
            duplication: 0.0,
        },
        faults: Vec::new(),
        exceptions: Exceptions::default(),
        limits: kolk_history::plan::Limits::default(),
        strict: false,
        lenient: false,
        availability: None,
    }
}

/// A node in shell, of built-in commands alone. With a file to note its number in, it first leaves
/// a daemon behind, in a session of its own.
const NODE: &str = r#"
test -z "$0" || setsid sh -c 'printf "%s\n" $$ >>"$0"; exec tail -f /dev/null' "$0" >&- 2>&- &
read -r line
me=${line#*'"node_id":"'} me=${me%%'"'*}
printf '{"src":"%s","dest":"c%s","body":{"type":"init_ok","in_reply_to":1,"lockstep":{"version":1}}}\n' \
    $me ${me#n}
while :; do
    printf '{"src":"%s","dest":"clock","body":{"type":"idle","wake_at":null}}\n' $me
    read -r line || exit 0
done"#;

fn run(pids: &str) -> Result<(), String> {
    let plan = plan();
    let ran = kolk_engine::run(Setup {
        plan: &plan,
        nodes: NodeSource::Program {
            path: "/bin/sh".into(),
            args: vec!["-c".to_owned(), NODE.to_owned(), pids.to_owned()],
            patience: Patience::default(),
        },
        workload: Box::new(Idle),
        journal: JournalSink::Digest,
        history: None,
        logs: None,
        data: None,
        room: kolk_engine::Room::default(),
        observer: &mut |_: &Progress<'_>| Flow::Continue,
    })
    .map_err(|error| format!("{error}: {error:?}"))?;
    if ran.ending != Ending::Completed || !ran.survivors.is_empty() {
        return Err(format!("{:?} {:?} {:?}", ran.ending, ran.survivors, ran.summary.violations));
    }
    Ok(())
}

/// True if there is such a process and it has not ended.
fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start().chars().next();
    !matches!(state, None | Some('Z' | 'X'))
}

#[test]
fn a_thousand_runs_leave_each_other_alone() {
    kolk_engine::adopt_orphans();
    let folder = tempfile::tempdir().unwrap();
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= RUNS {
                return;
            }
            let pids = folder.path().join(number.to_string());
            let leaves_daemon = number.is_multiple_of(DAEMON_EVERY);
            let ran = run(if leaves_daemon { pids.to_str().unwrap() } else { "" });
            assert_eq!(ran, Ok(()), "run {number}");
            // A daemon may have been ended before it noted its number.
            for pid in fs::read_to_string(pids).unwrap_or_default().lines() {
                assert!(!is_running(pid), "run {number} leaves process {pid}");
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..THREADS {
            scope.spawn(work);
        }
        work();
    });
}
