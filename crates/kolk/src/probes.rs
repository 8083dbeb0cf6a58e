//! What `kolk check-node` tries on a program, one probe after the other.

use std::path::Path;
use std::time::Duration;

use kolk_engine::EngineError;
use kolk_engine::probe::{Heard, Probe};
use kolk_protocol::message::Line;
use serde_json::{Value, json};

mod session;

use session::{Session, short};

/// How long a node is watched that has nothing to do.
const IDLE: Duration = Duration::from_millis(300);
/// How many requests are made at once.
const AT_ONCE: i64 = 20;
/// How long the long line is.
const LONG_BYTES: usize = 1 << 20;
/// A type of request that no node knows.
const UNKNOWN: &str = "kolk_no_such_type";

/// How a probe went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As it should.
    Holds,
    /// It would make runs invalid.
    Broken,
    /// It works, and could be better.
    Note,
    /// It could not be tried.
    Skipped,
}

/// A probe and how it went.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What should be so.
    pub name: &'static str,
    /// How it went.
    pub mark: Mark,
    /// What was sent.
    pub sent: Vec<String>,
    /// What came back, or what became of the program.
    pub heard: Vec<String>,
    /// What to do.
    pub advice: &'static str,
}

/// How long a program may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To answer `init`.
    pub init: Duration,
    /// To answer a request.
    pub reply: Duration,
}

const SKIPPED: &str = "It could not be tried, for want of what is said above.";

/// Tries everything on a program. It works in folders in `folder`.
///
/// # Errors
///
/// If the program cannot be started.
pub fn all(
    path: &Path,
    args: &[String],
    patience: Patience,
    folder: &Path,
) -> Result<Vec<Finding>, EngineError> {
    let start = |name: &str| -> Result<Session, EngineError> {
        let place = folder.join(name);
        std::fs::create_dir(&place).map_err(|source| {
            let what = format!("cannot make the folder {}", place.display());
            EngineError::System { what, source }
        })?;
        Ok(Session::new(Probe::start(path, args, &place)?, patience))
    };
    let mut found = Vec::new();
    let mut session = start("plain")?;
    let begun = init(&mut session, &mut found);
    let carrier = if begun { plain(&mut session, &mut found) } else { None };
    after_all(&mut session, begun, &mut found);
    if !begun {
        return Ok(found);
    }
    let mut session = start("lines")?;
    lines(&mut session, carrier.as_ref(), &mut found);
    let mut session = start("lockstep")?;
    lockstep(&mut session, carrier.as_ref(), &mut found);
    Ok(found)
}

/// Starts it and sends `init`; false if it did not begin.
fn init(session: &mut Session, found: &mut Vec<Finding>) -> bool {
    let line = session.init(None);
    let reply = session.reply("c0", 1, session.patience.init);
    let starts = if session.is_closed { Mark::Broken } else { Mark::Holds };
    let ended = session.how_it_ended();
    found.push(Finding {
        name: "starts, and goes on",
        mark: starts,
        sent: vec![line.clone()],
        heard: ended.clone(),
        advice: "A node runs until its standard input ends: read it in a loop, and look at what \
                 it says on standard error.",
    });
    let (mark, heard, advice) = match reply {
        Some(reply) if reply.kind() == "init_ok" => (Mark::Holds, vec![reply.text], ""),
        Some(reply) => (
            Mark::Broken,
            vec![reply.text],
            "Answer `init` with a body of type `init_ok`: kolk help protocol.",
        ),
        None if session.is_closed => (Mark::Broken, ended, "It must answer `init` and go on."),
        None => {
            session.close();
            let late = session.reply("c0", 1, session.patience.reply);
            match late {
                Some(reply) => (
                    Mark::Broken,
                    vec![format!("only when its input had ended: {}", reply.text)],
                    "Flush standard output after every line: into a pipe it is kept back until \
                     some kilobytes have come together.",
                ),
                None => (
                    Mark::Broken,
                    session.everything(),
                    "Answer with {\"type\":\"init_ok\",\"in_reply_to\":1} to the sender, end the \
                     line with a line end, and flush it.",
                ),
            }
        }
    };
    found.push(Finding { name: "answers init", mark, sent: vec![line], heard, advice });
    mark == Mark::Holds
}

