//! Steps and turns: who runs, and until when.

use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group};

use super::core::{Core, OUTPUT_MAX, TASKS_MAX};
use super::stop::{Stop, WAIT_ALL, Way, decode, go, registers, set_registers, wait_for};
use super::task::{Number, Park, Stand, State, Thread, visible};
use super::watch::{Alarm, SPIN_MAX, reap_others, state_of};
use crate::fell_through::Cause;
use crate::{Ended, Order, Step, Stuck};

/// A thread that has made so many calls without waiting lets others go on, if there are any.
const TURN_CALLS_MAX: u32 = 2000;
/// So often a thread is interrupted without having made a call before it is given up.
const INTERRUPTIONS_MAX: u32 = 8;

/// So often it is looked whether all that was killed has ended, and so often without a pause: for
/// five seconds in all.
const END_LOOKS: u32 = 5200;
const END_EAGER: u32 = 200;

/// Whether a thread goes on with its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Goes,
    Ends,
}

impl Core {
    /// One step.
    pub(super) fn step(&mut self, now: u64, input: &[u8]) -> Result<Step, Stuck> {
        self.shared.watch.begin_step(self.patience);
        let stepped = self.run_until_idle(now, input);
        self.shared.watch.end_step();
        stepped?;
        self.pipes.drain();
        Ok(Step {
            output: self.pipes.take_output(),
            wake_at: self.wake_at(),
            is_output_closed: self.pipes.is_output_closed(),
            is_input_closed: self.pipes.is_input_closed(),
            ended: self.ended,
        })
    }

    fn run_until_idle(&mut self, now: u64, input: &[u8]) -> Result<(), Stuck> {
        self.set_now(now);
        self.fire_timers();
        self.end_waits();
        self.pipes.push(input);
        self.pipes.feed();
        loop {
            while let Some(number) = self.next_in_queue() {
                self.take_turn(number)?;
                if self.shared.watch.is_late() {
                    return Err(self.lateness());
                }
            }
            self.pipes.drain();
            if self.pipes.output_bytes() > OUTPUT_MAX {
                return Err(Stuck::Floods { max: OUTPUT_MAX });
            }
            self.pipes.feed();
            self.take_signals();
            if !self.can_go_on() {
                self.look_at_files();
            }
            if !self.can_go_on() {
                self.try_kernel_waits();
            }
            if !self.can_go_on() {
                return Ok(());
            }
        }
    }

    /// Why a step that takes too long is given up.
    fn lateness(&self) -> Stuck {
        if self.shared.watch.is_stopped() {
            return Stuck::Stopped;
        }
        Stuck::Busy { patience: self.patience }
    }

    /// When something wants to go on.
    fn wake_at(&self) -> Option<u64> {
        let threads = self.threads.values().filter_map(|thread| thread.deadline);
        threads.chain(self.timers.next()).min().map(|at| at.max(self.now + 1))
    }

    /// True for a thread whose process is not stopped.
    fn may_run(&self, number: Number) -> bool {
        self.threads.get(&number).is_some_and(|thread| {
            !self.processes.get(&thread.process).is_some_and(|process| process.is_stopped)
        })
    }

    /// Whether somebody is in the queue who may run. Threads of a stopped process keep their
    /// places.
    fn can_go_on(&self) -> bool {
        self.queue.iter().any(|number| self.may_run(*number))
    }

    fn next_in_queue(&mut self) -> Option<Number> {
        let mut places = (0..self.queue.len()).filter(|place| self.may_run(self.queue[*place]));
        let place = match self.order.0 {
            Order::Fair => places.next()?,
            Order::Shuffled => {
                let places: Vec<usize> = places.collect();
                *self.order.1.choose(&places)?
            }
        };
        self.queue.remove(place)
    }

    /// Puts a thread at the queue's end.
    pub(super) fn enqueue(&mut self, number: Number) {
        self.queue.push_back(number);
    }

