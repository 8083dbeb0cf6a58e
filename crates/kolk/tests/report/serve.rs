//! `kolk serve` in a real browser, over a real socket of the loopback interface.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::fs::FlockOperation;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::browser::Browser;
use super::{BROADCAST, HOSTILE, Run, kolk};

/// A server of a folder's store.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    pub fn start(folder: &Path) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kolk"))
            .args(["serve", "--port", "0"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("kolk runs");
        let mut line = String::new();
        let output = child.stdout.as_mut().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let url = line.split('/').take(3).collect::<Vec<_>>().join("/");
        assert!(url.starts_with("http://127.0.0.1:"), "{line}");
        Server { child, url }
    }

    fn port(&self) -> &str {
        self.url.rsplit(':').next().expect("a port")
    }

    /// Presses Ctrl-C, and tells the status.
    fn interrupt(mut self) -> Option<i32> {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::INT).expect("it lives");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The names of a run, from the link that leads to it: `broadcast/20261121T153500.000`.
fn name_of(run: &Run) -> String {
    let link = fs::read_link(run.latest()).expect("a link");
    link.to_str().expect("UTF-8").to_owned()
}

fn texts(browser: &mut Browser, selector: &str) -> Vec<String> {
    let expression =
        format!("[...document.querySelectorAll('{selector}')].map((found) => found.textContent)");
    let found = browser.eval(&expression);
    found.as_array().expect("a list").iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub fn it_ends_with_ctrl_c_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let busy = kolk(folder.path(), &format!("serve --port {}", server.port()));
    let told = String::from_utf8(busy.stderr).expect("UTF-8");
    assert_eq!(busy.status.code(), Some(254));
    assert!(
        told.contains("cannot listen on 127.0.0.1, port") && told.contains("--port 0"),
        "{told}"
    );
    assert_eq!(server.interrupt(), Some(0));
    for (words, part) in [
        ("serve --bind 192.0.2.1 --port 0", "--bind takes an address of this machine"),
        ("serve --store file", "file is no folder"),
        ("serve --port 99999", "99999"),
    ] {
        fs::write(folder.path().join("file"), "").expect("written");
        let refused = kolk(folder.path(), words);
        let told = String::from_utf8(refused.stderr).expect("UTF-8");
        assert_eq!(refused.status.code(), Some(254), "{words}: {told}");
        assert!(told.contains(part), "{words}: {told}");
    }
}

/// The table, its filters and order, a comparison, a report and a file; and nothing that a node
/// printed, or that a folder is called, acts.
pub fn runs_are_listed_compared_and_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("hostile.sh");
    fs::write(&program, HOSTILE).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    let words = "test -w echo --bin ./hostile.sh --node-count 1 --rate 20 --time-limit 1 --seed 3";
    let run = Run::in_folder(folder, words, 1);
    let hostile = name_of(&run);
    let evil = "<img src=x onerror='window.hurt=1'>";
    fs::write(
        run.latest().join("evil.html"),
        "<script>window.hurt=1;document.title='hurt'</script>",
    )
    .expect("written");
    let run = Run::in_folder(run.folder, BROADCAST, 0);
    let first = name_of(&run);
    let run = Run::in_folder(run.folder, &BROADCAST.replace("--seed 7", "--seed 8"), 0);
    let second = name_of(&run);
    let store = run.folder.path().join("store");
    fs::create_dir_all(store.join(evil).join(evil)).expect("made");
    fs::write(store.join(evil).join(evil).join("plan.json"), format!("{{\"{evil}"))
        .expect("written");
    fs::create_dir_all(store.join("notes/empty")).expect("made");
    let server = Server::start(run.folder.path());
    let mut browser = Browser::start();

    // All of them, the newest first, folders without a run last.
    browser.visit(&format!("{}/", server.url));
    let listed = texts(&mut browser, ".runs tbody tr .state");
    assert_eq!(listed, ["! damaged", "✓ valid", "✓ valid", "✗ invalid", "· no run"]);
    browser.wait_for("document.querySelectorAll('.spark').length === 3");
    let row = texts(&mut browser, ".runs tbody tr:nth-child(2) td");
    assert_eq!((row[1].as_str(), row[5].as_str(), row[8].as_str()), ("broadcast", "4", "0x8"));
    assert!(row[6].contains("partition") && row[6].contains("loss 0.1"), "{row:?}");

    // Searched, filtered, sorted, and all of that in the address.
    browser.key("/");
    for key in ["p", "a", "r", "t", "i"] {
        browser.key(key);
    }
    assert_eq!(texts(&mut browser, ".runs tbody .run-link"), ["broadcast", "broadcast"]);
    browser.key("Escape");
    browser.visit(&format!("{}/#search=0x&verdicts=valid,invalid&sort=seed.up", server.url));
    assert_eq!(texts(&mut browser, ".runs tbody .seed"), ["0x3", "0x7", "0x8"]);
    browser.eval("document.querySelector('.runs th:nth-child(9) button').click()");
    assert_eq!(texts(&mut browser, ".runs tbody .seed"), ["0x8", "0x7", "0x3"]);
    assert_eq!(
        browser.eval("location.hash"),
        json!("#search=0x&verdicts=valid%2Cinvalid&sort=seed.down")
    );

    // Two of them are chosen by keys and compared.
    for key in ["j", "x", "j", "x"] {
        browser.key(key);
    }
    browser.leave(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'c', bubbles: true }))",
    );
    browser.wait_for("location.pathname === '/compare' && document.documentElement.dataset.ready");
    let heads = texts(&mut browser, ".sides thead th");
    assert_eq!(&heads[..3], ["what differs", &first, &second]);
    let differs = texts(&mut browser, ".sides .differs td:first-child");
    assert!(
        differs.contains(&"seed".to_owned()) && differs.contains(&"faults".to_owned()),
        "{differs:?}"
    );
    assert!(!differs.contains(&"rate".to_owned()), "{differs:?}");
    assert_eq!(browser.eval("document.querySelectorAll('.chart .line').length"), json!(2));

    // The report is the report, and the file is no page of ours.
    browser.leave("document.querySelector('.tools a').click()");
    browser.wait_for("window.kolk?.run?.messages.count > 100");
    assert_eq!(browser.eval("location.pathname"), json!(format!("/runs/{first}/report")));
    browser.visit(&format!("{}/runs/{hostile}/report", server.url));
    assert_eq!(browser.eval("document.querySelector('.verdict').textContent"), json!("✗ invalid"));
    browser.visit(&format!("{}/runs/{hostile}", server.url));
    let files = texts(&mut browser, ".files a");
    assert!(
        files.contains(&"evil.html".to_owned()) && files.contains(&"node-logs/n0.log".to_owned())
    );
    assert_eq!(browser.complaints, Vec::<String>::new());
    browser
        .call("Page.navigate", json!({"url": format!("{}/files/{hostile}/evil.html", server.url)}));
    // No timer runs in a sandbox: nothing can be waited for there.
    while browser.eval("document.readyState") != json!("complete") {}
    assert_eq!(
        browser.eval("[typeof window.hurt, document.title, origin]"),
        json!(["undefined", "", "null"])
    );
    assert!(browser.complaints.iter().all(|told| told.contains("Blocked script execution")));
    browser.complaints.clear();

    // Both colour schemes; nothing is wider than the window.
    browser.visit(&format!("{}/", server.url));
    assert_eq!(
        browser.eval("[typeof window.hurt, document.images.length]"),
        json!(["undefined", 0])
    );
    assert_eq!(browser.eval("document.documentElement.scrollWidth <= 1280"), json!(true));
    let paper = "getComputedStyle(document.body).backgroundColor";
    let light = browser.eval(paper);
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.call("Emulation.setEmulatedMedia", dark);
    assert_ne!(browser.eval(paper), light);
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// What the drawings are drawn from. NaN and −0 are what JSON makes of them, on both sides.
const DRAWN: &str = "(() => { const { run } = kolk; const list = (column) => Array.from(column); \
    const tables = {}; \
    for (const name of ['id', 'sent', 'order', 'src', 'dest', 'kind', 'op', 'cause', 'request', 'fate', 'end', 'endOrder', 'parent', 'link']) tables[name] = list(run.messages[name]); \
    for (const name of ['message', 'fate', 'end', 'endOrder']) tables[`copies ${name}`] = list(run.messages.copies[name]); \
    for (const name of ['index', 'invoked', 'completed', 'process', 'node', 'outcome', 'phase', 'order', 'endOrder']) tables[`operations ${name}`] = list(run.operations[name]); \
    tables.functions = Array.from(run.operations.function, (number) => run.meta.functions[number]); \
    tables.kinds = run.kinds; tables.actors = run.actors.sorted; tables.faults = run.faults.map(({ begin, end, kind }) => [begin, end, kind]); \
    return Promise.all([0, 1, 77].flatMap((place) => [run.bodies.get(place), run.values.get(place)])) \
      .then((texts) => JSON.stringify({ ...tables, texts })); })()";

