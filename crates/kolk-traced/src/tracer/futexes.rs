//! Futexes: waiting until a word in memory is woken.
//!
//! They are emulated whole, in the order in which threads came to wait. The kernel's own part
//! remains at a thread's end, when it clears words: whoever waits for a word that has changed is
//! then woken, as futexes may be without reason.

use super::core::Core;
use super::task::{FutexKey, Number, Park, State};

/// Wakes whoever wakes with any bit.
pub(super) const ALL_BITS: u32 = u32::MAX;

impl Core {
    /// Which futex an address is.
    pub(super) fn futex_key(&self, number: Number, address: u64, is_private: bool) -> FutexKey {
        let process = self.process_of(number);
        let private = FutexKey::Private { space: process.space, address };
        if is_private {
            return private;
        }
        // What is not shared with another process is private all the same.
        shared_mapping(process.pid, address).unwrap_or(private)
    }

    /// Threads that wait for a futex, the longest first.
    fn futex_waiters(&self, wanted: FutexKey, wanted_bits: u32) -> Vec<Number> {
        let mut waiters: Vec<(u64, Number)> = self
            .threads
            .iter()
            .filter_map(|(number, thread)| match &thread.state {
                State::Parked(Park::Futex { key, bits, .. })
                    if *key == wanted && bits & wanted_bits != 0 =>
                {
                    Some((thread.since, *number))
                }
                _ => None,
            })
            .collect();
        waiters.sort_unstable();
        waiters.into_iter().map(|(_, number)| number).collect()
    }

    /// Wakes at most so many waiters, and gives how many it were.
    pub(super) fn wake_futex(&mut self, key: FutexKey, count: u32, bits: u32) -> i64 {
        let mut waiters = self.futex_waiters(key, bits);
        waiters.truncate(count as usize);
        for waiter in &waiters {
            self.complete(*waiter, 0);
        }
        waiters.len() as i64
    }

    /// Has at most so many waiters wait for another futex, and gives how many it were.
    pub(super) fn requeue_futex(&mut self, from: FutexKey, to: FutexKey, count: u32) -> i64 {
        let mut waiters = self.futex_waiters(from, ALL_BITS);
        waiters.truncate(count as usize);
        for waiter in &waiters {
            if let Some(thread) = self.threads.get_mut(waiter)
                && let State::Parked(Park::Futex { key, .. }) = &mut thread.state
            {
                *key = to;
            }
        }
        waiters.len() as i64
    }

    /// Wakes whoever waits for a word that is not any more what it was: the kernel has written to
    /// it.
    pub(super) fn wake_changed_futexes(&mut self) {
        let changed: Vec<Number> = self
            .threads
            .iter()
            .filter_map(|(number, thread)| {
                let State::Parked(Park::Futex { expected, .. }) = &thread.state else {
                    return None;
                };
                let word = self.process_of(*number).memory.u32(thread.regs.rdi);
                (word != Some(*expected)).then_some(*number)
            })
            .collect();
        for number in changed {
            self.complete(number, 0);
        }
    }
}

/// The file and offset behind an address that is shared with other processes.
fn shared_mapping(pid: i32, address: u64) -> Option<FutexKey> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    maps.lines().find_map(|line| parse_shared(line, address))
}

/// The same from one line of `/proc/PID/maps`:
/// `7f0000000000-7f0000001000 rw-s 00002000 00:01 1027 /dev/zero (deleted)`.
fn parse_shared(line: &str, address: u64) -> Option<FutexKey> {
    let mut words = line.split_ascii_whitespace();
    let (from, to) = words.next()?.split_once('-')?;
    let hex = |word: &str| u64::from_str_radix(word, 16).ok();
    let (from, to) = (hex(from)?, hex(to)?);
    if !(from..to).contains(&address) || !words.next()?.ends_with('s') {
        return None;
    }
    let offset = hex(words.next()?)?;
    let (major, minor) = words.next()?.split_once(':')?;
    let inode = words.next()?.parse().ok()?;
    Some(FutexKey::Shared {
        device: (hex(major)? << 32) | hex(minor)?,
        inode,
        offset: offset + (address - from),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_name_what_is_shared() {
        let shared = "7f00000000-7f00002000 rw-s 00001000 00:01 1027     /dev/zero (deleted)";
        let key = FutexKey::Shared { device: 1, inode: 1027, offset: 0x1010 };
        for (line, address, expected) in [
            (shared, 0x7f_0000_0010, Some(key)),
            (shared, 0x7f_0000_2000, None),
            (shared, 0x7e_ffff_ffff, None),
            ("7f00000000-7f00002000 rw-p 00000000 00:00 0", 0x7f_0000_0010, None),
            ("", 0, None),
        ] {
            assert_eq!(parse_shared(line, address), expected, "{line} {address:x}");
        }
    }
}
