//! What the site answers, and above all what it does not: requests are made up and files are real,
//! no socket is there.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use kolk_serve::{Body, Hosts, Request, Response, Site, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

const PLAN: &str = r#"{"format":1,"draws":1,"kolk-version":"0.1.0","seed":"0x0000000000000007",
    "clock":"virtual","node":{"kind":"built-in","name":"echo","args":[],"separate":false},
    "nodes":["n0"],"concurrency":1,"rate":5.0,"time-limit":1000000000,"workload":{"name":"echo"},
    "network":{"latency":0.0,"latency-dist":"constant"},"faults":[],"strict":false,
    "availability":null}"#;

const RESULTS: &str = r#"{"format":1,"run":{"ended":1000,"load-began":0,"load-ended":900,
    "ending":{"kind":"completed"},"digest":"00","event-count":4,"deterministic":true},
    "valid":true,"stats":{"valid":true,"count":1},"measures":[]}"#;

const HISTORY: &str = r#"{"index":0,"time":0,"type":"invoke","process":0,"f":"echo","value":"a"}
{"index":1,"time":5000000,"type":"ok","process":0,"f":"echo","value":"a","node":"n0"}
"#;

const JOURNAL: &str = r#"{"event":"send","time":0,"id":0,"src":"c0","dest":"n0","op":0,"body":{"type":"echo","msg_id":1}}
{"event":"receive","time":1,"id":0,"src":"c0","dest":"n0"}
"#;

/// What nobody may get to see.
const SECRET: &str = "the secret";

struct Shop {
    folder: TempDir,
    site: Site,
}

impl Shop {
    /// A store with one run, and a secret beside it.
    fn open() -> Shop {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("store");
        fs::create_dir_all(store.join("echo/t1/node-logs")).expect("made");
        fs::write(folder.path().join("secret"), SECRET).expect("written");
        let shop = Shop { site: site(&store), folder };
        for (name, text) in [
            ("plan.json", PLAN),
            ("results.json", RESULTS),
            ("history.jsonl", HISTORY),
            ("journal.jsonl", JOURNAL),
            ("node-logs/n0.log", "<script>alert(1)</script>\n"),
        ] {
            shop.write(&format!("echo/t1/{name}"), text);
        }
        shop
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("store").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn get(&self, target: &str) -> Response {
        self.site.answer(&request(target))
    }

    fn json(&self, target: &str) -> Value {
        let response = self.get(target);
        assert_eq!(response.status, 200, "{target}");
        serde_json::from_slice(&response.body.read().expect("content")).expect("JSON")
    }

    fn states(&self) -> Value {
        let runs = self.json("/api/runs");
        let runs = runs["runs"].as_array().expect("a list").iter();
        runs.map(|run| json!([run["workload"], run["time"], run["state"], run["problem"]]))
            .collect()
    }
}

fn site(store: &Path) -> Site {
    Site::new(Store::new(store), Hosts::of("127.0.0.1", IpAddr::from([127, 0, 0, 1])))
}

fn request(target: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        target: target.to_owned(),
        host: Some("localhost:8080".to_owned()),
        ..Request::default()
    }
}

fn text(response: Response) -> String {
    String::from_utf8(response.body.read().expect("content")).expect("UTF-8")
}

