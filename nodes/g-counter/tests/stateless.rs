//! The promise of a stateless node: what the store holds is the count. Nodes die, forget
//! everything, and begin again, at any moment.

use std::time::Duration;

use kolk_engine::{Cluster, ClusterOptions};
use kolk_node::workload::counter::{Reply, Request};
use kolk_node::{Input, Machine, Outputs, Random, Time};
use serde::{Deserialize, Serialize};

/// What the tests tell a [`Mortal`]: its node dies, and another takes its place.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    Die {},
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Obeyed {
    DieOk {},
}

/// A node that can be killed. The next one knows what its `init` says, and nothing else; as an
/// engine would, it gives that one entropy of its own.
struct Mortal<M> {
    make: M,
    node: Box<dyn Machine>,
    /// Who said `init`, and its body.
    init: Option<(String, serde_json::Value)>,
    deaths: u64,
}

impl<M: Fn() -> Box<dyn Machine>> Mortal<M> {
    fn new(make: M) -> Mortal<M> {
        Mortal { node: make(), make, init: None, deaths: 0 }
    }

    fn begin_again(&mut self, now: Time) -> Option<Time> {
        self.deaths += 1;
        self.node = (self.make)();
        let (src, init) = self.init.as_mut().expect("it was born");
        init["lockstep"]["seed"] = format!("{:016x}", 1000 + self.deaths).into();
        let body = init.to_string();
        let mut unheard = Outputs::new();
        self.node.step(now, Input::Message { src, body: &body }, &mut unheard)
    }
}

impl<M: Fn() -> Box<dyn Machine>> Machine for Mortal<M> {
    fn step(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        if let Input::Message { src, body } = input {
            let told: serde_json::Value = serde_json::from_str(body).expect("JSON");
            if told["type"] == "die" {
                let answer = serde_json::json!({"type": "die_ok", "in_reply_to": told["msg_id"]});
                outputs.push(src, answer.to_string().as_bytes());
                return self.begin_again(now);
            }
            if told["type"] == "init" {
                self.init = Some((src.to_owned(), told));
            }
        }
        self.node.step(now, input, outputs)
    }
}

/// What a run in which nodes die came to: the sum of the acknowledged adds, that of the adds of
/// which nobody knows, and what each node reads in the end.
#[derive(Debug)]
struct Outcome {
    acknowledged: i64,
    unknown: i64,
    reads: Vec<i64>,
}

/// Three nodes that take adds and die, and a fourth that has never heard of any.
fn run(args: &[&str], seed: u64) -> Outcome {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let factory = kolk_g_counter::factory(&args).expect("arguments");
    let options = ClusterOptions { nodes: 4, latency_ms: 20.0, seed, ..ClusterOptions::default() };
    let mut cluster = Cluster::new(options, |_| {
        let factory = factory.clone();
        Box::new(Mortal::new(move || kolk_node::machine(factory.clone())))
    });
    let mut random = Random::from_seed(seed);
    let mut adds = Vec::new();
    let node = |random: &mut Random| format!("n{}", random.below(3));
    for _ in 0..300 {
        let delta = random.below(5) as i64;
        adds.push((cluster.ask(&node(&mut random), &Request::Add { delta }), delta));
        if random.below(10) == 0 {
            let Ok(Obeyed::DieOk {}) = cluster.call(&node(&mut random), &Order::Die {}) else {
                panic!("it does as it is told")
            };
        }
        cluster.run_for(Duration::from_millis(random.below(30)));
    }
    cluster.run_for(Duration::from_secs(20));
    let (mut acknowledged, mut unknown) = (0, 0);
    for (add, delta) in adds {
        match cluster.reply::<Reply>(add) {
            Some(Ok(_)) => acknowledged += delta,
            Some(Err(error)) if error.is_definite() => {}
            Some(Err(_)) | None => unknown += delta,
        }
    }
    let reads = ["n0", "n1", "n2", "n3"].map(|node| match cluster.call(node, &Request::Read {}) {
        Ok(Reply::ReadOk { value }) => value,
        other => panic!("{other:?}"),
    });
    let journal = String::from_utf8(cluster.journal()).expect("text");
    assert!(!journal.contains(r#""src":"n0","dest":"n"#), "nodes speak with the store alone");
    Outcome { acknowledged, unknown, reads: reads.to_vec() }
}

#[test]
fn nodes_may_forget_everything() {
    for seed in 0..20 {
        let Outcome { acknowledged, unknown, reads } = run(&[], seed);
        assert!(unknown > 0, "seed {seed}: nobody died at a bad moment");
        assert!(reads.iter().all(|read| *read == reads[0]), "seed {seed}: {reads:?}");
        let acceptable = acknowledged..=acknowledged + unknown;
        assert!(acceptable.contains(&reads[0]), "seed {seed}: {} in {acceptable:?}", reads[0]);
    }
}

/// What is given up for fewer messages: acknowledged adds that were not stored yet, and no others.
#[test]
fn write_behind_loses_what_was_not_stored() {
    let outcomes: Vec<Outcome> =
        (0..5).map(|seed| run(&["--write-behind-ms", "200"], seed)).collect();
    assert!(outcomes.iter().any(|outcome| outcome.reads[3] < outcome.acknowledged));
    for Outcome { acknowledged, unknown, reads } in outcomes {
        assert!(reads.iter().all(|read| *read == reads[0]), "{reads:?}");
        assert!(reads[0] > acknowledged / 4, "{} of {acknowledged}", reads[0]);
        assert!(reads[0] <= acknowledged + unknown);
    }
}
