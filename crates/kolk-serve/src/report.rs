//! Reports: the page that stands in a run's folder, or one drawn on the spot.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use kolk_report::html;

use crate::http::{Request, Response};
use crate::page::with_policy;
use crate::store::{Folder, Stamp};

const HTML: &str = "text/html; charset=utf-8";

/// What a drawing is made from: as long as these are the same, so is it.
const SOURCES: [&str; 4] = ["plan.json", "results.json", "history.jsonl", "journal.jsonl"];

/// The page that was drawn last, for who comes back to it.
#[derive(Debug, Default)]
pub struct Reports {
    last: Mutex<Option<Drawn>>,
}

#[derive(Clone, Debug)]
struct Drawn {
    stamps: [Option<Stamp>; 4],
    page: Arc<[u8]>,
}

impl Reports {
    /// The report of a run.
    ///
    /// The policy lets this version's scripts run and no others. A page from the folder that is not
    /// drawn by this version, be it by another or by a node that wants something of the reader,
    /// would do nothing under it: then one is drawn. One at a time, for it takes memory.
    ///
    /// # Errors
    ///
    /// If the run cannot be drawn because it cannot be opened.
    pub fn answer(&self, folder: &Folder, request: &Request) -> io::Result<Response> {
        if let Some(response) = stored(folder, request) {
            return Ok(with_policy(response, html::page()));
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = SOURCES.map(|name| folder.stamp(name));
        let page = match &*last {
            Some(drawn) if drawn.stamps == stamps => Arc::clone(&drawn.page),
            _ => match draw(folder) {
                Ok(page) => {
                    *last = Some(Drawn { stamps, page: Arc::clone(&page) });
                    page
                }
                Err(error) => {
                    let text = format!("this run has no report, and none can be drawn: {error}");
                    return Ok(Response::text(404, &text));
                }
            },
        };
        let tag = stamps[3].map_or(0, |stamp| stamp.modified);
        let response =
            Response::new(200, HTML, page).tagged(&format!("\"drawn-{tag:x}\""), request);
        Ok(with_policy(response, html::page()))
    }
}

/// The page in the folder, if it begins as this version's do.
fn stored(folder: &Folder, request: &Request) -> Option<Response> {
    let (mut file, stamp) = folder.file("report.html").ok()?;
    let mut head = Vec::new();
    html::page().write_head(&mut head).ok()?;
    let mut begin = vec![0; head.len()];
    file.read_exact(&mut begin).ok()?;
    if begin != head {
        return None;
    }
    io::Seek::rewind(&mut file).ok()?;
    let tag = format!("\"{:x}-{:x}\"", stamp.modified, stamp.bytes);
    Some(Response::file(HTML, file, stamp.bytes, &tag, request))
}

fn draw(folder: &Folder) -> Result<Arc<[u8]>, html::HtmlError> {
    let mut page = Vec::new();
    html::write_run(&mut page, |name| folder.file(name).map(|(file, _)| file))?;
    Ok(page.into())
}
