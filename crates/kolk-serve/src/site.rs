//! The site: a function from a request and the store's files to a response.
//!
//! | path | what |
//! |---|---|
//! | `/`, `/compare`, `/runs/W/T` | the page: all runs, two of them, one of them |
//! | `/latest` | the run that ended last |
//! | `/runs/W/T/report` | a run's `report.html` |
//! | `/runs/W/T/live` | the same of a run that goes on |
//! | `/files/W/T/NAME`, `/files/W/T/node-logs/NAME` | a run's files |
//! | `/api/runs` | all runs, as JSON |
//! | `/api/runs/W/T` | one run: its row, plan, results, files |
//! | `/api/runs/W/T/row` | its row alone |
//! | `/api/runs/W/T/latency` | how its latencies went |
//! | `/api/runs/W/T/journal/N`, `…/history/N` | whole lines of the file, from byte N on |

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use twox_hash::XxHash3_128;

use crate::address::{self, PATH_BYTES_MAX};
use crate::host::Hosts;
use crate::http::{Request, Response};
use crate::latency::Latencies;
use crate::page;
use crate::report::Reports;
use crate::row::Row;
use crate::runs::{self, Runs};
use crate::store::{Folder, Store};

/// The content type of JSON.
const JSON: &str = "application/json";

/// The content type of JSON lines.
const TEXT: &str = "text/plain; charset=utf-8";

/// The site of a store.
#[derive(Debug)]
pub struct Site {
    hosts: Hosts,
    runs: Runs,
    reports: Reports,
}

impl Site {
    /// The site of a store, under the names that lead to it.
    pub fn new(store: Store, hosts: Hosts) -> Site {
        Site { hosts, runs: Runs::new(store), reports: Reports::default() }
    }

