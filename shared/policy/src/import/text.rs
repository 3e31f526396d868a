//! What a cell says, once spreadsheets and pasting are taken out of it.
//!
//! The words are data: `data/import/words.json`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

/// The words, as compiled in.
pub(crate) const DATA: &str = include_str!("../../data/import/words.json");

/// Marks that start a formula in a spreadsheet (OWASP ASVS 5.0, 1.2.10), and
/// their full-width forms.
fn starts_formula(cell: &str) -> bool {
    cell.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠', '−',
    ])
}

/// Whether a `'` belongs before a cell, so that no spreadsheet computes it;
/// they look past white space.
pub(super) fn guards_formula(cell: &str) -> bool {
    starts_formula(cell) || starts_formula(trim(cell))
}

/// A cell without white space and invisible marks around it, without the `'`
/// that keeps a spreadsheet from computing, and out of `="0812…"`.
pub(super) fn clean(cell: &str) -> &str {
    let mut cell = trim(cell);
    if let Some(rest) = cell.strip_prefix('\'')
        && guards_formula(rest)
    {
        cell = trim(rest);
    }
    if let Some(quoted) = cell
        .strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'))
    {
        return trim(quoted);
    }
    cell
}

fn trim(cell: &str) -> &str {
    // Nearly every cell is plain ASCII without white space around it.
    match cell.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => cell,
        _ => cell.trim_matches(|c: char| c.is_whitespace() || is_invisible(c)),
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A clean cell, or `None` if it is empty or says so (`-`, `NULL`).
pub(super) fn filled(cell: &str) -> Option<&str> {
    let cell = clean(cell);
    let empty = cell.is_empty() || (cell.len() <= 8 && WORDS.is_empty.contains(cell));
    (!empty).then_some(cell)
}

/// Whether a spreadsheet shows an error instead of a value: `#REF!`, `####`.
pub(super) fn is_spreadsheet_error(cell: &str) -> bool {
    cell.starts_with('#')
        && (WORDS.spreadsheet_errors.contains(cell)
            || (cell.len() >= 3 && cell.bytes().all(|byte| byte == b'#')))
}

/// A yes, a no, or neither.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    No,
    Unanswered,
    Yes,
}

/// What a cell of a consent column answers: `ya`, `Ya, saya setuju` or
/// `Yes - via website`.
pub(super) fn answer(cell: &str) -> Option<Answer> {
    let cell = cell.trim_end_matches(['\u{fe0e}', '\u{fe0f}']);
    let cell = lower(cell);
    let known = |text: &str| WORDS.answers.get(text).copied();
    known(&cell)
        .or_else(|| {
            let end = cell
                .find([',', '.', '(', '!', ';', ':'])
                .or(cell.find(" - "))?;
            let first = cell[..end].trim_end();
            let is_word = first.chars().all(|c| c.is_alphabetic() || c == ' ');
            is_word.then(|| known(first)).flatten()
        })
        .or_else(|| said_in_a_sentence(&cell))
}

/// `saya setuju menerima pesan`, and not `saya setuju tidak dihubungi`.
fn said_in_a_sentence(cell: &str) -> Option<Answer> {
    let words: Vec<&str> = cell
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|word| !word.is_empty())
        .collect();
    let sentence = words.join(" ");
    let starts = |with: &Vec<String>| {
        with.iter().any(|start| {
            let rest = sentence.strip_prefix(start.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    };
    if starts(&WORDS.no_starts) {
        return Some(Answer::No);
    }
    let denied = words.iter().any(|word| WORDS.no_words.contains(*word));
    (!denied && starts(&WORDS.yes_starts)).then_some(Answer::Yes)
}

/// Whether a word beside a phone number only says that it is one.
pub(super) fn is_phone_label(word: &str) -> bool {
    WORDS.phone_labels.contains(&*word.to_lowercase())
}

/// The digits of other scripts and keyboards as ASCII.
pub(super) fn ascii_digits(cell: &str) -> Cow<'_, str> {
    /// The zeros of the scripts in use (Unicode, general category Nd).
    const ZEROS: [char; 22] = [
        '٠', '۰', '߀', '०', '০', '੦', '૦', '୦', '௦', '౦', '೦', '൦', '๐', '໐', '༠', '၀', '០', '᠐',
        '᭐', '᮰', '꧐', '０',
    ];

    if cell.is_ascii() {
        return cell.into();
    }
    let narrow = |c: char| {
        let digit = ZEROS.iter().find_map(|&zero| {
            let value = u32::from(c).checked_sub(u32::from(zero))?;
            char::from_digit(value, 10)
        });
        match c {
            '＋' => '+',
            c => digit.unwrap_or(c),
        }
    };
    cell.chars().map(narrow).collect::<String>().into()
}

/// The number of a month by its name or short name.
pub(super) fn month(word: &str) -> Option<i8> {
    WORDS.months.get(word.trim_end_matches('.')).copied()
}

/// Whether a word in a date says nothing: a weekday, `pukul`.
pub(super) fn is_date_noise(word: &str) -> bool {
    WORDS.date_noise.contains(word.trim_end_matches('.'))
}

/// The code that a list of synonyms gives a word.
pub(super) fn purpose(word: &str) -> Option<&'static str> {
    WORDS.purposes.get(lower(word).as_ref()).map(String::as_str)
}

