//! Instructions that trap, because their answers would differ from run to run: those that read the
//! time-stamp counter, and the one that tells what the processor can do.

use raw_cpuid::CpuIdResult;
use raw_cpuid::native_cpuid::cpuid_count;

use super::core::Core;
use super::stop::{registers, set_registers};
use super::task::{Number, Regs};

const RDTSC: &[u8] = &[0x0f, 0x31];
const RDTSCP: &[u8] = &[0x0f, 0x01, 0xf9];
const CPUID: &[u8] = &[0x0f, 0xa2];

/// Requests to `arch_prctl`: whether `cpuid` is answered by the processor (1) or traps (0).
pub(super) const ARCH_SET_CPUID: u64 = 0x1012;

/// What is kept from programs, as bits of the answer (EAX, EBX, ECX and EDX) to each leaf, and to
/// each of its subleaves. Source: Intel 64 and IA-32 Architectures Software Developer's Manual,
/// volume 2A, CPUID.
const HIDDEN: &[(u32, [u32; 4])] = &[
    // The number of the processor it runs on; RDRAND.
    (0x01, [0, 0xff00_0000, 1 << 30, 0]),
    // HLE, RTM (whose transactions are aborted by interrupts) and RDSEED; WAITPKG (which waits for
    // the time-stamp counter) and RDPID (the processor's number).
    (0x07, [0, 1 << 4 | 1 << 11 | 1 << 18, 1 << 5 | 1 << 22, 0]),
    // The processor's number once more, beside how processors are grouped.
    (0x0b, [0, 0, 0, u32::MAX]),
    (0x1f, [0, 0, 0, u32::MAX]),
];

impl Core {
    /// Answers a thread that did what traps, if that is why it is about to get SIGSEGV.
    pub(super) fn answer_trap(&mut self, number: Number) -> bool {
        let thread = &self.threads[&number];
        let Some(mut regs) = registers(thread.tid) else { return false };
        let memory = &self.process_of(number).memory;
        // The last byte of a page may be followed by nothing.
        let is_at = |code: &[u8]| memory.bytes(regs.rip, code.len()).is_some_and(|at| at == code);
        let length = if is_at(RDTSC) {
            self.tell_time_stamp(&mut regs);
            RDTSC.len()
        } else if is_at(CPUID) {
            tell_abilities(&mut regs);
            CPUID.len()
        } else if is_at(RDTSCP) {
            self.tell_time_stamp(&mut regs);
            regs.rcx = 0;
            RDTSCP.len()
        } else {
            return false;
        };
        regs.rip += length as u64;
        set_registers(self.threads[&number].tid, regs);
        true
    }

    /// One tick a nanosecond, and one a reading, so that it never stands still.
    fn tell_time_stamp(&mut self, regs: &mut Regs) {
        self.timers.time_stamps += 1;
        let ticks = self.up() + self.timers.time_stamps;
        regs.rax = ticks & 0xffff_ffff;
        regs.rdx = ticks >> 32;
    }
}

/// Says what this processor can do, as far as programs may know.
fn tell_abilities(regs: &mut Regs) {
    let (leaf, subleaf) = (regs.rax as u32, regs.rcx as u32);
    let told = without_hidden(leaf, cpuid_count(leaf, subleaf));
    [regs.rax, regs.rbx, regs.rcx, regs.rdx] =
        [told.eax, told.ebx, told.ecx, told.edx].map(u64::from);
}

fn without_hidden(leaf: u32, answer: CpuIdResult) -> CpuIdResult {
    let hidden = HIDDEN.iter().find(|(found, _)| *found == leaf);
    let [eax, ebx, ecx, edx] = hidden.map_or([0; 4], |(_, bits)| *bits);
    CpuIdResult {
        eax: answer.eax & !eax,
        ebx: answer.ebx & !ebx,
        ecx: answer.ecx & !ecx,
        edx: answer.edx & !edx,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_and_the_processors_number_are_hidden() {
        let all = CpuIdResult { eax: u32::MAX, ebx: u32::MAX, ecx: u32::MAX, edx: u32::MAX };
        let told = |leaf| {
            let told = without_hidden(leaf, all);
            [told.eax, told.ebx, told.ecx, told.edx].map(|word| !word)
        };
        assert_eq!(told(0x01), [0, 0xff00_0000, 0x4000_0000, 0]);
        assert_eq!(told(0x07), [0, 0x0004_0810, 0x0040_0020, 0]);
        assert_eq!(told(0x0b), [0, 0, 0, u32::MAX]);
        assert_eq!(told(0x02), [0; 4], "what does not differ from run to run is told");
    }
}
