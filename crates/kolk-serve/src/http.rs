//! Requests and responses, as far as this server knows them: plain data, so that responses can be
//! tested without a socket.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method: `GET`, `HEAD`, or another one, which is refused.
    pub method: String,
    /// The target as the client sent it: the path, and a query, which is ignored.
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

/// A response.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers except `content-length`.
    pub headers: Vec<(&'static str, String)>,
    /// The content; the answer to a `HEAD` request has only its length.
    pub body: Body,
}

/// The content of a response.
#[derive(Debug)]
pub enum Body {
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
    /// A part of a file, read as it is sent: files can be larger than memory.
    File {
        /// The file, positioned at the beginning of the part.
        file: File,
        /// The length of the part in bytes.
        bytes: u64,
    },
}

/// The content security policy of everything that is not one of this server's pages: it can do
/// nothing, and has no origin. Styles are allowed for SVG pictures, which bring their own.
pub const SANDBOX: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// The headers of every response: browsers take nothing for another type than it says, pages of
/// other origins can use nothing, and no other server is told an address of this one.
const ALWAYS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

impl Body {
    /// The length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File { bytes, .. } => *bytes,
        }
    }

    /// True if there is no content.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads all of the content, for tests: files are otherwise sent piece by piece.
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
    /// A response that a browser may show, and that can do nothing else there.
    pub fn new(status: u16, kind: &str, body: impl Into<Arc<[u8]>>) -> Response {
        let mut headers: Vec<(&'static str, String)> =
            ALWAYS.map(|(name, value)| (name, value.to_owned())).to_vec();
        headers.push(("content-type", kind.to_owned()));
        headers.push(("content-security-policy", SANDBOX.to_owned()));
        headers.push(("cache-control", "no-cache".to_owned()));
        Response { status, headers, body: Body::Bytes(body.into()) }
    }

    /// A response of one sentence. It must never repeat parts of the request.
    pub fn text(status: u16, text: &str) -> Response {
        Response::new(status, "text/plain; charset=utf-8", format!("{text}\n").into_bytes())
    }

    /// The response for what does not exist or is not served; it does not tell which.
    pub fn not_found() -> Response {
        Response::text(404, "there is nothing here")
    }

    /// A redirect to another path of this server.
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

    /// The value of a header.
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

    /// A response with a file, or with the part of it that the request asks for.
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

/// The part of a file that a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// The whole file: there is no range, or one that this server does not understand and ignores,
    /// as RFC 9110, section 14.2, allows.
    Whole,
    /// The bytes from the first offset up to, but not including, the second.
    Range(u64, u64),
    /// Bytes that the file does not have.
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
