//! The node under load: it is as consistent as the service it asks.

use kolk_sweep::{built_in, measure};
use kolk_workload::Settings;
use kolk_workload::planner::Nemesis;

#[test]
fn seq_kv_is_sequentially_consistent() {
    for (args, loss) in [("--service seq-kv", 0.0), ("--service seq-kv", 0.05), ("", 0.05)] {
        for seed in 0..3 {
            let mut settings = Settings::new("seq-kv", built_in("lin-kv", args), seed);
            settings.rate = 100.0;
            settings.time_limit = 10.0;
            settings.latency = 20.0;
            settings.loss = loss;
            settings.nemesis.push(Nemesis::Partition);
            settings.strict = true;
            let node = |args: &[String]| {
                kolk_node::machine(kolk_lin_kv::factory(args).expect("arguments"))
            };
            measure(&settings, node).assert_valid(&format!("{args}, loss {loss}"));
        }
    }
}
