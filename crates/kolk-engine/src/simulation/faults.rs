//! Faults of the plan: what begins and ends, and those that wait for an event.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use kolk_history::Value;
use kolk_history::plan::{ClockChange, DiskHarm, FaultKind, Targets, TriggerEvent};
use kolk_history::summary::ViolationKind;
use kolk_node::storage::Record;
use kolk_protocol::{Key, Time};

use super::{Simulation, lives};
use crate::course::Stage;
use crate::endpoint::Endpoint;
use crate::host::HostFailure;
use crate::queue::Event;
use crate::run::EngineError;
use crate::triggers::is_for_leader;

/// What to do about two leaders in a term.
const TWO_LEADERS: &str = "a node has one vote in a term, which it must know again after it was \
                           killed or lost its power: sync it before the answer; and a leader has \
                           votes of a majority, its own once";

impl Simulation<'_> {
    /// The load begins, and with it the time of the faults that have one.
    pub(super) fn schedule_faults(&mut self) {
        let (now, plan) = (self.now(), Rc::clone(&self.plan));
        let with_time = plan.faults.iter().enumerate().filter(|(_, fault)| fault.on.is_none());
        for (number, fault) in with_time {
            let at = |nanos| now + Duration::from_nanos(nanos);
            self.queue.push(at(fault.begin), Event::FaultBegin(number as u32));
            self.queue.push(at(fault.end.min(plan.time_limit)), Event::FaultEnd(number as u32));
        }
    }

    /// Begins or ends one reason for `dest` not to hear `src`.
    pub(crate) fn network_block(&mut self, src: u16, dest: u16, begin: bool) {
        self.network.block(src, dest, begin);
    }

    /// Ends all faults that are open.
    pub(super) fn heal(&mut self) -> Result<(), EngineError> {
        let open: Vec<u32> = self.open_faults.iter().map(|(number, _)| *number).collect();
        open.into_iter().try_for_each(|number| self.fault(number, false))
    }

    /// Takes what nodes have written to their stderr until now, and has it stored.
    pub(crate) fn look_at_logs(&mut self) {
        self.logs.look(self.queue.now());
        // On the virtual clock each step ends with it.
        if !self.hosts.is_virtual() {
            for node in 0..self.plan.nodes.len() as u16 {
                self.read_log(node, b"");
            }
        }
        self.logs.flush();
        self.node_events.flush();
    }

    /// Reads what a node has written to its stderr; `text` is what one has logged that runs in this
    /// process.
    pub(crate) fn read_log(&mut self, node: u16, text: &[u8]) {
        let mut fresh = Cow::Borrowed(text);
        if text.is_empty() {
            fresh = Cow::Owned(self.logs.fresh(node));
        }
        while !fresh.is_empty() {
            for line in self.lines.ended(node, &fresh) {
                self.read_log_line(node, &line);
            }
            fresh = Cow::Owned(self.logs.fresh(node));
        }
    }

    fn read_log_line(&mut self, node: u16, line: &[u8]) {
        let said = self.leaders.take(node, line);
        if let Some((term, first)) = said.beside {
            self.second_leader(node, first, term, line);
        }
        if self.course.stage != Stage::Load {
            return;
        }
        let name = self.directory.name(Endpoint::Node(node));
        let fired = self.triggers.written(name, line);
        fired.into_iter().for_each(|number| self.come(number, node));
        if said.begins {
            self.leads(node);
        }
    }

    /// A node begins to lead, or leads when the load begins.
    fn leads(&mut self, node: u16) {
        self.leader_count += 1;
        let fired = self.triggers.leads(self.directory.name(Endpoint::Node(node)));
        fired.into_iter().for_each(|number| self.come(number, node));
    }

    /// The load has begun: whoever leads already is the first of its leaders.
    pub(crate) fn leads_already(&mut self) {
        if let Some(node) = self.leaders.leading() {
            self.leads(node);
        }
    }

    /// Two nodes say that they lead in the same term. The run goes on: what comes of that shows
    /// better than the fact.
    fn second_leader(&mut self, node: u16, first: u16, term: u64, line: &[u8]) {
        let first = self.directory.name(Endpoint::Node(first));
        let problem = format!("says that it leads term {term}, as {first} has before");
        let failure = HostFailure::plain(ViolationKind::TwoLeaders, problem, TWO_LEADERS.into());
        let line = String::from_utf8_lossy(line);
        self.record_violation(node, failure.with_line(&line, None));
    }

    /// Records what has happened to a node's disk.
    pub(super) fn note_disk(&mut self, node: u16) {
        if !self.node_events.are_wanted() {
            return;
        }
        let (now, name) = (self.now(), self.directory.name(Endpoint::Node(node)));
        for event in self.hosts.host().disk_events(node) {
            self.node_events.push_disk(now, name, event);
        }
    }

    pub(super) fn count_syncs(&mut self, node: u16) {
        if self.triggers.wants_syncs() {
            let name = self.directory.name(Endpoint::Node(node));
            let fired = self.triggers.synced(node, name, self.hosts.host().syncs(node));
            fired.into_iter().for_each(|number| self.come(number, node));
        }
    }

    /// The node that a message is an event of: the one that it is from, unless only the other end
    /// is named, or is a node.
    pub(super) fn node_of_message(&self, number: u32, (src, dest): (Endpoint, Endpoint)) -> u16 {
        let on = self.plan.faults[number as usize].on.as_ref().map(|on| &on.event);
        let is_receiver = matches!(on, Some(TriggerEvent::Message { from: None, to: Some(_), .. }));
        match (src, dest) {
            (_, Endpoint::Node(node)) if is_receiver => node,
            (Endpoint::Node(node), _) | (_, Endpoint::Node(node)) => node,
            _ => 0,
        }
    }

    /// The event has come that a fault waited for, and it was this node's.
    pub(super) fn come(&mut self, number: u32, node: u16) {
        if self.course.stage != Stage::Load || self.course.full {
            return;
        }
        let plan = Rc::clone(&self.plan);
        let fault = &plan.faults[number as usize];
        let last = self.course.load_began + Duration::from_nanos(plan.time_limit);
        let [begin, end] = [fault.begin, fault.end]
            .map(|after| (self.now() + Duration::from_nanos(after)).min(last));
        if begin >= last {
            return;
        }
        self.triggers.come(&plan, number, &plan.nodes[usize::from(node)], (begin, end));
        self.queue.push(begin, Event::FaultBegin(number));
        self.queue.push(end, Event::FaultEnd(number));
    }

    /// What a fault is that begins now: one that is meant for the leader finds it here. `None` if
    /// it hits nobody.
    fn kind_of(&mut self, number: u32, begin: bool) -> Option<FaultKind> {
        let plan = Rc::clone(&self.plan);
        let fault = &plan.faults[number as usize];
        let is_for_leader = is_for_leader(&fault.kind);
        if is_for_leader && begin && fault.on.is_none() {
            let node = self.leaders.latest()?;
            let end = self.course.load_began + Duration::from_nanos(fault.end);
            let name = &plan.nodes[usize::from(node)];
            self.triggers.come(&plan, number, name, (self.now(), end));
        }
        if is_for_leader || fault.on.is_some() {
            return self.triggers.came(number).map(|came| came.kind.clone());
        }
        Some(fault.kind.clone())
    }

    /// When a fault begins and ends.
    fn fault_times(&self, number: u32) -> (Time, Time) {
        if let Some(came) = self.triggers.came(number) {
            return (Time::from_nanos(came.begin), Time::from_nanos(came.end));
        }
        let fault = &self.plan.faults[number as usize];
        [fault.begin, fault.end.min(self.plan.time_limit)]
            .map(|nanos| self.course.load_began + Duration::from_nanos(nanos))
            .into()
    }

    pub(super) fn fault(&mut self, number: u32, begin: bool) -> Result<(), EngineError> {
        // Faults of a load that was ended early have been healed, and no more begin.
        if self.course.full && (begin || !self.open_faults.iter().any(|(open, _)| *open == number))
        {
            return Ok(());
        }
        let Some(kind) = self.kind_of(number, begin) else { return Ok(()) };
        let (shape, blocked) = match &kind {
            FaultKind::Partition { shape, blocked } => (shape, blocked),
            FaultKind::Slow { links, factor } => return self.slow(number, links, *factor, begin),
            FaultKind::Loss { probability } => {
                self.network.lose((*probability).into(), begin);
                let value = Value::text(probability.to_string());
                let words = format!("loss ({probability})");
                return self.mark_fault(number, "loss", &words, value, begin);
            }
            FaultKind::Duplication { probability } => {
                self.network.duplicate((*probability).into(), begin);
                let value = Value::text(probability.to_string());
                let words = format!("duplication ({probability})");
                return self.mark_fault(number, "duplication", &words, value, begin);
            }
            FaultKind::Clog { links, every } => return self.clog(number, links, *every, begin),
            FaultKind::Clock { targets, change } => {
                return self.disturb_clocks(number, targets, *change, begin);
            }
            FaultKind::Disk { targets, harm } => {
                return self.disturb_disks(number, targets, *harm, begin);
            }
            FaultKind::Power(targets) if begin => return self.power(number, targets),
            FaultKind::Power(targets) => return self.start_again(number, targets),
            FaultKind::Kill(targets) if begin => return self.kill(number, targets),
            FaultKind::Kill(targets) => return self.start_again(number, targets),
            FaultKind::Pause(targets) if begin => return self.pause(number, targets),
            FaultKind::Pause(targets) => return self.resume(number, targets),
        };
        for (src, dest) in self.link_ends(blocked)? {
            self.network.block(src, dest, begin);
        }
        let words = format!("partition ({shape})");
        self.mark_fault(number, "partition", &words, describe_cut(shape, blocked), begin)
    }

    /// Notes and records that a fault begins or ends; `value` is what its beginning says in the
    /// history.
    fn mark_fault(
        &mut self,
        number: u32,
        name: &str,
        words: &str,
        value: Value,
        begin: bool,
    ) -> Result<(), EngineError> {
        let (function, value) = if begin {
            self.open_faults.push((number, words.to_owned()));
            (format!("start-{name}"), value)
        } else {
            self.close_fault(number);
            (format!("stop-{name}"), Value::Null)
        };
        self.recorder.fault(self.now(), function, value)
    }

    /// Has links stand still but for a wave every so many nanoseconds, or ends that.
    fn clog(
        &mut self,
        number: u32,
        links: &BTreeMap<String, Vec<String>>,
        every: u64,
        begin: bool,
    ) -> Result<(), EngineError> {
        if begin {
            let ends = self.link_ends(links)?;
            let times = self.fault_times(number);
            self.network.clog(number, &ends, times, Duration::from_nanos(every));
        } else {
            self.network.unclog(number);
        }
        let value = describe_cut("in waves", links);
        self.mark_fault(number, "clog", "clogged links", value, begin)
    }

    /// Has the clocks of nodes go wrong, or sets them right.
    fn disturb_clocks(
        &mut self,
        number: u32,
        targets: &Targets,
        change: ClockChange,
        begin: bool,
    ) -> Result<(), EngineError> {
        let now = self.now();
        for node in self.targets(targets)? {
            if begin {
                self.clocks.disturb(node, now, number, change);
            } else if let Some((at, generation)) = self.clocks.relieve(node, now, number) {
                self.queue.push(at, Event::ClockRight { node, generation });
            }
            self.alarm_again(node);
        }
        let what = match change {
            ClockChange::Jump(ahead) => format!("{} s ahead", ahead as f64 / 1e9),
            ClockChange::Speed(speed) => format!("{speed} times as fast"),
        };
        let names = targets.nodes.join(", ");
        let value = Value::list(vec![Value::text(what.as_str()), lives::names(targets)]);
        self.mark_fault(number, "clock", &format!("clock of {names} {what}"), value, begin)
    }

    /// Has the disks of nodes be at fault, or ends that.
    fn disturb_disks(
        &mut self,
        number: u32,
        targets: &Targets,
        harm: DiskHarm,
        begin: bool,
    ) -> Result<(), EngineError> {
        for node in self.targets(targets)? {
            if begin {
                self.open_harm(number, node);
            }
            let record = match harm {
                DiskHarm::Failing => Record::Failing(begin),
                DiskHarm::Full => Record::Full(begin),
                // What was overwritten stays so.
                DiskHarm::Corrupt if !begin => continue,
                DiskHarm::Corrupt => {
                    // Drawn by fault and node, so that the others' losses stay as they are.
                    let name = self.directory.name(Endpoint::Node(node));
                    let key = Key::new(self.plan.seed).with_name("corrupt").with_name(name);
                    Record::Corrupt(self.fate(key, number))
                }
            };
            self.hosts.host().disturb_disk(node, record)?;
            self.note_disk(node);
        }
        if !begin {
            self.close_harms(Some(number));
        }
        let value = Value::list(vec![Value::text(harm.name()), lives::names(targets)]);
        let words = format!("disk of {} {}", targets.nodes.join(", "), harm.name());
        self.mark_fault(number, "disk", &words, value, begin)
    }

    /// Makes links slow, or as they were.
    fn slow(
        &mut self,
        number: u32,
        links: &BTreeMap<String, Vec<String>>,
        factor: u32,
        begin: bool,
    ) -> Result<(), EngineError> {
        for (src, dest) in self.link_ends(links)? {
            self.network.slow(src, dest, factor, begin);
        }
        let value = describe_cut(&format!("{factor} times slower"), links);
        self.mark_fault(number, "slow", &format!("slow links (×{factor})"), value, begin)
    }

    /// The ends of links, senders first, that are given as for each receiver its senders.
    fn link_ends(
        &self,
        links: &BTreeMap<String, Vec<String>>,
    ) -> Result<Vec<(u16, u16)>, EngineError> {
        let pairs = links
            .iter()
            .flat_map(|(receiver, senders)| senders.iter().map(move |sender| (sender, receiver)));
        pairs
            .map(|(sender, receiver)| {
                match (self.directory.find(sender), self.directory.find(receiver)) {
                    (Some(Endpoint::Node(src)), Some(Endpoint::Node(dest))) => Ok((src, dest)),
                    _ => Err(EngineError::BadPlan(format!(
                        "the plan has a fault between `{sender}` and `{receiver}`, and both must \
                         be nodes"
                    ))),
                }
            })
            .collect()
    }

    pub(super) fn close_fault(&mut self, number: u32) {
        self.open_faults.retain(|(open, _)| *open != number);
        self.course.healed = self.now();
    }
}

/// A partition as histories show it: its shape, and whom each node does not hear.
fn describe_cut(shape: &str, blocked: &BTreeMap<String, Vec<String>>) -> Value {
    let unheard = blocked.iter().map(|(receiver, senders)| {
        let senders = senders.iter().map(|sender| Value::text(sender.as_str())).collect();
        (Value::text(receiver.as_str()), Value::list(senders))
    });
    Value::list(vec![Value::text(shape), Value::map(unheard.collect())])
}
