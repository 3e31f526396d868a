//! The listed word behind a written one.
//!
//! Colloquial Indonesian puts what English says in three words into one
//! (`dikirimin`, `ngirim2`, `hubungin`); thumbs slip, and some write `st0p`. This
//! finds the lexicon's word for such a form, and never touches a listed one.

use super::lexicon::{Family, Lexicon};

/// Longest word worth a second look.
const MAX_WORD: usize = 24;

/// The listed form of a word, or the word itself if there is none.
pub(super) fn listed(word: String, lexicon: &Lexicon) -> String {
    if let Some(spelling) = lexicon.spelling(&word) {
        return spelling.to_owned();
    }
    if lexicon.knows_any(&word) || word.chars().count() > MAX_WORD {
        return word;
    }
    let found = respellings(&word)
        .into_iter()
        .find_map(|form| {
            let form = lexicon.spelling(&form).map_or(form.clone(), str::to_owned);
            if lexicon.knows_any(&form) {
                return Some(form);
            }
            malay_stem(&form, lexicon)
        })
        .or_else(|| malay_stem(&word, lexicon))
        .or_else(|| prefixed(&word, lexicon))
        .or_else(|| without_vowels(&word, lexicon))
        .or_else(|| slip(&word, LONG_WORD, 1, lexicon))
        .or_else(|| slip(&word, LONG_WORD + 2, 2, lexicon))
        .or_else(|| near(&word, lexicon))
        .or_else(|| {
            let base = word
                .strip_suffix("nya")
                .or_else(|| word.strip_suffix("lah"))?;
            near(base, lexicon)
        });
    found.unwrap_or(word)
}

/// `promsoi` → `promosi`: a listed word one slip away, if the word is long
/// enough to leave little doubt.
fn near(word: &str, lexicon: &Lexicon) -> Option<String> {
    let length = word.len();
    if length < NEAR_WORD
        || !word.bytes().all(|b| b.is_ascii_lowercase())
        || lexicon.is_lookalike(word)
    {
        return None;
    }
    lexicon
        .beginning_like(word)
        .iter()
        .filter(|known| known.len() + 1 >= NEAR_WORD && known.len().abs_diff(length) <= 1)
        .find(|known| one_slip_apart(known.as_bytes(), word.as_bytes()))
        .cloned()
}

/// One letter too many, too few, another, or two in the wrong order.
pub(super) fn one_slip_apart(a: &[u8], b: &[u8]) -> bool {
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[start..], &b[start..]);
    match (a, b) {
        ([], rest) | (rest, []) => rest.len() <= 1,
        ([x, a @ ..], [y, b @ ..]) => {
            let swapped = a.first() == Some(y) && b.first() == Some(x) && a[1..] == b[1..];
            a == b
                || swapped
                || a.iter().eq([y].into_iter().chain(b))
                || b.iter().eq([x].into_iter().chain(a))
        }
    }
}

/// Shortest word that is corrected to any listed one.
const NEAR_WORD: usize = 5;

/// `brhnt` → `berhenti`: a strong word's consonants, four or more.
fn without_vowels(word: &str, lexicon: &Lexicon) -> Option<String> {
    const SHORTEST: usize = 4;
    let vowel = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u');
    if word.len() < SHORTEST || word.chars().any(vowel) {
        return None;
    }
    lexicon
        .strong()
        .find(|strong| strong.chars().filter(|&c| !vowel(c)).eq(word.chars()))
        .map(str::to_owned)
}

/// `st*p` → `stop`: the strong word that fits a word with letters masked.
/// Otherwise the word is what lies between the masks.
pub(super) fn unmasked(word: &str, lexicon: &Lexicon) -> Vec<String> {
    let bare: String = word.chars().filter(|&c| c != MASK).collect();
    let known = lexicon.strong().find(|strong| {
        *strong == bare
            || strong.len() == word.len()
                && strong
                    .chars()
                    .zip(word.chars())
                    .all(|(s, w)| w == MASK || s == w)
    });
    match known {
        Some(known) => vec![known.to_owned()],
        None => word.split(MASK).map(str::to_owned).collect(),
    }
}

/// What hides a letter. In bold type (`*STOP*`) it stands outside the word.
pub(super) const MASK: char = '*';

/// Shortest word in which one slip still leaves no doubt, wherever it stands.
const LONG_WORD: usize = 7;

/// Corrects a slip of the finger in a word that is the whole message.
///
/// Short words allow one slip; from nine letters on, two; and three if the
/// beginning is right: `unsubskrip`.
pub(super) fn slipped_keyword(word: &str, lexicon: &Lexicon) -> Option<String> {
    if lexicon.knows_any(word) {
        return None;
    }
    slip(word, 3, 1, lexicon)
        .or_else(|| slip(word, 9, 2, lexicon))
        .or_else(|| slip(word, 8, 3, lexicon))
}

