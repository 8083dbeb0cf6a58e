//! The stdio drivers: this program runs itself as a node and talks to it through pipes and files.
//!
//! Every story ends by closing the node's stdin, after which it must end well, so a test needs no
//! patience: it reads until there is no more.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::rc::Rc;
use std::time::Duration;

use kolk_node::{Context, Input, Machine, Node, Outputs, RpcError, Time};
use serde::{Deserialize, Serialize};

/// Set for the process that is the node, to the name of the node.
const AS_NODE: &str = "KOLK_TEST_AS_NODE";

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Echo {
        echo: serde_json::Value,
    },
    Sleep {
        ms: u64,
    },
    Draw,
    /// Asks n2 and passes the answer on.
    Ask,
    /// Waits for Tokio: a timer, another task, another thread.
    Tokio,
    /// Waits for another thread's answer, again and again.
    Thread {
        rounds: u64,
    },
    /// Many tasks wait for the same signal.
    Crowd {
        tasks: u64,
    },
    Log {
        text: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Ok { value: serde_json::Value },
}

struct Sample;

impl Node for Sample {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        let value = match request {
            Request::Echo { echo } => echo,
            Request::Sleep { ms } => {
                let begin = cx.now();
                cx.sleep(Duration::from_millis(ms)).await;
                (cx.now() >= begin + Duration::from_millis(ms)).into()
            }
            Request::Draw => cx.rng().next_u64().into(),
            Request::Ask => {
                let Reply::Ok { value } = cx.rpc("n2", &Reply::Ok { value: "?".into() }).await?;
                value
            }
            Request::Tokio => waits_for_tokio().await.into(),
            Request::Thread { rounds } => waits_for_a_thread(rounds).await.into(),
            Request::Crowd { tasks } => waits_for_a_crowd(cx, tasks).await.into(),
            Request::Log { text } => {
                cx.log(&text);
                text.into()
            }
        };
        Ok(Reply::Ok { value })
    }
}

async fn waits_for_tokio() -> u32 {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let from_task = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        // More than Tokio lets anybody receive without giving way.
        for number in 0..1000u32 {
            if sender.send(number).await.is_err() {
                return 0;
            }
        }
        10_000
    });
    let from_thread = tokio::task::spawn_blocking(|| 100_000);
    let mut received = 0;
    while receiver.recv().await.is_some() {
        received += 1;
    }
    received + from_task.await.unwrap_or(0) + from_thread.await.unwrap_or(0)
}

/// Each round is a question to another thread and its answer: the answer may come before this task
/// waits for it, while it begins to wait, while the driver goes to sleep, or after.
async fn waits_for_a_thread(rounds: u64) -> u64 {
    use tokio::sync::oneshot;
    let (questions, asked) = std::sync::mpsc::channel::<oneshot::Sender<u64>>();
    let thread = std::thread::spawn(move || {
        for (answer, question) in (1..).zip(asked) {
            question.send(answer).expect("somebody waits for it");
        }
    });
    let mut last = 0;
    for _ in 0..rounds {
        let (question, answer) = oneshot::channel();
        questions.send(question).expect("the thread runs");
        last = answer.await.expect("the thread answers");
    }
    drop(questions);
    thread.join().expect("no panic");
    last
}

/// More tasks get ready at once than the driver polls before it gives way.
async fn waits_for_a_crowd(cx: &Context, tasks: u64) -> u64 {
    let signal = Rc::new(kolk_node::sync::Notify::new());
    let waiting: Vec<_> = (0..tasks)
        .map(|number| {
            let signal = Rc::clone(&signal);
            cx.spawn(async move {
                signal.notified().await;
                number
            })
        })
        .collect();
    // All of them get their first turn before this task goes on.
    cx.spawn(async {}).await;
    signal.notify_all();
    let mut sum = 0;
    for task in waiting {
        sum += task.await.unwrap_or(0);
    }
    sum
}

/// A node in a process of its own.
struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

fn node(stdin: Stdio) -> Command {
    program("sample", stdin)
}

