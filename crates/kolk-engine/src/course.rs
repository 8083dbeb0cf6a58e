//! The course of a run: workers load the nodes, faults heal, and a last look is taken.
//!
//! A state machine beside the simulation. Each of its inputs (a reply, a timeout, the time for an
//! operation) comes with a [`Turn`], which has the time and the record, and takes the [`Effect`]s
//! that the simulation carries out in their order.

mod clients;

use std::rc::Rc;
use std::time::Duration;

use kolk_history::Phase;
use kolk_history::plan::Plan;
use kolk_protocol::{Key, Time};

use crate::host::HostFailure;
use crate::queue::Event;
use crate::recorder::Recorder;
use crate::run::EngineError;
use crate::workload::{Call, Completion, Worker, Workload};
pub(crate) use clients::Role;
use clients::WorkerState;

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

/// What the simulation is to do because of an input of the course.
pub(crate) enum Effect {
    /// There is one more client. Clients are numbered in the order in which they come.
    NewClient,
    /// A worker's client sends the worker's request to the worker's node.
    Ask {
        /// Which worker.
        worker: u32,
    },
    /// An event is to happen at this time.
    Schedule(Time, Event),
    /// The load begins now, and the times of the plan's faults count from now.
    LoadBegins,
    /// A node has answered an operation with something that does not fit.
    Misfit {
        /// Which node.
        node: u16,
        /// What is wrong with the answer.
        failure: HostFailure,
    },
    /// A node does not answer what it is asked before the load as it must: the run cannot go on.
    Unready {
        /// Which node.
        node: u16,
        /// What it did.
        why: Unready,
    },
}

/// How a node can fail to get ready for the load.
pub(crate) enum Unready {
    /// It has answered without the number of the request.
    Unnumbered {
        /// The request's number.
        msg_id: i64,
        /// The body of its answer.
        body: String,
    },
    /// It has not answered at all.
    Unanswered {
        /// What it did not answer.
        problem: String,
        /// What to do about that.
        advice: String,
    },
    /// It has answered with something else.
    Refused {
        /// What it answered.
        problem: String,
        /// What to do about that.
        advice: String,
    },
}

/// What comes with every input, and where its effects go.
pub(crate) struct Turn<'t, 'r> {
    /// The present instant.
    pub(crate) now: Time,
    /// No fault is open.
    pub(crate) calm: bool,
    /// Where operations are recorded.
    pub(crate) recorder: &'t mut Recorder<'r>,
    /// What is to be done, in order.
    pub(crate) effects: &'t mut Vec<Effect>,
}

impl Turn<'_, '_> {
    fn schedule(&mut self, at: Time, event: Event) {
        self.effects.push(Effect::Schedule(at, event));
    }

    fn unready(&mut self, node: u16, why: Unready) {
        self.effects.push(Effect::Unready { node, why });
    }
}

