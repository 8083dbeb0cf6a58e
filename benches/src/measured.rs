//! What a process took.

use std::time::{Duration, Instant};

/// What this process has taken of all processors, in seconds: other work on the machine does not
/// count. Zero where the system does not tell.
pub fn cpu_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// The most memory this process has had so far, in megabytes. Zero where the system does not tell.
pub fn peak_megabytes() -> f64 {
    peak_megabytes_of(std::process::id())
}

/// The most memory a process has had so far, in megabytes. Zero where the system does not tell, and
/// once it has ended.
pub fn peak_megabytes_of(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<f64>().ok());
    kibibytes.unwrap_or_default() * 1024.0 / 1e6
}

/// What came of some work, and how long it took.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}
