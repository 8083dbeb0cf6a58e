//! Runs a program on the virtual clock, by a script: for tests of this crate, and to look into what
//! a program does.
//!
//!     kolk-traced [--until MS] [--seed N] [--shuffled] [--script FILE] -- PROGRAM [ARG…]
//!
//! A script has a line for each line of input: when it comes, in milliseconds, and what it says.
//! Each line that the program writes is printed with the time at which it wrote it.

use std::io::Write;
use std::process::ExitCode;

use kolk_traced::{Ended, Order, Settings, Traced, Tracer};

fn main() -> ExitCode {
    kolk_traced::launch_if_asked();
    match run() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("kolk-traced: {error}");
            ExitCode::from(254)
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (mut until, mut seed, mut order, mut script) = (60_000, 0, Order::Fair, String::new());
    let mut patience = 5000;
    let program = loop {
        let mut value = || args.next().ok_or("a flag without its value");
        match value()?.as_str() {
            "--until" => until = value()?.parse()?,
            "--seed" => seed = value()?.parse()?,
            "--patience" => patience = value()?.parse()?,
            "--script" => script = std::fs::read_to_string(value()?)?,
            "--shuffled" => order = Order::Shuffled,
            "--" => break value()?,
            other => return Err(format!("unknown flag {other}").into()),
        }
    };
    let lines: Vec<(u64, String)> = script
        .lines()
        .map(|line| {
            let (at, text) = line.split_once(' ').unwrap_or((line, ""));
            Ok((at.parse::<u64>()? * 1_000_000, format!("{text}\n")))
        })
        .collect::<Result<_, std::num::ParseIntError>>()?;
    let mut settings = Settings::new(program);
    settings.args = args.map(Into::into).collect();
    settings.seed = seed;
    settings.order = order;
    settings.patience = std::time::Duration::from_millis(patience);
    let tracer = Tracer::new(|| false)?;
    let mut traced = Traced::spawn(&tracer, settings)?;
    let mut lines = lines.into_iter().peekable();
    let mut partial = Vec::new();
    let mut out = std::io::stdout().lock();
    let mut step = traced.step(0, b"")?;
    let status = loop {
        partial.extend_from_slice(&step.output);
        while let Some(end) = partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = partial.drain(..=end).collect();
            let now = traced.now();
            write!(out, "[{:>3}.{:09}] ", now / 1_000_000_000, now % 1_000_000_000)?;
            out.write_all(&line)?;
        }
        if let Some(ended) = step.ended {
            writeln!(out, "ended: {ended:?}")?;
            break match ended {
                Ended::Exit(status) => ExitCode::from(status as u8),
                Ended::Signal(_) => ExitCode::from(255),
            };
        }
        let input = lines.peek().map(|(at, _)| *at);
        let Some(next) = step.wake_at.into_iter().chain(input).min() else {
            break ExitCode::SUCCESS;
        };
        if next > until * 1_000_000 {
            break ExitCode::SUCCESS;
        }
        let input = lines.next_if(|(at, _)| *at == next).map(|(_, line)| line);
        step = traced.step(next, input.unwrap_or_default().as_bytes())?;
    };
    for (cause, count) in traced.fell_through().iter() {
        eprintln!("not repeatable: {}", cause.describe(count));
    }
    Ok(status)
}
