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
