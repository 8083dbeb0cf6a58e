//! Mistakes are planted, found and named. The README's table says with how many seeds and in what
//! time; to renew it:
//!
//! ```text
//! KOLK_RENEW=1 cargo test -p kolk-raft --lib planted
//! ```

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::seeds::settings;
use super::simulator::{Style, World};
use crate::planted::{Bug, PLANTED};

/// Beyond this many seeds a mistake counts as not found.
const SEEDS_MAX: u64 = 400;

use Style::{All, Elections, Leaders, Leases, Members, Rejoin};

/// What shows a mistake.
#[derive(Clone, Copy)]
enum By {
    /// A simulation with most of this trouble.
    Run(Style),
    /// A story that does not come true.
    Story,
}

use By::{Run, Story};

#[path = "../../tests/stories/show.rs"]
mod show;
#[path = "../../tests/stories/telling.rs"]
mod telling;
#[path = "../../tests/stories/world.rs"]
mod world;

/// Where the table has the time: it depends on the machine, and is compared by nobody.
const TIME: usize = 4;

/// The mistake, in words, and the kind of trouble that shows it.
#[rustfmt::skip]
const MISTAKES: &[(Bug, &str, By)] = &[
    (Bug::TwoVotes, "two votes in a term", Run(Elections)),
    (Bug::VoteForgottenAtRestart, "the vote is forgotten at a restart", Run(Elections)),
    (Bug::TermBackAtRestart, "the term goes back at a restart, to that of the last entry", Run(Elections)),
    (Bug::VoteFromEarlierTerm, "a vote of an earlier term counts", Run(Elections)),
    (Bug::VotesCountedTwice, "a vote that arrives twice counts twice", Run(Elections)),
    (Bug::NoElectionRestriction, "whoever asks gets the vote, whatever its log (§5.4.1)", Run(Elections)),
    (Bug::LongerLogWins, "the longer log is taken for the more up to date one", Run(Leaders)),
    (Bug::NoStickiness, "votes are given while a leader is heard (thesis §4.2.3)", Story),
    (Bug::PreVoteGrantedByLeader, "a leader grants a pre-vote", Run(Rejoin)),
    (Bug::VoteBeforeSync, "a vote leaves before it is durable", Run(Elections)),
    (Bug::AppendReplyBeforeSync, "entries are acknowledged before they are durable", Run(Leaders)),
    (Bug::SnapshotReplyBeforeSync, "a snapshot is acknowledged before it is durable", Story),
    (Bug::OwnEntryBeforeSync, "the leader counts itself before its entry is durable", Run(Leaders)),
    (Bug::NoPreviousTerm, "only the index of the previous entry is compared", Run(Leaders)),
    (Bug::TruncatesMatching, "a late message truncates what matches", Run(All)),
    (Bug::MatchedIsOwnLast, "a follower acknowledges up to its own last entry", Run(Leaders)),
    (Bug::ReplyFromEarlierTerm, "an acknowledgement of an earlier term counts", Story),
    (Bug::NextBelowMatched, "a late rejection puts next below match", Run(All)),
    (Bug::CommitsOldTerms, "an earlier term's entry is committed by counting (figure 8)", Story),
    (Bug::CommitsUnverified, "a follower commits beyond what the message verified", Run(Leaders)),
    (Bug::CommitGoesBack, "a late message takes the commit index back", Run(All)),
    (Bug::AppliesUncommitted, "what is durable is applied, committed or not", Run(Leaders)),
    (Bug::AppliesTwice, "an entry is applied again after a restart from a snapshot", Run(All)),
    (Bug::LastForgottenBySnapshot, "an emptied log forgets where it ends", Run(All)),
    (Bug::StaleAppendAfterSnapshot, "a message from before a snapshot is appended after it", Run(All)),
    (Bug::OldSnapshotInstalled, "a late snapshot takes the place of what is newer", Run(Members)),
    (Bug::SnapshotForgetsMembers, "a snapshot forgets who the members are", Run(Members)),
    (Bug::ReadWithoutRound, "a leader reads without asking whether it still is one", Run(Leases)),
    (Bug::ReadByOldReply, "any late acknowledgement confirms a read", Story),
    (Bug::ReadBeforeOwnTerm, "a new leader reads before its first entry is committed", Run(Leaders)),
    (Bug::LeaseFromReceipt, "a lease counts from when the answers come", Story),
    (Bug::LeaseDuringHandOver, "a lease goes on after somebody was told to stand", Run(Leases)),
    (Bug::LeaseForgottenAtRestart, "a restarted voter forgets whom it has just heard", Story),
    (Bug::ChangeBeforeOwnTerm, "members change before an entry of the own term is committed", Story),
    (Bug::TwoChangesAtOnce, "members change while a change is not committed", Story),
    (Bug::TwoVotersAtOnce, "two voters leave in one change", Run(Members)),
    (Bug::LearnerCounts, "a learner counts for a majority", Run(Members)),
];