    /// Lets a thread run until it waits, ends or gives way.
    fn take_turn(&mut self, number: Number) -> Result<(), Stuck> {
        self.turns += 1;
        let Some(thread) = self.threads.get_mut(&number) else { return Ok(()) };
        thread.turn_calls = 0;
        if thread.stand == Stand::Entry && self.call(number) == Turn::Ends {
            return Ok(());
        }
        loop {
            let Some(thread) = self.threads.get_mut(&number) else { return Ok(()) };
            thread.stand = Stand::Free;
            let (tid, signal) = (thread.tid, thread.signal.take());
            go(tid, Way::On, signal);
            let stop = self.wait(tid, Way::On);
            if self.stopped(number, stop)? == Turn::Ends {
                return Ok(());
            }
        }
    }

    fn stopped(&mut self, number: Number, stop: Stop) -> Result<Turn, Stuck> {
        match stop {
            Stop::Entry => {
                if self.threads[&number].turn_calls >= TURN_CALLS_MAX && !self.queue.is_empty() {
                    self.stand_at_entry(number);
                    self.enqueue(number);
                    return Ok(Turn::Ends);
                }
                // A thread that makes calls without end is found here.
                if self.shared.watch.is_late() {
                    return Err(self.lateness());
                }
                self.stand_at_entry(number);
                Ok(self.call(number))
            }
            Stop::Born(event) => self.born(number, event),
            Stop::Exec => {
                self.executed(number);
                Ok(Turn::Goes)
            }
            Stop::Exit | Stop::Other | Stop::VforkDone => Ok(Turn::Goes),
            Stop::Signal(signal) => Ok(self.about_to_get(number, signal)),
            Stop::Ended(how) => {
                self.gone(number, how);
                Ok(Turn::Ends)
            }
            Stop::Alarm(alarm) => self.alarmed(number, alarm),
        }
    }

    /// Notes that a thread stands at the entry of a call.
    fn stand_at_entry(&mut self, number: Number) {
        let Some(thread) = self.threads.get_mut(&number) else { return };
        if let Some(regs) = registers(thread.tid) {
            thread.regs = regs;
            thread.stand = Stand::Entry;
        }
    }

    // ---- births ----

    fn born(&mut self, number: Number, event: i32) -> Result<Turn, Stuck> {
        let tid = self.threads[&number].tid;
        let Ok(message) = nix::sys::ptrace::getevent(super::stop::nix_pid(tid)) else {
            return Ok(Turn::Goes);
        };
        let new = message as i32;
        // Its first stop, which it comes to by itself.
        if let Stop::Ended(_) = self.wait(new, Way::On) {
            return Ok(Turn::Goes);
        }
        let Some(regs) = registers(new) else { return Ok(Turn::Goes) };
        let parent = self.threads[&number].process;
        let child = self.take_number();
        let is_process = event != libc::PTRACE_EVENT_CLONE || is_leader(new);
        let shares = event == libc::PTRACE_EVENT_VFORK;
        let process = if is_process { child } else { parent };
        if is_process {
            let space = shares.then(|| self.processes[&parent].space);
            if self.add_process(child, new, parent, space).is_err() {
                return Ok(Turn::Goes);
            }
        }
        self.threads.insert(child, Thread::new(new, process, regs));
        self.by_tid.insert(new, child);
        self.enqueue(child);
        if self.threads.len() > TASKS_MAX {
            return Err(Stuck::TooMany { max: TASKS_MAX });
        }
        if !is_process {
            return Ok(Turn::Goes);
        }
        if shares {
            go(tid, Way::On, None);
            if let Some(process) = self.processes.get_mut(&child) {
                process.vfork = Some(number);
            }
            if let Some(thread) = self.threads.get_mut(&number) {
                thread.state = State::Vfork;
            }
            return Ok(Turn::Ends);
        }
        if let Some(mut regs) = self.run_to_exit(number) {
            regs.rax = visible(child) as u64;
            set_registers(tid, regs);
        }
        Ok(if self.threads.contains_key(&number) { Turn::Goes } else { Turn::Ends })
    }

