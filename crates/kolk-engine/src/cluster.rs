//! A cluster for a node's unit tests: nodes in this process, on the virtual clock, and a client.
//!
//! ```
//! use kolk_engine::{Cluster, ClusterOptions};
//! # use kolk_node::{Input, Machine, Outputs};
//! # use kolk_protocol::Time;
//! # struct Silent;
//! # impl Machine for Silent {
//! #     fn step(&mut self, _: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
//! #         if let Input::Message { src, .. } = input {
//! #             let body = br#"{"type":"init_ok","in_reply_to":1,"lockstep":{"version":1}}"#;
//! #             outputs.push(src, body);
//! #         }
//! #         None
//! #     }
//! # }
//! # fn my_node() -> Silent { Silent }
//! let options = ClusterOptions { nodes: 5, latency_ms: 100.0, loss: 0.1, seed: 7, ..Default::default() };
//! let mut cluster = Cluster::new(options, |_| Box::new(my_node()));
//! cluster.cut(&["n0"]);
//! cluster.run_for(std::time::Duration::from_secs(10));
//! assert_eq!(cluster.server_messages(), 0);
//! ```

use std::rc::Rc;
use std::time::Duration;

use kolk_history::Summary;
use kolk_history::plan::{
    ClockKind, DRAWS, Exceptions, FORMAT, LatencyDistribution, NetworkSpec, NodeSpec, Plan,
    WorkloadSpec,
};
use kolk_node::Machine;
use kolk_protocol::message::Body;
use kolk_protocol::{ErrorCode, Random, RpcError, Time, from_body};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::course::Role;
use crate::host::{Hosts, InProcessHost};
use crate::recorder::Recorder;
use crate::run::JournalSink;
use crate::simulation::Simulation;
use crate::workload::{Call, Invocation, ReplyError, Step, Worker, Workload};

/// What a [`Cluster`] is like.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// How many nodes: `n0`, `n1`, …
    pub nodes: usize,
    /// What everything random is drawn from.
    pub seed: u64,
    /// The mean latency between servers, in milliseconds.
    pub latency_ms: f64,
    /// How latencies are spread.
    pub latency_dist: LatencyDistribution,
    /// The probability that a message between servers is lost.
    pub loss: f64,
    /// The probability that one arrives twice.
    pub duplication: f64,
}

impl Default for ClusterOptions {
    fn default() -> ClusterOptions {
        ClusterOptions {
            nodes: 3,
            seed: 0,
            latency_ms: 0.0,
            latency_dist: LatencyDistribution::Constant,
            loss: 0.0,
            duplication: 0.0,
        }
    }
}

/// Nodes in this process on the virtual clock, and one client that asks them.
///
/// Time passes only in [`Cluster::run_for`] and while a call waits. What a node does wrong panics:
/// this is for tests.
pub struct Cluster {
    simulation: Simulation<'static>,
    client: u32,
    next_msg_id: i64,
    /// Which links are cut, as sender and receiver.
    cuts: Vec<(u16, u16)>,
}

impl Cluster {
    /// Starts the nodes that `make` gives for each position.
    ///
    /// # Panics
    ///
    /// If a node does not start.
    pub fn new(options: ClusterOptions, make: impl Fn(usize) -> Box<dyn Machine>) -> Cluster {
        let nodes: Vec<String> = (0..options.nodes).map(|number| format!("n{number}")).collect();
        let plan = Plan {
            format: FORMAT,
            draws: DRAWS,
            kolk_version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: options.seed,
            clock: ClockKind::Virtual,
            node: NodeSpec::BuiltIn { name: "test".into(), args: Vec::new(), separate: false },
            nodes: nodes.clone().try_into().expect("names that fit"),
            concurrency: 1,
            rate: 1.0,
            time_limit: 0,
            workload: WorkloadSpec { name: "none".into(), settings: Default::default() },
            network: NetworkSpec {
                latency: options.latency_ms,
                latency_dist: options.latency_dist,
                loss: options.loss,
                duplication: options.duplication,
            },
            faults: Vec::new(),
            exceptions: Exceptions::default(),
            limits: kolk_history::plan::Limits::default(),
            strict: false,
            lenient: false,
            availability: None,
        };
        let host = InProcessHost::new((0..options.nodes).map(make).collect(), &never_again);
        let hosts = Hosts::new(host, options.nodes);
        let recorder = Recorder::new(nodes, JournalSink::Memory, None, u64::MAX);
        let mut simulation =
            Simulation::new(Rc::new(plan), Box::new(NoLoad), hosts, recorder, Default::default())
                .expect("the options make a plan");
        simulation.start().expect("nodes start");
        let client = simulation.add_client(Role::Outside);
        let mut cluster = Cluster { simulation, client, next_msg_id: 1, cuts: Vec::new() };
        cluster.run_for(Duration::ZERO);
        let started =
            (0..options.nodes).all(|node| cluster.simulation.hosts.is_started(node as u16));
        assert!(started, "every node answers `init` at once");
        cluster
    }

    /// The present instant.
    pub fn now(&self) -> Time {
        self.simulation.now()
    }

