//! How well replies are recognised, measured on labelled ones.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Context, Label, classify};

/// A reply and what a reasonable reader says it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The reply. Test data, never a person's message.
    pub text: String,
    /// The right answer.
    pub label: Label,
}

/// Figures over a set of labelled replies.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Rows measured.
    pub n: usize,
    /// Opt-outs against everything else: the figure that matters.
    pub optout: Binary,
    /// Rows by right label, then by given label.
    pub confusion: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
    /// Every row that was read differently from its label.
    pub errors: Vec<Misreading>,
}

/// Figures of one label against the rest.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Binary {
    /// True positives.
    pub tp: usize,
    /// False positives.
    pub fp: usize,
    /// False negatives.
    #[serde(rename = "fn")]
    pub fn_: usize,
    /// tp / (tp + fp); 1 if nothing was found.
    pub precision: f64,
    /// tp / (tp + fn); 1 if there was nothing to find.
    pub recall: f64,
}

/// A row that was read differently from its label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Misreading {
    /// The reply.
    pub text: String,
    /// The right label.
    pub label: &'static str,
    /// The label given.
    pub got: &'static str,
    /// The rule that gave it.
    pub rule: &'static str,
}

/// Reads every row and counts.
pub fn evaluate(rows: &[Row]) -> Report {
    let mut confusion: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    let mut errors = Vec::new();
    for row in rows {
        let verdict = classify(&row.text, &Context::default());
        let given = confusion.entry(row.label.code()).or_default();
        *given.entry(verdict.label.code()).or_default() += 1;
        if verdict.label != row.label {
            errors.push(Misreading {
                text: row.text.clone(),
                label: row.label.code(),
                got: verdict.label.code(),
                rule: verdict.rule,
            });
        }
    }
    Report {
        n: rows.len(),
        optout: Binary::of(Label::Optout, &confusion),
        confusion,
        errors,
    }
}

impl Binary {
    fn of(label: Label, confusion: &BTreeMap<&str, BTreeMap<&str, usize>>) -> Self {
        let (mut tp, mut fp, mut fn_) = (0, 0, 0);
        for (right, given) in confusion {
            for (got, count) in given {
                match (*right == label.code(), *got == label.code()) {
                    (true, true) => tp += count,
                    (false, true) => fp += count,
                    (true, false) => fn_ += count,
                    (false, false) => (),
                }
            }
        }
        Self {
            tp,
            fp,
            fn_,
            precision: share(tp, tp + fp),
            recall: share(tp, tp + fn_),
        }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        return 1.0;
    }
    part as f64 / whole as f64
}

/// Parses tab-separated rows. The header names the columns; `text` and `label`
/// are read, others are ignored.
pub fn parse_rows(tsv: &str) -> Result<Vec<Row>, ParseRowsError> {
    let mut lines = tsv.lines().filter(|line| !line.trim().is_empty());
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name| header.iter().position(|column| column.trim() == name);
    let text = column("text").ok_or(ParseRowsError::NoTextColumn)?;
    let label = column("label").ok_or(ParseRowsError::NoLabelColumn)?;
    lines
        .enumerate()
        .map(|(index, line)| {
            let fields: Vec<&str> = line.split('\t').collect();
            let row = index + 1;
            let text = fields.get(text).ok_or(ParseRowsError::Short { row })?;
            let label = fields.get(label).ok_or(ParseRowsError::Short { row })?;
            let label = Label::parse(label.trim()).ok_or(ParseRowsError::UnknownLabel { row })?;
            Ok(Row {
                text: (*text).to_owned(),
                label,
            })
        })
        .collect()
}

/// Why labelled replies cannot be read. Rows are counted from 1 after the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseRowsError {
    /// The header has no `text`.
    #[error("no column `text`")]
    NoTextColumn,
    /// The header has no `label`.
    #[error("no column `label`")]
    NoLabelColumn,
    /// A row ends before the columns that are read.
    #[error("row {row} has too few columns")]
    Short {
        /// The row.
        row: usize,
    },
    /// A label that is none of ours.
    #[error("row {row} has an unknown label")]
    UnknownLabel {
        /// The row.
        row: usize,
    },
}
