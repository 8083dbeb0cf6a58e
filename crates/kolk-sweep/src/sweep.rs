//! A README's table: a row for each kind of load or trouble, over many seeds.

use std::fmt::Write as _;

use crate::{Measured, Spread, for_seeds, seeds};

/// How many problems of a run are printed.
const PROBLEMS_MAX: usize = 4;

/// What of a column's numbers is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// The mean, and in brackets the least and the greatest.
    Mean,
    /// Least, median and greatest.
    Median,
    /// The least alone.
    Least,
    /// The greatest alone.
    Greatest,
}

impl Show {
    fn title(self, title: &str) -> String {
        match self {
            Show::Mean => format!("{title}: mean (least–greatest)"),
            Show::Median => format!("{title}: least / median / greatest"),
            Show::Least => format!("{title}: least"),
            Show::Greatest => format!("{title}: greatest"),
        }
    }

    fn cell(self, spread: Spread, digits: usize) -> String {
        let Spread { least, median, mean, greatest } = spread;
        match self {
            Show::Mean => format!("{mean:.digits$} ({least:.digits$}–{greatest:.digits$})"),
            Show::Median => format!("{least:.digits$} / {median:.digits$} / {greatest:.digits$}"),
            Show::Least => format!("{least:.digits$}"),
            Show::Greatest => format!("{greatest:.digits$}"),
        }
    }
}

struct Column {
    title: &'static str,
    measure: &'static str,
    show: Show,
    digits: usize,
}

/// A table in the making. Rows are printed as they are done, and [`Sweep::finish`] fails if a run
/// was not valid.
pub struct Sweep {
    seeds: u64,
    only: Option<String>,
    columns: Vec<Column>,
    begun: bool,
    failures: Vec<String>,
}

impl Sweep {
    /// What the environment asks for: `KOLK_SEEDS` seeds a row, 25 if it does not say, and only the
    /// rows whose name contains `KOLK_ONLY`.
    ///
    /// # Panics
    ///
    /// If `KOLK_SEEDS` is no number.
    pub fn from_env() -> Sweep {
        Sweep::new(seeds(25), std::env::var("KOLK_ONLY").ok())
    }

    fn new(seeds: u64, only: Option<String>) -> Sweep {
        Sweep { seeds, only, columns: Vec::new(), begun: false, failures: Vec::new() }
    }

    /// Adds a column: its title, the name of a measure ([`Measured::of`]), what is shown of it,
    /// with how many digits after the point.
    pub fn column(
        mut self,
        title: &'static str,
        measure: &'static str,
        show: Show,
        digits: usize,
    ) -> Sweep {
        self.columns.push(Column { title, measure, show, digits });
        self
    }

    /// Runs and prints a row, unless the environment asks for others. Gives what was measured, in
    /// the order of the seeds; nothing if the row was left out.
    pub fn row(&mut self, name: &str, job: impl Fn(u64) -> Measured + Sync) -> Vec<Measured> {
        if self.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            return Vec::new();
        }
        let measured = for_seeds(0..self.seeds, job);
        if !std::mem::replace(&mut self.begun, true) {
            print!("{}", self.head());
        }
        println!("{}", self.line(name, &measured));
        for run in measured.iter().filter(|run| !run.problems.is_empty()) {
            let shown = &run.problems[..run.problems.len().min(PROBLEMS_MAX)];
            println!("  seed {}: {}", run.seed, shown.join("; "));
            self.failures.push(format!("{name}, seed {}", run.seed));
        }
        measured
    }

    fn head(&self) -> String {
        let mut head = "| run | seeds | invalid |".to_owned();
        for column in &self.columns {
            let _ = write!(head, " {} |", column.show.title(column.title));
        }
        head + "\n" + &"|---".repeat(self.columns.len() + 3) + "|\n"
    }

    fn line(&self, name: &str, measured: &[Measured]) -> String {
        let invalid = measured.iter().filter(|run| !run.problems.is_empty()).count();
        let mut line = format!("| {name} | {} | {invalid} |", measured.len());
        for column in &self.columns {
            let spread = Spread::of(measured.iter().map(|run| run.of(column.measure)));
            let _ = write!(line, " {} |", column.show.cell(spread, column.digits));
        }
        line
    }

    /// Ends the table.
    ///
    /// # Panics
    ///
    /// If a run was not valid, or there was none.
    pub fn finish(self) {
        assert!(self.begun, "no row is called so: {:?}", self.only);
        assert!(self.failures.is_empty(), "invalid: {:#?}", self.failures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::tests::measured;

    fn sweep(only: Option<&str>) -> Sweep {
        Sweep::new(3, only.map(str::to_owned))
            .column("messages", "pets", Show::Mean, 1)
            .column("messages", "pets", Show::Median, 0)
            .column("lag, ms", "pets", Show::Least, 2)
            .column("lag, ms", "no such measure", Show::Greatest, 0)
    }

    #[test]
    fn a_table_has_a_row_for_each_kind_of_trouble() {
        let mut sweep = sweep(None);
        assert_eq!(
            sweep.head(),
            "| run | seeds | invalid | messages: mean (least–greatest) | messages: least / median \
             / greatest | lag, ms: least | lag, ms: greatest |\n|---|---|---|---|---|---|---|\n"
        );
        let runs = sweep.row("calm", |seed| measured(seed, &[]).with("pets", seed as f64 + 0.25));
        assert_eq!(runs.len(), 3);
        assert_eq!(
            sweep.line("calm", &runs),
            "| calm | 3 | 0 | 1.2 (0.2–2.2) | 0 / 1 / 2 | 0.25 | NaN |"
        );
        sweep.finish();
    }

    #[test]
    fn rows_can_be_left_out() {
        let mut sweep = sweep(Some("oss"));
        assert_eq!(sweep.row("calm", |_| panic!("this is no loss")), []);
        assert_eq!(sweep.row("loss 0.05", |seed| measured(seed, &[])).len(), 3);
        sweep.finish();
    }

    #[test]
    #[should_panic(expected = "loss, seed 2")]
    fn an_invalid_run_fails_the_table() {
        let mut sweep = sweep(None);
        sweep.row("loss", |seed| measured(seed, if seed == 2 { &["lost: 5"] } else { &[] }));
        sweep.finish();
    }

    #[test]
    #[should_panic(expected = "no row is called so")]
    fn a_table_without_rows_proves_nothing() {
        sweep(Some("los")).finish();
    }
}
