//! A conversation with one program: requests in the names of clients, and what came back.

use std::time::{Duration, Instant};

use super::*;

/// How much of a line is shown.
const SHOWN: usize = 200;

/// A message that a node wrote.
pub struct Reply {
    /// The line.
    pub text: String,
    body: Value,
}

impl Reply {
    /// Its `type`.
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }

    /// What stands under a key of its body; null for nothing.
    pub fn field(&self, key: &str) -> Value {
        self.body.get(key).cloned().unwrap_or_default()
    }
}

/// A program that is spoken to.
pub struct Session {
    pub probe: Probe,
    pub patience: Patience,
    /// It will say nothing more.
    pub is_closed: bool,
    /// Lines that are no messages.
    pub noise: Vec<String>,
    /// Messages in another's name.
    pub foreign: Vec<String>,
    /// Messages nobody has asked after yet.
    heard: Vec<String>,
}

impl Session {
    pub fn new(probe: Probe, patience: Patience) -> Session {
        let (noise, foreign, heard) = (Vec::new(), Vec::new(), Vec::new());
        Session { probe, patience, is_closed: false, noise, foreign, heard }
    }

    fn write(&mut self, line: &str) -> String {
        self.probe.write(format!("{line}\n").as_bytes());
        short(line)
    }

    /// Sends `init`, with an offer of lockstep if there is a seed. Gives the line.
    pub fn init(&mut self, seed: Option<&str>) -> String {
        let mut body = json!({ "type": "init", "node_id": "n1", "node_ids": ["n1", "n2", "n3"] });
        let mut at = "";
        if let Some(seed) = seed {
            body["lockstep"] = json!({ "version": 1, "seed": seed });
            at = "\"at\":0,";
        }
        let body = body_text(&body, 1);
        let line = format!("{{\"id\":0,\"src\":\"c0\",\"dest\":\"n1\",{at}\"body\":{body}}}");
        self.write(&line)
    }

    /// Sends a request. Gives the line.
    pub fn ask(&mut self, src: &str, msg_id: i64, body: &Value) -> String {
        self.ask_with(src, msg_id, body, None)
    }

    /// The same, with a number for the message.
    pub fn ask_with(&mut self, src: &str, msg_id: i64, body: &Value, id: Option<u64>) -> String {
        let line =
            request(src, msg_id, body, &id.map_or(String::new(), |id| format!("\"id\":{id},")));
        self.write(&line)
    }

    /// The same in lockstep.
    pub fn ask_at(&mut self, src: &str, msg_id: i64, body: &Value, at: u64) -> String {
        let line = request(src, msg_id, body, &format!("\"at\":{at},"));
        self.write(&line)
    }