/// Every path that is served, and nothing but those. The secret lies where each of the others
/// would lead if it led anywhere.
#[test]
fn nothing_outside_the_store_is_served() {
    let shop = Shop::open();
    symlink("../../../secret", shop.path("echo/t1/link.txt")).expect("linked");
    symlink("../../..", shop.path("echo/t1/up")).expect("linked");
    symlink("../..", shop.path("echo/away")).expect("linked");
    symlink("..", shop.path("outside")).expect("linked");
    symlink("t1", shop.path("echo/latest")).expect("linked");
    symlink("/etc/passwd", shop.path("echo/t1/node-logs/n1.log")).expect("linked");
    symlink("plan.json", shop.path("echo/t1/inside.json")).expect("linked");
    fs::create_dir_all(shop.path("echo/t1/folder.txt")).expect("made");
    let pipe = std::process::Command::new("mkfifo").arg(shop.path("echo/t1/pipe.txt")).status();
    assert!(pipe.expect("mkfifo runs").success());
    shop.write("echo/t1/.hidden.txt", SECRET);
    shop.write("echo/.hidden/plan.json", SECRET);
    for (path, status) in [
        ("/", 200),
        ("/?/../x", 200),
        ("/compare?a=echo/t1&b=../..", 200),
        ("/runs/echo/t1", 200),
        ("/runs/echo/t1/report", 200),
        ("/files/echo/t1/plan.json", 200),
        ("/files/echo/t1/%70lan.json", 200),
        ("/files/echo/t1/node-logs/n0.log", 200),
        ("/api/runs", 200),
        ("/api/runs/echo/t1", 200),
        ("/api/runs/echo/t1/latency", 200),
        // Up and away, in all spellings.
        ("/..", 400),
        ("/../secret", 400),
        ("/files/../../secret", 400),
        ("/files/echo/t1/../../../secret", 400),
        ("/files/echo/t1/..%2f..%2f..%2fsecret", 400),
        ("/files/echo/t1/%2e%2e/%2e%2e/%2e%2e/secret", 400),
        ("/files/echo/t1/%2E%2E%5C..%5Csecret", 400),
        ("/files/echo/t1/..\\..\\..\\secret", 400),
        ("/files/echo/t1/%252e%252e%252fsecret", 400),
        ("/files/echo/t1/%c0%ae%c0%ae/secret", 400),
        ("/files/echo/t1/node-logs/../../../../secret", 400),
        ("/files/echo/../../secret", 400),
        ("/runs/echo/..", 400),
        ("/runs/../..", 400),
        ("/api/runs/../..", 400),
        ("/api/runs/echo/..%2f..", 400),
        // From the root on.
        ("//etc/passwd", 400),
        ("/files//etc/passwd", 400),
        ("/files/echo/t1//etc/passwd", 400),
        ("/files/echo/t1/%2fetc%2fpasswd", 400),
        ("/etc/passwd", 404),
        ("/files/etc/passwd", 404),
        ("/files/C:/secret", 404),
        ("file:///etc/passwd", 400),
        ("http://localhost/etc/passwd", 400),
        // What ends a name early, or hides.
        ("/files/echo/t1/plan.json%00.txt", 400),
        ("/files/echo/t1/plan.json%0a", 400),
        ("/files/echo/t1/.hidden.txt", 400),
        ("/runs/echo/.hidden", 400),
        ("/files/echo/t1/%", 400),
        ("/files/echo/t1/plan.json/", 400),
        ("", 400),
        ("*", 400),
        // Links, wherever they lead, and what is no file.
        ("/files/echo/t1/link.txt", 404),
        ("/files/echo/t1/up/secret", 404),
        ("/files/echo/away/secret", 404),
        ("/files/outside/store/echo", 404),
        ("/runs/outside/store", 404),
        ("/files/echo/latest/plan.json", 404),
        ("/files/echo/t1/inside.json", 404),
        ("/files/echo/t1/node-logs/n1.log", 404),
        ("/files/echo/t1/folder.txt", 404),
        ("/files/echo/t1/pipe.txt", 404),
        ("/files/echo/t1/node-logs", 404),
        // What is not there.
        ("/files/echo/t1/plan.json/x", 404),
        ("/files/echo/t1", 404),
        ("/files/echo/t2/plan.json", 404),
        ("/runs/echo", 404),
        ("/runs/echo/t2", 404),
        ("/runs/echo/t1/repor", 404),
        ("/runs/echo/t1/report/x", 404),
        ("/api", 404),
        ("/api/runs/echo", 404),
        ("/latest", 404),
    ] {
        let response = shop.get(path);
        assert_eq!(response.status, status, "{path}");
        let text = text(response);
        assert!(!text.contains(SECRET) && !text.contains("root:"), "{path}: {text}");
        if status != 200 {
            assert!(text.len() < 100 && !text.contains(shop.folder.path().to_str().expect("text")));
        }
    }
    let long = format!("/files/{}", "a/".repeat(2000));
    assert_eq!(shop.get(&long).status, 414);
    assert_eq!(shop.get(&format!("/?{}", "a".repeat(3000))).status, 414);
    // The report reads logs: not through a link.
    assert!(!text(shop.get("/runs/echo/t1/report")).contains("root:"));
    let listed = shop.json("/api/runs/echo/t1");
    let listed: Vec<&str> = listed["files"]
        .as_array()
        .expect("files")
        .iter()
        .filter_map(|f| f["path"].as_str())
        .collect();
    assert_eq!(
        listed,
        ["history.jsonl", "journal.jsonl", "node-logs/n0.log", "plan.json", "results.json"]
    );
}

