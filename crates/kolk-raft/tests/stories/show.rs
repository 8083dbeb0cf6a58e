//! Everything in a line.

use kolk_raft::{
    Answer, Apply, Body, Change, Entry, Members, Message, NodeId, Payload, Raft, Refusal, Role,
    Write,
};

type Snapshot = Vec<String>;

fn names(nodes: impl IntoIterator<Item = NodeId>) -> String {
    nodes.into_iter().map(|node| format!("n{node}")).collect::<Vec<_>>().join(" ")
}

pub fn members(members: &Members) -> String {
    let mut text = names(members.voters.iter().copied());
    if !members.learners.is_empty() {
        text += &format!(" learning {}", names(members.learners.iter().copied()));
    }
    text
}

pub fn entry(entry: &Entry<String>) -> String {
    match &entry.payload {
        Payload::Blank => format!("{}", entry.position),
        Payload::Command(command) => format!("{}:{command}", entry.position),
        Payload::Members(of) => format!("{}:[{}]", entry.position, members(of)),
    }
}

fn entries(entries: &[Entry<String>]) -> String {
    entries.iter().map(entry).collect::<Vec<_>>().join(" ")
}

fn granted(granted: bool) -> &'static str {
    if granted { "yes" } else { "no" }
}

pub fn message(message: &Message<String, Snapshot>) -> String {
    let body = match &message.body {
        Body::PreVote { campaign, last } => format!("pre-vote for term {campaign}, log to {last}"),
        Body::PreVoteReply { campaign, granted: is } => {
            format!("pre-vote for term {campaign}: {}", granted(*is))
        }
        Body::Vote { last, hand_over } => {
            let asked = if *hand_over { ", asked by the leader" } else { "" };
            format!("vote, log to {last}{asked}")
        }
        Body::VoteReply { granted: is } => format!("vote: {}", granted(*is)),
        Body::Append { previous, entries: new, commit, round } => {
            let new = if new.is_empty() { "nothing".to_owned() } else { entries(new) };
            format!("append after {previous}: {new}, commit {commit}, round {round}")
        }
        Body::Appended { matched, round } => format!("appended up to {matched}, round {round}"),
        Body::Rejected { previous, hint, round } => {
            format!("rejected after {previous}, try {hint}, round {round}")
        }
        Body::Install { snapshot, round } => {
            format!("install snapshot of {}, round {round}", snapshot.position)
        }
        Body::TimeoutNow => "stand now".to_owned(),
        #[allow(unreachable_patterns, reason = "the crate's own tests include this and know all")]
        other => format!("{other:?}"),
    };
    format!("n{} -> n{} term {}: {body}", message.from, message.to, message.term)
}

pub fn write(write: &Write<String, Snapshot>) -> String {
    let mut parts = Vec::new();
    if let Some(ballot) = write.ballot {
        let vote = ballot.vote.map_or("no vote".to_owned(), |vote| format!("vote n{vote}"));
        parts.push(format!("term {}, {vote}", ballot.term));
    }
    if let Some(snapshot) = &write.snapshot {
        parts.push(format!("snapshot of {}", snapshot.position));
    }
    if let Some(start) = &write.start {
        parts.push(format!("nothing up to {}", start.position));
    }
    if let Some(tail) = &write.tail {
        parts.push(match tail.entries.is_empty() {
            true => format!("nothing from {}", tail.from),
            false => entries(&tail.entries),
        });
    }
    parts.join("; ")
}

fn request(token: Option<u64>) -> String {
    token.map_or(String::new(), |token| format!(", request {token}"))
}

pub fn apply(apply: &Apply<String, Snapshot>) -> String {
    match apply {
        Apply::Restore(snapshot) => {
            format!("restores {}: {}", snapshot.position, snapshot.state.join(" "))
        }
        Apply::Command { index, term, command, token } => {
            format!("applies {index}/{term}:{command}{}", request(*token))
        }
        Apply::Members { index, members: of, token } => {
            format!("applies {index}:[{}]{}", members(of), request(*token))
        }
    }
}

pub fn answer(answer: Answer) -> String {
    match answer {
        Answer::Readable => "read now".to_owned(),
        Answer::Refused(Refusal::NotLeader { leader: Some(leader) }) => {
            format!("refused, the leader is n{leader}")
        }
        Answer::Refused(refusal) => format!("refused, {refusal}"),
        Answer::Overwritten => "overwritten".to_owned(),
        Answer::Unknown => "unknown".to_owned(),
    }
}

pub fn role(role: Role) -> &'static str {
    match role {
        Role::Follower => "follower",
        Role::PreCandidate => "pre-candidate",
        Role::Candidate => "candidate",
        Role::Leader => "leader",
    }
}

pub fn node(raft: &Raft<String, Snapshot>) -> String {
    let log = (raft.start().index + 1..=raft.last().index).filter_map(|at| raft.entry(at));
    let log: Vec<String> = log.map(entry).collect();
    format!(
        "n{} {} in term {}, commit {}, after {}: {}",
        raft.id(),
        role(raft.role()),
        raft.term(),
        raft.commit(),
        raft.start(),
        log.join(" ")
    )
}

pub fn change(kind: &str, node: NodeId) -> Change {
    match kind {
        "add" => Change::AddLearner(node),
        "promote" => Change::Promote(node),
        "remove" => Change::Remove(node),
        other => panic!("no change: {other}"),
    }
}
