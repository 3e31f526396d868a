//! From a stranger's text to clauses of folded words.
//!
//! Folding removes what a keyboard, a font or a prankster adds without changing
//! what is said: width and style variants, invisible characters, accents, case,
//! apostrophes, elongation. It never removes a letter that carries meaning:
//! Indic and Thai vowel signs stay. Folding is idempotent.

use super::morphology::MASK;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// The longest text WhatsApp carries; what lies beyond is not read.
pub(super) const MAX_CHARS: usize = 4_096;

/// Titles that are written with a point.
const TITLES: [&str; 6] = ["mr", "mrs", "ms", "dr", "hj", "bpk"];

/// Words between two pauses.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct RawClause {
    pub(super) words: Vec<String>,
    /// Closed by a question mark.
    pub(super) question: bool,
}

/// Cuts a text into clauses of folded words.
pub(super) fn clauses(text: &str) -> Vec<RawClause> {
    let folded = fold(text);
    let mut clauses = Vec::new();
    let mut clause = RawClause::default();
    let mut word = String::new();
    let mut previous_space = true;
    let mut chars = folded.chars().peekable();
    while let Some(c) = chars.next() {
        match role(c) {
            Role::Letter => word.push(c),
            // `st*p`: a letter is hidden.
            Role::Gap
                if c == MASK
                    && !word.is_empty()
                    && chars.peek().is_some_and(|next| next.is_alphabetic()) =>
            {
                word.push(c);
            }
            Role::Gap => flush(&mut word, &mut clause),
            Role::Symbol => {
                flush(&mut word, &mut clause);
                clause.words.push(c.to_string());
            }
            // A hyphen inside a word joins (`opt-out`); between spaces it is a pause.
            Role::Dash if !previous_space => flush(&mut word, &mut clause),
            // `s.t.o.p`: a point after a single letter is no pause.
            Role::Pause if is_letter(&word) => flush(&mut word, &mut clause),
            // `Mr. Lim`
            Role::Pause if c == '.' && TITLES.contains(&word.as_str()) => {
                flush(&mut word, &mut clause);
            }
            Role::Dash | Role::Pause => {
                flush(&mut word, &mut clause);
                close(&mut clause, &mut clauses);
            }
            Role::Question => {
                flush(&mut word, &mut clause);
                clause.question = true;
                if clause.words.is_empty() {
                    mark_last_as_question(&mut clauses, &mut clause);
                } else {
                    close(&mut clause, &mut clauses);
                }
            }
        }
        previous_space = c.is_whitespace();
    }
    flush(&mut word, &mut clause);
    close(&mut clause, &mut clauses);
    join_spelled_out(&mut clauses);
    clauses
}

/// Folded words that look like names: a capital letter and small ones, not at
/// the beginning of a sentence. In a text with capitals everywhere, none.
pub(super) fn names(text: &str) -> Vec<String> {
    let words: Vec<&str> = text
        .split_inclusive(|c: char| c.is_whitespace() || matches!(c, '.' | '!' | '?' | ':'))
        .filter(|word| word.chars().any(char::is_alphabetic))
        .collect();
    let capital = |word: &&str| {
        let mut letters = word.chars().filter(|c| c.is_alphabetic());
        letters.next().is_some_and(char::is_uppercase)
            && letters.next().is_some_and(char::is_lowercase)
    };
    if words.len() > 2 && words.iter().filter(|word| capital(word)).count() * 2 > words.len() {
        return Vec::new();
    }
    let begins = |index: usize| {
        let last = |word: &&str| word.trim_end().ends_with(['.', '!', '?', ':']);
        index
            .checked_sub(1)
            .is_none_or(|before| last(&words[before]))
    };
    let named = words.iter().enumerate();
    named
        .filter(|(index, word)| capital(word) && !begins(*index))
        .map(|(_, word)| {
            let letters = |c: char| !c.is_alphanumeric();
            fold(word.trim_matches(letters))
        })
        .collect()
}

/// Whether the text is in capitals, as keywords for a service are written.
pub(super) fn is_shouted(text: &str) -> bool {
    let letters = || text.chars().take(MAX_CHARS).filter(|c| c.is_alphabetic());
    letters().count() >= 4 && letters().all(char::is_uppercase)
}

