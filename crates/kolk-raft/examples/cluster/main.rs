//! A cluster from three nodes to five, one of which is killed: `cargo run -p kolk-raft --example
//! cluster`.

mod driver;

use driver::{Cluster, Request};
use kolk_raft::Change;

fn main() {
    let mut cluster = Cluster::new(3);
    cluster.snapshot_every = Some(100);
    cluster.run(1_000);
    let leader = cluster.leader().expect("nothing is in the way");
    println!("{leader} leads");
    println!("x = 1: {}", cluster.ask(leader, Request::Set("x", "1")));
    for node in [4, 5] {
        cluster.join(node);
        let add = cluster.ask(leader, Request::Change(Change::AddLearner(node)));
        let promote = cluster.ask(leader, Request::Change(Change::Promote(node)));
        println!("{node} learns: {add}, and votes: {promote}");
    }
    cluster.kill(leader);
    cluster.run(1_000);
    let next = cluster.leader().expect("four of five are a majority");
    println!("{leader} is killed, and {next} leads");
    println!("x is {}", cluster.ask(next, Request::Get("x")));
    cluster.start(leader);
    cluster.ask(next, Request::HandOver(leader));
    println!("{leader} is back, has {:?}, and leads again", cluster.store(leader));
    println!("its log ends at {}", cluster.raft(leader).expect("it is up").last());
}