/// What can be asked of a node that goes on; gives a request that it answers.
fn plain(session: &mut Session, found: &mut Vec<Finding>) -> Option<Value> {
    let idle = session.listen(IDLE);
    found.push(Finding {
        name: "is quiet when there is nothing to do",
        mark: if idle.is_empty() { Mark::Holds } else { Mark::Note },
        sent: vec!["nothing, for 300 ms".to_owned()],
        heard: idle.iter().map(|line| short(line)).collect(),
        advice: "Messages between nodes count in the challenges. Send what is new when it is \
                 there, and repeat it only while somebody has not acknowledged it.",
    });
    let line = session.ask("c1", 2, &json!({ "type": UNKNOWN }));
    let reply = session.reply("c1", 2, session.patience.reply);
    let answers_unknown = reply.is_some();
    let is_error_10 = reply.as_ref().is_some_and(|r| r.kind() == "error" && r.field("code") == 10);
    found.push(Finding {
        name: "answers a type that it does not know with error 10",
        mark: if is_error_10 { Mark::Holds } else { Mark::Note },
        sent: vec![line],
        heard: session.or_silence(reply.map(|reply| reply.text)),
        advice: "Answer {\"type\":\"error\",\"in_reply_to\":…,\"code\":10,\"text\":…}: whoever \
                 asks learns at once that he need not wait.",
    });
    let carrier = session.carrier(answers_unknown.then_some(UNKNOWN));
    let Some(carrier) = carrier else {
        for name in [ZERO, KEYS, ASKED, CONCURRENT] {
            found.push(skipped(name, "it answers no request that kolk knows of"));
        }
        return None;
    };
    let line = session.ask("c1", 0, &carrier);
    let reply = session.reply("c1", 0, session.patience.reply);
    found.push(session.must_answer(ZERO, line, reply, "0 is a number like others, not \"none\"."));

    let mut body = carrier.clone();
    body["kolk_extra"] = json!({ "a": [1, null] });
    let line = session.ask_with("c1", 3, &body, Some(12));
    let reply = session.reply("c1", 3, session.patience.reply);
    let advice = "Ignore keys that you do not know, in the message (`id`) and in its body.";
    found.push(session.must_answer(KEYS, line, reply, advice));

    found.push(asked(session, &carrier));
    found.push(concurrent(session, &carrier));
    Some(carrier)
}

const ZERO: &str = "takes 0 for a message id";
const KEYS: &str = "ignores keys that it does not know";
const ASKED: &str = "answers the sender of each request, with its `msg_id` and data";
const CONCURRENT: &str = "answers many requests at once, each exactly once";
const LONG: &str = "reads a line of a megabyte";
const MALFORMED: &str = "goes on after a line that is no message";
const LOCKSTEP: &str = "knows lockstep";

fn skipped(name: &'static str, why: &str) -> Finding {
    Finding {
        name,
        mark: Mark::Skipped,
        sent: Vec::new(),
        heard: vec![why.to_owned()],
        advice: SKIPPED,
    }
}

