//! The machine's processes, as `/proc` shows them (proc(5)).

use std::fs;

use rustc_hash::FxHashSet;
use rustix::process::Pid;

use super::mark::{Mark, VARIABLE};

/// A process that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) pid: Pid,
    /// None if the parent is out of sight: in another namespace, say.
    pub(super) parent: Option<Pid>,
    /// None if the leader of the process group is out of sight.
    pub(super) group: Option<Pid>,
}

/// All that run now, as far as this process may see them.
pub(super) fn all() -> Vec<Seen> {
    let Ok(folder) = fs::read_dir("/proc") else { return Vec::new() };
    let processes = folder.flatten().filter_map(|entry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        read_stat(pid, &fs::read(entry.path().join("stat")).ok()?)
    });
    processes.collect()
}

/// State, parent and group are the first fields after the name in parentheses, which may hold
/// anything. One that has ended and not been asked for is none.
fn read_stat(pid: Pid, stat: &[u8]) -> Option<Seen> {
    let stat = String::from_utf8_lossy(stat);
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    if matches!(fields.next()?, "Z" | "X" | "x") {
        return None;
    }
    let mut id = || fields.next()?.parse().ok().and_then(Pid::from_raw);
    Some(Seen { pid, parent: id(), group: id() })
}

/// The mark that a process was started with.
pub(super) fn mark_of(pid: Pid) -> Option<Mark> {
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok()?;
    let value = environment
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(VARIABLE.as_bytes())?.strip_prefix(b"="))?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Of these processes, those that are programs, in the group of one, marked, or descend from such.
pub(super) fn kin(
    seen: Vec<Seen>,
    programs: &[Pid],
    is_marked: impl Fn(&Seen) -> bool,
) -> Vec<Seen> {
    let own = rustix::process::getpid();
    let is_program = |pid: Option<Pid>| pid.is_some_and(|pid| programs.contains(&pid));
    let (mut kin, mut rest): (Vec<Seen>, Vec<Seen>) = seen
        .into_iter()
        .filter(|seen| seen.pid != own)
        .partition(|seen| is_program(Some(seen.pid)) || is_program(seen.group) || is_marked(seen));
    let mut known: FxHashSet<Pid> = programs.iter().copied().collect();
    known.extend(kin.iter().map(|seen| seen.pid));
    loop {
        let is_child = |seen: &Seen| seen.parent.is_some_and(|parent| known.contains(&parent));
        let (children, others): (Vec<Seen>, Vec<Seen>) = rest.into_iter().partition(is_child);
        if children.is_empty() {
            return kin;
        }
        known.extend(children.iter().map(|seen| seen.pid));
        kin.extend(children);
        rest = others;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(raw: i32) -> Pid {
        Pid::from_raw(raw).unwrap()
    }

    #[test]
    fn reads_stat() {
        for (stat, expected) in [
            ("70 (sh) S 7 70 7 0 -1", Some((Some(7), Some(70)))),
            ("70 (a) b (c) R 7 9 7 0 -1", Some((Some(7), Some(9)))),
            ("70 (init) S 0 0 0 0 -1", Some((None, None))),
            ("70 (gone) Z 7 70 7 0 -1", None),
            ("", None),
        ] {
            let seen = read_stat(pid(70), stat.as_bytes());
            let raw = |pid: Option<Pid>| pid.map(|pid| pid.as_raw_nonzero().get());
            let found = seen.map(|seen| (raw(seen.parent), raw(seen.group)));
            assert_eq!(found, expected, "{stat}");
        }
    }

    /// Programs 2_000_010 and 2_000_020: no such numbers are given out.
    #[test]
    fn finds_kin() {
        const BASE: i32 = 2_000_000;
        let seen = |raw: i32, parent: i32, group: i32| Seen {
            pid: pid(BASE + raw),
            parent: Some(pid(BASE + parent)),
            group: Some(pid(BASE + group)),
        };
        let all = vec![
            seen(10, 1, 1),   // a program that has left its group
            seen(11, 10, 1),  // its child
            seen(12, 11, 12), // its grandchild, in a session of its own
            seen(21, 1, 20),  // in the group of one that has ended
            seen(30, 1, 30),  // marked
            seen(31, 30, 31), // its child
            seen(40, 1, 1),   // somebody else
            seen(41, 40, 40),
        ];
        let found = kin(all, &[pid(BASE + 10), pid(BASE + 20)], |seen| seen.pid == pid(BASE + 30));
        let mut found: Vec<i32> =
            found.iter().map(|seen| seen.pid.as_raw_nonzero().get() - BASE).collect();
        found.sort_unstable();
        assert_eq!(found, [10, 11, 12, 21, 30, 31]);
    }
}
