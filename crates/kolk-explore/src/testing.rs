//! A lab for tests: plans are carried out in this process, one after the other.

use std::convert::Infallible;

use kolk_engine::{Flow, JournalSink, NodeSource, Progress, Setup};
use kolk_history::Plan;
use kolk_node::Machine;
use kolk_sweep::built_in;
use kolk_workload::{Settings, by_name, options};
use serde::{Deserialize, Serialize};

use crate::{Halt, Lab, Observation, observe};

/// What the nodes of these tests are asked: a broadcast's requests, and what they tell each other.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    Topology {},
    Broadcast { message: i64 },
    Tell { message: i64 },
    Read {},
    Heard {},
}

/// What they answer.
#[expect(clippy::enum_variant_names, reason = "they are named as on the wire")]
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    TopologyOk {},
    BroadcastOk {},
    TellOk {},
    ReadOk { messages: Vec<i64> },
    HeardOk {},
}

/// What they tell each other.
#[derive(Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tell {
    Tell { message: i64 },
    Heard {},
}

/// A broadcast with such nodes, strictly judged.
pub(crate) fn asked(seed: u64) -> Settings {
    let mut settings = Settings::new("broadcast", built_in("planted", ""), seed);
    settings.strict = true;
    settings
}

/// Nodes made by a function.
pub(crate) struct Bench {
    pub(crate) make: fn() -> Box<dyn Machine>,
    pub(crate) cores: usize,
}

impl Lab for Bench {
    type Error = Infallible;

    fn run(&self, plan: &Plan, detail: bool) -> Result<Observation, Halt<Infallible>> {
        let spec = &plan.workload;
        let run = kolk_engine::run(Setup {
            plan,
            nodes: NodeSource::InProcess(&|_| (self.make)()),
            workload: by_name(&spec.name, &spec.settings, &plan.nodes).expect("known"),
            journal: JournalSink::Trace,
            history: None,
            logs: None,
            data: None,
            room: kolk_engine::Room::default(),
            observer: &mut |_: &Progress<'_>| Flow::Continue,
        })
        .expect("it runs");
        let options = options(plan).expect("a plan has what its checkers want");
        let verdict = kolk_check::check_run(&run.history, Some(&run.summary), &options);
        Ok(observe(plan, &run, &verdict, detail))
    }

    fn is_over(&self) -> bool {
        false
    }

    fn cores(&self) -> usize {
        self.cores
    }
}
