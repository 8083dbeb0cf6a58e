//! A long log on a real disk: how much memory a node takes meanwhile, how long its file gets, and
//! how soon it is back when it is killed and started again.
//!
//! Run it with `cargo run --release -p kolk-benches --bin raft-log KOLK [ENTRIES] [KEYS]`, where
//! KOLK is the release program. One node of `lin-kv` alone is its own majority: a client writes
//! ENTRIES times, 10^6 if that is not said, to KEYS keys, 1000 if that is not said, with up to 256
//! requests under way. Then the node is killed, started, and asked for what was written last.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use kolk_benches::measured::{peak_megabytes_of, timed};
use serde_json::{Value, json};

const WINDOW: u64 = 256;

struct Node {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Node {
    fn start(kolk: &Path, data: &Path) -> io::Result<Node> {
        let mut child = Command::new(kolk)
            .args(["node", "lin-kv"])
            .env("KOLK_DATA_DIR", data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| io::Error::other(format!("{}: {error}", kolk.display())))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipe"));
        };
        let mut node = Node { child, stdin, stdout: BufReader::new(stdout) };
        node.send(json!({"type": "init", "node_id": "n0", "node_ids": ["n0"]}), 0)?;
        node.answer()?;
        Ok(node)
    }

    fn send(&mut self, mut body: Value, number: u64) -> io::Result<()> {
        body["msg_id"] = number.into();
        writeln!(self.stdin, "{}", json!({"src": "c1", "dest": "n0", "body": body}))
    }

    fn answer(&mut self) -> io::Result<Value> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            return Err(io::Error::other("the node has ended"));
        }
        let mut message: Value = serde_json::from_str(&line)?;
        Ok(message["body"].take())
    }

    fn write_all(&mut self, entries: u64, keys: u64) -> io::Result<()> {
        let (mut sent, mut answered) = (0, 0);
        while answered < entries {
            // Half a window at a time, so that neither end waits for each single line.
            while sent < entries && sent - answered < WINDOW {
                sent += 1;
                self.send(json!({"type": "write", "key": sent % keys, "value": sent}), sent)?;
            }
            let most = (sent - answered).min(WINDOW / 2);
            for _ in 0..most {
                let body = self.answer()?;
                if body["type"] != "write_ok" {
                    return Err(io::Error::other(format!("not written: {body}")));
                }
                answered += 1;
            }
        }
        Ok(())
    }

    /// Asks until it leads and answers.
    fn read(&mut self, key: u64) -> io::Result<Value> {
        loop {
            self.send(json!({"type": "read", "key": key}), 1)?;
            let body = self.answer()?;
            if body["type"] == "read_ok" {
                return Ok(body["value"].clone());
            }
        }
    }
}

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = || io::Error::other("usage: raft-log KOLK [ENTRIES] [KEYS]");
    let kolk = args.next().ok_or_else(usage)?;
    let mut number = |default: u64| match args.next() {
        Some(text) => text.parse().map_err(|_| usage()),
        None => Ok(default),
    };
    let (entries, keys) = (number(1_000_000)?, number(1_000)?.max(1));
    let (kolk, data) = (Path::new(&kolk), tempfile::tempdir()?);

    let mut node = Node::start(kolk, data.path())?;
    let (written, took) = timed(|| node.write_all(entries, keys));
    written?;
    let peak = peak_megabytes_of(node.child.id());
    node.child.kill()?;
    node.child.wait()?;
    let file = std::fs::metadata(data.path().join("raft-log"))?.len() as f64 / 1e6;

    let (again, back) = timed(|| -> io::Result<(Node, Value)> {
        let mut node = Node::start(kolk, data.path())?;
        let value = node.read(entries % keys)?;
        Ok((node, value))
    });
    let (mut again, value) = again?;
    let peak_again = peak_megabytes_of(again.child.id());
    again.child.kill()?;
    again.child.wait()?;
    if value != entries {
        return Err(io::Error::other(format!("{value} was found where {entries} was written")));
    }
    println!(
        "| entries | keys | writes a second | peak memory | file | back after | peak memory then |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    println!(
        "| {entries} | {keys} | {:.0} | {peak:.0} MB | {file:.1} MB | {:.2} s | \
         {peak_again:.0} MB |",
        entries as f64 / took.as_secs_f64(),
        back.as_secs_f64(),
    );
    Ok(())
}
