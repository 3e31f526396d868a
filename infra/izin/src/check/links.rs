//! How well links are judged.

use std::fmt::Write as _;
use std::path::Path;

use policy::links::{self, EvaluateError, Evaluation};

use super::input::{self, Problem};

pub(super) fn check(path: &Path) -> Result<Evaluation, Problem> {
    let text = input::text(path)?;
    links::evaluate(&text).map_err(|error| {
        let (line, remedy) = match error {
            EvaluateError::MissingColumn(_) => (
                1,
                "name the columns `text` and `verdict` in the first line, with tabs between",
            ),
            EvaluateError::BadRow { row } => (
                row as u64,
                "put a tab between text and verdict, and write allow, warn or block",
            ),
        };
        Problem::new(path, line, error.to_string(), remedy)
    })
}

pub(super) fn page(evaluation: &Evaluation) -> String {
    let rate = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| format!("{rate:.3}"));
    let mut page = format!(
        "{} texts\nto be blocked   blocked {}\nto be allowed   blocked {}   warned {}\n",
        evaluation.n,
        rate(evaluation.block.recall),
        rate(evaluation.allow.blocked),
        rate(evaluation.allow.warned),
    );
    for error in &evaluation.errors {
        let (expected, got) = (error.expected.code(), error.got.code());
        let reasons = error.reasons.join(", ");
        let row = error.row;
        writeln!(page, "  line {row}: {expected} judged {got} ({reasons})")
            .expect("a string grows");
    }
    page
}