/// Folds a text: compatibility forms, invisible characters, case, accents,
/// Arabic letter variants, elongation.
pub(super) fn fold(text: &str) -> String {
    let lower: String = text
        .chars()
        .take(MAX_CHARS)
        .nfkc()
        .take(2 * MAX_CHARS)
        .filter(|&c| !is_invisible(c))
        .flat_map(char::to_lowercase)
        .collect();
    let bare: String = lower
        .nfd()
        .filter(|&c| !is_accent(c))
        .map(plain_letter)
        .nfc()
        .collect();
    collapse_elongation(&bare)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Letter,
    Gap,
    Dash,
    Pause,
    Question,
    Symbol,
}

fn role(c: char) -> Role {
    match c {
        '?' | '؟' => Role::Question,
        '🛑' | '🚫' | '⛔' | '🖕' => Role::Symbol,
        '.' | ',' | '!' | ';' | ':' | '\n' | '\r' | '…' | '。' | '、' | '।' | '،' | '؛' | '('
        | ')' | '—' | '|' => Role::Pause,
        '-' | '–' => Role::Dash,
        // Letters of other styles are folded already; `@` and `$` stand in for a and s.
        '@' | '$' => Role::Letter,
        _ => match c.general_category_group() {
            GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark => Role::Letter,
            GeneralCategoryGroup::Number => Role::Letter,
            GeneralCategoryGroup::Punctuation
            | GeneralCategoryGroup::Symbol
            | GeneralCategoryGroup::Separator
            | GeneralCategoryGroup::Other => Role::Gap,
        },
    }
}

fn flush(word: &mut String, clause: &mut RawClause) {
    if !word.is_empty() {
        clause.words.push(std::mem::take(word));
    }
}

fn close(clause: &mut RawClause, clauses: &mut Vec<RawClause>) {
    if !clause.words.is_empty() {
        clauses.push(std::mem::take(clause));
    }
}

/// `kapan?!?`: the mark belongs to the clause that just closed. A message that
/// is nothing but `?` becomes a clause of its own.
fn mark_last_as_question(clauses: &mut Vec<RawClause>, clause: &mut RawClause) {
    if let Some(last) = clauses.last_mut() {
        last.question = true;
        clause.question = false;
    } else {
        clauses.push(RawClause {
            words: vec!["?".to_owned()],
            question: true,
        });
        clause.question = false;
    }
}

/// Joins `s t o p`: three or more single letters in a row.
fn join_spelled_out(clauses: &mut [RawClause]) {
    for clause in clauses {
        let mut joined: Vec<String> = Vec::with_capacity(clause.words.len());
        let mut run = 0;
        for word in std::mem::take(&mut clause.words) {
            run = if is_letter(&word) { run + 1 } else { 0 };
            joined.push(word);
            if run == 3 {
                let tail = joined.split_off(joined.len() - 3).concat();
                joined.push(tail);
            } else if run > 3 {
                let letter = joined.pop().unwrap_or_default();
                if let Some(last) = joined.last_mut() {
                    last.push_str(&letter);
                }
            }
        }
        clause.words = joined;
    }
}

fn is_letter(word: &str) -> bool {
    let mut chars = word.chars();
    matches!((chars.next(), chars.next()), (Some(c), None) if c.is_ascii_alphanumeric())
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{0640}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{3164}'
    ) || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{1f3fb}'..='\u{1f3ff}')
        || c.general_category() == GeneralCategory::Format
}

fn is_accent(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036f}' | '\u{064b}'..='\u{065f}' | '\u{0670}')
        // Apostrophes in all their shapes: don’t, jum'at.
        || matches!(c, '\'' | '’' | '‘' | '‛' | 'ʼ' | 'ʻ' | '`' | '´' | '′')
}

fn plain_letter(c: char) -> char {
    match c {
        'đ' => 'd',
        'ı' => 'i',
        'ł' => 'l',
        'ø' => 'o',
        'ٱ' => 'ا',
        'ة' => 'ه',
        'ى' => 'ي',
        _ => c,
    }
}

/// `stooop` → `stop`: three or more of one letter are one. Digits are left
/// alone, for they count.
fn collapse_elongation(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut run = 1;
        while chars.next_if_eq(&c).is_some() {
            run += 1;
        }
        let kept = if c.is_alphabetic() && run >= 3 {
            1
        } else {
            run
        };
        collapsed.extend(std::iter::repeat_n(c, kept));
    }
    collapsed
}
