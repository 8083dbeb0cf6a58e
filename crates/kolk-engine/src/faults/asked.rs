//! Faults that people ask for: `n3@0..20`, `n1>n2*10@5..7`, `0.3@5..10`.
//!
//! Times are seconds from the start of the load; a fault without an end lasts as long as the load.

use std::str::FromStr;
use std::time::Duration;

use kolk_history::plan::{ClockChange, DiskHarm, Fault, FaultKind, Millionths, Targets};

use super::links::{ONE_WAY, between};
use super::others::around;
use super::{CLOCK_SPEEDS, Kind, LinkKind, Other, nanoseconds, partition, split};

/// Why a fault that was asked for cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// The text is none.
    #[error(
        "`{text}` is no {what} ({problem}): write it like {example}, in seconds from the start of \
         the load"
    )]
    Syntax {
        /// What it should be: `cut`, `kill`, `slow link` and so on.
        what: &'static str,
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
        /// One that is right.
        example: &'static str,
    },
    /// A node that is not there.
    #[error("the {what} names `{node}`, which is no node; nodes are {nodes}")]
    UnknownNode {
        /// `cut`, `kill`, `slow link` and so on.
        what: &'static str,
        /// The name.
        node: String,
        /// All that there are.
        nodes: String,
    },
    /// Nobody is left on the other side.
    #[error("the {what} names all nodes: there is nobody left to cut them off from")]
    Everybody {
        /// `cut` or `clog`.
        what: &'static str,
    },
    /// There is no link between these nodes.
    #[error("there is no link in `{0}`: it needs two nodes that differ")]
    NoLink(String),
    /// It goes on when the load is over, or begins after it.
    #[error("the {what} ends at {end} s, but the load is over after {load} s")]
    TooLong {
        /// `cut`, `kill`, `slow link` and so on.
        what: &'static str,
        /// When it ends.
        end: f64,
        /// When the load ends.
        load: f64,
    },
    /// A node that does not run then can neither be killed nor paused.
    #[error(
        "the {what} of {node} at {at} s would hit nothing: by then it has been killed, and does \
         not run until {until} s"
    )]
    IsDown {
        /// `kill`, `pause` or `power`.
        what: &'static str,
        /// The node.
        node: String,
        /// When it would be hit.
        at: f64,
        /// When it is started again.
        until: f64,
    },
}

/// What is asked for, for error messages.
#[derive(Clone, Copy, Debug)]
struct Words {
    what: &'static str,
    example: &'static str,
}

impl Words {
    fn syntax(self, text: &str, problem: &'static str) -> FaultError {
        let Words { what, example } = self;
        FaultError::Syntax { what, text: text.to_owned(), problem, example }
    }

    /// Fails if a node is not among those that there are.
    fn check_nodes<'a>(
        self,
        named: impl IntoIterator<Item = &'a String>,
        nodes: &[String],
    ) -> Result<(), FaultError> {
        match named.into_iter().find(|node| !nodes.contains(node)) {
            Some(node) => {
                let (node, nodes) = (node.clone(), nodes.join(", "));
                Err(FaultError::UnknownNode { what: self.what, node, nodes })
            }
            None => Ok(()),
        }
    }
}

/// From when until when; without an end as long as the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From when.
    pub begin: Duration,
    /// Until when.
    pub end: Option<Duration>,
}

impl Window {
    /// `5..7.5`, `10..`.
    fn read(text: &str) -> Result<Window, &'static str> {
        let (begin, end) = text.split_once("..").ok_or("there is no `..`")?;
        let begin = seconds(begin).ok_or("the beginning is no number of seconds")?;
        let end = match end.trim() {
            "" => None,
            end => Some(seconds(end).ok_or("the end is no number of seconds")?),
        };
        if end.is_some_and(|end| end <= begin) {
            return Err("it ends before it begins");
        }
        Ok(Window { begin, end })
    }

    /// Its beginning and its end in nanoseconds, in a load this long.
    fn within(self, load: Duration, words: Words) -> Result<(u64, u64), FaultError> {
        let end = self.end.unwrap_or(load);
        if end > load || self.begin >= end {
            let (end, load) = (end.max(self.begin).as_secs_f64(), load.as_secs_f64());
            return Err(FaultError::TooLong { what: words.what, end, load });
        }
        Ok((nanoseconds(self.begin), nanoseconds(end)))
    }
}

