//! A headless Chromium, driven over pipes.
//!
//! With `--remote-debugging-pipe` it speaks the DevTools protocol
//! (<https://chromedevtools.github.io/devtools-protocol/>) on file descriptors 3 and 4, messages of
//! JSON with a zero byte behind each: no port, no WebSocket. A shell puts the child's standard
//! input and output there.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A browser with one page.
pub struct Browser {
    child: Child,
    input: ChildStdin,
    /// What it says, message by message; it may hang, and a test must not.
    said: Receiver<Vec<u8>>,
    session: Option<String>,
    sent: u64,
    /// What the page complained of: console messages, exceptions, refused content.
    pub complaints: Vec<String>,
    _profile: TempDir,
}

/// How long an answer may take: an answer is lost with the page that is left.
const PATIENCE: Duration = Duration::from_secs(120);

/// Reads messages as they come.
fn listen(output: ChildStdout) -> Receiver<Vec<u8>> {
    let (sender, said) = mpsc::channel();
    thread::spawn(move || {
        for message in BufReader::new(output).split(0) {
            let Ok(message) = message else { return };
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    said
}

impl Browser {
    /// Starts one with an empty page of 1280 by 900 pixels.
    pub fn start() -> Browser {
        let profile = tempfile::tempdir().expect("a folder");
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null", "sh", "chromium"])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium starts");
        let input = child.stdin.take().expect("a pipe");
        let said = listen(child.stdout.take().expect("a pipe"));
        let mut browser = Browser {
            child,
            input,
            said,
            session: None,
            sent: 0,
            complaints: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.call(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for method in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(method, json!({}));
        }
        browser.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": false}),
        );
        browser
    }

    /// Opens a report, and waits until it is drawn. The fragment begins with `#`, or is empty.
    pub fn open(&mut self, page: &Path, fragment: &str) {
        let path = page.canonicalize().expect("the page is there");
        self.visit(&format!("file://{}{fragment}", path.display()));
    }

    /// Opens an address, and waits until the page there is drawn.
    pub fn visit(&mut self, url: &str) {
        // A new document even if only the fragment differs.
        self.call("Page.navigate", json!({"url": "about:blank"}));
        self.call("Page.navigate", json!({"url": url}));
        let ready = "new Promise((done) => { const look = () => \
                     document.documentElement?.dataset.ready ? requestAnimationFrame(() => requestAnimationFrame(() => done(true))) \
                     : setTimeout(look, 5); look(); })";
        assert_eq!(self.eval(ready), json!(true), "{:?}", self.complaints);
    }

    /// Waits until an expression is true. One that fails is not true yet.
    pub fn wait_for(&mut self, expression: &str) {
        let look = format!(
            "new Promise((done) => setTimeout(() => {{ \
             try {{ done(!!({expression})); }} catch {{ done(false); }} }}, 20))"
        );
        let is_true = (0..500).any(|_| self.eval(&look) == json!(true));
        assert!(is_true, "{expression}: {:?}", self.complaints);
    }

    /// What an expression comes to; a promise is awaited.
    pub fn eval(&mut self, expression: &str) -> Value {
        let answer = self.call(
            "Runtime.evaluate",
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true}),
        );
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits for two frames: whatever was changed is drawn then.
    pub fn settle(&mut self) {
        self.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))");
    }

    /// Presses and releases a key, named as in DOM events.
    pub fn key(&mut self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            self.call("Input.dispatchKeyEvent", json!({"type": kind, "key": key, "text": text}));
        }
        self.settle();
    }

    /// Does what leads to another page, and waits until that is loaded. Nothing else is asked
    /// meanwhile: an answer would be lost with the page that is left.
    pub fn leave(&mut self, statement: &str) {
        self.eval(&format!("setTimeout(() => {{ {statement} }}, 100)"));
        while self.read()["method"] != json!("Page.loadEventFired") {}
    }

    /// The next answer or event.
    fn read(&mut self) -> Value {
        let bytes = self.said.recv_timeout(PATIENCE).expect("chromium answers in time");
        serde_json::from_slice(&bytes).expect("chromium speaks JSON")
    }

    /// Clicks at a place of the window.
    pub fn click(&mut self, x: f64, y: f64) {
        self.call("Input.dispatchMouseEvent", json!({"type": "mouseMoved", "x": x, "y": y}));
        for kind in ["mousePressed", "mouseReleased"] {
            self.call(
                "Input.dispatchMouseEvent",
                json!({"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}),
            );
        }
        self.settle();
    }

    /// Turns the wheel at a place, with Ctrl held down.
    pub fn wheel(&mut self, x: f64, y: f64, by: f64) {
        self.call(
            "Input.dispatchMouseEvent",
            json!({"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": by, "modifiers": 2}),
        );
        self.settle();
    }

    /// Sends a command and waits for its answer.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let mut message = json!({"id": self.sent, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).expect("chromium listens");
        loop {
            let answer = self.read();
            if answer["id"] == json!(self.sent) {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            if matches!(
                answer["method"].as_str(),
                Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded")
            ) {
                self.complaints.push(answer["params"].to_string());
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
