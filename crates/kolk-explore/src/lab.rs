//! Where plans are carried out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kolk_history::Plan;

use crate::Observation;

/// Whoever can carry out plans.
pub trait Lab: Sync {
    /// Why a plan could not be carried out.
    type Error: Send;

    /// Carries out a plan; `detail` asks for its messages.
    ///
    /// # Errors
    ///
    /// [`Halt::Interrupted`] if it was stopped on its way, else why it could not be carried out.
    fn run(&self, plan: &Plan, detail: bool) -> Result<Observation, Halt<Self::Error>>;

    /// True once there has been enough: the time is up, or somebody wants to stop.
    fn is_over(&self) -> bool;

    /// How many plans are carried out side by side.
    fn cores(&self) -> usize {
        1
    }
}

/// Why there is nothing to be seen of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt<E> {
    /// It was stopped on its way.
    Interrupted,
    /// It could not be carried out.
    Failed(E),
}

/// Carries out plans side by side, and returns what was seen with each plan's place, in their
/// order. The first that is `enough` ends it: those behind it are left out, so that what is
/// returned does not depend on how many were carried out at once. Once the lab is over, some may be
/// missing.
///
/// # Errors
///
/// The first plan's, in their order, that could not be carried out.
pub fn run_all<L: Lab>(
    lab: &L,
    plans: &[Plan],
    detail: bool,
    enough: impl Fn(&Observation) -> bool + Sync,
) -> Result<Vec<(usize, Observation)>, L::Error> {
    let next = AtomicUsize::new(0);
    let last = AtomicUsize::new(plans.len());
    let seen = Mutex::new(Vec::new());
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= last.load(Ordering::Relaxed) || lab.is_over() {
                return;
            }
            let ran = match lab.run(&plans[place], detail) {
                Err(Halt::Interrupted) => return,
                Err(Halt::Failed(error)) => Err(error),
                Ok(observation) => Ok(observation),
            };
            if ran.as_ref().map_or(true, &enough) {
                last.fetch_min(place + 1, Ordering::Relaxed);
            }
            let Ok(mut seen) = seen.lock() else { return };
            seen.push((place, ran));
        }
    };
    let threads = lab.cores().min(plans.len());
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut seen = seen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    seen.sort_unstable_by_key(|(place, _)| *place);
    let last = last.into_inner();
    let seen = seen.into_iter().take_while(|(place, _)| *place < last);
    seen.map(|(place, ran)| ran.map(|ran| (place, ran))).collect()
}
