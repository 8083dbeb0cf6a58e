//! The memory of a traced process, through `/proc/PID/mem`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;

/// The memory of a process. It stays that of the program it was opened for: after an exec it must
/// be opened anew.
#[derive(Debug)]
pub(super) struct Memory(File);

/// What a pointer to a `timespec` or the like points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// No pointer: no limit.
    None,
    /// So many nanoseconds.
    Nanos(u64),
    /// Something the kernel refuses, or no memory.
    Invalid,
}

impl Memory {
    pub(super) fn open(pid: i32) -> io::Result<Memory> {
        OpenOptions::new().read(true).write(true).open(format!("/proc/{pid}/mem")).map(Memory)
    }

    /// So many bytes, if they are all there.
    pub(super) fn bytes(&self, address: u64, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.0.read_exact_at(&mut bytes, address).ok()?;
        Some(bytes)
    }

    pub(super) fn array<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact_at(&mut bytes, address).ok()?;
        Some(bytes)
    }

    pub(super) fn u32(&self, address: u64) -> Option<u32> {
        self.array(address).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&self, address: u64) -> Option<u64> {
        self.array(address).map(u64::from_le_bytes)
    }

    /// True if all of it could be written.
    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> bool {
        self.0.write_all_at(bytes, address).is_ok()
    }

    /// Two signed 64-bit words: seconds, and `unit`s of nanoseconds.
    pub(super) fn span(&self, address: u64, unit: u64) -> Span {
        if address == 0 {
            return Span::None;
        }
        let words = (self.u64(address), self.u64(address.wrapping_add(8)));
        let (Some(seconds), Some(fraction)) = words else { return Span::Invalid };
        if (seconds as i64) < 0 || fraction >= 1_000_000_000 / unit {
            return Span::Invalid;
        }
        Span::Nanos(seconds.saturating_mul(1_000_000_000).saturating_add(fraction * unit))
    }

    /// The other way round.
    pub(super) fn write_span(&self, address: u64, nanos: u64, unit: u64) -> bool {
        self.write(address, &span_bytes(nanos, unit))
    }
}

/// Seconds, and `unit`s of nanoseconds, as two words.
pub(super) fn span_bytes(nanos: u64, unit: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(nanos / 1_000_000_000).to_le_bytes());
    bytes[8..].copy_from_slice(&(nanos % 1_000_000_000 / unit).to_le_bytes());
    bytes
}