    /// Lets the thread that waits in vfork for a process go on.
    fn end_vfork(&mut self, process: Number) {
        let waiter = self.processes.get_mut(&process).and_then(|process| process.vfork.take());
        let Some(number) = waiter else { return };
        let Some(thread) = self.threads.get(&number) else { return };
        let tid = thread.tid;
        match self.wait(tid, Way::On) {
            Stop::Ended(how) => self.gone(number, how),
            _ => {
                if let Some(mut regs) = self.run_to_exit(number) {
                    regs.rax = visible(process) as u64;
                    set_registers(tid, regs);
                }
                if let Some(thread) = self.threads.get_mut(&number) {
                    thread.state = State::Ready;
                    thread.stand = Stand::Free;
                    self.enqueue(number);
                }
            }
        }
    }

    /// A process has executed a program; all its other threads are gone.
    fn executed(&mut self, number: Number) {
        let process = self.threads[&number].process;
        let pid = self.processes[&process].pid;
        for other in self.threads_of(process) {
            if other != number {
                self.forget(other);
            }
        }
        // Whoever executes a program becomes its process's first thread.
        if let Some(mut thread) = self.threads.remove(&number) {
            thread.tid = pid;
            self.threads.insert(process, thread);
            self.by_tid.insert(pid, process);
        }
        self.timers.executed(process);
        self.set_up_program(process);
        self.end_vfork(process);
    }

    /// Lets a thread make its call of `execve`, and waits until it has succeeded or failed. The
    /// other threads of its process must be waited for, or it would not come to an end.
    pub(super) fn execute(&mut self, number: Number) -> Turn {
        let thread = &self.threads[&number];
        let (tid, process) = (thread.tid, thread.process);
        let pid = self.processes[&process].pid;
        let others: Vec<(Number, i32)> = self
            .threads_of(process)
            .into_iter()
            .filter(|other| *other != number)
            .map(|other| (other, self.threads[&other].tid))
            .collect();
        if others.is_empty() {
            return Turn::Goes;
        }
        go(tid, Way::On, None);
        let mut gone = vec![false; others.len()];
        loop {
            for (gone, (_, other)) in gone.iter_mut().zip(&others) {
                // The first thread's number passes to the one that executes.
                if !*gone && *other != pid {
                    let status = wait_for(*other, WaitOptions::NOHANG);
                    *gone = status.is_some_and(|status| matches!(decode(status), Stop::Ended(_)));
                }
            }
            let status = wait_for(pid, WaitOptions::NOHANG)
                .map(|status| (pid, status))
                .or_else(|| wait_for(tid, WaitOptions::NOHANG).map(|status| (tid, status)));
            match status.map(|(who, status)| (who, decode(status))) {
                Some((_, Stop::Exec)) => {
                    // What is numbered last becomes the first: it takes the process's number.
                    self.executed(number);
                    return if process == number {
                        Turn::Goes
                    } else {
                        self.enqueue(process);
                        Turn::Ends
                    };
                }
                Some((who, Stop::Ended(how))) if who == pid => {
                    self.gone(number, how);
                    return Turn::Ends;
                }
                Some((_, Stop::Ended(_))) | None => std::thread::yield_now(),
                // It failed, and goes on to something else.
                Some((_, stop)) => {
                    if let Some(thread) = self.threads.get_mut(&number) {
                        thread.stand = Stand::Free;
                    }
                    return match self.stopped(number, stop) {
                        Ok(turn) => turn,
                        Err(_) => Turn::Ends,
                    };
                }
            }
            if self.shared.watch.is_late() {
                return Turn::Ends;
            }
        }
    }

    // ---- ends ----

    fn forget(&mut self, number: Number) {
        self.threads.remove(&number);
        self.queue.retain(|other| *other != number);
    }

    /// A thread is no more.
    pub(super) fn gone(&mut self, number: Number, how: Ended) {
        let Some(thread) = self.threads.get(&number) else { return };
        let process = thread.process;
        let Some(its) = self.processes.get(&process) else { return };
        let (pid, is_first) = (its.pid, number == process);
        let is_whole = its.is_exiting || matches!(how, Ended::Signal(_)) || is_first;
        self.forget(number);
        if !is_whole {
            self.wake_changed_futexes();
            self.end_with_first(process);
            return;
        }
        // All its threads end, and must be waited for; the first is reported last.
        let mut ended = how;
        for other in self.threads_of(process) {
            let tid = self.threads[&other].tid;
            self.forget(other);
            if other != process {
                self.wait_end(tid);
            }
        }
        if !is_first && let Some(status) = self.wait_end(pid) {
            ended = status;
        }
        self.process_gone(process, ended);
    }

