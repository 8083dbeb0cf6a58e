//! What is shown while a run lasts.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kolk_engine::{Flow, Observer, Progress};

use crate::signals;

/// A bar on standard error, hidden where that is no terminal; it also carries a signal's wish to
/// stop to the engine.
pub struct Bar {
    bar: ProgressBar,
    next_drawing: Instant,
}

/// How long a drawing stays. On the virtual clock the engine reports far more often.
const DRAWING_LASTS: Duration = Duration::from_millis(80);

#[expect(clippy::disallowed_methods, reason = "people's eyes are on the machine's clock")]
fn now() -> Instant {
    Instant::now()
}

impl Bar {
    /// A bar for one run; `hidden` if nothing should be drawn.
    pub fn new(label: impl Into<String>, hidden: bool) -> Bar {
        // indicatif hides the bar itself where standard error is no terminal.
        let target = if hidden {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(10)
        };
        let bar = ProgressBar::with_draw_target(Some(1), target);
        let style = ProgressStyle::with_template("{prefix} {bar:24.cyan/dim} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╸─"));
        bar.set_prefix(label.into());
        // Short runs are over before anything would be seen.
        Bar { bar, next_drawing: now() + DRAWING_LASTS }
    }

    /// Shows how many of a number of runs are over.
    pub fn count(&self, done: usize, of: usize) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(format!("{done} of {of} seeds"));
    }

    /// Shows how far something has come, in words too; `text` is called if it is drawn.
    pub fn place(&self, place: u64, length: u64, text: impl FnOnce() -> String) {
        if !self.bar.is_hidden() {
            self.bar.set_length(length);
            self.bar.set_position(place.min(length));
            self.bar.set_message(text());
        }
    }

    /// Shows what goes on.
    pub fn tell(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Bar {
    fn progress(&mut self, progress: &Progress<'_>) -> Flow {
        if signals::stop_wanted() {
            return Flow::Stop;
        }
        if !self.bar.is_hidden() && now() >= self.next_drawing {
            self.next_drawing = now() + DRAWING_LASTS;
            self.bar.set_length(progress.end.as_millis().max(1));
            self.bar.set_position(progress.now.as_millis());
            let seconds = progress.now.as_secs_f64();
            let rate = if seconds > 0.0 { progress.invoked as f64 / seconds } else { 0.0 };
            self.bar.set_message(kolk_report::progress::line(&kolk_report::progress::Facts {
                now: Duration::from_nanos(progress.now.as_nanos()),
                end: Duration::from_nanos(progress.end.as_nanos()),
                stage: progress.stage,
                invoked: progress.invoked,
                ok: progress.ok,
                rate,
                faults: progress.faults,
            }));
        }
        Flow::Continue
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.finish();
    }
}