fn slip(word: &str, shortest: usize, most: usize, lexicon: &Lexicon) -> Option<String> {
    let length = word.len();
    if !word.is_ascii() || length < shortest || length > MAX_WORD || lexicon.is_lookalike(word) {
        return None;
    }
    lexicon
        .strong()
        .filter(|strong| strong.len() + 1 >= shortest.max(4))
        .find(|strong| {
            strong.len().abs_diff(length) <= most
                && strong.as_bytes()[..most] == word.as_bytes()[..most]
                && strsim::osa_distance(strong, word) <= most
        })
        .map(str::to_owned)
}

/// Other ways to read the same letters: `kirim2`, `st0p`, `stopp`.
fn respellings(word: &str) -> Vec<String> {
    let mut forms = Vec::new();
    if let Some((head, tail)) = word.split_once('2')
        && head.chars().count() >= 2
        && tail.chars().all(char::is_alphabetic)
    {
        forms.push(format!("{head}{tail}"));
        forms.push(head.to_owned());
    }
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    if letters.len() >= 3 && letters.len() < word.len() {
        forms.push(letters.to_owned());
    }
    if let Some(addressed) = word.strip_prefix('@') {
        forms.push(addressed.to_owned());
    }
    let digits = |c: char| c.is_ascii_digit() || c == '@' || c == '$';
    if word.chars().any(digits) && word.chars().any(|c| c.is_ascii_alphabetic()) {
        forms.push(word.chars().map(unleet).collect());
    }
    let single = single_letters(word);
    if single != word && single.len() >= 3 {
        forms.push(single);
    }
    forms
}

fn unleet(c: char) -> char {
    match c {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        _ => c,
    }
}

/// `stopp` → `stop`: every run of one letter, cut to one.
fn single_letters(word: &str) -> String {
    let mut last = None;
    word.chars()
        .filter(|&c| last.replace(c) != Some(c))
        .collect()
}

/// Particles and endings, longest first.
const ENDINGS: [&str; 18] = [
    "nyalah", "kannya", "innya", "annya", "kanlah", "inlah", "nya", "nye", "lah", "kah", "kan",
    "pun", "ny", "ku", "in", "an", "mu", "i",
];

/// Prefixes, each with the letters it may have swallowed from the stem.
const BEGINNINGS: [(&str, &[&str]); 12] = [
    ("menge", &[""]),
    ("meng", &["", "k"]),
    ("meny", &["s"]),
    ("mem", &["", "p"]),
    ("men", &["", "t"]),
    ("me", &[""]),
    ("nge", &["", "k"]),
    ("ng", &["", "k"]),
    ("ny", &["s", "c"]),
    ("di", &[""]),
    ("ku", &[""]),
    ("n", &["t"]),
];

/// Strips endings, then a beginning, until a listed Malay word appears; the
/// least stripped form wins.
fn malay_stem(word: &str, lexicon: &Lexicon) -> Option<String> {
    if !word.is_ascii() || word.len() < 4 {
        return None;
    }
    let known = |form: &str| form.len() >= 2 && lexicon.knows(form, Family::Malay);
    let spelled = |form: &str| -> Option<String> {
        let form = lexicon.spelling(form).unwrap_or(form);
        known(form).then(|| form.to_owned())
    };
    let bases =
        std::iter::once(word).chain(ENDINGS.iter().filter_map(|end| word.strip_suffix(end)));
    let bases: Vec<&str> = bases.filter(|base| base.len() >= 2).collect();
    if let Some(found) = bases.iter().skip(1).find_map(|base| spelled(base)) {
        return Some(found);
    }
    for base in &bases {
        for (beginning, swallowed) in &BEGINNINGS {
            let Some(rest) = base.strip_prefix(beginning) else {
                continue;
            };
            let forms = swallowed.iter().map(|letter| format!("{letter}{rest}"));
            if let Some(found) = forms.into_iter().find_map(|form| spelled(&form)) {
                return Some(found);
            }
        }
    }
    None
}

/// `menvoyer` → `envoyer`, `والرسائل` → `الرسائل`.
fn prefixed(word: &str, lexicon: &Lexicon) -> Option<String> {
    const ELIDED: [&str; 10] = ["qu", "dell", "all", "m", "t", "s", "l", "d", "j", "c"];
    const ARABIC: [&str; 8] = ["وال", "بال", "لل", "ال", "و", "ف", "ب", "ل"];
    let strip = |prefixes: &[&str], family| {
        prefixes.iter().find_map(|prefix| {
            let rest = word.strip_prefix(prefix)?;
            (rest.chars().count() >= 3 && lexicon.knows(rest, family)).then(|| rest.to_owned())
        })
    };
    strip(&ELIDED, Family::Eliding).or_else(|| strip(&ARABIC, Family::Arabic))
}
