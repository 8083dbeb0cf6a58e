//! What is answered to the calls of a traced program.

mod files;
mod futex;
mod ids;
mod kill;
mod poll;
mod storage;
mod time;
mod timer;
mod wait;

use super::core::Core;
use super::run::Turn;
use super::stop::set_registers;
use super::task::{Hurry, Number, Park, Regs, State};

pub(super) const EACCES: i64 = -(libc::EACCES as i64);
pub(super) const EAGAIN: i64 = -(libc::EAGAIN as i64);
pub(super) const EINVAL: i64 = -(libc::EINVAL as i64);
pub(super) const EFAULT: i64 = -(libc::EFAULT as i64);
pub(super) const ENOSYS: i64 = -(libc::ENOSYS as i64);
pub(super) const ESRCH: i64 = -(libc::ESRCH as i64);
pub(super) const ETIMEDOUT: i64 = -(libc::ETIMEDOUT as i64);

/// What ends at once may be done so often at one instant before it takes time, if nobody else can
/// go on; and so often if somebody can.
const HURRY_ALONE: u32 = 4;
const HURRY_AMONG_OTHERS: u32 = 64;
/// How long it then takes, in nanoseconds; doubled with every eight in a row, up to seven times. A
/// program that always looks for input is woken by it, so for that it is doubled with every
/// [`POLLER`] once more, up to three times: then a second of its time is a thousand pauses.
const HURRY_PAUSE: u64 = 1000;
/// Whoever has paused so often in a row looks in order to wait.
const POLLER: u32 = 1024;
/// The descriptor that a node's messages come from.
const STDIN: i32 = libc::STDIN_FILENO;

impl Core {
    /// Looks at the call at whose entry a thread stands.
    pub(super) fn call(&mut self, number: Number) -> Turn {
        let Some(thread) = self.threads.get_mut(&number) else { return Turn::Ends };
        thread.turn_calls += 1;
        thread.calls += 1;
        thread.interruptions = 0;
        let resumed = thread.resumed.take();
        let regs = thread.regs;
        let turn = self.dispatch(number, &regs);
        // A wait that nobody's handler has ended goes on until it would have ended.
        if let Some(resumed) = resumed
            && let Some(thread) = self.threads.get_mut(&number)
            && matches!(thread.state, State::Parked(_))
            && (regs.orig_rax, regs.rip) == (resumed.call, resumed.place)
        {
            thread.deadline = Some(resumed.deadline);
        }
        turn
    }

    fn dispatch(&mut self, number: Number, regs: &Regs) -> Turn {
        match regs.orig_rax as i64 {
            libc::SYS_nanosleep => self.nanosleep(number, regs),
            libc::SYS_clock_nanosleep => self.clock_nanosleep(number, regs),
            libc::SYS_clock_gettime => self.clock_gettime(number, regs),
            libc::SYS_gettimeofday => self.gettimeofday(number, regs),
            libc::SYS_time => self.time(number, regs),
            libc::SYS_sched_yield => self.sched_yield(number),
            libc::SYS_times => self.times(number, regs),
            libc::SYS_getrusage => self.getrusage(number, regs),
            libc::SYS_sysinfo => self.sysinfo(number, regs),

            libc::SYS_futex => self.futex(number, regs),

            libc::SYS_poll | libc::SYS_ppoll => self.poll(number, regs),
            libc::SYS_select | libc::SYS_pselect6 => self.select(number, regs),
            libc::SYS_epoll_wait | libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 => {
                self.epoll(number, regs)
            }

            libc::SYS_read | libc::SYS_readv => self.read(number, regs),
            libc::SYS_recvfrom | libc::SYS_recvmsg | libc::SYS_recvmmsg => {
                self.receive(number, regs)
            }
            libc::SYS_accept | libc::SYS_accept4 => self.receive(number, regs),
            libc::SYS_ioctl => self.look_for_input(number),
            libc::SYS_write => {
                self.refuse_write(number, regs).unwrap_or_else(|| self.write(number, regs))
            }
            libc::SYS_writev | libc::SYS_pwrite64 | libc::SYS_pwritev | libc::SYS_fallocate => {
                self.refuse_write(number, regs).unwrap_or(Turn::Goes)
            }
            libc::SYS_pwritev2 => self.write_by_flags(number, regs),
            libc::SYS_open | libc::SYS_openat | libc::SYS_openat2 | libc::SYS_creat => {
                self.open(number, regs)
            }
            libc::SYS_link
            | libc::SYS_linkat
            | libc::SYS_rename
            | libc::SYS_renameat
            | libc::SYS_renameat2
            | libc::SYS_unlink
            | libc::SYS_unlinkat => self.name(number, regs),
            libc::SYS_truncate | libc::SYS_ftruncate => self.resize(number, regs),
            libc::SYS_fsync
            | libc::SYS_fdatasync
            | libc::SYS_sync
            | libc::SYS_syncfs
            | libc::SYS_msync => self.sync(number, regs),
            libc::SYS_getrandom => self.getrandom(number, regs),
            libc::SYS_mkdir => self.make_folder(number, regs),

            libc::SYS_wait4 | libc::SYS_waitid => self.wait_for_child(number, regs),
            libc::SYS_pause => self.wait_for_signal(number),
            libc::SYS_rt_sigsuspend => self.sigsuspend(number, regs),
            libc::SYS_rt_sigtimedwait => self.sigtimedwait(number, regs),

            libc::SYS_alarm => self.alarm(number, regs),
            libc::SYS_setitimer => self.setitimer(number, regs),
            libc::SYS_getitimer => self.getitimer(number, regs),
            libc::SYS_timerfd_settime => self.timerfd_settime(number, regs),
            libc::SYS_timerfd_gettime => self.timerfd_gettime(number, regs),
            libc::SYS_timer_create => self.timer_create(number, regs),
            libc::SYS_timer_settime => self.timer_settime(number, regs),
            libc::SYS_timer_gettime => self.timer_gettime(number, regs),
            libc::SYS_timer_delete => self.timer_delete(number, regs),

            libc::SYS_execve | libc::SYS_execveat => self.execute(number),
            libc::SYS_exit => self.exit(number),
            libc::SYS_exit_group => self.exit_process(number),
            libc::SYS_kill
            | libc::SYS_tkill
            | libc::SYS_tgkill
            | libc::SYS_rt_sigqueueinfo
            | libc::SYS_rt_tgsigqueueinfo => self.kill(number, regs),
            libc::SYS_pidfd_send_signal => self.pidfd_send_signal(number, regs),
            libc::SYS_pidfd_open
            | libc::SYS_getpgid
            | libc::SYS_getsid
            | libc::SYS_setpgid
            | libc::SYS_setsid
            | libc::SYS_getpgrp
            | libc::SYS_prlimit64 => self.with_process_ids(number, regs),
            libc::SYS_getpid | libc::SYS_getppid | libc::SYS_gettid => self.own_id(number, regs),
            libc::SYS_sched_getaffinity => self.sched_getaffinity(number, regs),
            libc::SYS_getcpu => self.getcpu(number, regs),
            _ => Turn::Goes,
        }
    }