fn program(name: &str, stdin: Stdio) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(AS_NODE, name).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Process {
    fn start() -> Process {
        Process::of(&mut node(Stdio::piped()))
    }

    fn of(program: &mut Command) -> Process {
        let mut child = program.spawn().expect("starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        Process { child, stdin, stdout }
    }

    fn write(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("open");
        stdin.write_all(line.as_bytes()).and_then(|()| stdin.write_all(b"\n")).expect("is read");
    }

    fn read(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("is text");
        line.trim_end().to_owned()
    }

    /// Writes a line and reads one.
    fn ask(&mut self, line: &str) -> String {
        self.write(line);
        self.read()
    }

    /// Like [`Process::ask`], but a node that stands still is killed after `patience`.
    fn ask_within(&mut self, patience: Duration, line: &str) -> String {
        self.write(line);
        let (done, waits) = std::sync::mpsc::channel::<()>();
        let Process { child, stdout, .. } = self;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                if waits.recv_timeout(patience) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    child.kill().expect("it runs");
                }
            });
            let mut line = String::new();
            stdout.read_line(&mut line).expect("is text");
            drop(done);
            line.trim_end().to_owned()
        })
    }

    /// Closes its input; gives the rest of its output, and what it logged.
    fn end(mut self) -> (String, String) {
        drop(self.stdin.take());
        let (mut rest, mut log) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).expect("is text");
        self.child.stderr.take().expect("piped").read_to_string(&mut log).expect("is text");
        assert!(self.child.wait().expect("ends").success(), "{log}");
        (rest, log)
    }
}

const INIT: &str = r#"{"id":0,"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}"#;
const INIT_OK: &str = r#"{"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}"#;

