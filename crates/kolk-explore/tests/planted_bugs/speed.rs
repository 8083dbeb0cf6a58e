//! How many runs a second are explored.

use std::time::Instant;

use kolk_explore::run_all;
use kolk_history::Plan;
use kolk_node::machine;
use kolk_workload::challenge;
use kolk_workload::planner::{Nodes, Settings};

use crate::{Bench, asked, built_in};

/// How often each is measured; the best counts, for others use the machine too.
const TIMES: usize = 3;

/// The processors' time that this process has had, in seconds: hundredths are told.
fn processor_time() -> f64 {
    let told = std::fs::read_to_string("/proc/self/stat").expect("Linux tells");
    // The program's name may hold anything.
    let (_, numbers) = told.rsplit_once(')').expect("the name stands in parentheses");
    let ticks = numbers.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / 100.0
}

#[expect(clippy::disallowed_methods, reason = "how long exploring takes is measured")]
fn clock() -> Instant {
    Instant::now()
}

/// Runs a second, in-process: a broadcast of ten operations on three nodes, and the conditions of
/// challenges.
#[test]
#[ignore = "it measures the machine"]
fn speed() {
    let make = || machine(kolk_broadcast::factory(&[]).expect("the default settings are valid"));
    let small = |seed: u64| {
        let mut settings = asked("broadcast", seed);
        settings.nodes = Nodes::Count(3);
        (settings.rate, settings.time_limit, settings.latency) = (10.0, 1.0, 10.0);
        settings
    };
    let of_challenge = |id: &'static str| {
        move |seed: u64| -> Settings {
            let run = &challenge::find(id).expect("a challenge").runs[0];
            let mut settings = run.settings(built_in("broadcast", ""), seed);
            settings.strict = true;
            settings
        }
    };
    let (c, d) = (of_challenge("3c"), of_challenge("3d"));
    let kinds: [(&str, u64, &dyn Fn(u64) -> Settings); 3] =
        [("broadcast of 10", 2000, &small), ("challenge 3c", 200, &c), ("challenge 3d", 12, &d)];
    for (what, runs, settings) in kinds {
        let plans: Vec<Plan> =
            (1..=runs).map(|seed| kolk_workload::plan(&settings(seed)).expect("a plan")).collect();
        // Runs a second by the clock, and a second of one processor.
        let mut rates = [[0.0_f64; 2]; 2];
        // In turns, so that what else the machine does is shared.
        for _ in 0..TIMES {
            for (place, rates) in rates.iter_mut().enumerate() {
                let bench = Bench { make: &make, end: None, cores: place + 1 };
                let (began, used) = (clock(), processor_time());
                let Ok(seen) = run_all(&bench, &plans, false, |_| false);
                let times = [began.elapsed().as_secs_f64(), processor_time() - used];
                assert!(seen.iter().all(|(_, seen)| !seen.fails()));
                for (rate, time) in rates.iter_mut().zip(times) {
                    *rate = rate.max(runs as f64 / time);
                }
            }
        }
        let simulated = plans[0].time_limit as f64 / 1e9;
        let [[one, of_one], [two, of_two]] = rates;
        println!(
            "{what}: {one:.0} runs a second on one core ({:.0} simulated seconds of load), {two:.0} \
             on two, {:.2} times; in a second of a processor {of_one:.0} ({:.0}) and {of_two:.0}",
            one * simulated,
            two / one,
            of_one * simulated,
        );
    }
}