/// Whoever asks in another's name, or wants more than to look, is refused before a file is opened.
#[test]
fn strangers_and_other_methods_are_refused() {
    let shop = Shop::open();
    for (method, host, status) in [
        ("GET", Some("localhost"), 200),
        ("HEAD", Some("127.0.0.1:9999"), 200),
        ("GET", Some("evil.example:8080"), 421),
        ("GET", Some("localhost.evil.example"), 421),
        ("GET", Some(""), 421),
        ("GET", None, 421),
        ("POST", Some("localhost"), 405),
        ("PUT", Some("localhost"), 405),
        ("DELETE", Some("localhost"), 405),
        ("OPTIONS", Some("localhost"), 405),
        ("CONNECT", Some("localhost"), 405),
        ("TRACE", Some("localhost"), 405),
        ("get", Some("localhost"), 405),
        ("X", Some("evil.example"), 421),
    ] {
        let host = host.map(str::to_owned);
        let asked =
            Request { method: method.to_owned(), host, ..request("/files/echo/t1/plan.json") };
        let response = shop.site.answer(&asked);
        assert_eq!(response.status, status, "{method} {:?}", asked.host);
        if status != 200 {
            assert!(!text(response).contains("seed"));
        }
    }
}

/// No response can run anything but our own scripts, be framed, or be taken for something else.
#[test]
fn every_response_is_confined() {
    let shop = Shop::open();
    shop.write("echo/t1/report.html", "<script>alert(1)</script>");
    shop.write("echo/t1/evil.html", "<script>alert(1)</script>");
    shop.write("echo/t1/evil.svg", "<svg onload='alert(1)'/>");
    shop.write("echo/t1/evil.js", "alert(1)");
    for (path, kind, is_page) in [
        ("/", "text/html; charset=utf-8", true),
        ("/compare", "text/html; charset=utf-8", true),
        ("/runs/echo/t1", "text/html; charset=utf-8", true),
        ("/runs/echo/t1/report", "text/html; charset=utf-8", true),
        ("/api/runs", "application/json", false),
        ("/api/runs/echo/t1", "application/json", false),
        ("/files/echo/t1/plan.json", "application/json", false),
        ("/files/echo/t1/journal.jsonl", "text/plain; charset=utf-8", false),
        ("/files/echo/t1/node-logs/n0.log", "text/plain; charset=utf-8", false),
        ("/files/echo/t1/report.html", "text/html; charset=utf-8", false),
        ("/files/echo/t1/evil.html", "text/html; charset=utf-8", false),
        ("/files/echo/t1/evil.svg", "image/svg+xml", false),
        ("/files/echo/t1/evil.js", "application/octet-stream", false),
        ("/nothing", "text/plain; charset=utf-8", false),
        ("/..", "text/plain; charset=utf-8", false),
    ] {
        let response = shop.get(path);
        assert_eq!(response.header("content-type"), Some(kind), "{path}");
        let policy = response.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(policy.starts_with("sandbox;"), !is_page, "{path}: {policy}");
        assert_eq!(policy.contains("script-src 'sha256-"), is_page, "{path}: {policy}");
        for loose in ["script-src 'unsafe", "unsafe-eval", "*", "http:", "https:", "allow-"] {
            assert!(!policy.contains(loose), "{path}: {policy}");
        }
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(response.header(name), Some(value), "{path}");
        }
    }
}

/// A page that a node put in the report's place is not shown as one; what this version drew is.
#[test]
fn reports_are_ours_or_drawn() {
    let shop = Shop::open();
    let drawn = text(shop.get("/runs/echo/t1/report"));
    assert!(drawn.starts_with("<!doctype html>") && drawn.ends_with("</html>\n"));
    assert!(!shop.path("echo/t1/report.html").exists(), "nothing is written");
    shop.write("echo/t1/report.html", "<!doctype html><script>alert(1)</script>");
    assert_eq!(text(shop.get("/runs/echo/t1/report")), drawn);
    let changed = drawn.replace("</html>", "<p>as it was stored</p></html>");
    shop.write("echo/t1/report.html", &changed);
    assert_eq!(text(shop.get("/runs/echo/t1/report")), changed);
    // What cannot be drawn says why.
    fs::remove_file(shop.path("echo/t1/report.html")).expect("removed");
    shop.write("echo/t1/journal.jsonl", "{\n");
    let response = shop.get("/runs/echo/t1/report");
    assert_eq!(response.status, 404);
    assert!(text(response).contains("journal.jsonl"), "the file at fault is named");
}

