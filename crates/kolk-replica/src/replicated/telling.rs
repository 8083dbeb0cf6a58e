//! What a node tells of itself in its log, for people and for the page of a run: a line with the
//! word `state` and a JSON object.

use std::time::Duration;

use kolk_node::Time;
use kolk_raft::Role;
use serde::Serialize;

use super::Status;

/// Who leads in which term is told at once; that the log has grown, at most this often.
const GROWTH_EVERY: Duration = Duration::from_millis(250);

/// What was told last, and when.
#[derive(Default)]
pub(super) struct Telling(Option<(Status, Time)>);

#[derive(Serialize)]
struct Line<'a> {
    term: u64,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<&'a str>,
    commit: u64,
    /// The first and the last entry that the log still has.
    log: [u64; 2],
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Follower => "follower",
        Role::PreCandidate => "pre-candidate",
        Role::Candidate => "candidate",
        Role::Leader => "leader",
    }
}

impl Telling {
    /// The line that is due, if one is. `names` are all nodes', in `init`'s order.
    pub fn line(&mut self, now: Time, status: Status, names: &[String]) -> Option<String> {
        if let Some((told, at)) = self.0 {
            let rank = |status: Status| (status.term, status.role, status.leader);
            let is_news = rank(told) != rank(status);
            // A clock that was set back is no reason to be silent.
            let is_late = now < at || now.since(at) >= GROWTH_EVERY;
            if !is_news && (told == status || !is_late) {
                return None;
            }
        }
        self.0 = Some((status, now));
        let line = Line {
            term: status.term,
            role: name(status.role),
            leader: status.leader.and_then(|place| names.get(place)).map(String::as_str),
            commit: status.commit,
            log: [status.first, status.last],
        };
        let text = serde_json::to_string(&line).ok()?;
        Some(format!("state {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_and_leaders_are_told_at_once_and_growth_now_and_then() {
        let names = ["n0".to_owned(), "n1".to_owned()];
        let status = |role, term, leader, commit| Status {
            role,
            term,
            leader,
            commit,
            first: 1,
            last: commit + 2,
        };
        let mut telling = Telling::default();
        for (millis, status, expected) in [
            (
                0,
                status(Role::Follower, 0, None, 0),
                Some(r#"state {"term":0,"role":"follower","commit":0,"log":[1,2]}"#),
            ),
            (9_000, status(Role::Follower, 0, None, 0), None),
            (
                9_000,
                status(Role::PreCandidate, 0, None, 0),
                Some(r#"state {"term":0,"role":"pre-candidate","commit":0,"log":[1,2]}"#),
            ),
            (
                9_001,
                status(Role::Leader, 1, Some(1), 0),
                Some(r#"state {"term":1,"role":"leader","leader":"n1","commit":0,"log":[1,2]}"#),
            ),
            (9_200, status(Role::Leader, 1, Some(1), 5), None),
            (
                9_251,
                status(Role::Leader, 1, Some(1), 8),
                Some(r#"state {"term":1,"role":"leader","leader":"n1","commit":8,"log":[1,10]}"#),
            ),
            (9_252, status(Role::Leader, 1, Some(1), 9), None),
            (
                7_000,
                status(Role::Leader, 1, Some(1), 9),
                Some(r#"state {"term":1,"role":"leader","leader":"n1","commit":9,"log":[1,11]}"#),
            ),
        ] {
            let line = telling.line(Time::from_millis(millis), status, &names);
            assert_eq!(line.as_deref(), expected, "at {millis} ms");
        }
    }
}
