//! A machine that has other things to do.

use std::sync::atomic::{AtomicBool, Ordering};

/// Threads that do nothing but keep processors busy.
pub struct Load(&'static AtomicBool);

impl Load {
    /// They are busy until this is dropped.
    pub fn begin(threads: usize) -> Load {
        let is_over: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        for _ in 0..threads {
            std::thread::spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Load(is_over)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// How often a program is run that must give the same bytes each time: `KOLK_RUNS`, or ten times.
pub fn runs() -> usize {
    let asked = std::env::var("KOLK_RUNS").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(10)
}