#[test]
fn damaged_and_foreign_folders_are_listed_as_such() {
    let shop = Shop::open();
    shop.write("echo/t2/plan.json", "{");
    shop.write("echo/t3/plan.json", PLAN);
    shop.write("echo/t4/results.json", RESULTS);
    shop.write("echo/t5/plan.json", PLAN);
    shop.write("echo/t5/results.json", &RESULTS[..40]);
    shop.write("echo/t6/photo.jpg", "");
    shop.write("no-folder.txt", "");
    shop.write("echo/no-folder.txt", "");
    shop.write("echo/a%2eb/plan.json", PLAN);
    shop.write("<img src=x>/\u{202e}t7/plan.json", PLAN);
    fs::create_dir_all(shop.path("echo/t8/plan.json")).expect("made");
    symlink("/etc/passwd", shop.path("echo/t8/results.json")).expect("linked");
    symlink("t1", shop.path("echo/latest")).expect("linked");
    let eof = "EOF while parsing";
    let states = shop.states();
    let states = states.as_array().expect("a list");
    let expected = [
        ("<img src=x>", "\u{202e}t7", "unfinished", ""),
        ("echo", "t8", "foreign", ""),
        ("echo", "t6", "foreign", ""),
        ("echo", "t5", "damaged", "results.json: EOF while parsing"),
        ("echo", "t4", "damaged", "plan.json: "),
        ("echo", "t3", "unfinished", ""),
        ("echo", "t2", "damaged", "plan.json: EOF while parsing"),
        ("echo", "t1", "valid", ""),
    ];
    assert_eq!(states.len(), expected.len(), "{states:?}");
    for (found, (workload, time, state, problem)) in states.iter().zip(expected) {
        assert_eq!(
            (&found[0], &found[1], &found[2]),
            (&json!(workload), &json!(time), &json!(state))
        );
        let told = found[3].as_str().unwrap_or_default();
        assert!(
            told.starts_with(problem) && told.is_empty() == problem.is_empty(),
            "{found} {eof}"
        );
    }
    let hard = shop.get("/api/runs/%3Cimg%20src%3Dx%3E/%E2%80%AEt7");
    assert_eq!(hard.status, 200);
}

#[test]
fn the_list_follows_the_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = site(&folder.path().join("store"));
    assert_eq!(text(empty.answer(&request("/api/runs"))).matches("workload").count(), 0);
    let shop = Shop::open();
    let list = || shop.get("/api/runs");
    let tag = list().header("etag").expect("a tag").to_owned();
    let again = Request { if_none_match: Some(tag.clone()), ..request("/api/runs") };
    let known = shop.site.answer(&again);
    assert_eq!((known.status, known.body.len()), (304, 0));
    // A run begins: whoever carries it out holds its folder.
    shop.write("echo/t2/plan.json", PLAN);
    let held = fs::File::open(shop.path("echo/t2")).expect("open");
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).expect("locked");
    assert_eq!(shop.site.answer(&again).status, 200);
    assert_eq!(shop.states()[0], json!(["echo", "t2", "running", null]));
    // Its results are being written, are there; it is removed.
    shop.write("echo/t2/results.json", &RESULTS[..100]);
    assert_eq!(shop.states()[0], json!(["echo", "t2", "running", null]));
    shop.write(
        "echo/t2/results.json",
        &RESULTS.replace("\"valid\":true,\"stats\"", "\"valid\":false,\"stats\""),
    );
    assert_eq!(shop.states()[0], json!(["echo", "t2", "invalid", null]));
    drop(held);
    symlink("echo/t2", shop.path("latest")).expect("linked");
    assert_eq!(shop.get("/latest").header("location"), Some("/runs/echo/t2"));
    fs::remove_dir_all(shop.path("echo/t2")).expect("removed");
    assert_eq!(shop.states(), json!([["echo", "t1", "valid", null]]));
    assert_eq!(shop.get("/latest").status, 404);
}

#[test]
fn links_that_lead_out_are_not_followed_by_latest() {
    let shop = Shop::open();
    for target in ["../secret", "/etc/passwd", "echo/../..", "echo", "echo/t9", "echo/t1/x", ""] {
        let _ = fs::remove_file(shop.path("latest"));
        if target.is_empty() {
            fs::write(shop.path("latest"), "echo/t1").expect("written");
        } else {
            symlink(target, shop.path("latest")).expect("linked");
        }
        assert_eq!(shop.get("/latest").status, 404, "{target}");
    }
}

