//! availability: which part of the operations succeeded.
//!
//! `ok` ÷ invoked, 1 if nothing was invoked; invalid (`unavailable`) if it is below what was asked
//! for. Measure: `availability`.

use kolk_history::{History, Operation, Value};

use crate::check::{Anomaly, Check, PROOF_MAX};
use crate::kind::Kind;
use crate::tree::{key, single};

/// Checks that at least `target` of the operations succeeded, 1 for `total`; without a target it is
/// only measured.
///
/// ```
/// use kolk_check::{Validity, availability::check};
///
/// let history = kolk_history::jepsen::read(
///     r#"{:type :invoke, :process 0, :f :read, :value nil}
///        {:type :ok, :process 0, :f :read, :value 1}
///        {:type :invoke, :process 0, :f :read, :value nil}
///        {:type :info, :process 0, :f :read, :value nil}"#
///         .as_bytes(),
///     Vec::new(),
/// )?;
/// assert_eq!(check(&history, Some(0.5)).validity, Validity::Valid);
/// let total = check(&history, Some(1.0));
/// assert_eq!(total.validity, Validity::Invalid);
/// assert_eq!(total.anomalies[0].operations, [2]);
/// # Ok::<(), kolk_history::ReadError>(())
/// ```
pub fn check(history: &History, target: Option<f64>) -> Check {
    let mut check = Check::new("availability");
    let invoked = history.counted().count();
    let ok = history.counted().filter(|operation| operation.is_ok()).count();
    let fraction = if invoked == 0 { 1.0 } else { ok as f64 / invoked as f64 };
    let shown = if invoked == 0 { Value::Int(1) } else { single(fraction) };
    check.results = vec![(key(&"ok-fraction"), shown)];
    check.measure("availability", fraction, "");
    if let Some(target) = target
        && fraction < target
    {
        check.anomaly(Kind::Unavailable, || {
            let unsuccessful = history.counted().filter(|operation| !operation.is_ok());
            let proof = unsuccessful.map(|operation: &Operation| operation.index).take(PROOF_MAX);
            let missed = invoked - ok;
            let claim = format!(
                "availability is {fraction:.4}, below {target}: {missed} of {invoked} operations \
                 did not succeed"
            );
            Anomaly::new(Kind::Unavailable, claim, proof.collect())
        });
    }
    check
}