    /// Has the kernel make a thread's call with other arguments, and then gives the thread its own
    /// registers back, and this result. Gives whether it still lives.
    pub(super) fn call_instead(
        &mut self,
        number: Number,
        regs: &Regs,
        instead: Regs,
        result: impl FnOnce(&mut Core, i64) -> i64,
    ) -> Turn {
        let Some(exit) = self.make_call(number, instead) else { return Turn::Ends };
        let result = result(self, exit.rax as i64);
        let mut back = *regs;
        back.rax = result as u64;
        back.rcx = exit.rcx;
        back.r11 = exit.r11;
        if let Some(thread) = self.threads.get(&number) {
            set_registers(thread.tid, back);
        }
        Turn::Goes
    }

    /// Lets the kernel make a thread's call, and then looks at what it gave.
    pub(super) fn call_then(
        &mut self,
        number: Number,
        regs: &Regs,
        then: impl FnOnce(&mut Core, i64),
    ) -> Turn {
        self.call_instead(number, regs, *regs, |core, result| {
            then(core, result);
            result
        })
    }

    /// Answers what ends at once: the clock must go on for whoever does nothing else.
    pub(super) fn answer_in_haste(&mut self, number: Number, result: i64, park: Park) -> Turn {
        if self.is_too_hasty(number) {
            return self.pause(number, park);
        }
        self.answer(number, result);
        if self.queue.is_empty() {
            return Turn::Goes;
        }
        if let Some(thread) = self.threads.get_mut(&number) {
            thread.stand = super::task::Stand::Free;
        }
        self.enqueue(number);
        Turn::Ends
    }

    /// Counts what ends at once, and gives whether it has been done too often at this instant.
    pub(super) fn is_too_hasty(&mut self, number: Number) -> bool {
        let limit = if self.queue.is_empty() { HURRY_ALONE } else { HURRY_AMONG_OTHERS };
        self.hurries(number) > limit
    }

    /// Counts a look for something that is not there, and gives whether there have been too many
    /// at this instant. A few are usual, however much a thread has to do; whoever has looked for
    /// long, and never waited, looks in order to wait.
    pub(super) fn looks_too_often(&mut self, number: Number) -> bool {
        let waits = self.threads.get(&number).is_some_and(|it| it.hurry.streak >= POLLER);
        let limit = if waits { HURRY_ALONE } else { HURRY_AMONG_OTHERS };
        self.hurries(number) > limit
    }

    /// Counts what ends at once, and gives how often it was done at this instant.
    fn hurries(&mut self, number: Number) -> u32 {
        let now = self.now;
        let Some(thread) = self.threads.get_mut(&number) else { return 0 };
        if thread.hurry.instant != now {
            thread.hurry = Hurry { instant: now, count: 0, ..thread.hurry };
        }
        thread.hurry.count += 1;
        thread.hurry.count
    }

    /// Makes a hasty thread wait a little, longer the more often in a row.
    pub(super) fn pause(&mut self, number: Number, park: Park) -> Turn {
        let Some(thread) = self.threads.get_mut(&number) else { return Turn::Ends };
        let looks_for_input =
            matches!(&park, Park::Files(list) if list.iter().any(|(number, _)| *number == STDIN));
        let streak = thread.hurry.streak;
        let more = if looks_for_input { (streak / POLLER).min(3) } else { 0 };
        let pause = HURRY_PAUSE << ((streak / 8).min(7) + more);
        thread.hurry.streak = thread.hurry.streak.saturating_add(1);
        let until = self.now + pause;
        self.park(number, park, Some(until))
    }

    /// A thread waits for something else than its own haste.
    pub(super) fn park_calmly(
        &mut self,
        number: Number,
        park: Park,
        deadline: Option<u64>,
    ) -> Turn {
        if let Some(thread) = self.threads.get_mut(&number) {
            thread.hurry.streak = 0;
        }
        self.park(number, park, deadline)
    }
}
