//! A reply, read: clauses of concepts, and the words they came from.

use super::concepts::Concepts;
use super::grammar::{Clause, GRAMMAR};
use super::lexicon::{ASK, DIGITS, FILLER, LEXICON, Lexicon, PERSON, SHOUT, UNKNOWN, is_unspaced};
use super::morphology::{MASK, listed, slipped_keyword, unmasked};
use super::text::{RawClause, clauses, is_shouted, names};

/// What was read.
#[derive(Debug)]
pub(super) struct Reading {
    clauses: Vec<Clause>,
    /// Every word as written, folded.
    words: Vec<String>,
    /// The words that are no fillers, in their listed spelling.
    content: Vec<String>,
}

impl Reading {
    pub(super) fn of(text: &str) -> Self {
        let lexicon = &LEXICON;
        let raw = clauses(text);
        let names = names(text);
        let mut reading = Self {
            clauses: Vec::with_capacity(raw.len()),
            words: raw.iter().flat_map(|c| c.words.iter().cloned()).collect(),
            content: Vec::new(),
        };
        for clause in raw {
            reading.read(clause, &names, lexicon);
        }
        reading.mend_keyword(lexicon);
        let shouted = is_shouted(text);
        for clause in &mut reading.clauses {
            GRAMMAR.merge(clause);
            if shouted {
                clause.all |= bit(SHOUT);
            }
        }
        reading
    }

    pub(super) fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// The words as written, folded, a space between.
    pub(super) fn text(&self) -> String {
        self.words.join(" ")
    }

    /// Whether the message is this text, give or take politeness.
    pub(super) fn is_exactly(&self, text: &str) -> bool {
        self.text() == text || self.content.join(" ") == text
    }

    /// Whether the message says yes and nothing else.
    pub(super) fn says_yes(&self) -> bool {
        let (yes, filler) = (bit("yes"), bit(FILLER));
        let mut all = self.words.iter().map(|word| {
            let word = listed(word.clone(), &LEXICON);
            LEXICON.word(&word).unwrap_or_default()
        });
        all.clone().any(|word| word.meets(yes)) && all.all(|word| word.meets(yes | filler))
    }

    /// Whether any word is one that everybody knows to mean stop.
    pub(super) fn holds_strong_word(&self) -> bool {
        let strong = |word: &String| LEXICON.strong().any(|strong| strong == word);
        self.words
            .iter()
            .any(|word| strong(&listed(word.clone(), &LEXICON)))
    }

    fn read(&mut self, raw: RawClause, names: &[String], lexicon: &Lexicon) {
        let mut words: Vec<String> = Vec::with_capacity(raw.words.len());
        for word in raw.words {
            if word.chars().any(is_unspaced) {
                words.extend(segments(&word, lexicon));
            } else if word.contains(MASK) {
                let parts = unmasked(&word, lexicon);
                words.extend(parts.into_iter().map(|part| listed(part, lexicon)));
            } else if names.contains(&word) {
                words.push(named(word, lexicon));
            } else {
                words.push(listed(word, lexicon));
            }
        }
        // `stop stop stop`, `kirim-kirim`.
        words.dedup();
        let filler = bit(FILLER);
        let mut clause = Clause::default();
        for (unit, mut concepts) in units(&words, lexicon) {
            if concepts == bit(UNKNOWN) && names.contains(&unit[0]) {
                concepts |= bit(PERSON);
            }
            clause.all |= concepts;
            if !concepts.meets(filler) {
                clause.words.push(concepts);
                self.content.push(unit.join(" "));
            }
        }
        if raw.question {
            clause.all |= bit(ASK);
        }
        self.clauses.push(clause);
    }

    /// A message that is one unknown word, or a known one torn apart, may be a
    /// slip of the finger: `stpo`, `brehnti`, `un subscribe`.
    fn mend_keyword(&mut self, lexicon: &Lexicon) {
        let slipped = match self.content.as_slice() {
            [word] => slipped_keyword(word, lexicon),
            _ => None,
        };
        let Some(word) = torn_keyword(&self.words, lexicon).or(slipped) else {
            return;
        };
        let concepts = alone(&word, lexicon);
        let asks = self.clauses.iter().any(|clause| clause.all.meets(bit(ASK)));
        let question = if asks { bit(ASK) } else { Concepts::NONE };
        self.clauses = vec![Clause {
            words: vec![concepts],
            all: concepts | question,
        }];
        self.content = vec![word];
    }
}

/// A word with a capital letter: a name, unless it is listed or a slip of a
/// strong word.
fn named(word: String, lexicon: &Lexicon) -> String {
    if let Some(spelling) = lexicon.spelling(&word) {
        return spelling.to_owned();
    }
    let listed = listed(word.clone(), lexicon);
    if lexicon.strong().any(|strong| strong == listed) {
        listed
    } else {
        word
    }
}

/// Listed words, cut into phrases where the lexicon has one.
fn units<'a>(
    words: &'a [String],
    lexicon: &'a Lexicon,
) -> impl Iterator<Item = (&'a [String], Concepts)> {
    let mut rest = words;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let (taken, concepts) = lexicon
            .phrase(rest)
            .unwrap_or_else(|| (1, alone(first, lexicon)));
        let (unit, after) = rest.split_at(taken);
        rest = after;
        Some((unit, concepts))
    })
}

/// A strong word in two or three pieces, with nothing but fillers around it.
fn torn_keyword(words: &[String], lexicon: &Lexicon) -> Option<String> {
    const MOST_WORDS: usize = 8;
    if words.len() > MOST_WORDS {
        return None;
    }
    let listed: Vec<String> = words
        .iter()
        .map(|word| listed(word.clone(), lexicon))
        .collect();
    let polite = |words: &[String]| units(words, lexicon).all(|(_, c)| c.meets(bit(FILLER)));
    let windows = [2, 3].into_iter().flat_map(|size| {
        let starts = (words.len() + 1).saturating_sub(size);
        (0..starts).map(move |start| start..start + size)
    });
    windows
        .map(|window| (words[window.clone()].concat(), window))
        .find(|(joined, window)| {
            lexicon.strong().any(|strong| strong == joined)
                && polite(&listed[..window.start])
                && polite(&listed[window.end..])
        })
        .map(|(joined, _)| joined)
}

/// What a word can mean by itself.
fn alone(word: &str, lexicon: &Lexicon) -> Concepts {
    lexicon.word(word).unwrap_or_else(|| {
        if word.chars().all(char::is_numeric) {
            bit(DIGITS)
        } else {
            bit(UNKNOWN)
        }
    })
}

fn bit(name: &str) -> Concepts {
    LEXICON
        .bit(name)
        .expect("the lexicon defines its own concepts")
}

/// Cuts a run without spaces into the longest listed words; what lies between
/// them is kept as unknown words.
fn segments(run: &str, lexicon: &Lexicon) -> Vec<String> {
    let chars: Vec<char> = run.chars().collect();
    let mut words = Vec::new();
    let mut unknown = String::new();
    let mut at = 0;
    while at < chars.len() {
        let longest = lexicon.longest_unspaced().min(chars.len() - at);
        let found = (1..=longest).rev().find_map(|length| {
            let word: String = chars[at..at + length].iter().collect();
            lexicon.knows_any(&word).then_some(word)
        });
        match found {
            Some(word) => {
                if !unknown.is_empty() {
                    words.push(std::mem::take(&mut unknown));
                }
                at += word.chars().count();
                words.push(word);
            }
            None => {
                unknown.push(chars[at]);
                at += 1;
            }
        }
    }
    if !unknown.is_empty() {
        words.push(unknown);
    }
    words
}
