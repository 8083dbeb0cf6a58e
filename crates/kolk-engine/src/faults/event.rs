//! Faults that wait for an event, as they are typed: `on stderr /became leader/ after 250ms for
//! 500ms`, `n1 on message append#3 to n2 for 2s`, `on sync#5 of n0`, `others on leader for 50ms`.
//!
//! What stands before `on` is what stands before the `@` of a fault with a time; kills, pauses,
//! losses of power and cuts without it hit the node of the event: who wrote the line or leads,
//! whose disk it was, who sent the message, or, if only the receiver is named, who got it. With
//! `others` kills, pauses and losses of power hit all nodes but that one.

use std::time::Duration;

use kolk_history::plan::{Fault, FaultKind, Targets, Trigger, TriggerEvent};
use regex::bytes::Regex;

use super::asked::seconds;
use super::{Asked, Cut, FaultError, Kind, LinkFault, LinkKind, Other, Outage, nanoseconds};

/// What kind of fault waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// A kill, a pause or a loss of power.
    Outage(Kind),
    /// A cut, perhaps in one direction.
    Cut,
    /// A slow link.
    Slow,
    /// Anything else.
    Other(Other),
}

/// A fault that waits for an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnEvent {
    /// Which kind of fault.
    pub flag: Flag,
    /// What stands before `on`; nothing for the node of the event.
    hit: Option<Hit>,
    on: Trigger,
    after: Duration,
    lasting: Option<Duration>,
}

/// A fault without its event, as it is with times.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hit {
    /// All but the node of the event.
    Others(Kind),
    Outage(Outage),
    Links(LinkFault),
    Cut(Cut),
    Other(Asked),
}

impl Hit {
    fn read(flag: Flag, head: &str) -> Result<Hit, FaultError> {
        let text = &format!("{head}@0..");
        Ok(match flag {
            Flag::Outage(kind) if head == Targets::OTHERS => Hit::Others(kind),
            Flag::Outage(kind) => Hit::Outage(Outage::read(kind, text)?),
            Flag::Cut if head.contains('>') => Hit::Links(LinkFault::read(LinkKind::OneWay, text)?),
            Flag::Cut => Hit::Cut(text.parse()?),
            Flag::Slow => Hit::Links(LinkFault::read(LinkKind::Slow, text)?),
            Flag::Other(kind) => Hit::Other(Asked::read(kind, text)?),
        })
    }

    fn fault(&self, nodes: &[String], load: Duration) -> Result<Fault, FaultError> {
        match self {
            Hit::Others(kind) => Ok(Fault::new(0, 0, on_the_others(*kind))),
            Hit::Outage(outage) => outage.fault(nodes, load, &[]),
            Hit::Links(links) => links.fault(nodes, load),
            Hit::Cut(cut) => cut.fault(nodes, load),
            Hit::Other(asked) => asked.fault(nodes, load),
        }
    }
}

const EXAMPLE: &str = "'on stderr /became leader/ after 250ms for 500ms', 'n1 on message append#3 \
                       to n2 for 2s', 'on sync#5 of n0 for 1s' or 'others on leader for 50ms'";

impl OnEvent {
    /// True of a text that has an event and no time.
    pub fn is_meant(text: &str) -> bool {
        text.trim_start().starts_with("on ") || text.contains(" on ")
    }

    /// Reads what somebody asked for.
    ///
    /// # Errors
    ///
    /// [`FaultError::Syntax`].
    pub fn read(flag: Flag, text: &str) -> Result<OnEvent, FaultError> {
        let error = |problem| FaultError::Syntax {
            what: "fault that waits for an event",
            text: text.to_owned(),
            problem,
            example: EXAMPLE,
        };
        let padded = format!(" {}", text.trim());
        let (head, rest) = padded.split_once(" on ").ok_or(error("there is no `on`"))?;
        let (event, mut words) = event(rest).map_err(error)?;
        let (mut after, mut lasting) = (Duration::ZERO, None);
        while let Some(word) = words.next() {
            let length = words.next().and_then(length);
            let length = length.ok_or(error("a length of time is written like 250ms or 1.5s"))?;
            match word {
                "after" => after = length,
                "for" => lasting = Some(length),
                _ => return Err(error("behind the event stand `after` and `for` alone")),
            }
        }
        let head = head.trim();
        let can_be_of_the_event = matches!(flag, Flag::Outage(_) | Flag::Cut);
        if head.is_empty() && !can_be_of_the_event {
            return Err(error("what the fault hits stands before `on`"));
        }
        let hit = if head.is_empty() { None } else { Some(Hit::read(flag, head)?) };
        Ok(OnEvent { flag, hit, on: event, after, lasting })
    }