    /// Lets time pass, and everything happen that is due by then.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now() + duration, |_| false);
    }

    /// Lets everything happen that is due by `end`, or until `done`.
    fn run_until(&mut self, end: Time, mut done: impl FnMut(&mut Simulation<'static>) -> bool) {
        while !done(&mut self.simulation) {
            match self.simulation.queue.peek() {
                Some((time, _)) if time <= end => {
                    let event = self.simulation.queue.pop().expect("it was there");
                    self.simulation.handle(event).expect("nodes keep to the protocol");
                    self.simulation.guard_instant();
                    if let Some(violation) = self.simulation.recorder.last_violation() {
                        panic!("{} {}: {}", violation.node, violation.problem, violation.line);
                    }
                }
                _ => {
                    self.simulation.queue.advance(end);
                    return;
                }
            }
        }
    }

    fn node(&self, name: &str) -> u16 {
        let place = self.simulation.plan.nodes.iter().position(|node| node == name);
        place.unwrap_or_else(|| panic!("there is no node {name}")) as u16
    }

    /// Sends a request to a node and returns its number, without waiting.
    pub fn ask(&mut self, node: &str, request: &impl Serialize) -> i64 {
        let msg_id = self.next_msg_id;
        self.next_msg_id += 1;
        let mut body = Vec::new();
        Call::new(&mut body, msg_id).request(request);
        let node = self.node(node);
        self.simulation.client_sends(self.client, node, None, &body).expect("it can be sent");
        msg_id
    }

    /// The reply to an earlier request, if it has come; it is given once.
    ///
    /// # Errors
    ///
    /// If the node replied with an error, or with something that is no `R`.
    pub fn reply<R: DeserializeOwned>(&mut self, msg_id: i64) -> Option<Result<R, RpcError>> {
        let replies = &mut self.simulation.course.outside;
        let place = replies.iter().position(|(number, _)| *number == Some(msg_id))?;
        let (_, json) = replies.swap_remove(place);
        let body = Body::parse(&json).expect("bodies are checked when they are sent");
        Some(match from_body(&body.kind, body.json) {
            Ok(reply) => Ok(reply),
            Err(_) if body.kind == "error" => {
                let error: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
                let code = error["code"].as_u64().and_then(|code| u32::try_from(code).ok());
                let text = error["text"].as_str().unwrap_or_default();
                Err(RpcError::new(code.map_or(ErrorCode::CRASH, ErrorCode), text))
            }
            Err(problem) => Err(RpcError::new(ErrorCode::CRASH, format!("{problem}: {json}"))),
        })
    }

    /// Sends a request and waits up to 5 s for the reply.
    ///
    /// # Errors
    ///
    /// The node's error, or a timeout.
    pub fn call<R: DeserializeOwned>(
        &mut self,
        node: &str,
        request: &impl Serialize,
    ) -> Result<R, RpcError> {
        let msg_id = self.ask(node, request);
        let end = self.now() + Duration::from_secs(5);
        self.run_until(end, |simulation| {
            simulation.course.outside.iter().any(|(number, _)| *number == Some(msg_id))
        });
        let timeout = || Err(RpcError::new(ErrorCode::TIMEOUT, "no reply within 5 s"));
        self.reply(msg_id).unwrap_or_else(timeout)
    }

    /// Cuts these nodes off from all others, both ways, until [`Cluster::heal`].
    pub fn cut(&mut self, group: &[&str]) {
        let group: Vec<u16> = group.iter().map(|name| self.node(name)).collect();
        let count = self.simulation.plan.nodes.len() as u16;
        for inside in &group {
            for outside in (0..count).filter(|node| !group.contains(node)) {
                self.cut_link(*inside, outside);
                self.cut_link(outside, *inside);
            }
        }
    }

    fn cut_link(&mut self, src: u16, dest: u16) {
        self.simulation.network_block(src, dest, true);
        self.cuts.push((src, dest));
    }

    /// Undoes every cut.
    pub fn heal(&mut self) {
        for (src, dest) in std::mem::take(&mut self.cuts) {
            self.simulation.network_block(src, dest, false);
        }
    }

    /// How many messages have been sent between servers.
    pub fn server_messages(&self) -> u64 {
        self.summary().servers.send_count
    }

    /// What the network has seen so far.
    pub fn summary(&self) -> &Summary {
        self.simulation.recorder.summary()
    }

    /// The journal so far, as JSON lines.
    pub fn journal(&mut self) -> Vec<u8> {
        self.simulation.recorder.flush().expect("memory can be written");
        self.simulation.recorder.journal_in_memory().to_vec()
    }
}

/// A cluster's plan has no faults: nobody is started again.
fn never_again(_: usize) -> Box<dyn Machine> {
    unreachable!("no node of a cluster is killed")
}

/// Nothing to do: the cluster's holder asks.
struct NoLoad;

impl Workload for NoLoad {
    fn name(&self) -> &'static str {
        "none"
    }

    fn next(&mut self, _: &Worker, _: u64, _: &mut Random) -> Option<Invocation> {
        None
    }

    fn start(&mut self, _: &Worker, _: &Invocation, _: &mut Call<'_>) -> Step {
        Step::Call
    }

    fn reply(
        &mut self,
        _: &Worker,
        _: &Invocation,
        _: &Body<'_>,
        _: &mut Call<'_>,
    ) -> Result<Step, ReplyError> {
        Ok(Step::Call)
    }
}