/// What finds the mistake in a run, if anything does.
fn found(seed: u64, style: Style, bug: Bug) -> Option<String> {
    let run = || World::new(settings(seed, style, bug)).run();
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(_)) => None,
        Ok(Err(violation)) if violation.detail.is_empty() => Some(violation.name.to_owned()),
        Ok(Err(violation)) if violation.name == "linearizability" => {
            Some(format!("not linearizable: {}", violation.detail))
        }
        Ok(Err(violation)) => Some(format!("trace: {}", violation.name)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
            Some(format!("assertion: {}", text.split(':').next().unwrap_or(text)))
        }
    }
}

/// The first story that does not come true.
fn found_by_story(bug: Bug) -> Option<String> {
    let comes_true = |path: &std::path::PathBuf, bug| {
        PLANTED.set(bug);
        let written = std::fs::read_to_string(path).expect("a story");
        let told = catch_unwind(AssertUnwindSafe(|| telling::told(&written)));
        PLANTED.set(Bug::None);
        told.ok().as_ref() == Some(&written)
    };
    let found = telling::stories().into_iter().find(|path| {
        !comes_true(path, bug) && {
            assert!(comes_true(path, Bug::None), "{}: renew the stories first", path.display());
            true
        }
    });
    found.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
}

#[expect(clippy::disallowed_methods, reason = "the table says how long it takes on a machine")]
fn row(bug: Bug, what: &str, by: By) -> Result<String, String> {
    let began = Instant::now();
    let Run(style) = by else {
        let story = found_by_story(bug).ok_or_else(|| format!("{bug:?}: no story finds it"))?;
        return Ok(format!("| {what} | | | | story: {story} |"));
    };
    // Which trouble there is most of is all that is chosen; seeds come as they do.
    for seed in 0..SEEDS_MAX {
        if let Some(name) = found(seed, style, bug) {
            let (seeds, took) = (seed + 1, began.elapsed().as_secs_f64());
            return Ok(format!("| {what} | {style:?} | {seeds} | {took:.2} s | {name} |"));
        }
    }
    Err(format!("{bug:?} ({what}) is not found under {style:?} in {SEEDS_MAX} seeds"))
}

/// The table without the times.
fn timeless(table: &str) -> String {
    let row = |row: &str| {
        let mut cells: Vec<&str> = row.split('|').collect();
        if cells.len() > TIME {
            cells.remove(TIME);
        }
        cells.join("|") + "\n"
    };
    table.lines().map(row).collect()
}

#[test]
fn planted_mistakes_are_found_and_named() {
    assert!(MISTAKES.len() >= 25);
    // The panics of planted mistakes are what is looked for: their texts are in the table.
    let head = "| planted | trouble | seeds | time | found by |\n|---|---|---|---|---|\n";
    let mut table = String::from(head);
    let mut missed = Vec::new();
    for (bug, what, by) in MISTAKES {
        let began = table.len();
        match row(*bug, what, *by) {
            Ok(row) => {
                let _ = writeln!(table, "{row}");
            }
            Err(text) => missed.push(text),
        }
        println!("{}", &table[began..]);
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).expect("the README");
    let (begin, end) = ("<!-- planted -->\n", "<!-- end -->");
    let from = readme.find(begin).expect("where the table begins") + begin.len();
    let to = from + readme[from..].find(end).expect("where it ends");
    if std::env::var_os("KOLK_RENEW").is_some() {
        let renewed = format!("{}{table}{}", &readme[..from], &readme[to..]);
        std::fs::write(path, renewed).expect("it can be written");
    } else {
        let (written, now) = (timeless(&readme[from..to]), timeless(&table));
        assert_eq!(written, now, "KOLK_RENEW=1 writes down what is so now");
    }
}

/// For finding out which trouble shows a mistake: `KOLK_BUG=TwoVotes KOLK_STYLE=All`, or all
/// of them without.
#[test]
#[ignore = "minutes long: a tool for whoever plants a mistake"]
fn explore() {
    let wanted = std::env::var("KOLK_BUG").ok();
    let styles = std::env::var("KOLK_STYLE").ok();
    for (bug, _, _) in MISTAKES {
        if wanted.as_ref().is_some_and(|names| !names.contains(&format!("{bug:?}"))) {
            continue;
        }
        for style in [All, Leaders, Elections, Members, Leases, Rejoin] {
            if styles.as_ref().is_some_and(|names| !names.contains(&format!("{style:?}"))) {
                continue;
            }
            let first = (0..100).find_map(|seed| Some((seed + 1, found(seed, style, *bug)?)));
            println!("{bug:?} {style:?}: {first:?}");
        }
    }
}
