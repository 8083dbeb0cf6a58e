//! How nodes start: `init`, its answers, and what is said of a node that gives none.

use kolk_history::summary::{Violation, ViolationKind};
use kolk_protocol::message::Body;
use kolk_protocol::workload::init;
use kolk_protocol::{from_body, lockstep};

use super::Simulation;
use crate::course::{Role, Stage, Unready};
use crate::endpoint::Endpoint;
use crate::host::{HostFailure, NO_LOCKSTEP, find_string, in_the_words_of_json, shorten};
use crate::run::EngineError;
use crate::workload::Call;

impl Simulation<'_> {
    /// Sends every node its `init`.
    pub(crate) fn start(&mut self) -> Result<(), EngineError> {
        let count = self.plan.nodes.len();
        let clients: Vec<u32> =
            (0..count).map(|node| self.add_client(Role::Init(node as u16))).collect();
        let patience = self.hosts.nature().init_patience;
        self.turn(|course, turn| {
            course.begin(patience, turn);
            Ok(())
        })?;
        for (number, client) in clients.into_iter().enumerate() {
            self.send_init(number as u16, 0, client)?;
        }
        Ok(())
    }

    /// The client that is to send `init` to a node which has been started again.
    pub(crate) fn init_again(&mut self, node: u16) -> u32 {
        self.hosts.set_started(node, false);
        self.add_client(Role::Init(node))
    }

    pub(crate) fn send_init(
        &mut self,
        node: u16,
        incarnation: u32,
        client: u32,
    ) -> Result<(), EngineError> {
        let nodes = self.plan.nodes.to_vec();
        let speaks_lockstep = self.hosts.nature().offers_lockstep;
        let seed = self.node_seed(node, u64::from(incarnation));
        let request = init::Request::Init {
            node_id: nodes[usize::from(node)].clone(),
            node_ids: nodes,
            lockstep: speaks_lockstep.then(|| lockstep::Offer::new(seed)),
        };
        let mut body = Vec::new();
        Call::new(&mut body, 1).request(&request);
        self.client_sends(client, node, None, &body)
    }

    pub(super) fn init_reply(
        &mut self,
        client: u32,
        node: u16,
        body: &Body<'_>,
    ) -> Result<Option<bool>, EngineError> {
        let is_restart = self.awaits_restart(node, client);
        let is_late =
            !is_restart && (self.course.stage != Stage::Starting || self.hosts.is_started(node));
        if is_late {
            return Ok(Some(body.answers() == Some(1)));
        }
        let problem = match &*body.kind {
            "init_ok" if body.answers() != Some(1) => {
                return Err(self.unnumbered(node, 1, body.json));
            }
            _ if body.answers() != Some(1) => return Ok(Some(false)),
            "init_ok" => match from_body::<init::Reply>(&body.kind, body.json) {
                Ok(init::Reply::InitOk { lockstep }) => match lockstep {
                    None if self.hosts.nature().offers_lockstep => {
                        let (problem, advice) = NO_LOCKSTEP;
                        Some((problem.to_owned(), advice.to_owned()))
                    }
                    Some(acceptance) if acceptance.version != lockstep::VERSION => Some((
                        format!(
                            "accepts version {} of lockstep, and kolk speaks version {}",
                            acceptance.version,
                            lockstep::VERSION
                        ),
                        "Run it with `--clock real`.".to_owned(),
                    )),
                    _ => None,
                },
                Err(error) => {
                    let error = in_the_words_of_json(&error.to_string());
                    let problem = format!("answers `init` with {}: {error}", shorten(body.json));
                    Some((problem, self.init_advice()))
                }
            },
            _ => Some((format!("answers `init` with {}", shorten(body.json)), self.init_advice())),
        };
        if let Some((problem, advice)) = problem {
            if is_restart {
                self.fail_restart(node, problem, advice);
                return Ok(None);
            }
            return Err(self.hosts.start_error(node, &self.directory, problem, advice));
        }
        self.hosts.set_started(node, true);
        if is_restart {
            self.restarted(node)?;
            return Ok(None);
        }
        self.turn(|course, turn| {
            course.node_started(turn);
            Ok(None)
        })
    }

    /// Before the load, ends the run for a node that has broken the protocol and still owes an
    /// answer, when everything that has been sent has arrived: that was its answer, most likely,
    /// and to wait for another would only hide the cause.
    pub(crate) fn fail_suspects(&mut self) {
        let stage = self.course.stage;
        if self.course.suspects.is_empty() || !stage.is_before_load() {
            return;
        }
        let owes = |node: &&u16| match stage {
            Stage::Starting => !self.hosts.is_started(**node),
            _ => self.course.owes_setup(**node),
        };
        if let Some(node) = self.course.suspects.iter().find(owes) {
            self.failed.get_or_insert(*node);
        }
    }

    /// The error of a node that failed before the load began.
    pub(crate) fn failed_starting(&mut self, node: u16) -> EngineError {
        let before = self.before();
        let name = self.directory.name(Endpoint::Node(node));
        let of_node = |violation: &&Violation| violation.node == name;
        let mut violations = self.recorder.summary().violations.iter().filter(of_node);
        // The first line says what it did: those after it may only be the rest of it.
        let quoted = violations.clone().find(|violation| !violation.line.is_empty()).cloned();
        let (problem, advice) = match violations.next_back() {
            Some(violation) if !violation.line.is_empty() => {
                (format!("broke the protocol {before}"), String::new())
            }
            Some(Violation { kind: ViolationKind::Died, problem, advice, .. }) => {
                (format!("{problem} {before}"), advice.clone())
            }
            Some(Violation { problem, advice, kind, .. }) => {
                let is_slow = *kind == ViolationKind::NeverIdle && problem != NO_LOCKSTEP.0;
                let more = if is_slow { self.patience_advice() } else { String::new() };
                (problem.clone(), format!("{advice}{more}"))
            }
            None => (format!("failed {before}"), self.init_advice()),
        };
        let mut error = self.hosts.start_error(node, &self.directory, problem, advice);
        if let EngineError::Start { violation, stdout, .. } = &mut error {
            *violation = quoted.map(Box::new);
            if violation.is_some() {
                *stdout = Box::default();
            }
        }
        error
    }

    /// When a node failed that failed before the load began.
    fn before(&self) -> &'static str {
        match self.course.stage {
            Stage::Starting => "before it had answered `init`",
            _ => "before the load began",
        }
    }

    /// The error of a node that answers what it is asked before the load begins, but without the
    /// number of the request: nobody would wait for another answer with success.
    fn unnumbered(&self, node: u16, msg_id: i64, body: &str) -> EngineError {
        let problem = format!("`in_reply_to` must be the request's number, {msg_id}");
        let advice = format!("An answer carries what it answers: `\"in_reply_to\":{msg_id}`.");
        let failure = HostFailure::plain(ViolationKind::NotAMessage, problem, advice)
            .with_line(body, find_string(body, "in_reply_to"));
        self.broke_before(node, failure)
    }

    /// The error of a node that has not answered what it is asked before the load begins, which
    /// `problem` says. A whole message of it without a line end is the cause, and is quoted.
    fn unanswered(&self, node: u16, problem: String, advice: String) -> EngineError {
        match self.hosts.unended(node) {
            Some(failure) => self.broke_before(node, failure),
            None => self.hosts.start_error(node, &self.directory, problem, advice),
        }
    }

    /// The error of a node that has broken the protocol in a line that is quoted.
    fn broke_before(&self, node: u16, failure: HostFailure) -> EngineError {
        let problem = format!("broke the protocol {}", self.before());
        let mut error = self.hosts.start_error(node, &self.directory, problem, String::new());
        if let EngineError::Start { violation, stdout, .. } = &mut error {
            *violation = Some(failure.violation);
            *stdout = Box::default();
        }
        error
    }

    /// What to do for a program that is only slow to answer `init`, as another line of advice. On
    /// the virtual clock computing takes no time: what took too long there was waiting.
    pub(crate) fn init_patience_advice(&self) -> String {
        if self.hosts.is_virtual() { String::new() } else { self.patience_advice() }
    }

    /// What to do for a program that computes for long, as another line of advice.
    pub(crate) fn patience_advice(&self) -> String {
        let Some(flag) = self.hosts.nature().patience_flag else { return String::new() };
        format!(
            "\nOne that builds or loads much before it reads (`cargo run`, `go run`, `java`) may \
             need longer: `{flag} 60`."
        )
    }

    /// How `init` is to be answered.
    pub(crate) fn init_advice(&self) -> String {
        let lockstep =
            if self.hosts.nature().offers_lockstep { ",\"lockstep\":{\"version\":1}" } else { "" };
        format!(
            "A node answers `init` with {{\"type\":\"init_ok\",\"in_reply_to\":1{lockstep}}} on \
             stdout, and flushes it."
        )
    }

    /// The error of nodes that have had their time to answer `init`.
    pub(super) fn no_init_answer(&self) -> EngineError {
        let silent = (0..self.plan.nodes.len() as u16).find(|node| !self.hosts.is_started(*node));
        let patience = self.hosts.nature().init_patience.as_secs_f64();
        let time = if self.hosts.is_virtual() { " of virtual time" } else { "" };
        let problem = format!("did not answer `init` within {patience} s{time}");
        let advice = format!("{}{}", self.init_advice(), self.init_patience_advice());
        self.unanswered(silent.unwrap_or_default(), problem, advice)
    }

    /// The error of a node that is not ready for the load.
    pub(super) fn unready(&self, node: u16, why: Unready) -> EngineError {
        match why {
            Unready::Unnumbered { msg_id, body } => self.unnumbered(node, msg_id, &body),
            Unready::Unanswered { problem, advice } => self.unanswered(node, problem, advice),
            Unready::Refused { problem, advice } => {
                self.hosts.start_error(node, &self.directory, problem, advice)
            }
        }
    }
}
