//! Clients that are wrong, slow or greedy, over a pipe in memory and on a clock that jumps.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

use super::*;
use crate::{Hosts, Store};

/// Serves one connection to its end, with a client at the other side of it. Returns what the client
/// does, and how long the connection lasted.
fn with_client<T>(client: impl AsyncFnOnce(DuplexStream) -> T) -> (T, Duration) {
    let store = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(store.path().join("echo/t1")).expect("made");
    fs::write(store.path().join("echo/t1/large.txt"), large()).expect("written");
    let hosts = Hosts::of("127.0.0.1", IpAddr::from([127, 0, 0, 1]));
    let site = Arc::new(Site::new(Store::new(store.path()), hosts));
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().expect("a runtime").block_on(async {
        let (ours, theirs) = tokio::io::duplex(1 << 12);
        let began = Instant::now();
        let served = tokio::spawn(async move {
            connection(ours, site, Limits::default(), Places::new(1).asked()).await;
            Instant::now()
        });
        let done = client(theirs).await;
        (done, served.await.expect("it ends") - began)
    })
}

/// More than fits into a pipe, and than is read at a time.
fn large() -> Vec<u8> {
    (0..300_000u32).map(|number| b'a' + (number % 23) as u8).collect()
}

/// Sends bytes, and reads until the other side has had enough.
async fn exchange(mut stream: DuplexStream, sent: &[u8]) -> Vec<u8> {
    // The server may hang up before it has read everything.
    let _ = stream.write_all(sent).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

fn status(answer: &[u8]) -> &str {
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    std::str::from_utf8(line).expect("text").split_once(' ').unwrap_or_default().1
}

#[test]
fn requests_are_answered_or_refused() {
    let long = "a".repeat(20_000);
    let many: String = (0..300).map(|number| format!("X-{number}: y\r\n")).collect();
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 OK"),
        ("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", "200 OK"),
        ("GET / HTTP/1.1\r\n\r\n", "421 Misdirected Request"),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421 Misdirected Request"),
        (
            "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
            "421 Misdirected Request",
        ),
        (
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
            "405 Method Not Allowed",
        ),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", "400 Bad Request"),
        (
            "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "400 Bad Request",
        ),
        ("GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 Bad Request"),
        ("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 Bad Request"),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", "405 Method Not Allowed"),
        ("GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 Bad Request"),
        ("GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 Bad Request"),
        ("GET /\u{1} HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 Bad Request"),
        (
            &format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            "431 Request Header Fields Too Large",
        ),
        (
            &format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n"),
            "431 Request Header Fields Too Large",
        ),
        (
            &format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"),
            "431 Request Header Fields Too Large",
        ),
        (
            &format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", &long[..9000]),
            "414 URI Too Long",
        ),
        ("\u{16}\u{3}\u{1}hello", "400 Bad Request"),
        ("", ""),
    ] {
        let request = request.as_bytes().to_vec();
        let (answer, lasted) = with_client(async |stream| exchange(stream, &request).await);
        let text = String::from_utf8_lossy(&request);
        assert_eq!(status(&answer), expected, "{:.80}", text);
        assert!(lasted <= Duration::from_secs(10), "{:.80}: {lasted:?}", text);
    }
}

#[test]
fn files_are_sent_in_pieces_and_connections_used_again() {
    let head = "HEAD /files/echo/t1/large.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let part =
        "GET /files/echo/t1/large.txt HTTP/1.1\r\nHost: localhost\r\nRange: bytes=-5\r\n\r\n";
    let whole =
        "GET /files/echo/t1/large.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let requests = [head, part, whole].concat();
    let (answer, _) = with_client(async |stream| exchange(stream, requests.as_bytes()).await);
    let content = large();
    assert!(answer.ends_with(&content));
    let text = String::from_utf8_lossy(&answer[..answer.len() - content.len()]);
    assert_eq!(text.matches("HTTP/1.1 ").count(), 3, "{text}");
    assert_eq!(text.matches("content-length: 300000\r\n").count(), 2, "{text}");
    let tail = String::from_utf8_lossy(&content[content.len() - 5..]);
    assert!(
        text.contains("content-length: 5\r\n") && text.contains(&format!("\r\n\r\n{tail}HTTP"))
    );
}

/// A client that does not go on loses its place, whatever it is slow at.
#[test]
fn the_slow_are_let_go() {
    let limits = Limits::default();
    let slack = Duration::from_secs(1);
    // Silent from the start, in a header, between requests.
    for sent in ["", "GET / HTTP/1.1\r\nHost: loc", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
        let (_, lasted) = with_client(async |mut stream| {
            stream.write_all(sent.as_bytes()).await.expect("there is room");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.expect("an end");
        });
        assert!(lasted <= limits.header_time + slack, "{sent:?}: {lasted:?}");
    }
    // A byte now and then: the time for all headers together is what counts.
    let (_, lasted) = with_client(async |mut stream| {
        for byte in b"GET / HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" {
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    assert!(lasted <= limits.header_time + slack, "{lasted:?}");
    // Asks for much, and does not read it.
    let (_, lasted) = with_client(async |mut stream| {
        let request = b"GET /files/echo/t1/large.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request).await.expect("there is room");
        tokio::time::sleep(limits.idle_time * 3).await;
        stream
    });
    assert!(lasted <= limits.idle_time + slack, "{lasted:?}");
}

/// A file that has become shorter cannot keep the length that was promised: the client must not
/// take what comes for the whole.
#[test]
fn a_file_that_has_become_shorter_ends_the_connection() {
    let path = tempfile::NamedTempFile::new().expect("a file");
    fs::write(path.path(), "short").expect("written");
    let at = path.path();
    let answer = move |_: hyper::Request<Incoming>| async move {
        let body = Body::File { file: fs::File::open(at)?, bytes: 10 };
        let response = Response { body, ..Response::text(200, "replaced") };
        Ok::<_, io::Error>(http_response(response, false))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (answer, served) = runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(1 << 12);
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(ours), service_fn(answer));
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        tokio::join!(exchange(theirs, request), connection)
    });
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(format!("{head}\r\n").contains("content-length: 10\r\n"), "{answer}");
    // What was read may still wait to be written when the connection ends; nothing is made up.
    assert!("short".starts_with(body), "{answer}");
    assert!(served.is_err());
}
