//! The course of a run: nodes start, workers load them, faults heal, and a last look is taken.

mod clients;
mod start;

use std::rc::Rc;
use std::time::Duration;

use kolk_history::Phase;
use kolk_history::plan::Plan;
use kolk_protocol::{Key, Time};

use crate::queue::Event;
use crate::run::EngineError;
use crate::simulation::Simulation;
use crate::workload::{Call, Completion, Worker};
use clients::{Role, WorkerState};

/// How long nodes get to recover before the final operations.
const RECOVERY: Duration = Duration::from_secs(10);

/// How long a load may go unanswered, without a fault, until it is ended.
const SILENCE: Duration = Duration::from_secs(10);

/// How often a node is read in the convergence phase until it answers, and with which pause.
const CONVERGENCE_READS_MAX: u32 = 5;
const CONVERGENCE_PAUSE: Duration = Duration::from_millis(200);

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nodes have been sent `init`.
    Starting,
    /// Workers have sent the workload's first request.
    SettingUp,
    /// Operations are invoked.
    Load,
    /// The load is over, and some operations are not.
    Draining,
    /// Faults are healed, and nodes recover.
    Healing,
    /// Workers do their final operations.
    Final,
    /// Every node is read once more.
    Convergence,
    /// Nothing is left to do.
    Over,
}

impl Stage {
    /// True while nodes start and are set up.
    pub(crate) const fn is_before_load(self) -> bool {
        matches!(self, Stage::Starting | Stage::SettingUp)
    }

    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Stage::Starting => "starting nodes",
            Stage::SettingUp => "setting up",
            Stage::Load => "load",
            Stage::Draining => "waiting for replies",
            Stage::Healing => "recovery",
            Stage::Final => "final operations",
            Stage::Convergence => "convergence",
            Stage::Over => "over",
        }
    }
}

/// The state of a run's course.
pub(crate) struct Course {
    pub(crate) stage: Stage,
    pub(crate) load_began: Time,
    pub(crate) load_ended: Time,
    pub(crate) ok_count: u64,
    /// Nodes that broke the protocol before the load.
    pub(crate) suspects: Vec<u16>,
    /// How many operations were answered, by errors too, with something that fits.
    answered: u64,
    /// When the last fault ended.
    pub(crate) healed: Time,
    /// The load was ended because nothing was ever answered.
    pub(crate) silent: bool,
    /// The load was ended because there was no more room for what is stored.
    pub(crate) full: bool,
    /// Operations invoked under load: the number of the next one.
    next_operation: u64,
    /// Tells a stage's end from those of earlier ones.
    stage_serial: u32,
    roles: Vec<Role>,
    /// What came for the outside client, by the request it answers.
    pub(crate) outside: Vec<(Option<i64>, String)>,
    workers: Vec<WorkerState>,
    /// Workers without an operation, in order.
    idle: Vec<u32>,
    /// The time for final operations is over.
    final_over: bool,
    /// The next operation is due and no worker is free.
    overdue: bool,
    /// How many nodes or workers the stage still waits for.
    outstanding: usize,
    /// When the next operation is, or was, due.
    due: Time,
    /// The mean gap between operations doubled, in nanoseconds.
    gap_bound: u64,
}

impl Course {
    pub(crate) fn new(plan: &Plan) -> Result<Course, EngineError> {
        let bad = |text: &str| Err(EngineError::BadPlan(text.to_owned()));
        if plan.nodes.is_empty() {
            return bad("a run needs at least one node");
        }
        if plan.concurrency == 0 {
            return bad("a run needs at least one worker");
        }
        if !(plan.rate >= 0.0 && plan.rate.is_finite()) {
            return bad("the rate must be a number of 0 or more");
        }
        // Decades are as good as for ever, and can be added to.
        let gap_bound = (2e9 / plan.rate).round().clamp(1.0, 1e18) as u64;
        Ok(Course {
            stage: Stage::Starting,
            load_began: Time::ZERO,
            load_ended: Time::ZERO,
            ok_count: 0,
            answered: 0,
            healed: Time::ZERO,
            silent: false,
            full: false,
            suspects: Vec::new(),
            next_operation: 0,
            stage_serial: 0,
            roles: Vec::new(),
            outside: Vec::new(),
            workers: Vec::new(),
            idle: Vec::new(),
            final_over: false,
            overdue: false,
            outstanding: 0,
            due: Time::ZERO,
            gap_bound,
        })
    }

