//! Which calls a traced program stops at, which are refused, and which run untouched.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use crate::Followed;

/// Calls that have to do with time, waiting, threads, randomness or processes.
const TRACED: &[i64] = &[
    // Time.
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    libc::SYS_time,
    libc::SYS_sched_yield,
    libc::SYS_times,
    libc::SYS_getrusage,
    libc::SYS_sysinfo,
    // Waiting.
    libc::SYS_futex,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_select,
    libc::SYS_pselect6,
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_pause,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    // Timers.
    libc::SYS_alarm,
    libc::SYS_setitimer,
    libc::SYS_getitimer,
    libc::SYS_timerfd_settime,
    libc::SYS_timerfd_gettime,
    libc::SYS_timer_create,
    libc::SYS_timer_settime,
    libc::SYS_timer_gettime,
    libc::SYS_timer_delete,
    // Processes and signals.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_tgkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pidfd_open,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getpgrp,
    libc::SYS_getpgid,
    libc::SYS_setpgid,
    libc::SYS_getsid,
    libc::SYS_setsid,
    libc::SYS_prlimit64,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    // Randomness.
    libc::SYS_getrandom,
    // What the machine's other programs see.
    libc::SYS_mkdir,
];

/// Calls that change what files are called, or how long they are, and those that make them safe:
/// traced if the program's files are followed.
const OF_FILES: &[i64] = &[
    libc::SYS_creat,
    libc::SYS_openat2,
    libc::SYS_link,
    libc::SYS_linkat,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_unlink,
    libc::SYS_unlinkat,
    libc::SYS_truncate,
    libc::SYS_ftruncate,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_sync,
    libc::SYS_syncfs,
];

/// Calls that write, or ask for room: traced if writing is followed as well.
const OF_WRITING: &[i64] = &[
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_fallocate,
];

/// Calls that are answered without a stop, and with what: those that have an older substitute,
/// which every library knows, and those that would leave the tracer or change the machine.
const REFUSED: &[(i64, i32)] = &[
    (libc::SYS_io_uring_setup, libc::ENOSYS),
    (libc::SYS_futex_waitv, libc::ENOSYS),
    (SYS_FUTEX_WAKE, libc::ENOSYS),
    (SYS_FUTEX_WAIT, libc::ENOSYS),
    (SYS_FUTEX_REQUEUE, libc::ENOSYS),
    // Its flags cannot be seen by a filter; those of clone can.
    (libc::SYS_clone3, libc::ENOSYS),
    (libc::SYS_ptrace, libc::EPERM),
    (libc::SYS_setns, libc::EPERM),
    (libc::SYS_clock_settime, libc::EPERM),
    (libc::SYS_settimeofday, libc::EPERM),
    (libc::SYS_clock_adjtime, libc::EPERM),
    (libc::SYS_adjtimex, libc::EPERM),
    (libc::SYS_perf_event_open, libc::EACCES),
    (libc::SYS_userfaultfd, libc::EPERM),
    // The program has one processor, and keeps it.
    (libc::SYS_sched_setaffinity, 0),
];

const SYS_FUTEX_WAKE: i64 = 454;
const SYS_FUTEX_WAIT: i64 = 455;
const SYS_FUTEX_REQUEUE: i64 = 456;

/// As much as is written to a pipe whole or not at all, and as fits if there is any room.
pub(super) const WHOLE_BYTES: u64 = 4096;

/// The request to `ioctl` that asks how much there is to read, whose type differs between the C
/// libraries.
const FIONREAD: u64 = 0x541b;

/// The filters, to be applied in this order, of a program of whose files this is followed.
pub(super) fn programs(followed: Option<Followed>) -> Result<Vec<BpfProgram>, Error> {
    let mut by_action: BTreeMap<i32, BTreeMap<i64, Vec<SeccompRule>>> = BTreeMap::new();
    for (call, error) in REFUSED {
        by_action.entry(*error).or_default().insert(*call, Vec::new());
    }
    // A child that cannot be traced would run on the real clock, and might outlive the run; one in
    // a space of process numbers of its own ends only when all in there have been waited for.
    for (call, flag) in [
        (libc::SYS_clone, libc::CLONE_UNTRACED),
        (libc::SYS_clone, libc::CLONE_NEWPID),
        (libc::SYS_unshare, libc::CLONE_NEWPID),
    ] {
        let flag = flag as u64;
        let rules = by_action.entry(libc::EPERM).or_default().entry(call).or_default();
        rules.push(has_flag(0, flag)?);
    }
    let mut filters = Vec::new();
    for (error, rules) in by_action {
        filters.push((SeccompAction::Errno(error as u32), rules));
    }
    let mut traced: BTreeMap<i64, Vec<SeccompRule>> =
        TRACED.iter().map(|call| (*call, Vec::new())).collect();
    // What is longer may be written in part, and then wait for room.
    let is_long = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Gt, WHOLE_BYTES)?;
    traced.insert(libc::SYS_write, vec![SeccompRule::new(vec![is_long])?]);
    let is = |argument, value| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
    };
    let of_stdin = vec![is(0, libc::STDIN_FILENO as u64)?, is(1, FIONREAD)?];
    traced.insert(libc::SYS_ioctl, vec![SeccompRule::new(of_stdin)?]);
    if followed.is_some() {
        traced.extend(OF_FILES.iter().map(|call| (*call, Vec::new())));
        for (call, argument) in [(libc::SYS_open, 1), (libc::SYS_openat, 2)] {
            let flags = [libc::O_CREAT, libc::O_TRUNC, libc::O_DSYNC];
            let rules = flags.map(|flag| has_flag(argument, flag as u64));
            traced.insert(call, rules.into_iter().collect::<Result<_, Error>>()?);
        }
        traced.insert(libc::SYS_msync, vec![has_flag(2, libc::MS_SYNC as u64)?]);
        let syncs = [libc::RWF_DSYNC, libc::RWF_SYNC].map(|flag| has_flag(5, flag as u64));
        traced.insert(libc::SYS_pwritev2, syncs.into_iter().collect::<Result<_, Error>>()?);
    }
    if followed == Some(Followed::Writes) {
        traced.extend(OF_WRITING.iter().map(|call| (*call, Vec::new())));
    }
    filters.push((SeccompAction::Trace(0), traced));
    filters
        .into_iter()
        .map(|(action, rules)| {
            let filter =
                SeccompFilter::new(rules, SeccompAction::Allow, action, TargetArch::x86_64)?;
            Ok(BpfProgram::try_from(filter)?)
        })
        .collect()
}

/// Calls one of whose arguments has this flag.
fn has_flag(argument: u8, flag: u64) -> Result<SeccompRule, Error> {
    let is_set = SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(flag),
        flag,
    )?;
    Ok(SeccompRule::new(vec![is_set])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_stands_twice() {
        let refused = REFUSED.iter().map(|(call, _)| *call);
        let traced = TRACED.iter().chain(OF_FILES).chain(OF_WRITING).copied();
        let mut all: Vec<i64> = traced.chain(refused).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        for followed in [None, Some(Followed::Syncs), Some(Followed::Writes)] {
            let programs = programs(followed);
            assert!(programs.is_ok_and(|all| all.len() == 5), "four errors and the trace");
        }
    }
}
