//! A node stepped by hand, in virtual time.
#![allow(dead_code, reason = "each test program uses a part")]

use std::time::Duration;

use kolk_node::{Context, Input, Machine, Node, Outputs, Time};

pub struct Stepper {
    machine: Box<dyn Machine>,
    pub now: Time,
    pub deadline: Option<Time>,
    outputs: Outputs,
    pub log: String,
}

/// What a node named `n1` of three answers to its `init`.
pub const INIT: &str = r#"{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n0","n1","n2"]}"#;

impl Stepper {
    /// A node that has not seen `init`.
    pub fn raw<N: Node>(factory: impl FnOnce(&Context) -> N + 'static) -> Stepper {
        Stepper {
            machine: kolk_node::machine(factory),
            now: Time::ZERO,
            deadline: None,
            outputs: Outputs::new(),
            log: String::new(),
        }
    }

    /// A node that has, and what else it did then.
    pub fn new<N: Node>(factory: impl FnOnce(&Context) -> N + 'static) -> (Stepper, Vec<String>) {
        let mut node = Stepper::raw(factory);
        let mut sent = node.get("c0", INIT);
        assert_eq!(sent.remove(0), r#"c0 {"type":"init_ok","in_reply_to":1}"#);
        (node, sent)
    }

    /// Delivers a message; gives what the node sent, each as destination and body.
    pub fn get(&mut self, src: &str, body: &str) -> Vec<String> {
        self.step(Input::Message { src, body })
    }

    /// Goes to the next deadline and wakes the node there.
    pub fn wake(&mut self) -> Vec<String> {
        self.now = self.deadline.expect("the node waits for a timer");
        self.step(Input::Wake)
    }

    /// Lets time pass, waking the node whenever it is due. What it sent has the milliseconds in
    /// front.
    pub fn pass(&mut self, duration: Duration) -> Vec<String> {
        let end = self.now + duration;
        let mut all = Vec::new();
        while let Some(due) = self.deadline.filter(|due| *due <= end) {
            self.now = due;
            let sent = self.step(Input::Wake);
            all.extend(sent.into_iter().map(|line| format!("{} {line}", due.as_millis())));
        }
        self.now = end;
        all
    }

    fn step(&mut self, input: Input<'_>) -> Vec<String> {
        self.deadline = self.machine.step(self.now, input, &mut self.outputs);
        assert!(self.deadline.is_none_or(|due| due > self.now), "what is due has been done");
        let sent = self.outputs.messages().map(|(dest, body)| format!("{dest} {body}")).collect();
        self.log.push_str(std::str::from_utf8(self.outputs.logged()).expect("logs are text"));
        self.outputs.clear();
        sent
    }
}

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