/// What stands before the `@` and behind it.
fn halves(text: &str) -> Result<(&str, &str), &'static str> {
    text.split_once('@').ok_or("there is no `@`")
}

/// `n1+n3`.
fn names(text: &str) -> Result<Vec<String>, &'static str> {
    let mut names: Vec<String> = text.split('+').map(|node| node.trim().to_owned()).collect();
    names.sort();
    names.dedup();
    if names.iter().any(String::is_empty) {
        return Err("a node's name is missing");
    }
    Ok(names)
}

/// A decimal number of seconds, to the nanosecond.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    (0.0..1e9).contains(&seconds).then(|| Duration::from_nanos((seconds * 1e9).round() as u64))
}

fn asked(nodes: &[String]) -> Targets {
    Targets::new("asked", nodes.to_vec())
}

/// A partition that somebody asked for: `n3@0..20`, `n1+n3@5..7.5`, `n0@10..`. The nodes named hear
/// each other and nobody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Who is cut off from the rest.
    pub nodes: Vec<String>,
    /// From when until when.
    pub when: Window,
}

const CUT: Words = Words { what: "cut", example: "n3@0..20 or n1+n3@5..7.5" };

impl FromStr for Cut {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Cut, FaultError> {
        let read = || {
            let (nodes, times) = halves(text)?;
            let when = Window::read(times)?;
            Ok(Cut { nodes: names(nodes)?, when })
        };
        read().map_err(|problem| CUT.syntax(text, problem))
    }
}

impl Cut {
    /// The fault, among these nodes and in a load this long.
    ///
    /// # Errors
    ///
    /// If it names a node that is not there or leaves nobody on the other side, or does not lie
    /// within the load.
    pub fn fault(&self, nodes: &[String], load: Duration) -> Result<Fault, FaultError> {
        CUT.check_nodes(&self.nodes, nodes)?;
        let group: Vec<usize> =
            (0..nodes.len()).filter(|place| self.nodes.contains(&nodes[*place])).collect();
        if group.len() == nodes.len() {
            return Err(FaultError::Everybody { what: CUT.what });
        }
        let (begin, end) = self.when.within(load, CUT)?;
        Ok(partition(begin, end, "cut", split(nodes, &group)))
    }
}

/// A kill, a pause or a loss of power that somebody asked for: `n1@3..5`, `n2+n3@1..2`, `n0@10..`.
/// At its end the nodes are started again, or go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What becomes of them.
    pub kind: Kind,
    /// Whom it hits.
    pub nodes: Vec<String>,
    /// From when until when.
    pub when: Window,
}

impl Kind {
    const fn words(self) -> Words {
        Words { what: self.name(), example: "n1@3..5 or n2+n3@1..2.5" }
    }
}

impl Outage {
    /// Reads what somebody asked for. Of a loss of power a second alone is enough: `n0@7`; the
    /// nodes are started again a second later.
    ///
    /// # Errors
    ///
    /// [`FaultError::Syntax`].
    pub fn read(kind: Kind, text: &str) -> Result<Outage, FaultError> {
        let read = || {
            let (nodes, times) = halves(text)?;
            let when = match seconds(times) {
                Some(begin) if kind == Kind::Power => {
                    Window { begin, end: Some(begin + POWERLESS) }
                }
                _ => Window::read(times)?,
            };
            Ok(Outage { kind, nodes: names(nodes)?, when })
        };
        read().map_err(|problem| kind.words().syntax(text, problem))
    }

    fn end(&self, load: Duration) -> Duration {
        self.when.end.unwrap_or(load)
    }