    /// The first thread of a process has ended before others: with the last of them it is over.
    fn end_with_first(&mut self, process: Number) {
        let rest = self.threads_of(process);
        if rest == [process] && matches!(self.threads[&process].state, State::Ended) {
            let pid = self.processes[&process].pid;
            self.forget(process);
            let ended = self.wait_end(pid).unwrap_or(Ended::Exit(0));
            self.process_gone(process, ended);
        }
    }

    fn process_gone(&mut self, process: Number, ended: Ended) {
        self.end_vfork(process);
        let Some(its) = self.processes.remove(&process) else { return };
        self.timers.process_gone(process);
        if its.pid == self.group {
            self.ended = Some(ended);
        }
        self.wake_changed_futexes();
        // Its parent gets SIGCHLD, and may wait for it.
        self.signals_due = true;
        for waiter in self.threads_of(its.parent) {
            if matches!(self.threads[&waiter].state, State::Parked(Park::Child)) {
                self.release(waiter);
            }
        }
    }

    /// A thread of a process was told to end by itself, while others live on.
    pub(super) fn exit_first_thread(&mut self, number: Number) {
        if let Some(thread) = self.threads.get_mut(&number) {
            thread.state = State::Ended;
            go(thread.tid, Way::On, None);
        }
    }

    /// A thread ends its process.
    pub(super) fn exit_process(&mut self, number: Number) -> Turn {
        let thread = &self.threads[&number];
        go(thread.tid, Way::On, None);
        self.killed(thread.process);
        Turn::Ends
    }

    /// A process ends now, because it was sent a signal that cannot be handled or says so itself.
    pub(super) fn killed(&mut self, process: Number) {
        let Some(its) = self.processes.get_mut(&process) else { return };
        its.is_exiting = true;
        let pid = its.pid;
        let others = self.threads_of(process);
        for other in others {
            let tid = self.threads[&other].tid;
            self.forget(other);
            if other != process {
                self.wait_end(tid);
            }
        }
        let ended = self.wait_end(pid).unwrap_or(Ended::Signal(libc::SIGKILL));
        self.process_gone(process, ended);
    }

