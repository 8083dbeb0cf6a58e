//! Compares nodes on stdio: echo requests a second, CPU time a message, and the round trip of a
//! single request through pipes.
//!
//! Run it with `cargo run --release -p kolk-benches --bin node-stdio [PROGRAM…]`. Without arguments
//! it measures the three echo programs beside it; others can be given by path. All are measured in
//! turns, and each one's best turn counts: what disturbs a measurement only makes it worse.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's clock")]

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const TURNS: usize = 7;
const LOAD: Duration = Duration::from_millis(1500);
const ROUND_TRIPS: usize = 20_000;
/// Round trips are few with slow programs: this long at most.
const ROUND_TRIPS_TIME_MAX: Duration = Duration::from_secs(1);
const PROGRAMS: [&str; 3] = ["echo-plain-loop", "echo-kolk-node", "echo-maelstrom-node"];
/// The kernel's unit for `utime` and `stime`: `sysconf(_SC_CLK_TCK)`, 100 on Linux everywhere.
const TICKS_PER_SEC: f64 = 100.0;

#[derive(Clone, Copy)]
struct Figures {
    requests_per_sec: f64,
    cpu_us: f64,
    round_trip_us: f64,
}

fn main() -> io::Result<()> {
    let mut programs: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if programs.is_empty() {
        let here = std::env::current_exe()?;
        programs = PROGRAMS.iter().map(|name| here.with_file_name(name)).collect();
    }
    let mut best = vec![None; programs.len()];
    for _ in 0..TURNS {
        for (program, best) in programs.iter().zip(&mut best) {
            let turn = measure(program)?;
            *best = Some(match *best {
                None => turn,
                Some(Figures { requests_per_sec, cpu_us, round_trip_us }) => Figures {
                    requests_per_sec: turn.requests_per_sec.max(requests_per_sec),
                    cpu_us: turn.cpu_us.min(cpu_us),
                    round_trip_us: turn.round_trip_us.min(round_trip_us),
                },
            });
        }
    }
    let best: Vec<Figures> = best.into_iter().flatten().collect();
    print!("{}", table(&programs, &best));
    Ok(())
}

fn table(programs: &[PathBuf], figures: &[Figures]) -> String {
    let mut text = String::from(
        "| program | echoes a second | × first | CPU µs a message | × first | round trip µs | × \
         first |\n|---|---:|---:|---:|---:|---:|---:|\n",
    );
    let first = figures[0];
    for (program, figures) in programs.iter().zip(figures) {
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.2} | {:.2} | {:.2} | {:.1} | {:.2} |",
            program.file_name().unwrap_or_default().to_string_lossy(),
            figures.requests_per_sec,
            figures.requests_per_sec / first.requests_per_sec,
            figures.cpu_us,
            figures.cpu_us / first.cpu_us,
            figures.round_trip_us,
            figures.round_trip_us / first.round_trip_us,
        );
    }
    text
}

struct Node {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Node {
    fn start(program: &Path) -> io::Result<Node> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| io::Error::other(format!("{}: {error}", program.display())))?;
        let missing = || io::Error::other("no pipe");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let mut node = Node { child, stdin, stdout };
        node.ask(concat!(
            r#"{"id":0,"src":"c0","dest":"n0","body":{"type":"init","msg_id":1,"#,
            r#""node_id":"n0","node_ids":["n0"]}}"#,
            "\n"
        ))?;
        Ok(node)
    }

    /// Sends a line and waits for one.
    fn ask(&mut self, line: &str) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or_else(|| io::Error::other("no pipe"))?;
        stdin.write_all(line.as_bytes())?;
        let mut reply = String::new();
        if self.stdout.read_line(&mut reply)? == 0 {
            return Err(io::Error::other("the node has ended"));
        }
        Ok(())
    }

    /// The CPU time of all its threads, in seconds.
    fn cpu_sec(&self) -> io::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // After the name, which may hold spaces: the 14th and 15th fields of all.
        let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<u64>().ok()).sum();
        Ok(ticks as f64 / TICKS_PER_SEC)
    }
}

fn echo(number: usize) -> String {
    format!(
        concat!(
            r#"{{"id":{},"src":"c1","dest":"n0","body":"#,
            r#"{{"echo":"Please echo {}","type":"echo","msg_id":{}}}}}"#,
            "\n"
        ),
        number,
        number % 128,
        number
    )
}

fn measure(program: &Path) -> io::Result<Figures> {
    let mut node = Node::start(program)?;
    let begin = Instant::now();
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    while times.len() < ROUND_TRIPS && begin.elapsed() < ROUND_TRIPS_TIME_MAX {
        let line = echo(times.len());
        let sent = Instant::now();
        node.ask(&line)?;
        times.push(sent.elapsed());
    }
    times.sort_unstable();
    let round_trip_us = times[times.len() / 2].as_secs_f64() * 1e6;

    flood(node, round_trip_us)
}

/// Writes requests as fast as they are taken, and counts the answers.
fn flood(mut node: Node, round_trip_us: f64) -> io::Result<Figures> {
    let lines_per_block = 512;
    let block: String = (1_000_000..1_000_000 + lines_per_block).map(echo).collect();
    let cpu_before = node.cpu_sec()?;
    let begin = Instant::now();
    let stdin = node.stdin.take();
    let writer = std::thread::spawn(move || -> io::Result<usize> {
        let mut sent = 0;
        // Dropped at the end, which ends the node, which ends its output.
        let mut stdin = stdin.ok_or_else(|| io::Error::other("no pipe"))?;
        while begin.elapsed() < LOAD {
            stdin.write_all(block.as_bytes())?;
            sent += lines_per_block;
        }
        Ok(sent)
    });
    let (mut answered, mut taken) = (0, Duration::ZERO);
    let mut piece = vec![0; 256 * 1024];
    loop {
        let count = node.stdout.read(&mut piece)?;
        if count == 0 {
            break;
        }
        answered += piece[..count].iter().filter(|byte| **byte == b'\n').count();
        taken = begin.elapsed();
    }
    let sent = writer.join().map_err(|_| io::Error::other("the writer failed"))??;
    if answered != sent {
        return Err(io::Error::other(format!("{sent} requests, and {answered} answers")));
    }
    // It has ended but was not waited for: its times are still there.
    let cpu_us = (node.cpu_sec()? - cpu_before) * 1e6 / answered as f64;
    node.child.wait()?;
    Ok(Figures { requests_per_sec: answered as f64 / taken.as_secs_f64(), cpu_us, round_trip_us })
}
