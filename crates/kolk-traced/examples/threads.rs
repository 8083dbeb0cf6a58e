//! A program for the tests: threads, a channel with a time limit.

use std::io::BufRead;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the clock is traced")]
fn main() {
    let began = Instant::now();
    let say = move |words: String| println!("{words} {}", began.elapsed().as_nanos());
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(1));
            say("tick".into());
        }
    });
    let (sender, receiver) = mpsc::channel::<String>();
    thread::spawn(move || {
        loop {
            match receiver.recv_timeout(Duration::from_millis(700)) {
                Ok(line) => {
                    thread::sleep(Duration::from_millis(250));
                    say(format!("later {line}"));
                }
                Err(RecvTimeoutError::Timeout) => say("timeout".into()),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let order: std::collections::HashMap<u32, u32> =
            (0..5).map(|number| (number, number)).collect();
        say(format!("echo {line} {:?} {}", order.keys().collect::<Vec<_>>(), std::process::id()));
        sender.send(line).expect("a receiver");
    }
}