/// A run goes on: it is shown as far as it has come, and in the end as its report shows it.
pub fn a_run_that_goes_on_is_followed() {
    let run = Run::of(BROADCAST, 0);
    let folder = run.latest();
    let name = name_of(&run);
    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    let drawn = browser.eval(DRAWN);

    // Back to where it had come half of the way, with a lock as whoever carries it out has.
    let [journal, history] = ["journal.jsonl", "history.jsonl"].map(|name| {
        let text = fs::read_to_string(folder.join(name)).expect("a file");
        let half = text.len() / 2 + text[text.len() / 2..].find('\n').expect("a line") + 5;
        fs::write(folder.join(name), &text[..half]).expect("written");
        (name, text, half)
    });
    let results = fs::read(folder.join("results.json")).expect("results");
    fs::remove_file(folder.join("results.json")).expect("removed");
    let lock = File::open(&folder).expect("open");
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).expect("locked");
    let server = Server::start(run.folder.path());
    browser.visit(&format!("{}/", server.url));
    assert_eq!(texts(&mut browser, ".runs tbody .state"), ["▶ running"]);
    let link = browser.eval("document.querySelector('.run-link').getAttribute('href')");
    assert_eq!(link, json!(format!("/runs/{name}/live")));
    browser.visit(&format!("{}/runs/{name}/live", server.url));
    assert_eq!(browser.eval("document.querySelector('.verdict').textContent"), json!("▶ running"));
    let sent =
        |text: &str| text.lines().filter(|line| line.starts_with(r#"{"event":"send""#)).count();
    let half = journal.1[..journal.2].rfind('\n').expect("a line");
    let count = "kolk.run.messages.count";
    assert_eq!(browser.eval(count), json!(sent(&journal.1[..half])));
    browser.key("n");
    let selected = browser.eval("[kolk.state.selection.place, kolk.state.isWhole()]");
    assert_eq!(selected, json!([0, true]));

    // The rest comes, then the results, and whoever carried it out is gone.
    for (name, text, half) in [&journal, &history] {
        let mut file = OpenOptions::new().append(true).open(folder.join(name)).expect("open");
        file.write_all(&text.as_bytes()[*half..]).expect("written");
    }
    browser.wait_for(&format!("{count} === {}", sent(&journal.1)));
    assert_eq!(browser.eval("kolk.state.isWhole()"), json!(true), "the window grows with the run");
    assert_eq!(browser.eval("kolk.drawings[1].inView"), browser.eval(count));
    assert_eq!(browser.eval("kolk.state.selection.place"), json!(0));
    fs::write(folder.join("results.json"), results).expect("written");
    drop(lock);
    browser.wait_for("document.documentElement.dataset.ended");
    assert_eq!(browser.eval("document.querySelector('.verdict').textContent"), json!("✓ valid"));
    let report = browser.eval("document.querySelector('#headline a').getAttribute('href')");
    assert!(report.as_str().is_some_and(|path| path.starts_with(&format!("/runs/{name}/report"))));
    let live: Value =
        serde_json::from_str(browser.eval(DRAWN).as_str().expect("text")).expect("JSON");
    let report: Value = serde_json::from_str(drawn.as_str().expect("text")).expect("JSON");
    for (table, expected) in report.as_object().expect("tables") {
        assert_eq!(&live[table], expected, "{table}");
    }
    assert_eq!(browser.complaints, Vec::<String>::new());
}
