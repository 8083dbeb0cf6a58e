//! A [`Machine`] of the user's own as something that the stdio drivers can run.

use std::task::Waker;

use kolk_protocol::lockstep::Acceptance;
use kolk_protocol::message::Body;
use kolk_protocol::workload::init;
use kolk_protocol::{Time, from_body};

use crate::machine::{Input, Machine, Outputs};
use crate::runtime::Runtime;
use crate::storage::Medium;

/// A machine, and what the drivers have to know of it.
pub(super) struct OwnMachine<M> {
    machine: M,
    deadline: Option<Time>,
    node_id: Option<String>,
    in_lockstep: bool,
    /// Lockstep was accepted, and the `init_ok` that says so has not been sent yet.
    owes_acceptance: bool,
}

impl<M: Machine> OwnMachine<M> {
    pub(super) fn new(machine: M) -> OwnMachine<M> {
        OwnMachine {
            machine,
            deadline: None,
            node_id: None,
            in_lockstep: false,
            owes_acceptance: false,
        }
    }

    /// Learns from `init` what the node is called and whether it runs in lockstep.
    fn init(&mut self, body: &Body<'_>) {
        if self.node_id.is_some() {
            return;
        }
        if let Ok(init::Request::Init { node_id, lockstep, .. }) = from_body(&body.kind, body.json)
        {
            self.node_id = Some(node_id);
            self.in_lockstep = lockstep.is_some_and(|offer| offer.is_acceptable());
            self.owes_acceptance = self.in_lockstep;
        }
    }

    /// Steps the machine, and accepts lockstep in its `init_ok`.
    fn react(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) {
        self.deadline = self.machine.step(now, input, outputs);
        if self.owes_acceptance && outputs.messages().any(|(_, body)| is_init_ok(body)) {
            self.owes_acceptance = false;
            accept_lockstep(outputs);
        }
    }

    /// Wakes the machine if its deadline has come.
    fn wake_if_due(&mut self, now: Time, outputs: &mut Outputs) {
        if self.deadline.is_some_and(|due| due <= now) {
            self.react(now, Input::Wake, outputs);
        }
    }
}

fn is_init_ok(body: &str) -> bool {
    Body::parse(body).is_ok_and(|body| body.kind == "init_ok")
}

/// Writes the acceptance into every `init_ok` that does not have it.
fn accept_lockstep(outputs: &mut Outputs) {
    let mut accepting = Outputs::new();
    for (dest, body) in outputs.messages() {
        let lacks_it = matches!(
            from_body("init_ok", body),
            Ok(init::Reply::InitOk { lockstep: None }) if is_init_ok(body)
        );
        match body.split_once('{') {
            Some((_, fields)) if lacks_it => {
                // A machine of one's own keeps its files as it likes.
                let acceptance = serde_json::json!(Acceptance::new(&[]));
                let body = format!("{{\"lockstep\":{acceptance},{fields}");
                accepting.push(dest, body.as_bytes());
            }
            _ => accepting.push(dest, body.as_bytes()),
        }
    }
    for line in outputs.logged().split_inclusive(|byte| *byte == b'\n') {
        accepting.log(String::from_utf8_lossy(line).trim_end_matches('\n'));
    }
    *outputs = accepting;
}

impl<M: Machine> Machine for OwnMachine<M> {
    fn step(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        match input {
            Input::Wake => self.wake_if_due(now, outputs),
            Input::Message { .. } => self.react(now, input, outputs),
        }
        self.deadline
    }

    fn message(
        &mut self,
        now: Time,
        src: &str,
        body: &Body<'_>,
        outputs: &mut Outputs,
    ) -> Option<Time> {
        if body.kind == "init" {
            self.init(body);
        }
        self.wake_if_due(now, outputs);
        self.react(now, Input::Message { src, body: body.json }, outputs);
        self.deadline
    }
}

impl<M: Machine> Runtime for OwnMachine<M> {
    fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    fn node_id(&self) -> Option<&str> {
        self.node_id.as_deref()
    }

    /// A machine of one's own keeps its files as it likes.
    fn set_medium(&mut self, _: Medium) {}

    /// What it keeps is its own business.
    fn sync_files(&mut self) -> bool {
        false
    }

    fn in_lockstep(&self) -> bool {
        self.in_lockstep
    }

    fn is_dormant(&self) -> bool {
        self.deadline.is_none()
    }

    fn bound_polls(&mut self, _: usize) {}

    /// A machine has no tasks: nothing ever gets ready by itself.
    fn watch(&self, _: &Waker) -> bool {
        true
    }
}