pub(super) fn basis(word: &str) -> Option<&'static str> {
    WORDS.bases.get(lower(word).as_ref()).map(String::as_str)
}

pub(super) fn language(word: &str) -> Option<&'static str> {
    WORDS
        .languages
        .get(lower(word).as_ref())
        .map(String::as_str)
}

pub(super) fn zone(word: &str) -> Option<&'static str> {
    WORDS.zones.get(lower(word).as_ref()).map(String::as_str)
}

/// Lower case with inner white space made single.
pub(super) fn lower(text: &str) -> Cow<'_, str> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if plain {
        return text.into();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase().into()
}

struct Words {
    answers: HashMap<String, Answer>,
    bases: HashMap<String, String>,
    date_noise: HashSet<String>,
    is_empty: HashSet<String>,
    languages: HashMap<String, String>,
    months: HashMap<String, i8>,
    no_starts: Vec<String>,
    no_words: HashSet<String>,
    phone_labels: HashSet<String>,
    purposes: HashMap<String, String>,
    spreadsheet_errors: HashSet<String>,
    yes_starts: Vec<String>,
    zones: HashMap<String, String>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    type Lists = HashMap<String, Vec<String>>;

    #[derive(Deserialize)]
    struct File {
        yes: Vec<String>,
        no: Vec<String>,
        unanswered: Vec<String>,
        yes_starts: Vec<String>,
        no_starts: Vec<String>,
        no_words: Vec<String>,
        phone_labels: Vec<String>,
        empty: Vec<String>,
        spreadsheet_errors: Vec<String>,
        months: Lists,
        date_noise: Vec<String>,
        purposes: Lists,
        bases: Lists,
        languages: Lists,
        zones: Lists,
    }

    fn set(words: Vec<String>) -> HashSet<String> {
        words.into_iter().collect()
    }

    fn turn(lists: Lists) -> HashMap<String, String> {
        lists
            .into_iter()
            .flat_map(|(code, words)| words.into_iter().map(move |word| (word, code.clone())))
            .collect()
    }

    let file: File = serde_json::from_str(DATA).expect("the words are checked by a test");
    let answers = [
        (Answer::Yes, file.yes),
        (Answer::No, file.no),
        (Answer::Unanswered, file.unanswered),
    ];
    Words {
        answers: answers
            .into_iter()
            .flat_map(|(answer, words)| words.into_iter().map(move |word| (word, answer)))
            .collect(),
        bases: turn(file.bases),
        date_noise: set(file.date_noise),
        is_empty: set(file.empty),
        languages: turn(file.languages),
        months: turn(file.months)
            .into_iter()
            .map(|(word, number)| (word, number.parse().expect("months have numbers")))
            .collect(),
        no_starts: file.no_starts,
        no_words: set(file.no_words),
        phone_labels: set(file.phone_labels),
        purposes: turn(file.purposes),
        spreadsheet_errors: set(file.spreadsheet_errors),
        yes_starts: file.yes_starts,
        zones: turn(file.zones),
    }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_one_thing() {
        let file: serde_json::Value = serde_json::from_str(DATA).unwrap();
        let words = |list: &serde_json::Value| -> Vec<String> {
            let words = list.as_array().unwrap().iter();
            words
                .map(|word| word.as_str().unwrap().to_owned())
                .collect()
        };
        let mut groups = vec![vec![&file["yes"], &file["no"], &file["unanswered"]]];
        for lists in ["months", "purposes", "bases", "languages", "zones"] {
            groups.push(file[lists].as_object().unwrap().values().collect());
        }
        for lists in groups {
            let mut seen = HashSet::new();
            for word in lists.into_iter().flat_map(words) {
                assert_eq!(lower(&word), word, "as cells are compared");
                assert!(seen.insert(word.clone()), "{word} twice");
            }
        }
        for zone in file["zones"].as_object().unwrap().keys() {
            assert!(jiff::tz::TimeZone::get(zone).is_ok(), "{zone}");
        }
    }

    #[test]
    fn cells_are_freed_of_what_spreadsheets_add() {
        for (cell, expected) in [
            ("  Budi ", "Budi"),
            ("'+62812", "+62812"),
            ("'Budi", "'Budi"),
            ("=\"0812\"", "0812"),
            ("'=\"0812\"", "0812"),
            ("\u{200b}x\u{feff}", "x"),
            ("'\t=1", "=1"),
            ("'", "'"),
            ("=\"", "=\""),
        ] {
            assert_eq!(clean(cell), expected, "{cell:?}");
        }
    }
}