/// Two clients ask under the same number.
fn asked(session: &mut Session, carrier: &Value) -> Finding {
    let bodies = ["first", "second"].map(|payload| {
        let mut body = carrier.clone();
        if body.get("echo").is_some() {
            body["echo"] = json!(payload);
        }
        body
    });
    let sent = session.ask_in_one_piece([("c2", 1000, &bodies[0]), ("c3", 1000, &bodies[1])]);
    let first = session.reply("c2", 1000, session.patience.reply);
    let second = session.reply("c3", 1000, session.patience.reply);
    let echoes = [&first, &second].into_iter().zip(&bodies).all(|(reply, body)| {
        reply
            .as_ref()
            .is_some_and(|reply| reply.kind() != "echo_ok" || reply.field("echo") == body["echo"])
    });
    let heard: Vec<String> = [first, second].into_iter().flatten().map(|r| r.text).collect();
    Finding {
        name: ASKED,
        mark: if echoes { Mark::Holds } else { Mark::Broken },
        sent,
        heard: session.or_silence(heard),
        advice: "Two senders may use the same `msg_id`: send the answer to the `src` of its \
                 request, with that request's `msg_id` as `in_reply_to`, and its data.",
    }
}

fn concurrent(session: &mut Session, carrier: &Value) -> Finding {
    session.listen(Duration::ZERO);
    let requests = (2000..2000 + AT_ONCE).map(|id| ("c4", id, carrier));
    let sent = session.ask_in_one_piece(requests).remove(0);
    let mut missing = Vec::new();
    for id in 2000..2000 + AT_ONCE {
        if session.reply("c4", id, session.patience.reply).is_none() {
            missing.push(id);
            if missing.len() > 2 {
                break;
            }
        }
    }
    let again: Vec<String> = session.listen(Duration::from_millis(50));
    let again: Vec<String> = again.into_iter().filter(|line| session::is_to(line, "c4")).collect();
    let mut heard: Vec<String> =
        missing.iter().map(|id| format!("no answer with in_reply_to {id}")).collect();
    heard.extend(again.iter().map(|line| format!("once more: {}", short(line))));
    Finding {
        name: CONCURRENT,
        mark: if heard.is_empty() { Mark::Holds } else { Mark::Broken },
        sent: vec![format!("{AT_ONCE} lines in one piece, the first {sent}")],
        heard,
        advice: "Take line after line from what was read, not one line from each read; answer \
                 every request once.",
    }
}

/// What shows only when all else was tried: what else was written, and how it ends.
fn after_all(session: &mut Session, begun: bool, found: &mut Vec<Finding>) {
    let unfinished = session.probe.unfinished();
    if begun {
        session.close();
        while !session.is_closed && !session.listen(session.patience.reply).is_empty() {}
        let ended = session.probe.ended();
        let mark = match &ended {
            Some((_, true)) => Mark::Holds,
            _ => Mark::Note,
        };
        let heard = match ended {
            Some((how, _)) => vec![how],
            None => vec![format!("it still runs {} s later", session.patience.reply.as_secs_f64())],
        };
        found.push(Finding {
            name: "ends well when its input ends",
            mark,
            sent: vec!["the end of its input".to_owned()],
            heard,
            advice: "Leave the loop at the end of input, and exit with status 0. kolk kills what \
                     is left over, but another workbench may not.",
        });
    }
    found.push(Finding {
        name: "writes nothing but messages to standard output",
        mark: if session.noise.is_empty() { Mark::Holds } else { Mark::Broken },
        sent: Vec::new(),
        heard: session.noise.iter().map(|line| short(line)).collect(),
        advice: "Write logs to standard error. A line that is no message fails a run.",
    });
    found.push(Finding {
        name: "ends every line with a line end",
        mark: if unfinished.is_none() { Mark::Holds } else { Mark::Broken },
        sent: Vec::new(),
        heard: unfinished.iter().map(|text| short(text)).collect(),
        advice: "A message ends with \\n. Write a line in one piece, and flush it.",
    });
    found.push(Finding {
        name: "sends under its own name",
        mark: if session.foreign.is_empty() { Mark::Holds } else { Mark::Note },
        sent: Vec::new(),
        heard: session.foreign.iter().map(|line| short(line)).collect(),
        advice: "`src` is the `node_id` that came with `init`, here n1. A message in another's \
                 name is delivered, with a warning that counts with --strict.",
    });
}