    /// The fault, among these nodes, in a load this long, and beside the others that were asked
    /// for.
    ///
    /// # Errors
    ///
    /// If it names a node that is not there, does not lie within the load, or hits a node that has
    /// been killed by then.
    pub fn fault(
        &self,
        nodes: &[String],
        load: Duration,
        all: &[Outage],
    ) -> Result<Fault, FaultError> {
        let words = self.kind.words();
        words.check_nodes(&self.nodes, nodes)?;
        let (begin, end) = self.when.within(load, words)?;
        let kills = all.iter().filter(|other| other.kind != Kind::Pause && *other != self);
        let is_open =
            |other: &&Outage| (other.when.begin..other.end(load)).contains(&self.when.begin);
        for other in kills.filter(is_open) {
            if let Some(node) = self.nodes.iter().find(|node| other.nodes.contains(node)) {
                let (at, until) = (self.when.begin.as_secs_f64(), other.end(load).as_secs_f64());
                let (what, node) = (words.what, node.clone());
                return Err(FaultError::IsDown { what, node, at, until });
            }
        }
        Ok(self.kind.fault(begin, end, asked(&self.nodes)))
    }
}

/// How long nodes are down that lose their power, if nobody says for how long.
const POWERLESS: Duration = Duration::from_secs(1);

/// A fault of links that somebody asked for: `n1>n2@5..7` is a cut in that direction,
/// `n1>n2+n3*10@0..20` has messages take ten times as long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFault {
    /// From whom.
    pub src: Vec<String>,
    /// To whom.
    pub dest: Vec<String>,
    /// How many times longer messages take; `None` if they do not come.
    pub factor: Option<u32>,
    /// From when until when.
    pub when: Window,
}

impl LinkKind {
    const fn words(self) -> Words {
        match self {
            LinkKind::OneWay => Words { what: "cut", example: "n1>n2@5..7" },
            LinkKind::Slow => Words { what: "slow link", example: "n1>n2*10@0..20" },
        }
    }
}

impl LinkFault {
    /// Reads what somebody asked for.
    ///
    /// # Errors
    ///
    /// [`FaultError::Syntax`].
    pub fn read(kind: LinkKind, text: &str) -> Result<LinkFault, FaultError> {
        const FACTOR: &str = "how many times slower is a whole number of 2 or more";
        let read = || {
            let (ends, times) = halves(text)?;
            let (ends, factor) = match (kind, ends.split_once('*')) {
                (LinkKind::OneWay, None) => (ends, None),
                (LinkKind::OneWay, Some(_)) => return Err("a cut has no factor"),
                (LinkKind::Slow, None) => return Err("there is no `*`"),
                (LinkKind::Slow, Some((ends, factor))) => {
                    let factor = factor.trim().parse().ok().filter(|factor| *factor >= 2);
                    (ends, Some(factor.ok_or(FACTOR)?))
                }
            };
            let (src, dest) = ends.split_once('>').ok_or("there is no `>`")?;
            let when = Window::read(times)?;
            Ok(LinkFault { src: names(src)?, dest: names(dest)?, factor, when })
        };
        read().map_err(|problem| kind.words().syntax(text, problem))
    }

    /// The fault, among these nodes and in a load this long.
    ///
    /// # Errors
    ///
    /// If it names a node that is not there or no link, or does not lie within the load.
    pub fn fault(&self, nodes: &[String], load: Duration) -> Result<Fault, FaultError> {
        let kind = if self.factor.is_some() { LinkKind::Slow } else { LinkKind::OneWay };
        kind.words().check_nodes(self.src.iter().chain(&self.dest), nodes)?;
        let links = between(&self.src, &self.dest);
        if links.is_empty() {
            let text = format!("{}>{}", self.src.join("+"), self.dest.join("+"));
            return Err(FaultError::NoLink(text));
        }
        let (begin, end) = self.when.within(load, kind.words())?;
        Ok(match self.factor {
            None => partition(begin, end, ONE_WAY, links),
            Some(factor) => Fault::new(begin, end, FaultKind::Slow { links, factor }),
        })
    }
}

impl Other {
    const fn words(self) -> Words {
        match self {
            Other::Loss => Words { what: "loss", example: "0.3 or 0.3@5..10" },
            Other::Duplication => Words { what: "duplication", example: "0.3 or 0.3@5..10" },
            Other::Clog => Words { what: "clog", example: "n1+n2@5..10 or n1/0.5@5..10" },
            Other::Clock => Words { what: "skew", example: "n1:2.5@5..10 or n1+n2*1.5@5..10" },
            Other::Disk => {
                let example = "n1:failing@5..10, n1+n2:full@5..10 or n1:corrupt@5..";
                Words { what: "fault of a disk", example }
            }
        }
    }
}