    /// Sends requests, who asks what under which number, in one piece. Gives the lines.
    pub fn ask_in_one_piece<'a>(
        &mut self,
        requests: impl IntoIterator<Item = (&'a str, i64, &'a Value)>,
    ) -> Vec<String> {
        let requests = requests.into_iter();
        let lines: Vec<String> =
            requests.map(|(src, id, body)| request(src, id, body, "")).collect();
        self.probe.write(format!("{}\n", lines.join("\n")).as_bytes());
        lines.iter().map(|line| short(line)).collect()
    }

    /// Ends its input.
    pub fn close(&mut self) {
        self.probe.close_input();
    }

    /// Reads what comes until nothing is left of the patience, or `is_wanted` finds its line; that
    /// one is given, and the others are kept.
    #[expect(clippy::disallowed_methods, reason = "programs on the real clock are waited for")]
    fn until(&mut self, patience: Duration, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
        if let Some(at) = self.heard.iter().position(|line| is_wanted(line)) {
            return Some(self.heard.remove(at));
        }
        let began = Instant::now();
        while !self.is_closed {
            match self.probe.hear(patience.saturating_sub(began.elapsed())) {
                Heard::Nothing => break,
                Heard::Closed => self.is_closed = true,
                Heard::Line(line) => match Line::parse(line.as_bytes()) {
                    _ if line.trim().is_empty() => {}
                    Err(_) => self.noise.push(line),
                    Ok(message) => {
                        if message.src != "n1" {
                            self.foreign.push(line.clone());
                        }
                        if is_wanted(&line) {
                            return Some(line);
                        }
                        self.heard.push(line);
                    }
                },
            }
        }
        None
    }

    /// The answer to a client's request.
    pub fn reply(&mut self, client: &str, msg_id: i64, patience: Duration) -> Option<Reply> {
        let msg_id = msg_id.to_string();
        let line = self.until(patience, |line| {
            Line::parse(line.as_bytes()).is_ok_and(|message| {
                message.dest == client && message.body.in_reply_to == Some(&*msg_id)
            })
        })?;
        let message: Value = serde_json::from_str(&line).ok()?;
        Some(Reply { text: short(&line), body: message["body"].clone() })
    }

    /// Whatever else comes within this time, or has come before.
    pub fn listen(&mut self, patience: Duration) -> Vec<String> {
        self.until(patience, |_| false);
        std::mem::take(&mut self.heard)
    }

    /// True if it says that it is idle; what it says is added.
    pub fn idle(&mut self, heard: &mut Vec<String>) -> bool {
        let idle = self.until(self.patience.reply, |line| is_to(line, "clock"));
        heard.push(idle.as_deref().map_or("no `idle` to `clock`".to_owned(), short));
        idle.is_some_and(|line| {
            let message: Value = serde_json::from_str(&line).unwrap_or_default();
            message["body"]["type"] == "idle" && message["body"].get("wake_at").is_some()
        })
    }

    /// A request that it answers, be it with an error: what it may know, or a type it does not.
    pub fn carrier(&mut self, unknown: Option<&str>) -> Option<Value> {
        let known = [
            json!({ "type": "echo", "echo": "hello" }),
            json!({ "type": "generate" }),
            json!({ "type": "read", "key": 1 }),
            json!({ "type": "poll", "offsets": {} }),
            json!({ "type": "txn", "txn": [] }),
        ];
        // A node that knows `echo` shows most; one that answers what it does not know, enough.
        let count = if unknown.is_some() { 1 } else { known.len() };
        for (number, body) in known[..count].iter().enumerate() {
            self.ask("c5", 10 + number as i64, body);
        }
        for (number, body) in known[..count].iter().enumerate() {
            if self.reply("c5", 10 + number as i64, self.patience.reply).is_some() {
                return Some(body.clone());
            }
        }
        unknown.map(|kind| json!({ "type": kind }))
    }

    /// A finding that holds if there is an answer.
    pub fn must_answer(
        &mut self,
        name: &'static str,
        sent: String,
        reply: Option<Reply>,
        advice: &'static str,
    ) -> Finding {
        let mark = if reply.is_some() { Mark::Holds } else { Mark::Broken };
        let heard = self.or_silence(reply.map(|reply| reply.text));
        Finding { name, mark, sent: vec![sent], heard, advice }
    }

    /// What came back, or that nothing did, and why.
    pub fn or_silence(&mut self, heard: impl IntoIterator<Item = String>) -> Vec<String> {
        let heard: Vec<String> = heard.into_iter().collect();
        if !heard.is_empty() {
            return heard;
        }
        match self.how_it_ended() {
            ended if !ended.is_empty() => ended,
            _ => vec![format!("no answer within {} s", self.patience.reply.as_secs_f64())],
        }
    }

    /// How it ended, with its last words on standard error; nothing if it goes on.
    pub fn how_it_ended(&mut self) -> Vec<String> {
        if !self.is_closed {
            return Vec::new();
        }
        let how = self.probe.ended().map_or("it closed its stdout".to_owned(), |(how, _)| how);
        let mut all = vec![format!("the program {}", how.trim_start_matches("it "))];
        all.extend(self.probe.last_stderr().iter().map(|line| format!("its stderr: {line}")));
        all
    }

    /// All that came, for want of what was wanted.
    pub fn everything(&mut self) -> Vec<String> {
        let mut all: Vec<String> =
            self.noise.iter().chain(&self.heard).map(|line| short(line)).collect();
        all.extend(
            self.probe.unfinished().map(|text| format!("without a line end: {}", short(&text))),
        );
        all.extend(self.probe.last_stderr().iter().map(|line| format!("its stderr: {line}")));
        if all.is_empty() {
            all.push("nothing".to_owned());
        }
        all
    }
}

/// True if a line is a message to this one.
pub fn is_to(line: &str, dest: &str) -> bool {
    Line::parse(line.as_bytes()).is_ok_and(|message| message.dest == dest)
}

fn request(src: &str, msg_id: i64, body: &Value, keys: &str) -> String {
    let body = body_text(body, msg_id);
    format!("{{{keys}\"src\":\"{src}\",\"dest\":\"n1\",\"body\":{body}}}")
}

/// A body as people write one: its type first, then its number.
fn body_text(body: &Value, msg_id: i64) -> String {
    let mut text = format!("{{\"type\":{},\"msg_id\":{msg_id}", body["type"]);
    for (key, value) in body.as_object().into_iter().flatten().filter(|(key, _)| *key != "type") {
        text.push_str(&format!(",{}:{value}", json!(key)));
    }
    text + "}"
}

/// As much of a line as is shown.
pub fn short(line: &str) -> String {
    if line.chars().count() <= SHOWN {
        return line.to_owned();
    }
    let shown: String = line.chars().take(SHOWN).collect();
    format!("{shown}… ({} bytes)", line.len())
}
