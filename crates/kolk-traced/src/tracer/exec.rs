//! A program that has just been executed: its entropy and its clock become ours.

use std::io;

use super::core::Core;
use super::memory::Memory;
use super::stop::{Stop, Way, go, registers, set_registers};
use super::task::{Number, Process};
use super::traps::ARCH_SET_CPUID;
use super::vdso;

/// Keys of the auxiliary vector.
const AT_IGNORE: u64 = 1;
const AT_RANDOM: u64 = 25;
const AT_SYSINFO_EHDR: u64 = 33;

impl Core {
    pub(super) fn take_number(&mut self) -> Number {
        self.next_number += 1;
        self.next_number - 1
    }

    /// Remembers a process; a child of vfork has its parent's address space.
    pub(super) fn add_process(
        &mut self,
        number: Number,
        pid: i32,
        parent: Number,
        space: Option<u32>,
    ) -> io::Result<()> {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        let gone = || io::Error::from(io::ErrorKind::NotFound);
        let space = space.unwrap_or_else(|| {
            self.next_space += 1;
            self.next_space
        });
        let process = Process {
            pid,
            memory: Memory::open(pid)?,
            pidfd: pidfd_open(Pid::from_raw(pid).ok_or_else(gone)?, PidfdFlags::empty())?,
            page: self.processes.get(&parent).map_or(0, |parent| parent.page),
            parent,
            space,
            is_exiting: false,
            is_stopped: false,
            vfork: None,
        };
        self.processes.insert(number, process);
        Ok(())
    }

    /// Sets up a program that has just been executed by a process: a new address space. Its first
    /// thread stands before the exit of `execve`, and after this at it.
    pub(super) fn set_up_program(&mut self, number: Number) {
        let Some(process) = self.processes.get_mut(&number) else { return };
        let pid = process.pid;
        process.page = 0;
        self.next_space += 1;
        process.space = self.next_space;
        match Memory::open(pid) {
            Ok(memory) => process.memory = memory,
            // It was killed; that shows when it is let go on.
            Err(_) => return,
        }
        let vector = AuxiliaryVector::read(pid);
        if let Some(address) = vector.value(AT_RANDOM) {
            let bytes = self.entropy(16);
            self.processes[&number].memory.write(address, &bytes);
        }
        let base = vector.value(AT_SYSINFO_EHDR);
        let is_ours = base.is_some_and(|base| self.take_over_clock(number, base).is_some());
        if !is_ours {
            // Without a vDSO every library asks the kernel, and that is traced.
            self.hide_vdso(number, &vector);
        }
    }

    /// Writes our clock over the vDSO's. `None` if that cannot be done.
    fn take_over_clock(&mut self, number: Number, base: u64) -> Option<()> {
        let pid = self.processes[&number].pid;
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
        let line = maps.lines().find(|line| line.ends_with("[vdso]"))?;
        let end = line.split(['-', ' ']).nth(1)?;
        let end = u64::from_str_radix(end, 16).ok()?;
        let length = usize::try_from(end.checked_sub(base)?).ok()?;
        let image = self.processes[&number].memory.bytes(base, length)?;
        let room = vdso::room(&image)?;
        let jumps = vdso::jumps(&image, base, room)?;
        let place = base + room as u64;
        // The call instruction is needed to get the page; the rest is written when it is there.
        let memory = &self.processes[&number].memory;
        if !memory.write(place, &vdso::code(0)) {
            return None;
        }
        let page = self.prepare(number, place + vdso::SYSCALL)?;
        let process = self.processes.get_mut(&number)?;
        process.page = page;
        process.memory.write(place, &vdso::code(page));
        for (address, bytes) in jumps {
            process.memory.write(address, &bytes);
        }
        self.write_clock(number);
        Some(())
    }

    /// Has the program make `cpuid` trap, where the processor can, and map a page, which is given;
    /// both by the call instruction at that address.
    fn prepare(&mut self, number: Number, syscall: u64) -> Option<u64> {
        let pid = self.processes[&number].pid;
        // To the exit of `execve` first, which sets its result.
        let mut step = || {
            go(pid, Way::ToExit, None);
            (self.wait(pid, Way::ToExit) == Stop::Exit).then(|| registers(pid))?
        };
        let saved = step()?;
        let mut call = |call: i64, arguments: [u64; 6]| {
            let mut regs = saved;
            regs.rip = syscall;
            regs.rax = call as u64;
            regs.orig_rax = u64::MAX;
            [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9] = arguments;
            set_registers(pid, regs);
            let entry = step();
            Some(entry.and_then(|_| step())?.rax)
        };
        // Where it cannot, programs may draw from the processor's random numbers, unseen.
        let _ = call(libc::SYS_arch_prctl, [ARCH_SET_CPUID, 0, 0, 0, 0, 0]);
        let rights = (libc::PROT_READ | libc::PROT_WRITE) as u64;
        let kind = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
        let page = call(libc::SYS_mmap, [0, 4096, rights, kind, u64::MAX, 0]);
        set_registers(pid, saved);
        // Errors are small negative numbers.
        page.filter(|page| *page < u64::MAX - 4096)
    }

    /// Takes the vDSO out of what the program is told at its start.
    fn hide_vdso(&self, number: Number, vector: &AuxiliaryVector) {
        let process = &self.processes[&number];
        let Some(regs) = registers(process.pid) else { return };
        // On the stack: the arguments' count and addresses, a zero, the environment's, a zero, and
        // then the vector.
        let mut at = regs.rsp;
        let mut zeros = 0;
        while zeros < 2 {
            at = at.wrapping_add(8);
            match process.memory.u64(at) {
                Some(0) => zeros += 1,
                Some(_) => {}
                None => return,
            }
        }
        for (key, _) in &vector.0 {
            at = at.wrapping_add(8);
            if *key == AT_SYSINFO_EHDR {
                process.memory.write(at, &AT_IGNORE.to_le_bytes());
            }
            at = at.wrapping_add(8);
        }
    }

    /// Writes the time into a process's page.
    pub(super) fn write_clock(&self, number: Number) {
        let process = &self.processes[&number];
        if process.page != 0 {
            process.memory.write(process.page, &vdso::words(self.wall(), self.up()));
        }
    }

    /// Lets time go on, up to there.
    pub(super) fn set_now(&mut self, now: u64) {
        if now > self.now {
            self.now = now;
            for number in self.processes.keys() {
                self.write_clock(*number);
            }
        }
    }
}

/// What the kernel tells a program at its start.
struct AuxiliaryVector(Vec<(u64, u64)>);

impl AuxiliaryVector {
    fn read(pid: i32) -> AuxiliaryVector {
        let bytes = std::fs::read(format!("/proc/{pid}/auxv")).unwrap_or_default();
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        let pairs = bytes.chunks_exact(16);
        AuxiliaryVector(pairs.map(|pair| (word(&pair[..8]), word(&pair[8..]))).collect())
    }

    fn value(&self, key: u64) -> Option<u64> {
        self.0.iter().find(|(found, _)| *found == key).map(|(_, value)| *value)
    }
}
