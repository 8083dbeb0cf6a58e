//! A program for the tests: Tokio with all its threads.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::{Instant, interval, sleep, timeout};

#[expect(clippy::disallowed_methods, reason = "the clock is traced")]
#[tokio::main(worker_threads = 3)]
async fn main() {
    let began = Instant::now();
    let say = move |words: String| println!("{words} {}", began.elapsed().as_nanos());
    tokio::spawn(async move {
        let mut ticks = interval(Duration::from_secs(1));
        ticks.tick().await;
        loop {
            ticks.tick().await;
            say("tick".into());
        }
    });
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        say(format!("echo {line}"));
        tokio::spawn(async move {
            let is_late = timeout(Duration::from_millis(250), sleep(Duration::from_secs(5))).await;
            say(format!("later {line} {}", is_late.is_err()));
            let blocking = tokio::task::spawn_blocking(|| {
                std::thread::sleep(Duration::from_millis(20));
                7
            });
            say(format!("blocking {:?}", blocking.await.ok()));
        });
    }
}
