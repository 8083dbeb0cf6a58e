//! A lock, as Knossos has it: taken when it is free, given back when it is held, by whomever.

use kolk_history::{Function, History, Outcome};

use super::{Step, Task, judge};
use crate::check::Check;
use crate::tree::{count, key};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Acquire,
    Release,
}

const STEP: &Step<'static, bool, Act> = &|is_held: &bool, act: Act| match (act, *is_held) {
    (Act::Acquire, false) => Some(true),
    (Act::Release, true) => Some(false),
    _ => None,
};

fn tasks(history: &History) -> Vec<Task<Act>> {
    let counted = history.counted().filter(|op| op.outcome != Outcome::Fail);
    let task = |op: &kolk_history::Operation| {
        let act = match op.function {
            Function::Acquire => Act::Acquire,
            Function::Release => Act::Release,
            _ => return None,
        };
        let end = if op.is_ok() { op.completion_or_end() } else { u32::MAX };
        Some(Task { index: op.index, begin: op.index, end, act })
    };
    counted.filter_map(task).collect()
}

/// Checks that a lock, which is free in the beginning, is linearizable: what failed did not happen,
/// and of what is not known either is possible.
///
/// ```
/// let history = "
///     {:process 0 :type :invoke :f :acquire} {:process 0 :type :ok :f :acquire}
///     {:process 1 :type :invoke :f :acquire} {:process 1 :type :ok :f :acquire}";
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// let check = kolk_check::objects::mutex::check(&history);
/// assert_eq!(check.anomalies[0].kind, "not-linearizable");
/// ```
pub fn check(history: &History) -> Check {
    let mut check = Check::new("workload");
    let tasks = tasks(history);
    if tasks.iter().all(|task| task.end == u32::MAX) {
        check.checked_nothing("nothing was acknowledged");
    }
    check.results = vec![(key(&"operation-count"), count(tasks.len()))];
    let text = |is_held: &bool| if *is_held { "held" } else { "free" }.to_owned();
    judge(&mut check, "the lock", false, tasks, STEP, text);
    check
}

#[cfg(test)]
mod tests {
    use kolk_protocol::Key;

    use super::super::tests::by_definition;
    use super::*;
    use crate::check::Validity;

    #[test]
    fn locks_are_judged_as_defined() {
        let mut seen = [0, 0];
        for seed in 0..2000 {
            let mut random = Key::new(seed).random();
            let mut text = String::new();
            let mut open: [Option<&str>; 4] = [None; 4];
            for _ in 0..4 + random.index(11) {
                let process = random.index(4);
                let (kind, what) = match open[process].take() {
                    None => {
                        let what = *random.choose(&["acquire", "release"]).expect("one");
                        open[process] = Some(what);
                        ("invoke", what)
                    }
                    Some(what) => {
                        (*random.choose(&["ok", "ok", "fail", "info"]).expect("one"), what)
                    }
                };
                text += &format!("{{:process {process} :type :{kind} :f :{what}}}\n");
            }
            let history =
                kolk_history::jepsen::read(text.as_bytes(), Vec::new()).expect("a history");
            let is_valid = by_definition(&false, &tasks(&history), STEP);
            let found = check(&history).validity;
            assert_eq!(found == Validity::Valid, is_valid, "{text}");
            seen[usize::from(is_valid)] += 1;
        }
        assert!(seen.iter().all(|count| *count > 300), "{seen:?}");
    }

    /// What is open for good does not make the search wide.
    #[test]
    fn many_of_unknown_outcome() {
        let mut text = String::new();
        for process in 0..600 {
            let what = if process % 2 == 0 { "acquire" } else { "release" };
            text += &format!("{{:process {process} :type :invoke :f :{what}}}\n");
        }
        for _ in 0..40 {
            for what in ["acquire", "release"] {
                text += &format!(
                    "{{:process 700 :type :invoke :f :{what}}} {{:process 700 :type :ok :f \
                     :{what}}}\n"
                );
            }
        }
        let history = kolk_history::jepsen::read(text.as_bytes(), Vec::new()).expect("a history");
        assert_eq!(check(&history).validity, Validity::Valid);
    }
}