    /// Ends everything, within seconds. Gives the system's numbers of what even that did not end.
    pub(super) fn end(&mut self) -> Vec<i32> {
        if let Some(group) = Pid::from_raw(self.group) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let pids: Vec<i32> = self.processes.values().map(|process| process.pid).collect();
        for pid in pids.iter().copied().filter_map(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        // In no order: some end only when others have been waited for.
        let mut left: Vec<i32> =
            self.threads.values().map(|thread| thread.tid).chain(pids).collect();
        let mut looks = 0;
        while looks < END_LOOKS {
            left.retain(|tid| !has_ended(*tid));
            if left.is_empty() {
                break;
            }
            looks += 1;
            pause_between(looks);
        }
        left.sort_unstable();
        left.dedup();
        self.threads.clear();
        self.processes.clear();
        self.queue.clear();
        left
    }

    // ---- the watch ----

    fn alarmed(&mut self, number: Number, alarm: Alarm) -> Result<Turn, Stuck> {
        let tid = self.threads[&number].tid;
        let Some(regs) = registers(tid) else { return Ok(Turn::Goes) };
        match alarm {
            Alarm::Late => Err(self.lateness()),
            Alarm::Sleeps => {
                let call = regs.orig_rax as i64;
                if call < 0 || !is_interrupted(&regs) {
                    // It has woken meanwhile, and made its call or nearly.
                    return Ok(Turn::Goes);
                }
                let mut regs = regs;
                if regs.rax as i64 == super::signals::EINTR {
                    // It has got no signal that it knows of: it makes the call again.
                    regs.rip -= 2;
                    regs.rax = regs.orig_rax;
                    regs.orig_rax = u64::MAX;
                    set_registers(tid, regs);
                }
                let park = match waits_for_room(call) {
                    true => Park::Files(vec![(regs.rdi as i32, rustix::event::PollFlags::OUT)]),
                    false => {
                        if !waits_for_others(call) {
                            self.fell_through.add(Cause::Wait(call_name(call)));
                        }
                        Park::Kernel { turn: self.turns }
                    }
                };
                let turn = self.park(number, park, None);
                if let Some(thread) = self.threads.get_mut(&number) {
                    thread.regs = regs;
                    thread.stand = Stand::Interrupted;
                }
                Ok(turn)
            }
            Alarm::Spins => {
                let next = self.wake_at();
                if !self.can_go_on() && next.is_none() {
                    // Nobody else could go on: it computes.
                    return Ok(Turn::Goes);
                }
                let thread = self.threads.get_mut(&number).expect("it has just stopped");
                thread.interruptions += 1;
                let times = thread.interruptions;
                if times > INTERRUPTIONS_MAX {
                    return Err(Stuck::Spins { ran: SPIN_MAX * times });
                }
                self.fell_through.add(Cause::Interrupted);
                if self.can_go_on() {
                    self.enqueue(number);
                    return Ok(Turn::Ends);
                }
                let turn = self.park(number, Park::Time, next);
                if let Some(thread) = self.threads.get_mut(&number) {
                    thread.stand = Stand::Free;
                }
                Ok(turn)
            }
        }
    }

    /// Threads that wait in the kernel try again when others have run.
    fn try_kernel_waits(&mut self) {
        let turns = self.turns;
        let mut due = Vec::new();
        for (number, thread) in &mut self.threads {
            if let State::Parked(Park::Kernel { turn }) = &mut thread.state
                && *turn < turns
            {
                *turn = turns + 1;
                due.push(*number);
            }
        }
        for number in due {
            self.release(number);
        }
    }
}

/// Whether a new thread is the first of a process.
fn is_leader(tid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{tid}/status")).unwrap_or_default();
    let group = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    group.is_some_and(|group| group.trim().parse() == Ok(tid))
}

/// Whether a thread or process that was killed has ended.
fn has_ended(tid: i32) -> bool {
    while let Some(status) = wait_for(tid, WaitOptions::NOHANG) {
        if let Stop::Ended(_) = decode(status) {
            // Reported to its parent, it may be ours to wait for once more.
            let _ = rustix::process::waitpid(Pid::from_raw(tid), WAIT_ALL | WaitOptions::NOHANG);
            return true;
        }
        go(tid, Way::On, None);
    }
    if state_of(tid) == 'Z' {
        reap_others(tid);
    }
    false
}

/// Waits a moment: none at first, then a millisecond.
#[expect(clippy::disallowed_methods, reason = "processes take the wall clock's time to end")]
fn pause_between(looks: u32) {
    if looks < END_EAGER {
        std::thread::yield_now();
    } else {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Whether a signal has interrupted the call from which a thread is about to return, as far as the
/// kernel has told: with `EINTR`, or with what makes it start the call again.
fn is_interrupted(regs: &super::task::Regs) -> bool {
    matches!(regs.rax as i64, super::signals::EINTR | -514..=-512 | -516)
}

/// Calls that wait until what they write to has room.
fn waits_for_room(call: i64) -> bool {
    matches!(
        call,
        libc::SYS_write
            | libc::SYS_writev
            | libc::SYS_sendto
            | libc::SYS_sendmsg
            | libc::SYS_sendmmsg
    )
}

/// Calls that wait for nothing but what another thread does. Made again whenever another has run,
/// they end at the same place in every run.
fn waits_for_others(call: i64) -> bool {
    matches!(
        call,
        libc::SYS_flock
            | libc::SYS_fcntl
            | libc::SYS_connect
            | libc::SYS_open
            | libc::SYS_openat
            | libc::SYS_splice
            | libc::SYS_sendfile
    )
}

/// A call's name.
fn call_name(call: i64) -> &'static str {
    let known = usize::try_from(call).ok().and_then(syscalls::Sysno::new);
    known.map_or("a call without a name", |call| call.name())
}