    /// The fault, among these nodes and in a load this long.
    ///
    /// # Errors
    ///
    /// If it names a node that is not there, or comes after the load.
    pub fn fault(&self, nodes: &[String], load: Duration) -> Result<Fault, FaultError> {
        // An event may be one of clients and services, whose messages are named as well.
        let of_nodes = !matches!(self.on.event, TriggerEvent::Message { .. });
        if let Some(node) = self.on.event.names().find(|name| of_nodes && !nodes.contains(name)) {
            let (node, nodes) = (node.clone(), nodes.join(", "));
            return Err(FaultError::UnknownNode { what: "event", node, nodes });
        }
        let end = self.lasting.map_or(load, |lasting| self.after + lasting).min(load);
        if self.after >= load {
            let (end, load) = (self.after.as_secs_f64(), load.as_secs_f64());
            return Err(FaultError::TooLong { what: "fault", end, load });
        }
        let kind = match (&self.hit, self.flag) {
            (Some(hit), _) => hit.fault(nodes, load)?.kind,
            (None, Flag::Outage(kind)) => on_its_node(Some(kind)),
            (None, _) => on_its_node(None),
        };
        let (begin, end) = (nanoseconds(self.after), nanoseconds(end));
        Ok(Fault { begin, end, on: Some(self.on.clone()), kind })
    }
}

/// What hits the node of the event, whoever that will be: this kind of outage, or else a cut.
pub(super) fn on_its_node(kind: Option<Kind>) -> FaultKind {
    match kind {
        Some(kind) => kind.fault(0, 0, Targets::new(Targets::TRIGGER, Vec::new())).kind,
        None => FaultKind::Partition { shape: "trigger".to_owned(), blocked: Default::default() },
    }
}

/// An outage of all nodes but that of the event.
pub(super) fn on_the_others(kind: Kind) -> FaultKind {
    kind.fault(0, 0, Targets::new(Targets::OTHERS, Vec::new())).kind
}

/// `250ms`, `1.5s`, `2`.
fn length(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(millis) => seconds(millis).map(|length| length / 1000),
        None => seconds(text.strip_suffix('s').unwrap_or(text)),
    }
}

type Words<'a> = std::str::SplitWhitespace<'a>;

/// The event, and what is left behind it.
fn event(text: &str) -> Result<(Trigger, Words<'_>), &'static str> {
    const KINDS: &str = "an event is `message TYPE`, `stderr /PATTERN/`, `leader` or `sync`";
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix("stderr") {
        let rest = rest.trim_start().strip_prefix('/').ok_or("a pattern stands between slashes")?;
        let (pattern, rest) = rest.rsplit_once('/').ok_or("the pattern has no second slash")?;
        Regex::new(pattern).map_err(|_| "the pattern is no regular expression")?;
        // The how-many-th stands right behind the slash.
        let place = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let nth = nth_of(&rest[..place])?;
        let mut words = rest[place..].split_whitespace();
        let node = named(&mut words, "of");
        let event = TriggerEvent::Stderr { pattern: pattern.to_owned(), node };
        return Ok((Trigger { event, nth }, words));
    }
    let mut words = text.split_whitespace();
    let first = words.next().ok_or(KINDS)?;
    let place = first.find('#').unwrap_or(first.len());
    let (name, nth) = first.split_at(place);
    if let "leader" | "sync" = name {
        let nth = nth_of(nth)?;
        let node = named(&mut words, "of");
        let event = match name {
            "leader" => TriggerEvent::Leader { node },
            _ => TriggerEvent::Sync { node },
        };
        return Ok((Trigger { event, nth }, words));
    }
    if first != "message" {
        return Err(KINDS);
    }
    let kind = words.next().ok_or("a message has a type")?;
    let place = kind.find('#').unwrap_or(kind.len());
    let (message, nth) = (kind[..place].to_owned(), nth_of(&kind[place..])?);
    let from = named(&mut words, "from");
    let to = named(&mut words, "to");
    Ok((Trigger { event: TriggerEvent::Message { message, from, to }, nth }, words))
}

/// `#3`, or nothing for the first.
fn nth_of(text: &str) -> Result<u64, &'static str> {
    if text.is_empty() {
        return Ok(1);
    }
    let nth = text.strip_prefix('#').and_then(|nth| nth.parse().ok()).filter(|nth| *nth > 0);
    nth.ok_or("which one it is is written like #3")
}