/// Files come whole, in parts, or not at all if they are known.
#[test]
fn files_come_in_parts() {
    let shop = Shop::open();
    shop.write("echo/t1/digits.txt", "0123456789");
    let path = "/files/echo/t1/digits.txt";
    let tag = shop.get(path).header("etag").expect("a tag").to_owned();
    for (range, if_range, known, status, content, told) in [
        (None, None, None, 200, "0123456789", None),
        (Some("bytes=2-4"), None, None, 206, "234", Some("bytes 2-4/10")),
        (Some("bytes=7-"), None, None, 206, "789", Some("bytes 7-9/10")),
        (Some("bytes=-2"), None, None, 206, "89", Some("bytes 8-9/10")),
        (Some("bytes=10-"), None, None, 416, "the file is shorter\n", Some("bytes */10")),
        (Some("bytes=2-4"), Some(tag.as_str()), None, 206, "234", Some("bytes 2-4/10")),
        (Some("bytes=2-4"), Some("\"old\""), None, 200, "0123456789", None),
        (None, None, Some(tag.as_str()), 304, "", None),
        (None, None, Some("\"old\""), 200, "0123456789", None),
    ] {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let asked = Request {
            range: owned(range),
            if_range: owned(if_range),
            if_none_match: owned(known),
            ..request(path)
        };
        let response = shop.site.answer(&asked);
        assert_eq!(response.status, status, "{range:?}");
        assert_eq!(response.header("content-range"), told, "{range:?}");
        assert_eq!(text(response), content, "{range:?}");
    }
    assert!(matches!(shop.get(path).body, Body::File { bytes: 10, .. }), "read as it is sent");
}

/// A run tells of itself what its files say, as they say it.
#[test]
fn a_run_is_told_as_it_is_stored() {
    let shop = Shop::open();
    let run = shop.json("/api/runs/echo/t1");
    assert_eq!(run["plan"], serde_json::from_str::<Value>(PLAN).expect("JSON"));
    assert_eq!(run["results"], serde_json::from_str::<Value>(RESULTS).expect("JSON"));
    assert_eq!(run["row"]["seed"], json!("0x0000000000000007"));
    let latency = shop.json("/api/runs/echo/t1/latency");
    assert_eq!((&latency["count"], &latency["medians"][47]), (&json!(1), &json!(5_000_000)));
    shop.write("echo/t1/plan.json", "no JSON");
    assert_eq!(shop.json("/api/runs/echo/t1")["plan"], Value::Null);
    // Not readable is as good as not there, unless one may read everything.
    let path = shop.path("echo/t1/results.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("changed");
    let is_root = fs::File::open(&path).is_ok();
    let status = shop.get("/files/echo/t1/results.json").status;
    assert_eq!(status, if is_root { 200 } else { 404 });
    fs::remove_file(shop.path("echo/t1/history.jsonl")).expect("removed");
    assert_eq!(shop.json("/api/runs/echo/t1/latency")["count"], json!(0));
    assert_eq!(shop.get("/api/runs/echo/t9/latency").status, 404);
}

/// A file that grows is told in whole lines, from where one left off.
#[test]
fn what_grows_is_told_in_lines() {
    let shop = Shop::open();
    let path = "/api/runs/echo/t1/journal";
    let long = "x".repeat(5 << 20);
    for (content, from, told) in [
        ("", "0", ""),
        ("one", "0", ""),
        ("one\n", "0", "one\n"),
        ("one\ntwo", "0", "one\n"),
        ("one\ntwo\n", "4", "two\n"),
        ("one\ntwo\n", "8", ""),
        ("one\n", "99999999999999999", ""),
        (&format!("one\n{long}\n"), "0", "one\n"),
        (&format!("one\n{long}\n"), "4", &long[..4 << 20]),
    ] {
        shop.write("echo/t1/journal.jsonl", content);
        let response = shop.get(&format!("{path}/{from}"));
        assert_eq!(response.status, 200);
        assert!(text(response) == told, "{:.20} from {from}", content);
    }
    for from in ["", "-1", "x", "1.5", "99999999999999999999999999"] {
        assert!(shop.get(&format!("{path}/{from}")).status >= 400, "{from}");
    }
    assert_eq!(shop.get("/api/runs/echo/t1/results/0").status, 404);
    assert_eq!(shop.get("/api/runs/echo/t9/journal/0").status, 404);
}
