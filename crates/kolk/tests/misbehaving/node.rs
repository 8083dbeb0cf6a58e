//! Running kolk against a node.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use kolk_report::jepsen_log::closing;
use tempfile::TempDir;

use crate::folder;
use crate::redact::redact;

/// How long kolk may take over any of these, with a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much memory kolk may reserve, in KiB: far more than it needs, far less than a node that
/// writes without end could make it take.
const MEMORY_KIB_MAX: u32 = 1 << 20;

/// How much of it kolk may hold at once, in KiB, as far as the system tells.
const RESIDENT_KIB_MAX: u64 = 300 << 10;

/// How much a run may leave behind, in bytes: as much may wait for nodes that do not read, and all
/// of it was sent.
const STORED_BYTES_MAX: u64 = 384 << 20;

/// How often a running kolk is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// With what kolk is called if a kind of node does not say otherwise.
const USUAL_FLAGS: &[(&str, &str)] = &[
    ("-w", "echo"),
    ("--bin", "./node.sh"),
    ("--node-count", "1"),
    ("--rate", "30"),
    ("--time-limit", "0.3"),
    ("--seed", "7"),
];

/// A kind of node, and how kolk is called for it.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The snapshot's name.
    pub name: &'static str,
    /// What it does, in the words of `node.sh`.
    pub script: &'static str,
    /// More flags for `kolk test`.
    pub flags: &'static str,
    /// With what kolk must exit.
    pub status: i32,
}

/// A folder with a node in it.
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// Writes the node `node.sh`, executable.
    pub fn new(script: &str) -> Home {
        let home = Home { folder: tempfile::tempdir().expect("a folder") };
        home.write("node.sh", &format!("{}\n{script}\n", include_str!("node.sh")), 0o755);
        home
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: &str, mode: u32) {
        let path = self.path().join(name);
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }

    /// The command `kolk`, to be run here; with little memory.
    pub fn kolk(&self, words: &str) -> Command {
        self.kolk_after(":", words)
    }

    /// The same after a command of the shell that changes something for it.
    pub fn kolk_after(&self, before: &str, words: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &format!("ulimit -v {MEMORY_KIB_MAX}; {before}; exec \"$0\" \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_kolk"))
            .args(words.split_whitespace())
            .current_dir(self.path())
            // Where tests are run must not show.
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("COLUMNS")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The processes that the nodes were.
    pub fn pids(&self) -> Vec<u32> {
        let noted = fs::read_to_string(self.path().join("node.sh.pids")).unwrap_or_default();
        noted.lines().map(|line| line.parse().expect("a process number")).collect()
    }

    /// Fails if one of the nodes' processes still runs.
    pub fn assert_no_process_left(&self) {
        for pid in self.pids() {
            assert!(!is_running(pid), "process {pid} is left");
        }
    }

    /// The latest run's folder, if there is one.
    pub fn run_folder(&self) -> Option<PathBuf> {
        fs::canonicalize(self.path().join("store/current")).ok()
    }
}

/// True if there is such a process and it has not ended. One that has ended and that nobody has
/// asked for does no harm.
pub fn is_running(pid: u32) -> bool {
    let state = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit(')').next().unwrap_or_default().to_owned(),
        // Where there is no /proc there is `ps`.
        Err(_) if Path::new("/proc/self").exists() => String::new(),
        Err(_) => {
            let listed = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output();
            String::from_utf8_lossy(&listed.expect("ps runs").stdout).into_owned()
        }
    };
    !matches!(state.trim_start().chars().next(), None | Some('Z'))
}

/// How much memory a process has held at most, in KiB. Only Linux tells.
fn most_resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Waits for kolk's end; kills it and fails if that does not come, or it takes too much memory.
pub fn end_of(command: &mut Command) -> Output {
    let child = command.spawn().expect("kolk runs");
    let pid = child.id();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let (mut resident, looks) = (0, PATIENCE.as_millis() / LOOK.as_millis());
    for _ in 0..looks {
        if let Ok(output) = receiver.recv_timeout(LOOK) {
            assert!(resident <= RESIDENT_KIB_MAX, "kolk took {resident} KiB");
            return output.expect("kolk's output");
        }
        resident = resident.max(most_resident(pid).unwrap_or_default());
    }
    let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    panic!("kolk did not end within {} s", PATIENCE.as_secs());
}

/// How many bytes the files in a folder have. Links are not followed.
fn stored(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => stored(&entry.path()),
        metadata => metadata.map_or(0, |metadata| metadata.len()),
    });
    sizes.sum()
}

/// Everything a user sees.
pub fn screen(output: &Output, home: &Home, is_paced: bool) -> String {
    let text = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).expect("kolk writes UTF-8");
        assert!(!text.contains('\u{1b}'), "an escape sequence: {text:?}");
        redact(text, home.path(), is_paced)
    };
    let mut screen = String::new();
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            let text = without_closing(&text(bytes), output.status.code());
            screen.push_str(&format!("---- {name}\n{text}\n"));
        }
    }
    screen + &format!("---- exit status {}", output.status.code().unwrap_or(-1))
}

/// The text without Jepsen's closing line, which says what the exit status says.
fn without_closing(text: &str, status: Option<i32>) -> String {
    use kolk_check::Validity::{Invalid, Unknown, Valid};
    let closing = [Valid, Invalid, Unknown].map(|validity| (validity, closing(validity)));
    let Some((validity, line)) = closing.into_iter().find(|(_, line)| text.ends_with(line)) else {
        return text.to_owned();
    };
    let fits = match status {
        Some(0) => validity == Valid,
        Some(1) => validity == Invalid,
        Some(2 | 255) => validity == Unknown,
        Some(130) => validity != Valid,
        _ => false,
    };
    assert!(fits, "{line} with status {status:?}");
    text.trim_end_matches(line).trim_end().to_owned()
}

impl Kind {
    /// Runs it, and checks what must be so whatever the node does.
    pub fn check(&self) {
        let home = Home::new(self.script);
        self.check_in(&home);
    }

    /// The same for a node that lies there already.
    pub fn check_in(&self, home: &Home) {
        let mut words = String::from("test");
        for (flag, value) in USUAL_FLAGS {
            if !self.flags.split(' ').any(|given| given == *flag) {
                words.push_str(&format!(" {flag} {value}"));
            }
        }
        let words = format!("{words} {}", self.flags);
        let output = end_of(&mut home.kolk(&words));
        let is_paced =
            !self.flags.contains("--clock virtual") || self.flags.contains("--step-timeout");
        let screen = screen(&output, home, is_paced);
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true,
            description => format!("{}\n\nkolk {words}", self.script) }, {
            insta::assert_snapshot!(self.name, screen);
        });
        assert_eq!(output.status.code(), Some(self.status), "{screen}");
        home.assert_no_process_left();
        if let Some(run) = home.run_folder() {
            let stored = stored(&run);
            assert!(stored <= STORED_BYTES_MAX, "{stored} bytes are stored");
            folder::check(&run, self.status);
        }
    }
}

/// A test for each kind of node.
#[macro_export]
macro_rules! kinds {
    ($($(#[$attribute:meta])* $name:ident $flags:literal $status:literal $script:literal)*) => {
        $(
            $(#[$attribute])*
            #[test]
            fn $name() {
                let name = stringify!($name);
                let kind = $crate::node::Kind { name, script: $script, flags: $flags, status: $status };
                kind.check();
            }
        )*
    };
}