/// A long line, and lines that are no messages: on a program of its own, as they may end it.
fn lines(session: &mut Session, carrier: Option<&Value>, found: &mut Vec<Finding>) {
    let Some(carrier) = carrier else {
        found.extend([LONG, MALFORMED].map(|name| skipped(name, "it answers no request")));
        return;
    };
    session.init(None);
    session.reply("c0", 1, session.patience.init);
    let mut body = carrier.clone();
    let key = if body.get("echo").is_some() { "echo" } else { "kolk_extra" };
    body[key] = json!("x".repeat(LONG_BYTES));
    let line = session.ask("c1", 2, &body);
    // A megabyte takes its time in some languages.
    let reply = session.reply("c1", 2, session.patience.reply.max(Duration::from_secs(5)));
    let advice = "Lines have no greatest length: read until the line end, with a buffer that \
                  grows (Go's bufio.Scanner stops at 64 KiB).";
    let long = session.must_answer(LONG, line, reply, advice);
    let survived = long.mark == Mark::Holds;
    found.push(long);
    if !survived {
        found.push(skipped(MALFORMED, "the line of a megabyte was not answered"));
        return;
    }
    let bad = ["{\"src\":", "[1,2]", "{\"src\":\"c1\",\"dest\":\"n1\"}", "what?"];
    session.probe.write(format!("{}\n", bad.join("\n")).as_bytes());
    let mut sent: Vec<String> = bad.map(str::to_owned).to_vec();
    sent.push(session.ask("c1", 3, carrier));
    let reply = session.reply("c1", 3, session.patience.reply);
    let mut finding = session.must_answer(
        MALFORMED,
        String::new(),
        reply,
        "Catch the error where a line is read, write it to standard error, and go on. kolk never \
         sends such a line; a mistake in a node of yours might.",
    );
    finding.sent = sent;
    if finding.mark == Mark::Broken {
        finding.mark = Mark::Note;
    }
    found.push(finding);
}

/// Whether it knows lockstep, and keeps to it.
fn lockstep(session: &mut Session, carrier: Option<&Value>, found: &mut Vec<Finding>) {
    let mut sent = vec![session.init(Some("000000000000002a"))];
    let reply = session.reply("c0", 1, session.patience.init);
    let accepts = reply.as_ref().is_some_and(|reply| reply.field("lockstep")["version"] == 1);
    let mut heard: Vec<String> = reply.map(|reply| reply.text).into_iter().collect();
    let mut finding = |mark, sent: &[String], heard: &[String], advice| {
        let (sent, heard) = (sent.to_vec(), heard.to_vec());
        found.push(Finding { name: LOCKSTEP, mark, sent, heard, advice });
    };
    if !accepts {
        let advice = "Nothing need be done: on Linux on x86-64 kolk traces the program on the \
                      virtual clock. On other systems virtual time needs lockstep: see the book's \
                      page on it.";
        return finding(Mark::Note, &sent, &heard, advice);
    }
    let mut is_idle = session.idle(&mut heard);
    if let Some(carrier) = carrier.filter(|_| is_idle) {
        sent.push(session.ask_at("c1", 2, carrier, 1_000_000));
        let reply = session.reply("c1", 2, session.patience.reply);
        heard.extend(reply.map(|reply| reply.text));
        is_idle = session.idle(&mut heard);
    }
    let again = session.listen(IDLE);
    heard.extend(again.iter().map(|line| format!("after it was idle: {}", short(line))));
    let mark = if is_idle && again.is_empty() { Mark::Holds } else { Mark::Broken };
    finding(
        mark,
        &sent,
        &heard,
        "Having accepted lockstep, end the reaction to every line with one \
         {\"src\":\"n1\",\"dest\":\"clock\",\"body\":{\"type\":\"idle\",\"wake_at\":null}}, flush \
         it, and write nothing before the next line: no thread, no timer of its own.",
    );
}
