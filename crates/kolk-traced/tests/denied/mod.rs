//! A system that does not allow everything, as in containers.

use std::collections::BTreeMap;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

/// Does something in a thread in which, and in whose children, these calls are refused with
/// `EPERM`.
pub fn without<T: Send>(calls: &[i64], work: impl FnOnce() -> T + Send) -> T {
    let rules: BTreeMap<i64, Vec<_>> = calls.iter().map(|call| (*call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, TargetArch::x86_64);
    let program = BpfProgram::try_from(filter.expect("a filter")).expect("a program");
    let work = move || {
        apply_filter(&program).expect("filters are allowed");
        work()
    };
    std::thread::scope(|scope| scope.spawn(work).join().expect("it does not panic"))
}
