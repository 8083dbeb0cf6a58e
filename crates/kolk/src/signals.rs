//! Ctrl-C and SIGTERM: the first asks, the second insists.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::status::Status;

static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Begins to listen. The first signal makes [`stop_wanted`] true; the next one ends the program
/// on the spot.
pub fn listen() {
    let listening = ctrlc::set_handler(|| {
        if ASKED.fetch_add(1, Ordering::SeqCst) > 0 {
            // No node outlives kolk, not even now.
            let _killed = kolk_engine::kill_all_programs();
            std::process::exit(Status::Interrupted as i32);
        }
    });
    // Without a handler a signal still ends the program, only less politely.
    drop(listening);
}

/// True once a signal has come.
pub fn stop_wanted() -> bool {
    ASKED.load(Ordering::SeqCst) > 0
}
