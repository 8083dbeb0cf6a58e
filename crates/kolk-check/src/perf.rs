//! perf: how long operations took.
//!
//! Always valid. Jepsen draws pictures under this name; here stand the numbers: for each kind
//! of operation the quantiles of the `ok` ones' latencies, in milliseconds. Measures:
//! `latency-median`, `latency-max` (ms) over all `ok` operations.

use std::collections::BTreeMap;

use kolk_history::{Function, History, Value};

use crate::check::Check;
use crate::tree::{key, quantile, quantiles, single};

/// Measures latencies.
pub fn check(history: &History) -> Check {
    let mut check = Check::new("perf");
    let mut all = Vec::new();
    let mut by_function: BTreeMap<&str, (Function, Vec<u64>)> = BTreeMap::new();
    for operation in history.counted().filter(|operation| operation.is_ok()) {
        let nanos = (operation.completed - operation.invoked).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        all.push(nanos);
        let function = operation.function;
        let entry = by_function.entry(function.name());
        entry.or_insert_with(|| (function, Vec::new())).1.push(nanos);
    }
    let millis = |nanos: u64| nanos as f64 / 1e6;
    let latencies = by_function.into_values().filter_map(|(function, mut nanos)| {
        nanos.sort_unstable();
        Some((function.keyword(), quantiles(&nanos, |nanos| single(millis(nanos)))?))
    });
    check.results = vec![(key(&"latencies"), Value::map(latencies.collect()))];
    all.sort_unstable();
    if !all.is_empty() {
        check.measure("latency-median", millis(quantile(&all, 0.5)), "ms");
        check.measure("latency-max", millis(quantile(&all, 1.0)), "ms");
    }
    check
}
