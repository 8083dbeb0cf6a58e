//! Requests and responses, as far as this server knows them: plain data, so that what is answered
//! can be looked at without a socket.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `HEAD`, or what is refused.
    pub method: String,
    /// The path, as it came, and what stands behind a `?`, which nobody reads.
    pub target: String,
    /// The header `Host`, if there is exactly one.
    pub host: Option<String>,
    /// The header `Range`.
    pub range: Option<String>,
    /// The header `If-Range`.
    pub if_range: Option<String>,
    /// The header `If-None-Match`.
    pub if_none_match: Option<String>,
}

/// What is answered.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, but for the length.
    pub headers: Vec<(&'static str, String)>,
    /// The content; a `HEAD` request is told its length only.
    pub body: Body,
}

/// The content of a response.
#[derive(Debug)]
pub enum Body {
    /// At hand.
    Bytes(Arc<[u8]>),
    /// A part of a file, read as it is sent: files can be larger than memory.
    File {
        /// The file, at the part's beginning.
        file: File,
        /// How long the part is.
        bytes: u64,
    },
}

/// The policy of whatever is no page of ours: it can do nothing, and is of no origin. Styles are
/// allowed for pictures, which bring their own.
pub const SANDBOX: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// What every response carries: nothing is taken for another type than it says, nothing can be
/// used from pages of other origins, no address is told to others.
const ALWAYS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

impl Body {
    /// How long it is.
    pub fn len(&self) -> u64 {
        match self {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File { bytes, .. } => *bytes,
        }
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it, for tests: files are sent piece by piece otherwise.
    pub fn read(self) -> io::Result<Vec<u8>> {
        match self {
            Body::Bytes(bytes) => Ok(bytes.to_vec()),
            Body::File { file, bytes } => {
                let mut content = Vec::new();
                file.take(bytes).read_to_end(&mut content)?;
                Ok(content)
            }
        }
    }
}

impl Response {
    /// A response that can do nothing in a browser but be shown.
    pub fn new(status: u16, kind: &str, body: impl Into<Arc<[u8]>>) -> Response {
        let mut headers: Vec<(&'static str, String)> =
            ALWAYS.map(|(name, value)| (name, value.to_owned())).to_vec();
        headers.push(("content-type", kind.to_owned()));
        headers.push(("content-security-policy", SANDBOX.to_owned()));
        headers.push(("cache-control", "no-cache".to_owned()));
        Response { status, headers, body: Body::Bytes(body.into()) }
    }

    /// A sentence. It never repeats what was asked.
    pub fn text(status: u16, text: &str) -> Response {
        Response::new(status, "text/plain; charset=utf-8", format!("{text}\n").into_bytes())
    }

    /// There is no such thing, or none that is served: the answer does not tell which.
    pub fn not_found() -> Response {
        Response::text(404, "there is nothing here")
    }

    /// Another path of ours.
    pub fn redirect(path: &str) -> Response {
        Response::text(307, "it is elsewhere").with("location", path)
    }

    /// The same response with a header, in place of one of the same name.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The same response with a tag that names its content, or, if the browser has that already,
    /// none of it.
    #[must_use]
    pub fn tagged(self, tag: &str, request: &Request) -> Response {
        let response = self.with("etag", tag);
        let known = request.if_none_match.as_deref().unwrap_or_default();
        if known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag) {
            return Response { status: 304, body: Body::Bytes(Arc::new([])), ..response };
        }
        response
    }

    /// Part of a file, if one is asked for, or all of it.
    pub fn file(kind: &str, mut file: File, bytes: u64, tag: &str, request: &Request) -> Response {
        let response = Response::new(200, kind, Vec::new()).with("accept-ranges", "bytes");
        let is_same = request.if_range.as_deref().is_none_or(|known| known == tag);
        let range = request.range.as_deref().filter(|_| is_same);
        match range.map_or(Part::Whole, |range| part(range, bytes)) {
            Part::Whole => {
                Response { body: Body::File { file, bytes }, ..response }.tagged(tag, request)
            }
            Part::Nothing => Response::text(416, "the file is shorter")
                .with("content-range", format!("bytes */{bytes}")),
            Part::Range(from, to) => {
                if file.seek(SeekFrom::Start(from)).is_err() {
                    return Response::not_found();
                }
                let body = Body::File { file, bytes: to - from };
                Response { status: 206, body, ..response }
                    .with("content-range", format!("bytes {from}-{}/{bytes}", to - 1))
                    .with("etag", tag)
            }
        }
    }
}

/// What a range header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Everything: there is no range, or one this server does not understand (RFC 9110, section
    /// 14.2, lets it be passed over).
    Whole,
    /// From here to before there.
    Range(u64, u64),
    /// What is not there.
    Nothing,
}

/// Reads `bytes=FROM-TO`, `bytes=FROM-` or `bytes=-LAST`.
fn part(range: &str, bytes: u64) -> Part {
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|text| text.split_once('-'))
    else {
        return Part::Whole;
    };
    let (from, to) = match (number(first.trim()), number(last.trim())) {
        (Some(from), Some(to)) if from <= to => (from, to.saturating_add(1).min(bytes)),
        (Some(from), None) if last.trim().is_empty() => (from, bytes),
        (None, Some(last)) if first.trim().is_empty() => (bytes.saturating_sub(last), bytes),
        _ => return Part::Whole,
    };
    if from < to { Part::Range(from, to) } else { Part::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_parts_of_the_file() {
        for (range, bytes, expected) in [
            ("bytes=0-9", 100, Part::Range(0, 10)),
            ("bytes=90-", 100, Part::Range(90, 100)),
            ("bytes=90-500", 100, Part::Range(90, 100)),
            ("bytes=-10", 100, Part::Range(90, 100)),
            ("bytes=-500", 100, Part::Range(0, 100)),
            ("bytes=0-99999999999999999999999", 100, Part::Range(0, 100)),
            ("bytes=100-", 100, Part::Nothing),
            ("bytes=99999999999999999999999-", 100, Part::Nothing),
            ("bytes=-0", 100, Part::Nothing),
            ("bytes=0-", 0, Part::Nothing),
            ("bytes=9-0", 100, Part::Whole),
            ("bytes=-", 100, Part::Whole),
            ("bytes=+1-2", 100, Part::Whole),
            ("bytes=0-1,5-6", 100, Part::Whole),
            ("lines=0-1", 100, Part::Whole),
            ("", 100, Part::Whole),
        ] {
            assert_eq!(part(range, bytes), expected, "{range}");
        }
    }
}
