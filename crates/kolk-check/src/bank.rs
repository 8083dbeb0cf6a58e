//! Jepsen's bank: money is moved between accounts, and every read shows all that there is.
//!
//! Transfers conserve the sum of all accounts, so under snapshot isolation every read of all of
//! them shows the same total (`wrong-total`). It is that of the first read, unless it is given. No
//! account is missing a balance (`nil-balance`), none turns up that the first read did not show
//! (`unexpected-account`), and none is overdrawn (`overdrawn`), unless that is allowed. As in
//! Jepsen, the first of these that is true of a read is what is said of it.

use kolk_history::{Function, History, Operation, Value};

use crate::check::{Anomaly, Check, PROOF_MAX, Validity};
use crate::kind::Kind;
use crate::tree::{count, key, some_of};
use crate::values;

/// Checks a history in which [`Function::Read`] reads a map from accounts to balances. `total` is
/// what all accounts hold together, if it is known.
///
/// ```
/// let history = "
///     {:process 0 :type :invoke :f :read} {:process 0 :type :ok :f :read :value {0 5, 1 5}}
///     {:process 0 :type :invoke :f :read} {:process 0 :type :ok :f :read :value {0 5, 1 4}}";
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// assert_eq!(kolk_check::bank::check(&history, None, false).anomalies[0].kind, "wrong-total");
/// ```
pub fn check(history: &History, total: Option<i64>, negative_balances: bool) -> Check {
    let mut check = Check::new("workload");
    let mut reads = 0;
    let mut first: Option<(&Operation, Vec<Value>, i128)> = None;
    let all = history.counted().filter(|op| op.function == Function::Read && op.is_ok());
    for read in all {
        let balances = match balances(&read.result) {
            Ok(balances) => balances,
            Err(what) => {
                check.validity = check.validity.worst(Validity::Unknown);
                check.notes.push(format!("read {} {what}, so it is not checked", read.index));
                continue;
            }
        };
        reads += 1;
        let sum: i128 = balances.iter().filter_map(|(_, balance)| *balance).sum();
        let (opening, accounts, due) = first.get_or_insert_with(|| {
            let accounts = balances.iter().map(|(account, _)| (*account).clone()).collect();
            (read, accounts, total.map_or(sum, i128::from))
        });
        let seen = |claim: String| {
            let mut operations = vec![read.index];
            operations.extend((opening.index != read.index).then_some(opening.index));
            move |kind| Anomaly::new(kind, claim, operations)
        };
        let whose = format!("read {} of process {}", read.index, read.process);
        let names = |which: &[&Value]| some_of(which.iter(), PROOF_MAX);
        let is_strange =
            |account: &&Value| !accounts.iter().any(|known| values::order(known, account).is_eq());
        let strange: Vec<&Value> =
            balances.iter().map(|(account, _)| *account).filter(is_strange).collect();
        let of = |holds: &dyn Fn(Option<i128>) -> bool| -> Vec<&Value> {
            let which = balances.iter().filter(|(_, balance)| holds(*balance));
            which.map(|(account, _)| *account).collect()
        };
        let (missing, overdrawn) =
            (of(&|balance| balance.is_none()), of(&|balance| balance.is_some_and(|b| b < 0)));
        if !strange.is_empty() {
            let claim = format!("{whose} shows accounts that were not there: {}", names(&strange));
            check.anomaly(Kind::UnexpectedAccount, || seen(claim)(Kind::UnexpectedAccount));
        } else if !missing.is_empty() {
            let claim = format!("{whose} shows no balance of {}", names(&missing));
            check.anomaly(Kind::NilBalance, || seen(claim)(Kind::NilBalance));
        } else if sum != *due {
            let claim = format!("{whose} shows {sum} in all, where there are {due}");
            check.anomaly(Kind::WrongTotal, || seen(claim)(Kind::WrongTotal));
        } else if !negative_balances && !overdrawn.is_empty() {
            let claim = format!("{whose} shows less than nothing in {}", names(&overdrawn));
            check.anomaly(Kind::Overdrawn, || seen(claim)(Kind::Overdrawn));
        }
    }
    if reads == 0 {
        check.checked_nothing("no read was answered");
    }
    let errors: u64 = check.counts.iter().map(|(_, count)| count).sum();
    check.results = vec![(key(&"read-count"), count(reads)), (key(&"error-count"), count(errors))];
    check
}

/// Each account with its balance; or what is wrong with the value, as the rest of a sentence.
fn balances(value: &Value) -> Result<Vec<(&Value, Option<i128>)>, String> {
    let Value::Map(entries) = value else {
        let value = crate::tree::excerpt(value);
        return Err(format!("gave {value}, which is no map from accounts to balances"));
    };
    let balance = |(account, balance): &'_ (Value, Value)| match balance {
        Value::Null => Ok(None),
        Value::Int(int) => Ok(Some(i128::from(*int))),
        other => Err(format!("gave {other} as the balance of {account}, which is no integer")),
    };
    entries.iter().map(|entry| Ok((&entry.0, balance(entry)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(reads: &[&str], total: Option<i64>, negative: bool) -> String {
        let read = |balances: &&str| {
            format!(
                "{{:process 0 :type :invoke :f :read}} {{:process 0 :type :ok :f :read :value \
                 {balances}}} "
            )
        };
        let text: String = reads.iter().map(read).collect();
        let history = kolk_history::jepsen::read(text.as_bytes(), Vec::new()).expect("a history");
        let check = check(&history, total, negative);
        let kinds: Vec<&str> =
            check.anomalies.iter().map(|anomaly| anomaly.kind.as_str()).collect();
        format!("{} {}", check.validity.name(), kinds.join(" "))
    }

    #[test]
    fn banks() {
        for (reads, total, negative, said) in [
            (&["{0 5, 1 5}", "{0 3, 1 7}"][..], None, false, "valid "),
            (&["{0 5, 1 5}", "{0 3, 1 8}"], None, false, "invalid wrong-total"),
            (&["{0 5, 1 5}"], Some(11), false, "invalid wrong-total"),
            (&["{0 5, 1 5}", "{0 3, 2 7}"], None, false, "invalid unexpected-account"),
            (&["{0 5, 1 5}", "{0 3, 1 nil}"], None, false, "invalid nil-balance"),
            (&["{0 5, 1 5}", "{0 -1, 1 11}"], None, false, "invalid overdrawn"),
            (&["{0 5, 1 5}", "{0 -1, 1 11}"], None, true, "valid "),
            (&["{0 5, 1 5}", "{0 -1, 1 12}"], None, true, "invalid wrong-total"),
            (&["{0 5, 1 5}", "[1 2]"], None, true, "unknown "),
            (&[], None, true, "valid "),
        ] {
            assert_eq!(judge(reads, total, negative), said, "{reads:?}");
        }
    }
}
