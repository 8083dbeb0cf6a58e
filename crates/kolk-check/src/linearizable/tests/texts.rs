//! Texts that are set, made longer and read: against trying all orders, and generated.

use kolk_history::{Function, History, Open, Outcome, Story, Value};
use kolk_protocol::{Key, random::Random};

use crate::check::Validity;
use crate::linearizable::{Model, check};

/// A run on one text. What reads see is what a store held some time ago, which is right if they see
/// what it holds when they end; `doubt` is how often they do not. Texts are of one letter, so that
/// there are many ways to make one, or all different.
fn history(random: &mut Random, operations: usize, doubt: f64, unique: bool) -> History {
    let mut story = Story::new(0);
    let mut held = vec![String::new()];
    let mut open: Vec<(u32, Open, bool)> = Vec::new();
    let pair = |text: &str| Value::list(vec![Value::text("k"), Value::text(text)]);
    // An event a millisecond.
    let mut times = 1..;
    let mut now = || times.next().expect("there is no last one");
    while story.history.operations.len() < operations || !open.is_empty() {
        let process = random.below(4) as u32;
        let place = open.iter().position(|(other, ..)| *other == process);
        let Some(place) = place else {
            if story.history.operations.len() == operations {
                continue;
            }
            let letter = if random.chance(0.5) { "a" } else { "b" };
            let number = story.history.operations.len();
            let text = if unique { format!("{letter}{number} ") } else { letter.to_owned() };
            let (function, value) = match random.below(8) {
                0..4 => (Function::Append, pair(&text)),
                4 => (Function::Write, pair(&text)),
                _ => (Function::Read, Value::list(vec![Value::text("k"), Value::Null])),
            };
            let at = story.invoke(now(), process, function, value);
            open.push((process, at, false));
            continue;
        };
        let (_, at, is_done) = open[place];
        let operation = story.operation(at);
        let argument = operation.value.as_list().expect("a pair")[1].clone();
        let current = held.last().cloned().unwrap_or_default();
        match operation.function {
            Function::Read => {
                let seen = if random.chance(doubt) { random.choose(&held) } else { Some(&current) };
                let result = pair(seen.expect("some"));
                story.end(now(), at, Outcome::Ok, result);
                open.remove(place);
            }
            function if !is_done => {
                let text = argument.as_str().expect("a text");
                let is_append = function == Function::Append;
                held.push(if is_append { current + text } else { text.to_owned() });
                open[place].2 = true;
            }
            _ => {
                let known = random.chance(0.85);
                let outcome = if known { Outcome::Ok } else { Outcome::Info };
                let result = story.operation(at).value.clone();
                story.end(now(), at, outcome, result);
                open.remove(place);
            }
        }
    }
    story.history
}

/// Some order exists, by trying all.
fn exists(history: &History, taken: &mut Vec<bool>, text: &str) -> bool {
    let all = &history.operations;
    let left: Vec<usize> = (0..all.len()).filter(|at| !taken[*at]).collect();
    let first_end = left.iter().filter(|at| all[**at].is_ok());
    let Some(first_end) = first_end.map(|at| all[*at].completion_or_end()).min() else {
        return true;
    };
    left.into_iter().filter(|at| all[*at].index < first_end).any(|at| {
        let of = |value: &Value| {
            let text = value.as_list().expect("a pair")[1].clone();
            text.as_str().unwrap_or_default().to_owned()
        };
        let next = match all[at].function {
            Function::Read if of(&all[at].result) == text => text.to_owned(),
            Function::Read => return false,
            Function::Append => text.to_owned() + &of(&all[at].value),
            _ => of(&all[at].value),
        };
        taken[at] = true;
        let found = exists(history, taken, &next);
        taken[at] = false;
        found
    })
}

#[test]
fn agrees_with_trying_all_orders() {
    let mut counts = [0, 0];
    for seed in 0..4000 {
        let mut random = Key::new(31).with(seed).random();
        let history = history(&mut random, 8, 0.3, seed % 3 == 0);
        let expected = exists(&history, &mut vec![false; history.operations.len()], "");
        let check = check(&history, Model::Texts);
        assert_ne!(check.validity, Validity::Unknown);
        let found = check.validity == Validity::Valid;
        assert_eq!(found, expected, "seed {seed}: {check:#?} {:#?}", history.operations);
        counts[usize::from(expected)] += 1;
    }
    assert!(counts.iter().all(|count| *count > 500), "{counts:?}");
}

#[test]
fn what_is_linearizable_passes() {
    for seed in 0..10_000 {
        let mut random = Key::new(32).with(seed).random();
        let history = history(&mut random, 14, 0.0, seed % 2 == 0);
        let check = check(&history, Model::Texts);
        assert_eq!(check.validity, Validity::Valid, "seed {seed}: {check:#?}");
    }
}

#[test]
fn a_text_that_nothing_makes() {
    let text = "{:process 0 :type :invoke :f :append :key \"k\" :value \"ab\"}
                {:process 0 :type :ok :f :append :key \"k\" :value \"ab\"}
                {:process 0 :type :invoke :f :get :key \"k\"}
                {:process 0 :type :ok :f :get :key \"k\" :value \"abb\"}";
    let history = kolk_history::read(text.as_bytes(), Vec::new()).unwrap();
    let check = check(&history, Model::Texts);
    assert_eq!(check.anomalies[0].kind, "never-written");
    assert_eq!(
        check.anomalies[0].claim,
        "key \"k\": read \"abb\" of process 0 (operation 2) saw what nobody set"
    );
}
