//! Who is served: as many connections as there are places, and no slow client keeps another out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How long every connection has for its request before it can lose its place to another one.
const GRACE: Duration = Duration::from_secs(1);

/// The connections that are being served.
#[derive(Debug)]
pub struct Places {
    count: usize,
    began: Instant,
    guests: Vec<Guest>,
}

/// A connection that is being served.
#[derive(Debug)]
struct Guest {
    task: AbortHandle,
    asked: Asked,
}

/// When a connection asked for something the last time, or was made.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The server's beginning.
    began: Instant,
    /// In milliseconds since then.
    at: Arc<AtomicU64>,
}

impl Asked {
    /// It asks now.
    pub fn now(&self) {
        let since = self.began.elapsed().as_millis();
        self.at.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn is_older_than(&self, grace: Duration) -> bool {
        self.began.elapsed() > Duration::from_millis(self.at.load(Ordering::Relaxed)) + grace
    }
}

impl Places {
    /// So many places, all free.
    pub fn new(count: usize) -> Places {
        Places { count, began: Instant::now(), guests: Vec::new() }
    }

    /// True if one more connection can be served. If all places are taken, the connection whose
    /// last request is longest ago is ended, unless it has had less than a second.
    pub fn make_room(&mut self) -> bool {
        self.guests.retain(|guest| !guest.task.is_finished());
        if self.guests.len() < self.count {
            return true;
        }
        let asked = |guest: &Guest| guest.asked.at.load(Ordering::Relaxed);
        let oldest = (0..self.guests.len()).min_by_key(|place| asked(&self.guests[*place]));
        let Some(place) = oldest.filter(|place| self.guests[*place].asked.is_older_than(GRACE))
        else {
            return false;
        };
        self.guests.swap_remove(place).task.abort();
        true
    }

    /// What a new connection says its requests to.
    pub fn asked(&self) -> Asked {
        let asked = Asked { began: self.began, at: Arc::default() };
        asked.now();
        asked
    }

    /// Gives a place to a connection that has begun to be served.
    pub fn take(&mut self, task: AbortHandle, asked: Asked) {
        self.guests.push(Guest { task, asked });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three places. The one that has been silent longest loses its own, those that asked lately
    /// keep theirs, and what has ended takes no place.
    #[test]
    fn whoever_is_silent_longest_makes_room() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().expect("a runtime").block_on(async {
            let mut places = Places::new(3);
            let mut guests = Vec::new();
            for _ in 0..3 {
                assert!(places.make_room());
                let (task, asked) = (tokio::spawn(std::future::pending::<()>()), places.asked());
                places.take(task.abort_handle(), asked.clone());
                guests.push((task, asked));
            }
            assert!(!places.make_room(), "nobody has had a second");
            tokio::time::advance(Duration::from_millis(900)).await;
            guests[0].1.now();
            tokio::time::advance(Duration::from_millis(101)).await;
            guests[2].1.now();
            assert!(places.make_room());
            tokio::task::yield_now().await;
            let ended = |guests: &[(tokio::task::JoinHandle<()>, Asked)]| -> Vec<bool> {
                guests.iter().map(|guest| guest.0.is_finished()).collect()
            };
            assert_eq!(ended(&guests), [false, true, false]);
            places.take(tokio::spawn(async {}).abort_handle(), places.asked());
            tokio::task::yield_now().await;
            assert!(places.make_room(), "what has ended takes no place");
            assert_eq!(ended(&guests), [false, true, false]);
        });
    }
}