/// Another fault that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub kind: Other,
    harm: Harm,
    /// From when until when.
    pub when: Window,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Harm {
    Loss(Millionths),
    Duplication(Millionths),
    Clog { nodes: Vec<String>, every: Option<Duration> },
    Clock { nodes: Vec<String>, change: ClockChange },
    Disk { nodes: Vec<String>, harm: DiskHarm },
}

impl Asked {
    /// Reads what somebody asked for.
    ///
    /// # Errors
    ///
    /// [`FaultError::Syntax`].
    pub fn read(kind: Other, text: &str) -> Result<Asked, FaultError> {
        let read = || {
            let (what, times) = halves(text)?;
            let harm = match kind {
                Other::Loss => Harm::Loss(probability(what)?),
                Other::Duplication => Harm::Duplication(probability(what)?),
                Other::Clog => clog(what)?,
                Other::Clock => clock(what)?,
                Other::Disk => disk(what)?,
            };
            Ok(Asked { kind, harm, when: Window::read(times)? })
        };
        read().map_err(|problem| kind.words().syntax(text, problem))
    }

    /// The fault, among these nodes and in a load this long.
    ///
    /// # Errors
    ///
    /// If it names a node that is not there or leaves nobody on the other side, or does not lie
    /// within the load.
    pub fn fault(&self, nodes: &[String], load: Duration) -> Result<Fault, FaultError> {
        let words = self.kind.words();
        let (begin, end) = self.when.within(load, words)?;
        let kind = match &self.harm {
            Harm::Loss(probability) => FaultKind::Loss { probability: *probability },
            Harm::Duplication(probability) => FaultKind::Duplication { probability: *probability },
            Harm::Clog { nodes: some, every } => {
                words.check_nodes(some, nodes)?;
                let links = around(nodes, some);
                if links.is_empty() {
                    return Err(FaultError::Everybody { what: words.what });
                }
                FaultKind::Clog { links, every: every.map_or(end - begin, nanoseconds).max(1) }
            }
            Harm::Clock { nodes: some, change } => {
                words.check_nodes(some, nodes)?;
                FaultKind::Clock { targets: asked(some), change: *change }
            }
            Harm::Disk { nodes: some, harm } => {
                words.check_nodes(some, nodes)?;
                FaultKind::Disk { targets: asked(some), harm: *harm }
            }
        };
        Ok(Fault::new(begin, end, kind))
    }
}

fn probability(text: &str) -> Result<Millionths, &'static str> {
    let number: Option<f64> =
        text.trim().parse().ok().filter(|number| (0.0..=1.0).contains(number));
    let probability = number.and_then(|number| Millionths::try_from(number).ok());
    probability.ok_or("the probability is no number from 0 to 1")
}

fn clog(text: &str) -> Result<Harm, &'static str> {
    let (nodes, every) = match text.split_once('/') {
        Some((nodes, every)) => {
            let every = seconds(every).filter(|every| !every.is_zero());
            (nodes, Some(every.ok_or("the time between waves is no number of seconds")?))
        }
        None => (text, None),
    };
    Ok(Harm::Clog { nodes: names(nodes)?, every })
}

fn disk(text: &str) -> Result<Harm, &'static str> {
    let (nodes, harm) = text.split_once(':').ok_or("there is no `:`")?;
    let harm = DiskHarm::ALL.into_iter().find(|known| known.name() == harm.trim());
    let harm = harm.ok_or("what is wrong with it is `failing`, `full` or `corrupt`")?;
    Ok(Harm::Disk { nodes: names(nodes)?, harm })
}

