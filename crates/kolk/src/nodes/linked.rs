//! The reference nodes that are linked into this program. This file needs nothing else of the
//! program, so that a test can have the same list.

use std::process::ExitCode;

use kolk_node::Machine;

/// Makes one node of a cluster.
pub type Maker = Box<dyn Fn() -> Box<dyn Machine>>;

/// A node that is part of kolk.
pub struct BuiltIn {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    maker: fn(&[String]) -> Result<Maker, String>,
    run: fn(&[String]) -> Result<ExitCode, String>,
}

impl BuiltIn {
    /// What makes this node with these arguments, to be run in this process.
    pub fn maker(&self, args: &[String]) -> Result<Maker, String> {
        (self.maker)(args)
    }

    /// Is this node, on standard input and output, until the input ends.
    pub fn run(&self, args: &[String]) -> Result<ExitCode, String> {
        (self.run)(args)
    }
}

/// A reference node by its package, which exports `factory` as `kolk_node` describes.
macro_rules! built_in {
    ($name:literal, $about:literal, $package:ident) => {
        BuiltIn {
            name: $name,
            about: $about,
            maker: |args| {
                let factory = $package::factory(args)?;
                Ok(Box::new(move || kolk_node::machine(factory.clone())))
            },
            run: |args| Ok(kolk_node::run($package::factory(args)?)),
        }
    };
}

/// Nodes in another mode than that of their workload: node, workload, arguments. What is proved of
/// nodes is proved of these as well.
pub const MODES: &[(&str, &str, &[&str])] = &[
    ("lin-kv", "seq-kv", &["--service", "seq-kv"]),
    ("g-counter", "g-counter", &["--crdt"]),
    ("g-counter", "g-counter", &["--crdt", "--durable"]),
    ("g-set", "g-set", &["--durable"]),
    ("kafka", "kafka", &["--raft"]),
    ("seq-kv", "seq-kv", &["--durable"]),
    ("txn-list-append", "txn-list-append", &["--service", "lin-kv"]),
    ("txn-rw-register", "txn-rw-register", &["--strict"]),
    ("pn-counter", "pn-counter", &["--durable"]),
    ("broadcast", "broadcast", &["--durable"]),
];

/// All of them.
pub const ALL: &[BuiltIn] = &[
    built_in!("broadcast", "tells every value to every node (challenges 3a to 3e)", kolk_broadcast),
    built_in!("echo", "answers with what it is told (challenge 1)", kolk_echo),
    built_in!("g-counter", "a sum that only grows, kept in seq-kv (challenge 4)", kolk_g_counter),
    built_in!("g-set", "a set that only grows, as a CRDT", kolk_g_set),
    built_in!("kafka", "logs that clients append to and poll (challenges 5a to 5c)", kolk_kafka),
    built_in!("lin-kv", "a linearizable store on the nodes themselves, by Raft", kolk_lin_kv),
    built_in!("pn-counter", "a sum that goes up and down, as a CRDT", kolk_pn_counter),
    built_in!(
        "txn-list-append",
        "transactions in one order, on the nodes themselves, by Raft",
        kolk_txn_list_append
    ),
    built_in!(
        "txn-rw-register",
        "transactions that never wait for another node (challenges 6a to 6c)",
        kolk_txn_rw_register
    ),
    built_in!("seq-kv", "a sequentially consistent store on the nodes themselves", kolk_seq_kv),
    built_in!("unique-ids", "gives out ids without asking anybody (challenge 2)", kolk_unique_ids),
];
