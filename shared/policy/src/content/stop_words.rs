//! The words by which a template tells people how to stop.
//!
//! They judge our own texts; what people write back is read by far wider
//! rules.

use std::sync::LazyLock;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

const STOP_WORDS: &str = include_str!("../../data/stop_words.json");

static WORDS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let table: Table =
        serde_json::from_str(STOP_WORDS).expect("the compiled-in stop words are well-formed");
    table.rows
});

#[derive(Deserialize)]
struct Table {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    language: String,
    words: Vec<String>,
    /// For languages written without spaces.
    #[serde(default)]
    anywhere: bool,
}

/// Whether a text in `language` holds a word for stopping; `None` for a
/// language whose words nobody has written down.
pub(super) fn says_how_to_stop(language: &str, text: &str) -> Option<bool> {
    let row = row(language)?;
    let text = fold(text);
    Some(row.words.iter().any(|word| {
        let word = fold(word);
        if row.anywhere {
            text.contains(&word)
        } else {
            holds_word(&text, &word)
        }
    }))
}

/// Whether a button's label says that it stops. English is understood
/// everywhere.
pub(super) fn is_stop_label(language: &str, label: &str) -> bool {
    [language, "en"]
        .iter()
        .any(|language| says_how_to_stop(language, label) == Some(true))
}

fn row(language: &str) -> Option<&'static Row> {
    let primary = language.split(['_', '-']).next()?.to_ascii_lowercase();
    WORDS.iter().find(|row| row.language == primary)
}

pub(super) fn fold(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}

/// Whether `word` stands in `text` on its own: `non-stop` has no `stop`.
fn holds_word(text: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '-';
    text.match_indices(word).any(|(start, found)| {
        let before = text[..start].chars().next_back();
        let after = text[start + found.len()..].chars().next();
        !before.is_some_and(joins) && !after.is_some_and(joins)
    })
}