/// The state of a run's course.
pub(crate) struct Course {
    plan: Rc<Plan>,
    workload: Box<dyn Workload>,
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
    pub(crate) fn new(plan: Rc<Plan>, workload: Box<dyn Workload>) -> Result<Course, EngineError> {
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
            plan,
            workload,
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

    fn key(&self, domain: &str) -> Key {
        Key::new(self.plan.seed).with_name(domain)
    }

    /// Goes over to a stage, and ends it after `limit` if there is one.
    fn enter(&mut self, stage: Stage, limit: Option<Duration>, turn: &mut Turn<'_, '_>) {
        self.stage = stage;
        self.stage_serial += 1;
        if let Some(limit) = limit {
            turn.schedule(turn.now + limit, Event::StageEnd(self.stage_serial));
        }
    }

    /// Nodes have been sent `init`, and have so long to answer it.
    pub(crate) fn begin(&mut self, patience: Duration, turn: &mut Turn<'_, '_>) {
        self.outstanding = self.plan.nodes.len();
        self.enter(Stage::Starting, Some(patience), turn);
    }

    /// A node has answered `init`.
    pub(crate) fn node_started(&mut self, turn: &mut Turn<'_, '_>) {
        self.outstanding -= 1;
        if self.outstanding == 0 {
            self.begin_setup(turn);
        }
    }

    /// True if the nodes have had their time to answer `init`, if this is the end of that.
    pub(crate) fn is_late_for_init(&self, serial: u32) -> bool {
        serial == self.stage_serial && self.stage == Stage::Starting
    }

    /// A part of the run has had its time: the one that was entered with this number.
    pub(crate) fn stage_end(
        &mut self,
        serial: u32,
        turn: &mut Turn<'_, '_>,
    ) -> Result<(), EngineError> {
        if serial != self.stage_serial {
            return Ok(());
        }
        match self.stage {
            Stage::Load => {
                self.end_load(turn);
                Ok(())
            }
            Stage::Healing => self.begin_final(turn),
            Stage::Final => {
                self.final_over = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// When the run will end, as far as is known.
    pub(crate) fn expected_end(&self, now: Time) -> Time {
        let load_end = self.load_began + Duration::from_nanos(self.plan.time_limit);
        let final_phase = self.workload.has_final() || self.plan.strict;
        let recovery = if final_phase { RECOVERY } else { Duration::ZERO };
        match self.stage {
            Stage::Starting | Stage::SettingUp | Stage::Load => load_end + recovery,
            Stage::Draining => now + recovery,
            Stage::Healing => self.load_ended + recovery,
            Stage::Final | Stage::Convergence | Stage::Over => now,
        }
    }

    // ---- set-up and load ----

    fn begin_setup(&mut self, turn: &mut Turn<'_, '_>) {
        self.workload.prepare(&self.plan);
        let node_count = self.plan.nodes.len();
        for number in 0..self.plan.concurrency as usize {
            self.add_worker(
                Worker { number, process: number as u32, node: number % node_count },
                turn,
            );
        }
        self.enter(Stage::SettingUp, None, turn);
        for number in 0..self.plan.concurrency {
            let state = &mut self.workers[number as usize];
            let worker = state.worker;
            let mut request = Vec::new();
            if self.workload.setup(&worker, &mut Call::new(&mut request, state.next_msg_id)) {
                self.outstanding += 1;
                self.call(number, None, request, turn);
            }
        }
        if self.outstanding == 0 {
            self.begin_load(turn);
        }
    }

    fn begin_load(&mut self, turn: &mut Turn<'_, '_>) {
        let now = turn.now;
        self.load_began = now;
        self.load_ended = now;
        self.enter(Stage::Load, Some(Duration::from_nanos(self.plan.time_limit)), turn);
        turn.effects.push(Effect::LoadBegins);
        self.idle = (0..self.plan.concurrency).collect();
        self.schedule_operation(now, turn);
    }

    /// Schedules the next operation, `from` when the last one was due.
    ///
    /// Gaps count from when an operation was due, not from when it was invoked, so that the real
    /// clock's delays do not add up; they do count from when a worker became free.
    fn schedule_operation(&mut self, from: Time, turn: &mut Turn<'_, '_>) {
        // Nodes are started, and nobody asks them anything.
        if self.plan.rate == 0.0 {
            return;
        }
        let number = self.next_operation;
        let mut random = self.key("gap").with(number).random();
        let gap = random.below(self.gap_bound + 1);
        turn.schedule(from + Duration::from_nanos(gap), Event::Invoke);
        self.due = from + Duration::from_nanos(gap);
    }

    /// The next operation is due.
    pub(crate) fn invoke_due(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), EngineError> {
        if self.stage != Stage::Load {
            return Ok(());
        }
        if self.idle.is_empty() {
            self.overdue = true;
            return Ok(());
        }
        self.invoke_next(self.due, turn)
    }

    fn invoke_next(&mut self, due: Time, turn: &mut Turn<'_, '_>) -> Result<(), EngineError> {
        let number = self.next_operation;
        self.next_operation += 1;
        self.overdue = false;
        let place = self
            .given_place(number)
            .unwrap_or_else(|| self.key("worker").with(number).random().index(self.idle.len()));
        let worker = self.idle[place];
        let view = self.workers[worker as usize].worker;
        let mut random = self.key("operation").with(number).random();
        let Some(invocation) = self.workload.next(&view, number, &mut random) else {
            self.end_load(turn);
            return Ok(());
        };
        // An operation left out is chosen all the same, so that the others stay what they are.
        if !self.plan.exceptions.skipped_operations.contains(&number) {
            self.idle.remove(place);
            self.begin_operation(worker, Phase::Load, invocation, turn)?;
        }
        self.schedule_operation(due, turn);
        Ok(())
    }

    /// Where the worker stands among the idle ones that an operation is given, if it is idle.
    fn given_place(&self, number: u64) -> Option<usize> {
        let workers = &self.plan.exceptions.workers;
        let given = workers.iter().find(|given| given.operation == number)?;
        self.idle.binary_search(&given.worker).ok()
    }

    /// Ends an operation, and finds the worker something else to do.
    fn complete(
        &mut self,
        worker: u32,
        position: usize,
        completion: Completion,
        turn: &mut Turn<'_, '_>,
    ) -> Result<(), EngineError> {
        let now = turn.now;
        let is_ok = matches!(completion, Completion::Ok(_));
        self.answered += u64::from(is_ok);
        self.ok_count += u64::from(is_ok);
        if matches!(completion, Completion::Info(_)) {
            let op = turn.recorder.history.operations[position].index;
            self.replace_process(worker, op, turn);
        }
        turn.recorder.complete(now, position, completion)?;
        match self.stage {
            Stage::Load => {
                let place = self.idle.partition_point(|other| *other < worker);
                self.idle.insert(place, worker);
                if self.overdue { self.invoke_next(now, turn) } else { Ok(()) }
            }
            Stage::Draining => {
                self.outstanding -= 1;
                if self.outstanding == 0 {
                    self.after_load(turn);
                }
                Ok(())
            }
            Stage::Final => self.next_final(worker, turn),
            Stage::Convergence => {
                if !is_ok && self.converges_again(worker, turn) {
                    return Ok(());
                }
                self.outstanding -= 1;
                if self.outstanding == 0 {
                    self.enter(Stage::Over, None, turn);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Ends the run if nothing was ever answered though there was time enough and no fault: more of
    /// it would only say so again.
    fn end_if_silent(&mut self, turn: &mut Turn<'_, '_>) {
        let since = self.load_began.max(self.healed);
        if self.answered > 0
            || self.stage != Stage::Load
            || !self.plan.limits.fail_fast
            || !turn.calm
            || turn.now.since(since) < SILENCE
        {
            return;
        }
        self.silent = true;
        self.load_ended = turn.now;
        self.enter(Stage::Over, None, turn);
    }

    // ---- end ----

    /// Ends the load; operations that have begun may end.
    pub(crate) fn end_load(&mut self, turn: &mut Turn<'_, '_>) {
        self.load_ended = turn.now;
        self.enter(Stage::Draining, None, turn);
        let busy = self.plan.concurrency as usize - self.idle.len();
        self.outstanding = busy;
        if busy == 0 {
            self.after_load(turn);
        }
    }

    fn after_load(&mut self, turn: &mut Turn<'_, '_>) {
        let converges = self.plan.strict && self.workload.converge().is_some();
        if self.workload.has_final() || converges {
            self.enter(Stage::Healing, Some(RECOVERY), turn);
        } else {
            self.enter(Stage::Over, None, turn);
        }
    }

    fn begin_final(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), EngineError> {
        self.enter(Stage::Final, self.workload.final_limit(), turn);
        self.outstanding = self.plan.concurrency as usize;
        for worker in 0..self.plan.concurrency {
            self.next_final(worker, turn)?;
        }
        Ok(())
    }

    /// Goes over to a worker's next final operation, after its pause.
    fn next_final(&mut self, worker: u32, turn: &mut Turn<'_, '_>) -> Result<(), EngineError> {
        let state = &mut self.workers[worker as usize];
        let (view, nth) = (state.worker, state.final_count);
        state.final_count += 1;
        let pause = self.workload.pause(&view, nth);
        if pause.is_zero() {
            return self.final_operation(worker, turn);
        }
        turn.schedule(turn.now + pause, Event::Final { worker });
        Ok(())
    }

    /// Begins a worker's final operation, if there is still one to do and time for it.
    pub(crate) fn final_operation(
        &mut self,
        worker: u32,
        turn: &mut Turn<'_, '_>,
    ) -> Result<(), EngineError> {
        if self.stage == Stage::Convergence {
            let read = self.workload.converge();
            let read = read.expect("it converges, or there would be no such stage");
            return self.begin_operation(worker, Phase::Convergence, read, turn);
        }
        let state = &self.workers[worker as usize];
        let (view, nth) = (state.worker, state.final_count - 1);
        let more = !self.final_over;
        match more.then(|| self.workload.last(&view, nth)).flatten() {
            Some(invocation) => self.begin_operation(worker, Phase::Final, invocation, turn),
            None => {
                self.outstanding -= 1;
                if self.outstanding == 0 { self.begin_convergence(turn) } else { Ok(()) }
            }
        }
    }

    /// Reads a node once more that has not answered, or has refused to, for whatever passes: a lost
    /// message, a conflict of transactions. False if it was asked often enough.
    fn converges_again(&mut self, worker: u32, turn: &mut Turn<'_, '_>) -> bool {
        let process = self.fresh_process();
        let state = &mut self.workers[worker as usize];
        state.final_count += 1;
        if state.final_count >= CONVERGENCE_READS_MAX {
            return false;
        }
        state.worker.process = process;
        turn.schedule(turn.now + CONVERGENCE_PAUSE, Event::Final { worker });
        true
    }

    fn begin_convergence(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), EngineError> {
        turn.recorder.stop_counting();
        let invocation = if self.plan.strict { self.workload.converge() } else { None };
        let Some(invocation) = invocation else {
            self.enter(Stage::Over, None, turn);
            return Ok(());
        };
        self.enter(Stage::Convergence, None, turn);
        let first_process = self.fresh_process();
        self.outstanding = self.plan.nodes.len();
        for node in 0..self.plan.nodes.len() {
            let number = self.workers.len();
            let process = first_process + node as u32;
            let worker = self.add_worker(Worker { number, process, node }, turn);
            self.begin_operation(worker, Phase::Convergence, invocation.clone(), turn)?;
        }
        Ok(())
    }
}