    /// Answers a request. It reads files, and may take as long as that.
    pub fn answer(&self, request: &Request) -> Response {
        if !request.host.as_deref().is_some_and(|host| self.hosts.allow(host)) {
            return Response::text(421, "this server answers by its address, or as localhost");
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Response::text(405, "nothing can be done here but look")
                .with("allow", "GET, HEAD");
        }
        let path = request.target.split('?').next().unwrap_or_default();
        if request.target.len() > PATH_BYTES_MAX {
            return Response::text(414, "nothing here has so long a name");
        }
        let Some(names) = address::names(path) else {
            return Response::text(400, "that is no path of this server's");
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.route(&names, request).unwrap_or_else(|error| failed(&error))
    }

    fn route(&self, names: &[&str], request: &Request) -> io::Result<Response> {
        Ok(match *names {
            [] | ["compare"] => page::index(),
            ["latest"] => self.latest(),
            ["runs", workload, time] => {
                self.runs.store().run(workload, time)?;
                page::index()
            }
            ["runs", workload, time, "report"] => {
                self.reports.answer(&self.runs.store().run(workload, time)?, request)?
            }
            ["runs", workload, time, "live"] => {
                self.runs.store().run(workload, time)?;
                page::live()
            }
            ["files", workload, time, ref path @ ..] if !path.is_empty() => {
                file(&self.runs.store().run(workload, time)?, path, request)?
            }
            ["api", "runs"] => json(&self.list()?, request),
            ["api", "runs", workload, time] => json(&self.run(workload, time)?, request),
            ["api", "runs", workload, time, "row"] => {
                json(&One { row: self.runs.find(workload, time)?.1 }, request)
            }
            ["api", "runs", workload, time, name @ ("journal" | "history"), from] => {
                lines(&self.runs.store().run(workload, time)?, name, from)?
            }
            ["api", "runs", workload, time, "latency"] => {
                json::<Latencies>(&*self.runs.latencies(workload, time)?, request)
            }
            _ => Response::not_found(),
        })
    }

    /// Where the link `latest` leads.
    fn latest(&self) -> Response {
        let store = self.runs.store();
        let target = store.open().ok().and_then(|root| root.link("latest"));
        match target.as_deref() {
            Some([workload, time]) if store.run(workload, time).is_ok() => {
                Response::redirect(&format!("/runs/{}/{}", encoded(workload), encoded(time)))
            }
            _ => Response::not_found(),
        }
    }

    fn list(&self) -> io::Result<List> {
        let store = self.runs.store().path().display().to_string();
        Ok(List { store, runs: self.runs.list()? })
    }

    fn run(&self, workload: &str, time: &str) -> io::Result<Run> {
        let (folder, row) = self.runs.find(workload, time)?;
        let read = |name| {
            let text = String::from_utf8(runs::text(&folder, name).ok()?).ok()?;
            RawValue::from_string(text).ok()
        };
        let (plan, results) = (read("plan.json"), read("results.json"));
        let mut files = Vec::new();
        list_files(&folder, "", &mut files)?;
        Ok(Run { row, plan, results, files })
    }
}

/// The content of `/api/runs`.
#[derive(Serialize)]
struct List {
    store: String,
    runs: Vec<Arc<Row>>,
}

/// The content of `/api/runs/W/T/row`.
#[derive(Serialize)]
struct One {
    row: Arc<Row>,
}

/// The content of `/api/runs/W/T`.
#[derive(Serialize)]
struct Run {
    row: Arc<Row>,
    /// The content of `plan.json`, if it is JSON.
    plan: Option<Box<RawValue>>,
    /// The content of `results.json`, if it is JSON.
    results: Option<Box<RawValue>>,
    files: Vec<RunFile>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunFile {
    /// The file's path from the run's folder on.
    path: String,
    /// False if no URL can name the file.
    is_served: bool,
    bytes: u64,
}

/// How deep folders in a run folder are listed: nodes' logs lie in one.
const DEPTH_MAX: usize = 2;

/// How many files are listed.
const FILES_MAX: usize = 10_000;

fn list_files(folder: &Folder, before: &str, files: &mut Vec<RunFile>) -> io::Result<()> {
    for entry in folder.entries()? {
        if files.len() >= FILES_MAX {
            break;
        }
        let path = format!("{before}{}", entry.name);
        if !entry.is_folder {
            let bytes = folder.stamp(&entry.name).map_or(0, |stamp| stamp.bytes);
            files.push(RunFile { path, is_served: entry.is_plain, bytes });
        } else if entry.is_plain && before.matches('/').count() + 1 < DEPTH_MAX {
            list_files(&folder.folder(&entry.name)?, &format!("{path}/"), files)?;
        }
    }
    Ok(())
}

/// A file of a run, as what it is, and unable to do anything.
fn file(folder: &Folder, path: &[&str], request: &Request) -> io::Result<Response> {
    let path = path.join("/");
    let (file, stamp) = folder.file(&path)?;
    let tag = format!("\"{:x}-{:x}\"", stamp.modified, stamp.bytes);
    Ok(Response::file(content_type(&path), file, stamp.bytes, &tag, request))
}

/// How much of a file that grows is told at a time.
const LINES_BYTES_MAX: u64 = 1 << 22;

/// Whole lines of a file that grows, from a byte on. A line that is longer than what is told at a
/// time comes in parts.
fn lines(folder: &Folder, name: &str, from: &str) -> io::Result<Response> {
    let Ok(from) = from.parse::<u64>() else { return Ok(Response::not_found()) };
    let (mut file, stamp) = folder.file(&format!("{name}.jsonl"))?;
    let mut bytes = Vec::new();
    if from < stamp.bytes {
        file.seek(SeekFrom::Start(from))?;
        file.take(LINES_BYTES_MAX).read_to_end(&mut bytes)?;
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if end > 0 || (bytes.len() as u64) < LINES_BYTES_MAX {
            bytes.truncate(end);
        }
    }
    Ok(Response::new(200, TEXT, bytes).with("cache-control", "no-store"))
}

/// By the name alone. What is not known is not shown but saved.
fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "json" => JSON,
        "html" => "text/html; charset=utf-8",
        "svg" => "image/svg+xml",
        "jsonl" | "edn" | "txt" | "log" | "md" => TEXT,
        _ => "application/octet-stream",
    }
}

fn json<T: Serialize>(data: &T, request: &Request) -> Response {
    match serde_json::to_vec(data) {
        Ok(text) => {
            let tag = format!("\"{:032x}\"", XxHash3_128::oneshot(&text));
            Response::new(200, JSON, text).tagged(&tag, request)
        }
        Err(_) => Response::text(500, "this cannot be written as JSON"),
    }
}

/// What an error of the file system is told as. Whether something is not there, is no file, is a
/// link, or may not be read is not told to the client.
fn failed(error: &io::Error) -> Response {
    match error.kind() {
        io::ErrorKind::OutOfMemory | io::ErrorKind::StorageFull => {
            Response::text(500, "the machine has run out of memory or disk space")
        }
        _ => Response::not_found(),
    }
}

/// Percent-encodes a name as a part of a path.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