/// The name behind this word, if it comes next.
fn named(words: &mut Words<'_>, word: &str) -> Option<String> {
    let mut ahead = words.clone();
    if ahead.next() != Some(word) {
        return None;
    }
    let name = ahead.next()?.to_owned();
    *words = ahead;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_on_events_are_read() {
        let nodes = ["n0", "n1", "n2"].map(str::to_owned);
        let shown = |flag, text: &str| {
            assert!(OnEvent::is_meant(text) || text.contains('@'), "{text}");
            let fault = OnEvent::read(flag, text)
                .and_then(|event| event.fault(&nodes, Duration::from_secs(20)));
            match fault {
                Ok(fault) => {
                    let json = serde_json::to_string(&fault).expect("JSON");
                    assert_eq!(serde_json::from_str::<Fault>(&json).expect("a fault"), fault);
                    json
                }
                Err(FaultError::Syntax { problem, .. }) => problem.to_owned(),
                Err(error) => error.to_string(),
            }
        };
        let kill = Flag::Outage(Kind::Kill);
        for (flag, text, expected) in [
            (
                kill,
                "on stderr /became leader/ after 250ms for 500ms",
                r#"{"begin":250000000,"end":750000000,"on":{"event":"stderr","pattern":"became leader","nth":1},"fault":"kill","targets":"trigger","nodes":[]}"#,
            ),
            (
                kill,
                "n1 on message append#3 from n0 to n2 for 2s",
                r#"{"begin":0,"end":2000000000,"on":{"event":"message","message":"append","from":"n0","to":"n2","nth":3},"fault":"kill","targets":"asked","nodes":["n1"]}"#,
            ),
            (
                Flag::Outage(Kind::Power),
                "on sync#5 of n0 for 1",
                r#"{"begin":0,"end":1000000000,"on":{"event":"sync","node":"n0","nth":5},"fault":"power","targets":"trigger","nodes":[]}"#,
            ),
            (
                Flag::Cut,
                "on stderr /a\\/b/#2 of n1",
                r#"{"begin":0,"end":20000000000,"on":{"event":"stderr","pattern":"a\\/b","node":"n1","nth":2},"fault":"partition","shape":"trigger","blocked":{}}"#,
            ),
            (
                Flag::Slow,
                "n1>n2*10 on message x",
                r#"{"begin":0,"end":20000000000,"on":{"event":"message","message":"x","nth":1},"fault":"slow","links":{"n2":["n1"]},"factor":10}"#,
            ),
            (
                Flag::Outage(Kind::Power),
                "others on leader#2 of n0 for 10ms",
                r#"{"begin":0,"end":10000000,"on":{"event":"leader","node":"n0","nth":2},"fault":"power","targets":"others","nodes":[]}"#,
            ),
            (
                Flag::Cut,
                "on leader for 1s",
                r#"{"begin":0,"end":1000000000,"on":{"event":"leader","nth":1},"fault":"partition","shape":"trigger","blocked":{}}"#,
            ),
            (kill, "on noon", "an event is `message TYPE`, `stderr /PATTERN/`, `leader` or `sync`"),
            (
                kill,
                "on leaders",
                "an event is `message TYPE`, `stderr /PATTERN/`, `leader` or `sync`",
            ),
            (
                kill,
                "on leader of n7",
                "the event names `n7`, which is no node; nodes are n0, n1, n2",
            ),
            (
                kill,
                "n1+others on leader",
                "the kill names `others`, which is no node; nodes are n0, n1, n2",
            ),
            (kill, "on stderr /(/", "the pattern is no regular expression"),
            (kill, "on sync#0", "which one it is is written like #3"),
            (kill, "on sync until 3", "behind the event stand `after` and `for` alone"),
            (kill, "on sync for ever", "a length of time is written like 250ms or 1.5s"),
            (Flag::Slow, "on sync", "what the fault hits stands before `on`"),
            (kill, "on sync of n7", "the event names `n7`, which is no node; nodes are n0, n1, n2"),
            (kill, "n7 on sync", "the kill names `n7`, which is no node; nodes are n0, n1, n2"),
            (kill, "on sync after 20s", "the fault ends at 20 s, but the load is over after 20 s"),
        ] {
            assert_eq!(shown(flag, text), expected, "{text}");
        }
    }

    #[test]
    fn events_are_shown_as_they_are_typed() {
        for text in [
            "stderr /a b/#2 of n1",
            "sync#5",
            "message append from n1 to n2",
            "sync of n0",
            "leader",
            "leader#3 of n1",
        ] {
            let (trigger, words) = event(text).expect("an event");
            assert_eq!((trigger.to_string().as_str(), words.count()), (text, 0));
        }
    }
}