fn request(msg_id: u32, rest: &str) -> String {
    format!(r#"{{"id":7,"src":"c1","dest":"n1","body":{{"msg_id":{msg_id},{rest}}}}}"#)
}

fn answer(msg_id: u32, value: &str) -> String {
    format!(
        r#"{{"src":"n1","dest":"c1","body":{{"type":"ok","in_reply_to":{msg_id},"value":{value}}}}}"#
    )
}

fn real_clock() {
    let mut node = Process::start();
    assert_eq!(node.ask(INIT), INIT_OK);
    assert_eq!(node.ask(&request(2, r#""type":"echo","echo":[1]"#)), answer(2, "[1]"));
    // One that waits does not keep the next one waiting.
    node.write(&request(3, r#""type":"ask""#));
    // Its number is any.
    let asked = node.read();
    let (start, rest) = asked.split_once(r#""msg_id":"#).expect("a request");
    let (number, end) = rest.split_once(',').expect("more");
    let number: u64 = number.parse().expect("a number");
    assert!(number <= 1 << 32, "{asked}");
    assert_eq!(start, r#"{"src":"n1","dest":"n2","body":{"type":"ok","#);
    assert_eq!(end, r#""value":"?"}}"#);
    assert_eq!(node.ask(&request(4, r#""type":"echo","echo":0"#)), answer(4, "0"));
    let ok = |number| {
        let body = format!(r#"{{"type":"ok","in_reply_to":{number},"value":"!"}}"#);
        format!(r#"{{"src":"n2","dest":"n1","body":{body}}}"#)
    };
    // An answer to what an earlier life has asked is none to this one.
    node.write(&ok(if number == 1 { 2 } else { 1 }));
    node.write(&ok(number));
    assert_eq!(node.read(), answer(3, "\"!\""));
    assert_eq!(node.ask(&request(5, r#""type":"sleep","ms":3"#)), answer(5, "true"));
    assert_eq!(node.ask(&request(6, r#""type":"tokio""#)), answer(6, "111000"));
    // Entropy is real.
    let (first, second) =
        (node.ask(&request(7, r#""type":"draw""#)), node.ask(&request(7, r#""type":"draw""#)));
    assert_ne!(first, second);
    // Still asleep at the end of the input, with nobody left to hear of it.
    node.write(&request(8, r#""type":"sleep","ms":1000000"#));
    node.write(&request(9, r#""type":"log","text":"to stderr""#));
    let (rest, log) = node.end();
    assert_eq!((rest.trim_end(), &*log), (&*answer(9, "\"to stderr\""), "to stderr\n"));
}

/// What arrives, as a whole, and what comes of it; through a pipe and from a file.
fn whatever_arrives() {
    let long = "x".repeat(3_000_000);
    let echo = |msg_id, text: &str| request(msg_id, &format!(r#""type":"echo","echo":"{text}""#));
    let input = [
        r#"{"src":"n2","dest":"n1","body":{"type":"echo","msg_id":1}}"#,
        INIT,
        "",
        "garbage",
        r#"{"src":"c1","dest":"n1"}"#,
        "\u{1b}[31m\0",
        &echo(2, &long),
        &request(3, r#""type":"eco""#),
        &request(4, r#""type":"sleep","ms":"long""#),
        // The last one has no line end.
        &echo(5, "end"),
    ]
    .join("\n");
    let expected = [
        r#"{"src":"n1","dest":"n2","body":{"type":"error","in_reply_to":1,"code":11,"text":"got `echo` from n2 before `init`"}}"#,
        INIT_OK,
        &answer(2, &format!("\"{long}\"")),
        r#"{"src":"n1","dest":"c1","body":{"type":"error","in_reply_to":3,"code":10,"text":"unknown type `eco`"}}"#,
        r#"{"src":"n1","dest":"c1","body":{"type":"error","in_reply_to":4,"code":12,"text":"field `ms`: invalid type: string \"long\", expected u64"}}"#,
        &answer(5, "\"end\""),
    ];
    let check = |output: &str, log: &str| {
        for (line, expected) in output.lines().zip(expected) {
            assert!(line == expected, "{:.200}\n{:.200}", line, expected);
        }
        assert_eq!(output.lines().count(), expected.len());
        assert_eq!(
            log.lines().collect::<Vec<_>>(),
            [
                "dropped a line, because the line is not JSON: expected a JSON value: \"garbage\"",
                "dropped `` from c1: error 10 (not-supported): unknown type ``",
                "dropped a line, because the line is not JSON: expected a JSON value: \
                 \"\\u{1b}[31m\\0\"",
            ]
        );
    };

    let mut process = Process::start();
    let mut stdin = process.stdin.take().expect("piped");
    let text = input.clone();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let (output, log) = process.end();
    writer.join().expect("no panic").expect("all is read");
    check(&output, &log);

    let mut file = tempfile();
    file.write_all(input.as_bytes()).and_then(|()| file.rewind()).expect("a file");
    let output = node(file.into()).output().expect("runs");
    assert!(output.status.success());
    check(&String::from_utf8_lossy(&output.stdout), &String::from_utf8_lossy(&output.stderr));
}

/// A file without a name.
fn tempfile() -> File {
    let path = std::env::temp_dir().join(format!("kolk-node-{}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path).expect("a file");
    std::fs::remove_file(path).expect("is ours");
    file
}

/// The same inputs in lockstep and in-process: the same outputs, byte for byte.
fn lockstep_equals_in_process() {
    let init = INIT.replace(
        r#""type":"init""#,
        r#""type":"init","lockstep":{"version":1,"seed":"0123456789abcdef"}"#,
    );
    // Seconds since the beginning, and the line; an empty one wakes the node.
    let inputs = [
        (0, init),
        (1, request(2, r#""type":"draw""#)),
        (1, request(3, r#""type":"sleep","ms":5000"#)),
        (2, request(4, r#""type":"ask""#)),
        (2, request(5, r#""type":"ask""#)),
        (
            2,
            r#"{"src":"n2","dest":"n1","body":{"type":"ok","in_reply_to":2,"value":1}}"#.to_owned(),
        ),
        // The first question is never answered.
        (3, String::new()),
        (6, String::new()),
        (7, request(6, r#""type":"none""#)),
        (7, request(7, r#""type":"log","text":"hm""#)),
        (8, request(8, r#""type":"draw""#)),
    ];

    let mut process = Process::start();
    let (mut machine, mut outputs) = (kolk_node::machine(|_| Sample), Outputs::new());
    let mut log = String::new();
    for (at, line) in inputs {
        let now = Time::from_secs(at);
        let (input, line) = match kolk_protocol::Line::parse(line.as_bytes()) {
            Ok(parsed) => {
                let (src, body) = (parsed.src.to_string(), parsed.body.json.to_owned());
                (Some((src, body)), line)
            }
            Err(_) => {
                let wake = r#"{"src":"clock","dest":"n1","body":{"type":"wake"}}"#;
                (None, wake.to_owned())
            }
        };
        let input = match &input {
            Some((src, body)) => Input::Message { src, body },
            None => Input::Wake,
        };
        let wake_at = machine.step(now, input, &mut outputs);
        process.write(&line.replacen('{', &format!("{{\"at\":{},", now.as_nanos()), 1));
        for (dest, body) in outputs.messages() {
            assert_eq!(process.read(), format!(r#"{{"src":"n1","dest":"{dest}","body":{body}}}"#));
        }
        let wake_at = wake_at.map_or("null".to_owned(), |due| due.as_nanos().to_string());
        assert_eq!(
            process.read(),
            format!(
                r#"{{"src":"n1","dest":"clock","body":{{"type":"idle","wake_at":{wake_at}}}}}"#
            )
        );
        log.push_str(&String::from_utf8_lossy(outputs.logged()));
        outputs.clear();
    }
    // Whatever the line says: exactly one answer from the clock's point of view.
    assert!(process.ask("garbage").contains("\"idle\""));
    let (rest, logged) = process.end();
    assert_eq!(rest, "");
    assert_eq!(logged.split("dropped").next(), Some(&*log));
}

/// Nobody reads its output any more: an ordinary end.
fn closed_stdout() {
    let mut process = Process::start();
    assert_eq!(process.ask(INIT), INIT_OK);
    let Process { mut child, stdin, stdout } = process;
    drop(stdout);
    let mut stdin = stdin.expect("piped");
    stdin.write_all(request(2, r#""type":"draw""#).as_bytes()).expect("is read");
    stdin.write_all(b"\n").expect("is read");
    assert!(child.wait().expect("ends").success());
}

/// Another thread's wake-ups find the driver, whatever it is doing; so do those of more tasks than
/// are polled in one turn.
fn wake_ups_are_not_lost() {
    // Some five seconds, if nobody stands still.
    let (rounds, patience) = (1_000_000, Duration::from_secs(300));
    let mut node = Process::start();
    assert_eq!(node.ask(INIT), INIT_OK);
    let crowd = request(2, r#""type":"crowd","tasks":5000"#);
    assert_eq!(node.ask_within(patience, &crowd), answer(2, "12497500"));
    let thread = request(3, &format!(r#""type":"thread","rounds":{rounds}"#));
    assert_eq!(node.ask_within(patience, &thread), answer(3, &rounds.to_string()));
    node.end();
}

/// A machine without async: an alarm answers its request when its time has come.
#[derive(Default)]
struct Alarms(std::collections::BTreeMap<(Time, u64), String>);

impl Machine for Alarms {
    fn step(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        if let Input::Message { src, body } = input {
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            let msg_id = body["msg_id"].as_u64().expect("a number");
            match body["ms"].as_u64() {
                None => outputs.push(src, br#"{"type":"init_ok","in_reply_to":1}"#),
                Some(ms) => {
                    self.0.insert((now + Duration::from_millis(ms), msg_id), src.to_owned());
                }
            }
        }
        while let Some(alarm) = self.0.first_entry().filter(|alarm| alarm.key().0 <= now) {
            let ((_, msg_id), src) = alarm.remove_entry();
            let answer = format!(r#"{{"type":"ok","in_reply_to":{msg_id},"value":true}}"#);
            outputs.push(&src, answer.as_bytes());
        }
        self.0.first_key_value().map(|((due, _), _)| *due)
    }
}

/// A machine of one's own runs on both clocks; it need not know that there are two.
fn own_machine() {
    let alarm = |msg_id, ms| request(msg_id, &format!(r#""type":"alarm","ms":{ms}"#));
    let mut real = Process::of(&mut program("alarms", Stdio::piped()));
    assert_eq!(real.ask(INIT), INIT_OK);
    real.write(&alarm(2, 1_000_000));
    real.write(&alarm(3, 20));
    assert_eq!(real.ask(&alarm(4, 0)), answer(4, "true"));
    assert_eq!(real.read(), answer(3, "true"));
    assert_eq!(real.end(), (String::new(), String::new()));

    let mut lockstep = Process::of(&mut program("alarms", Stdio::piped()));
    let init = INIT.replace(
        r#""type":"init""#,
        r#""type":"init","lockstep":{"version":1,"seed":"0123456789abcdef"}"#,
    );
    let wake = r#"{"src":"clock","dest":"n1","body":{"type":"wake"}}"#;
    let init_ok = INIT_OK.replace("\"type\"", "\"lockstep\":{\"version\":1},\"type\"");
    for (at, line, sent, wake_at) in [
        (0, &*init, Some(init_ok), None),
        (1, &alarm(2, 5), None, Some(6_000_000)),
        (2, &alarm(3, 1), None, Some(3_000_000)),
        // Too early, and in time.
        (2, wake, None, Some(3_000_000)),
        (3, wake, Some(answer(3, "true")), Some(6_000_000)),
        (9, wake, Some(answer(2, "true")), None),
    ] {
        lockstep.write(&line.replacen('{', &format!("{{\"at\":{},", at * 1_000_000), 1));
        if let Some(sent) = sent {
            assert_eq!(lockstep.read(), sent);
        }
        let wake_at = wake_at.map_or("null".to_owned(), |due: u64| due.to_string());
        let idle = format!(r#""body":{{"type":"idle","wake_at":{wake_at}}}"#);
        assert_eq!(lockstep.read(), format!(r#"{{"src":"n1","dest":"clock",{idle}}}"#));
    }
    assert_eq!(lockstep.end(), (String::new(), String::new()));
}

fn main() -> ExitCode {
    match std::env::var(AS_NODE).as_deref() {
        Ok("alarms") => return kolk_node::run_machine(Alarms::default()),
        Ok(_) => return kolk_node::run(|_| Sample),
        Err(_) => {}
    }
    let tests: [(&str, fn()); 6] = [
        ("own_machine", own_machine),
        ("real_clock", real_clock),
        ("whatever_arrives", whatever_arrives),
        ("lockstep_equals_in_process", lockstep_equals_in_process),
        ("closed_stdout", closed_stdout),
        ("wake_ups_are_not_lost", wake_ups_are_not_lost),
    ];
    let wanted: Rc<[String]> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    for (name, test) in tests {
        if wanted.is_empty() || wanted.iter().any(|wanted| name.contains(&**wanted)) {
            println!("test {name}");
            test();
        }
    }
    ExitCode::SUCCESS
}
