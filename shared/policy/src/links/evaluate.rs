//! Measures the verdicts against labelled texts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Context, Verdict, check};

/// Judges every row of a tab-separated file with the columns `text` and
/// `verdict`, in any order and among others. Nothing is quoted or escaped.
///
/// # Errors
///
/// If a column is missing or a row's verdict is none.
pub fn evaluate(tsv: &str) -> Result<Evaluation, EvaluateError> {
    let mut lines = tsv
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    let header = lines.next().unwrap_or_default();
    let header = header.strip_prefix('\u{FEFF}').unwrap_or(header);
    let column = |name| header.split('\t').position(|cell| cell == name);
    let text_at = column("text").ok_or(EvaluateError::MissingColumn("text"))?;
    let verdict_at = column("verdict").ok_or(EvaluateError::MissingColumn("verdict"))?;

    let mut evaluation = Evaluation::default();
    let mut totals: BTreeMap<(Verdict, Verdict), u32> = BTreeMap::new();
    for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        let cells: Vec<&str> = line.split('\t').collect();
        let row = index + 2;
        let text = *cells.get(text_at).ok_or(EvaluateError::BadRow { row })?;
        let expected = match cells.get(verdict_at).copied() {
            Some("allow") => Verdict::Allow,
            Some("warn") => Verdict::Warn,
            Some("block") => Verdict::Block,
            _ => return Err(EvaluateError::BadRow { row }),
        };
        let report = check(text, &Context::default());
        evaluation.n += 1;
        *totals.entry((expected, report.verdict)).or_default() += 1;
        if report.verdict != expected {
            evaluation.errors.push(Miss {
                row,
                text: text.to_owned(),
                expected,
                got: report.verdict,
                reasons: report.findings.iter().map(|f| f.reason.code()).collect(),
            });
        }
    }
    let share = |expected, got| {
        let all: u32 = totals
            .iter()
            .filter(|((e, _), _)| *e == expected)
            .map(|(_, n)| n)
            .sum();
        let hit = totals.get(&(expected, got)).copied().unwrap_or_default();
        (all > 0).then(|| f64::from(hit) / f64::from(all))
    };
    evaluation.block.recall = share(Verdict::Block, Verdict::Block);
    evaluation.allow.blocked = share(Verdict::Allow, Verdict::Block);
    evaluation.allow.warned = share(Verdict::Allow, Verdict::Warn);
    for ((expected, got), n) in totals {
        let row = evaluation.confusion.entry(expected.code()).or_default();
        row.insert(got.code(), n);
    }
    Ok(evaluation)
}

/// How the verdicts compare with the labels. Rates are null without rows.
#[derive(Debug, Default, Serialize)]
pub struct Evaluation {
    /// Rows judged.
    pub n: u32,
    /// What became of the rows to be blocked.
    pub block: BlockRates,
    /// What became of the rows to be allowed.
    pub allow: AllowRates,
    /// Rows by label, then by verdict.
    pub confusion: BTreeMap<&'static str, BTreeMap<&'static str, u32>>,
    /// Every row judged otherwise than labelled.
    pub errors: Vec<Miss>,
}

/// Rates among the rows to be blocked.
#[derive(Debug, Default, Serialize)]
pub struct BlockRates {
    /// The share that was blocked.
    pub recall: Option<f64>,
}

/// Rates among the rows to be allowed.
#[derive(Debug, Default, Serialize)]
pub struct AllowRates {
    /// The share that was blocked.
    pub blocked: Option<f64>,
    /// The share that was warned of.
    pub warned: Option<f64>,
}

/// A row judged otherwise than labelled.
#[derive(Debug, Serialize)]
pub struct Miss {
    /// Line in the file; the header is line 1.
    pub row: usize,
    /// The row's text, from the file of the person who asked.
    pub text: String,
    /// The label.
    pub expected: Verdict,
    /// The verdict.
    pub got: Verdict,
    /// Codes of what was found.
    pub reasons: Vec<&'static str>,
}

/// Why a file of labelled texts cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EvaluateError {
    /// The header lacks a column.
    #[error("column `{0}` is missing")]
    MissingColumn(&'static str),
    /// A row lacks a cell, or its verdict is not allow, warn or block.
    #[error("row {row} has no text or no known verdict")]
    BadRow {
        /// Line in the file.
        row: usize,
    },
}