    /// How many operations have been invoked under load.
    pub(crate) fn invoked(&self) -> u64 {
        self.next_operation
    }

    /// The lowest process number that nobody bears.
    fn fresh_process(&self) -> u32 {
        self.workers.iter().map(|state| state.worker.process + 1).max().unwrap_or_default()
    }
}

impl Simulation<'_> {
    fn key(&self, domain: &str) -> Key {
        Key::new(self.plan.seed).with_name(domain)
    }

    /// Goes over to a stage, and ends it after `limit` if there is one.
    fn enter(&mut self, stage: Stage, limit: Option<Duration>) {
        self.course.stage = stage;
        self.course.stage_serial += 1;
        if let Some(limit) = limit {
            self.queue.push(self.now() + limit, Event::StageEnd(self.course.stage_serial));
        }
    }

    pub(crate) fn stage_end(&mut self, serial: u32) -> Result<(), EngineError> {
        if serial != self.course.stage_serial {
            return Ok(());
        }
        match self.course.stage {
            Stage::Starting => {
                let advice = format!("{}{}", self.init_advice(), self.init_patience_advice());
                Err(self.no_answer("init", &advice))
            }
            Stage::Load => self.end_load(),
            Stage::Healing => self.begin_final(),
            Stage::Final => {
                self.course.final_over = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// When the run will end, as far as is known.
    pub(crate) fn expected_end(&self) -> Time {
        let load_end = self.course.load_began + Duration::from_nanos(self.plan.time_limit);
        let final_phase = self.workload.has_final() || self.plan.strict;
        let recovery = if final_phase { RECOVERY } else { Duration::ZERO };
        match self.course.stage {
            Stage::Starting | Stage::SettingUp | Stage::Load => load_end + recovery,
            Stage::Draining => self.now() + recovery,
            Stage::Healing => self.course.load_ended + recovery,
            Stage::Final | Stage::Convergence | Stage::Over => self.now(),
        }
    }

    // ---- set-up and load ----

    fn begin_setup(&mut self) -> Result<(), EngineError> {
        self.workload.prepare(&self.plan);
        let node_count = self.plan.nodes.len();
        for number in 0..self.plan.concurrency as usize {
            self.add_worker(Worker { number, process: number as u32, node: number % node_count });
        }
        self.enter(Stage::SettingUp, None);
        for number in 0..self.plan.concurrency {
            let state = &mut self.course.workers[number as usize];
            let worker = state.worker;
            let mut request = Vec::new();
            if self.workload.setup(&worker, &mut Call::new(&mut request, state.next_msg_id)) {
                self.course.outstanding += 1;
                self.call(number, None, request)?;
            }
        }
        if self.course.outstanding == 0 { self.begin_load() } else { Ok(()) }
    }

    fn begin_load(&mut self) -> Result<(), EngineError> {
        let now = self.now();
        self.course.load_began = now;
        self.traffic.begin(now);
        self.course.load_ended = now;
        self.enter(Stage::Load, Some(Duration::from_nanos(self.plan.time_limit)));
        let plan = Rc::clone(&self.plan);
        let with_time = plan.faults.iter().enumerate().filter(|(_, fault)| fault.on.is_none());
        for (number, fault) in with_time {
            let at = |nanos| now + Duration::from_nanos(nanos);
            self.queue.push(at(fault.begin), Event::FaultBegin(number as u32));
            self.queue
                .push(at(fault.end.min(self.plan.time_limit)), Event::FaultEnd(number as u32));
        }
        self.course.idle = (0..self.plan.concurrency).collect();
        self.schedule_operation(now);
        Ok(())
    }

    /// Schedules the next operation, `from` when the last one was due.
    ///
    /// Gaps count from when an operation was due, not from when it was invoked, so that the real
    /// clock's delays do not add up; they do count from when a worker became free.
    fn schedule_operation(&mut self, from: Time) {
        // Nodes are started, and nobody asks them anything.
        if self.plan.rate == 0.0 {
            return;
        }
        let number = self.course.next_operation;
        let mut random = self.key("gap").with(number).random();
        let gap = random.below(self.course.gap_bound + 1);
        self.queue.push(from + Duration::from_nanos(gap), Event::Invoke);
        self.course.due = from + Duration::from_nanos(gap);
    }

    pub(crate) fn invoke_due(&mut self) -> Result<(), EngineError> {
        if self.course.stage != Stage::Load {
            return Ok(());
        }
        if self.course.idle.is_empty() {
            self.course.overdue = true;
            return Ok(());
        }
        self.invoke_next(self.course.due)
    }

    fn invoke_next(&mut self, due: Time) -> Result<(), EngineError> {
        let number = self.course.next_operation;
        self.course.next_operation += 1;
        self.course.overdue = false;
        let place = self.key("worker").with(number).random().index(self.course.idle.len());
        let worker = self.course.idle[place];
        let view = self.course.workers[worker as usize].worker;
        let mut random = self.key("operation").with(number).random();
        let Some(invocation) = self.workload.next(&view, number, &mut random) else {
            return self.end_load();
        };
        // An operation left out is chosen all the same, so that the others stay what they are.
        if !self.plan.exceptions.skipped_operations.contains(&number) {
            self.course.idle.remove(place);
            self.begin_operation(worker, Phase::Load, invocation)?;
        }
        self.schedule_operation(due);
        Ok(())
    }

    /// Ends an operation, and finds the worker something else to do.
    fn complete(
        &mut self,
        worker: u32,
        position: usize,
        completion: Completion,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let is_ok = matches!(completion, Completion::Ok(_));
        self.course.answered += u64::from(is_ok);
        self.course.ok_count += u64::from(is_ok);
        if matches!(completion, Completion::Info(_)) {
            let op = self.recorder.history.operations[position].index;
            self.replace_process(worker, op);
        }
        self.recorder.complete(now, position, completion)?;
        match self.course.stage {
            Stage::Load => {
                let place = self.course.idle.partition_point(|other| *other < worker);
                self.course.idle.insert(place, worker);
                if self.course.overdue { self.invoke_next(now) } else { Ok(()) }
            }
            Stage::Draining => {
                self.course.outstanding -= 1;
                if self.course.outstanding == 0 { self.after_load() } else { Ok(()) }
            }
            Stage::Final => self.next_final(worker),
            Stage::Convergence => {
                if !is_ok && self.converges_again(worker) {
                    return Ok(());
                }
                self.course.outstanding -= 1;
                if self.course.outstanding == 0 {
                    self.enter(Stage::Over, None);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Ends the run if nothing was ever answered though there was time enough and no fault: more of
    /// it would only say so again.
    fn end_if_silent(&mut self) {
        let course = &self.course;
        let since = course.load_began.max(course.healed);
        if course.answered > 0
            || course.stage != Stage::Load
            || !self.plan.limits.fail_fast
            || !self.open_faults.is_empty()
            || self.now().since(since) < SILENCE
        {
            return;
        }
        self.course.silent = true;
        self.course.load_ended = self.now();
        self.enter(Stage::Over, None);
    }

    /// Ends the load if there is no more room for what is stored. What follows it is done, so that
    /// there is a verdict on what there was.
    pub(crate) fn end_if_full(&mut self) -> Result<(), EngineError> {
        if self.course.full || self.course.stage != Stage::Load || !self.recorder.is_full() {
            return Ok(());
        }
        self.course.full = true;
        self.heal()?;
        self.end_load()
    }

    // ---- end ----

    fn end_load(&mut self) -> Result<(), EngineError> {
        self.course.load_ended = self.now();
        self.enter(Stage::Draining, None);
        let busy = self.plan.concurrency as usize - self.course.idle.len();
        self.course.outstanding = busy;
        if busy == 0 { self.after_load() } else { Ok(()) }
    }

    fn after_load(&mut self) -> Result<(), EngineError> {
        let converges = self.plan.strict && self.workload.converge().is_some();
        if self.workload.has_final() || converges {
            self.enter(Stage::Healing, Some(RECOVERY));
        } else {
            self.enter(Stage::Over, None);
        }
        Ok(())
    }

    fn begin_final(&mut self) -> Result<(), EngineError> {
        self.enter(Stage::Final, self.workload.final_limit());
        self.course.outstanding = self.plan.concurrency as usize;
        for worker in 0..self.plan.concurrency {
            self.next_final(worker)?;
        }
        Ok(())
    }

    /// Goes over to a worker's next final operation, after its pause.
    fn next_final(&mut self, worker: u32) -> Result<(), EngineError> {
        let state = &mut self.course.workers[worker as usize];
        let (view, nth) = (state.worker, state.final_count);
        state.final_count += 1;
        let pause = self.workload.pause(&view, nth);
        if pause.is_zero() {
            return self.final_operation(worker);
        }
        self.queue.push(self.now() + pause, Event::Final { worker });
        Ok(())
    }

    /// Begins a worker's final operation, if there is still one to do and time for it.
    pub(crate) fn final_operation(&mut self, worker: u32) -> Result<(), EngineError> {
        if self.course.stage == Stage::Convergence {
            let read = self.workload.converge();
            let read = read.expect("it converges, or there would be no such stage");
            return self.begin_operation(worker, Phase::Convergence, read);
        }
        let state = &self.course.workers[worker as usize];
        let (view, nth) = (state.worker, state.final_count - 1);
        let more = !self.course.final_over;
        match more.then(|| self.workload.last(&view, nth)).flatten() {
            Some(invocation) => self.begin_operation(worker, Phase::Final, invocation),
            None => {
                self.course.outstanding -= 1;
                if self.course.outstanding == 0 { self.begin_convergence() } else { Ok(()) }
            }
        }
    }

    /// Reads a node once more that has not answered, or has refused to, for whatever passes: a lost
    /// message, a conflict of transactions. False if it was asked often enough.
    fn converges_again(&mut self, worker: u32) -> bool {
        let process = self.course.fresh_process();
        let state = &mut self.course.workers[worker as usize];
        state.final_count += 1;
        if state.final_count >= CONVERGENCE_READS_MAX {
            return false;
        }
        state.worker.process = process;
        self.queue.push(self.now() + CONVERGENCE_PAUSE, Event::Final { worker });
        true
    }

    fn begin_convergence(&mut self) -> Result<(), EngineError> {
        self.recorder.stop_counting();
        let invocation = if self.plan.strict { self.workload.converge() } else { None };
        let Some(invocation) = invocation else {
            self.enter(Stage::Over, None);
            return Ok(());
        };
        self.enter(Stage::Convergence, None);
        let first_process = self.course.fresh_process();
        self.course.outstanding = self.plan.nodes.len();
        for node in 0..self.plan.nodes.len() {
            let number = self.course.workers.len();
            let process = first_process + node as u32;
            let worker = self.add_worker(Worker { number, process, node });
            self.begin_operation(worker, Phase::Convergence, invocation.clone())?;
        }
        Ok(())
    }
}
