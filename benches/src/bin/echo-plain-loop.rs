//! Echo as a plain loop, as the limit: typed `serde_json`, buffered lines, flushed when the input
//! runs dry, no async, no library.

use std::io::{self, BufRead, BufReader, BufWriter, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Deserialize)]
struct Request<'a> {
    src: &'a str,
    dest: &'a str,
    #[serde(borrow)]
    body: RequestBody<'a>,
}

#[derive(Deserialize)]
struct RequestBody<'a> {
    r#type: &'a str,
    msg_id: Option<i64>,
    #[serde(default)]
    echo: Value,
}

#[derive(Serialize)]
struct Reply<'a> {
    src: &'a str,
    dest: &'a str,
    body: ReplyBody<'a>,
}

#[derive(Serialize)]
struct ReplyBody<'a> {
    r#type: &'a str,
    in_reply_to: Option<i64>,
    #[serde(skip_serializing_if = "Value::is_null")]
    echo: Value,
}

fn main() -> io::Result<()> {
    let mut input = BufReader::with_capacity(64 * 1024, io::stdin().lock());
    let mut output = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let request: Request<'_> = serde_json::from_slice(&line)?;
        let kind = match request.body.r#type {
            "init" => "init_ok",
            _ => "echo_ok",
        };
        let (in_reply_to, echo) = (request.body.msg_id, request.body.echo);
        let body = ReplyBody { r#type: kind, in_reply_to, echo };
        let reply = Reply { src: request.dest, dest: request.src, body };
        serde_json::to_writer(&mut output, &reply)?;
        output.write_all(b"\n")?;
        line.clear();
        if input.buffer().is_empty() {
            output.flush()?;
        }
    }
    output.flush()
}