fn clock(text: &str) -> Result<Harm, &'static str> {
    if let Some((nodes, ahead)) = text.split_once(':') {
        let ahead =
            seconds(ahead).ok_or("how far the clock jumps ahead is no number of seconds")?;
        let change = ClockChange::Jump(nanoseconds(ahead));
        return Ok(Harm::Clock { nodes: names(nodes)?, change });
    }
    let (nodes, speed) = text.split_once('*').ok_or("there is neither `:` nor `*`")?;
    let speeds = f64::from(*CLOCK_SPEEDS.start())..=f64::from(*CLOCK_SPEEDS.end());
    let speed = speed.trim().parse().ok().filter(|speed| speeds.contains(speed));
    let speed = speed.and_then(|speed| Millionths::try_from(speed).ok());
    let speed = speed.ok_or("how fast the clock runs is a number from 0.01 to 100")?;
    Ok(Harm::Clock { nodes: names(nodes)?, change: ClockChange::Speed(speed) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_faults_are_read() {
        let nodes = ["n0", "n1", "n2"].map(str::to_owned);
        let shown = |kind, text: &str| {
            let fault = Asked::read(kind, text)
                .and_then(|asked| asked.fault(&nodes, Duration::from_secs(20)));
            match fault {
                Ok(fault) => serde_json::to_string(&fault).expect("JSON"),
                Err(error) => error.to_string(),
            }
        };
        for (kind, text, expected) in [
            (
                Other::Loss,
                "0.3@5..10",
                r#"{"begin":5000000000,"end":10000000000,"fault":"loss","probability":0.3}"#,
            ),
            (
                Other::Duplication,
                "1@19..",
                r#"{"begin":19000000000,"end":20000000000,"fault":"duplication","probability":1.0}"#,
            ),
            (
                Other::Loss,
                "3@5..10",
                "`3@5..10` is no loss (the probability is no number from 0 to 1): write it like \
                 0.3 or 0.3@5..10, in seconds from the start of the load",
            ),
            (
                Other::Clog,
                "n1/0.5@5..7",
                r#"{"begin":5000000000,"end":7000000000,"fault":"clog","links":{"n0":["n1"],"n1":["n0","n2"],"n2":["n1"]},"every":500000000}"#,
            ),
            (
                Other::Clog,
                "n0+n1+n2@5..7",
                "the clog names all nodes: there is nobody left to cut them off from",
            ),
            (
                Other::Clock,
                "n1:2.5@5..7",
                r#"{"begin":5000000000,"end":7000000000,"fault":"clock","targets":"asked","nodes":["n1"],"change":{"jump":2500000000}}"#,
            ),
            (
                Other::Clock,
                "n1+n0*0.5@5..7",
                r#"{"begin":5000000000,"end":7000000000,"fault":"clock","targets":"asked","nodes":["n0","n1"],"change":{"speed":0.5}}"#,
            ),
            (
                Other::Clock,
                "n1*0@5..7",
                "`n1*0@5..7` is no skew (how fast the clock runs is a number from 0.01 to 100): \
                 write it like n1:2.5@5..10 or n1+n2*1.5@5..10, in seconds from the start of the \
                 load",
            ),
            (
                Other::Clock,
                "n9:1@5..7",
                "the skew names `n9`, which is no node; nodes are n0, n1, n2",
            ),
            (
                Other::Disk,
                "n2:corrupt@5..",
                r#"{"begin":5000000000,"end":20000000000,"fault":"disk","targets":"asked","nodes":["n2"],"harm":"corrupt"}"#,
            ),
            (
                Other::Disk,
                "n2:slow@5..",
                "`n2:slow@5..` is no fault of a disk (what is wrong with it is `failing`, `full` \
                 or `corrupt`): write it like n1:failing@5..10, n1+n2:full@5..10 or \
                 n1:corrupt@5.., in seconds from the start of the load",
            ),
            (Other::Loss, "0.1@5..30", "the loss ends at 30 s, but the load is over after 20 s"),
        ] {
            assert_eq!(shown(kind, text), expected, "{text}");
            if let Ok(asked) = Asked::read(kind, text)
                .and_then(|asked| asked.fault(&nodes, Duration::from_secs(20)))
            {
                let text = serde_json::to_string(&asked).expect("JSON");
                assert_eq!(serde_json::from_str::<Fault>(&text).expect("a fault"), asked);
            }
        }
    }
}
