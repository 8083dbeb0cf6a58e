//! Nodes in this process, on the virtual clock.

use kolk_node::storage::{Disk, DiskEvent, Record};
use kolk_node::{Input, Machine, Outputs};
use kolk_protocol::Time;

use super::{Given, Host, HostFailure, INIT_TIMEOUT, Nature};
use crate::run::EngineError;

/// Machines that are called, each with a disk of its own.
pub(crate) struct InProcessHost<'a> {
    machines: Vec<Box<dyn Machine>>,
    /// What each has stored.
    disks: Vec<Disk>,
    /// Makes the machine of a node that is started again.
    make: &'a dyn Fn(usize) -> Box<dyn Machine>,
}

impl<'a> InProcessHost<'a> {
    /// These machines; `make` makes those of nodes that are started again.
    pub(crate) fn new(
        mut machines: Vec<Box<dyn Machine>>,
        make: &'a dyn Fn(usize) -> Box<dyn Machine>,
    ) -> InProcessHost<'a> {
        let disks: Vec<Disk> = machines.iter().map(|_| Disk::new()).collect();
        for (machine, disk) in machines.iter_mut().zip(&disks) {
            machine.attach(disk.clone());
        }
        InProcessHost { machines, disks, make }
    }
}

impl Host for InProcessHost<'_> {
    fn nature(&self) -> Nature {
        Nature {
            is_virtual: true,
            offers_lockstep: true,
            is_concurrent: false,
            init_patience: INIT_TIMEOUT,
            step_patience: None,
            patience_flag: None,
        }
    }

    /// A step is one call, made at its end.
    fn begin(&mut self, _: u16, _: Given<'_>) {}

    fn finish(
        &mut self,
        node: u16,
        given: Given<'_>,
        outputs: &mut Outputs,
        _: &mut Vec<u8>,
    ) -> Result<Option<Time>, HostFailure> {
        let machine = &mut self.machines[usize::from(node)];
        Ok(match given.message {
            Some((src, body)) => machine.message(given.now, src, body, outputs),
            None => machine.step(given.now, Input::Wake, outputs),
        })
    }

    /// A machine that is down is only never stepped again.
    fn kill(&mut self, _: u16) -> Vec<u8> {
        Vec::new()
    }

    fn lose_power(&mut self, node: u16, seed: u64) -> Result<(), EngineError> {
        self.disks[usize::from(node)].lose_power(seed);
        Ok(())
    }

    fn syncs(&mut self, node: u16) -> u64 {
        self.disks[usize::from(node)].syncs()
    }

    fn watch_disks(&mut self) {
        self.disks.iter().for_each(Disk::watch);
    }

    fn disk_events(&mut self, node: u16) -> Vec<DiskEvent> {
        self.disks[usize::from(node)].take_events()
    }

    fn disturb_disk(&mut self, node: u16, fault: Record) -> Result<(), EngineError> {
        self.disks[usize::from(node)].disturb(fault);
        Ok(())
    }

    fn harms(&mut self, node: u16) -> u64 {
        self.disks[usize::from(node)].harms()
    }

    fn restart(&mut self, node: u16, _: u64) -> Result<(), EngineError> {
        let number = usize::from(node);
        self.machines[number] = (self.make)(number);
        self.machines[number].attach(self.disks[number].clone());
        Ok(())
    }
}
