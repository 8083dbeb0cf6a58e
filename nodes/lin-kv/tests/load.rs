//! The node under load: it is linearizable, or as consistent as the service that it asks.

use kolk_sweep::{built_in, measure};
use kolk_workload::Settings;
use kolk_workload::planner::Nemesis;

#[test]
fn it_is_what_it_asks() {
    for (workload, args, loss) in [
        ("lin-kv", "--service lin-kv", 0.0),
        ("lin-kv", "--service lin-kv", 0.05),
        ("seq-kv", "--service lin-kv", 0.05),
        ("lin-kv", "", 0.05),
        ("seq-kv", "", 0.05),
        ("seq-kv", "--service seq-kv", 0.0),
        ("seq-kv", "--service seq-kv", 0.05),
    ] {
        for seed in 0..3 {
            let mut settings = Settings::new(workload, built_in("lin-kv", args), seed);
            settings.rate = 100.0;
            settings.time_limit = 10.0;
            settings.latency = 20.0;
            settings.loss = loss;
            settings.nemesis.push(Nemesis::Partition);
            settings.strict = true;
            let node = |args: &[String]| {
                kolk_node::machine(kolk_lin_kv::factory(args).expect("arguments"))
            };
            measure(&settings, node).assert_valid(&format!("{workload} {args}, loss {loss}"));
        }
    }
}
