//! The words, by what they can mean.
//!
//! A lexicon file holds two kinds of lines:
//!
//! ```text
//! tidak = ga gak nggak          other spellings of one word
//! neg: tidak bukan no_longer    words and phrases of one concept
//! ```
//!
//! A word may stand under several concepts, in several languages: messages mix
//! languages, so all files form one lexicon, and the grammar sorts out which
//! reading fits.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::concepts::Concepts;
use super::text::fold;

/// The built-in lexicon. Its files are data of this crate; a test loads them.
pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut lexicon = Lexicon::default();
    for name in [UNKNOWN, DIGITS, ASK, FILLER, PERSON, SHOUT] {
        lexicon.concept(name);
    }
    lexicon.read(include_str!("../../data/replies/id.txt"), Family::Malay);
    lexicon.read(include_str!("../../data/replies/ms.txt"), Family::Malay);
    lexicon.read(include_str!("../../data/replies/jv-su.txt"), Family::Malay);
    lexicon.read(include_str!("../../data/replies/en.txt"), Family::Other);
    lexicon.read(include_str!("../../data/replies/es-pt.txt"), Family::Other);
    lexicon.read(
        include_str!("../../data/replies/fr-it.txt"),
        Family::Eliding,
    );
    lexicon.read(include_str!("../../data/replies/hi.txt"), Family::Other);
    lexicon.read(include_str!("../../data/replies/ar.txt"), Family::Arabic);
    lexicon.read(include_str!("../../data/replies/de-nl.txt"), Family::Other);
    lexicon.read(include_str!("../../data/replies/others.txt"), Family::Other);
    lexicon.read(include_str!("../../data/replies/names.txt"), Family::Other);
    lexicon.read(
        include_str!("../../data/replies/everyday.txt"),
        Family::Other,
    );
    lexicon.finish();
    lexicon
});

/// A word the lexicon does not hold.
pub(super) const UNKNOWN: &str = "unknown";
/// A number.
pub(super) const DIGITS: &str = "digits";
/// A clause that asks. A property of clauses, not of words.
pub(super) const ASK: &str = "ask";
/// A text in capitals only. A property of clauses, not of words.
pub(super) const SHOUT: &str = "shout";
/// Somebody's name.
pub(super) const PERSON: &str = "person";
/// Politeness, address, particles: dropped before matching.
pub(super) const FILLER: &str = "filler";

/// How words of a file change their shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Prefixes and suffixes around a stem: `dikirimin`.
    Malay,
    /// A swallowed pronoun in front: `m'envoyer`.
    Eliding,
    /// An article or conjunction in front: `والرسائل`.
    Arabic,
    /// Listed forms only.
    Other,
}

#[derive(Debug, Default)]
pub(super) struct Lexicon {
    names: Vec<&'static str>,
    spellings: HashMap<String, String>,
    /// What the files list, until `finish` has filed it.
    entries: Vec<(Vec<String>, Concepts, Family)>,
    words: HashMap<String, Concepts>,
    phrases: HashMap<String, Vec<(Vec<String>, Concepts)>>,
    /// Every word that stands alone or in a phrase, with the families it is from.
    vocabulary: HashMap<String, Vec<Family>>,
    /// The vocabulary by first letter, each in order: what a slip is corrected to.
    by_letter: HashMap<u8, Vec<String>>,
    /// Words a long slip of the finger is corrected to.
    strong: Vec<String>,
    lookalikes: HashSet<String>,
    longest_unspaced: usize,
}

impl Lexicon {
    /// The bit of a concept, if any word or rule defines it.
    pub(super) fn bit(&self, name: &str) -> Option<Concepts> {
        let index = self.names.iter().position(|known| *known == name)?;
        Some(Concepts::one(index))
    }

    /// What a word can mean by itself; `None` if it is not listed alone.
    pub(super) fn word(&self, word: &str) -> Option<Concepts> {
        self.words.get(word).copied()
    }

    /// The listed spelling of a word.
    pub(super) fn spelling(&self, word: &str) -> Option<&str> {
        self.spellings.get(word).map(String::as_str)
    }

    /// Whether a word of this family is listed, alone or within a phrase.
    pub(super) fn knows(&self, word: &str, family: Family) -> bool {
        self.vocabulary
            .get(word)
            .is_some_and(|families| families.contains(&family))
    }

    pub(super) fn knows_any(&self, word: &str) -> bool {
        self.vocabulary.contains_key(word)
    }

    /// The longest phrase that starts at the first of these words.
    pub(super) fn phrase(&self, words: &[String]) -> Option<(usize, Concepts)> {
        let phrases = self.phrases.get(words.first()?)?;
        phrases
            .iter()
            .find(|(phrase, _)| words.starts_with(phrase))
            .map(|(phrase, concepts)| (phrase.len(), *concepts))
    }

    /// Words that alone are a wish to stop, in any spelling close enough.
    pub(super) fn strong(&self) -> impl Iterator<Item = &str> {
        self.strong.iter().map(String::as_str)
    }

    /// Listed words that begin with the same letter.
    pub(super) fn beginning_like(&self, word: &str) -> &[String] {
        let first = word.as_bytes().first();
        first
            .and_then(|letter| self.by_letter.get(letter))
            .map_or(&[], Vec::as_slice)
    }

    /// Words that look like a listed one, and from which no slip is mended.
    pub(super) fn is_lookalike(&self, word: &str) -> bool {
        self.lookalikes.contains(word)
    }

    /// Letters of the longest word in a script that puts no spaces.
    pub(super) fn longest_unspaced(&self) -> usize {
        self.longest_unspaced
    }

    fn concept(&mut self, name: &'static str) -> Concepts {
        let index = self.names.iter().position(|known| *known == name);
        let index = index.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        Concepts::one(index)
    }

    fn read(&mut self, file: &'static str, family: Family) {
        for line in file.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if let Some((word, spellings)) = line.split_once(" = ") {
                for spelling in spellings.split_whitespace() {
                    self.spellings.insert(fold(spelling), fold(word));
                }
                self.enter(&fold(word), family);
            } else if let Some((concept, entries)) = line.split_once(": ") {
                for entry in entries.split_whitespace() {
                    self.add(concept.trim(), entry, family);
                }
            }
        }
    }

    fn add(&mut self, concept: &'static str, entry: &str, family: Family) {
        let words: Vec<String> = entry.split(['_', '-']).map(fold).collect();
        match concept {
            "strong" => self.strong.extend(words),
            "lookalike" => self.lookalikes.extend(words),
            _ => {
                let bit = self.concept(concept);
                self.entries.push((words, bit, family));
            }
        }
    }

    fn enter(&mut self, word: &str, family: Family) {
        if word.chars().any(is_unspaced) {
            self.longest_unspaced = self.longest_unspaced.max(word.chars().count());
        }
        let families = self.vocabulary.entry(word.to_owned()).or_default();
        if !families.contains(&family) {
            families.push(family);
        }
    }

    /// Files the entries, once all spellings are known: a phrase is kept in the
    /// spelling its words are looked up by.
    fn finish(&mut self) {
        for (mut words, bit, family) in std::mem::take(&mut self.entries) {
            if let [word] = words.as_slice() {
                self.enter(word, family);
                *self.words.entry(word.clone()).or_default() |= bit;
                continue;
            }
            for word in &mut words {
                if let Some(listed) = self.spellings.get(word) {
                    word.clone_from(listed);
                }
                self.enter(word, family);
            }
            let phrases = self.phrases.entry(words[0].clone()).or_default();
            match phrases.iter_mut().find(|(phrase, _)| *phrase == words) {
                Some((_, concepts)) => *concepts |= bit,
                None => phrases.push((words, bit)),
            }
        }
        for word in self.vocabulary.keys().filter(|word| word.is_ascii()) {
            let Some(letter) = word.as_bytes().first() else {
                continue;
            };
            let words = self.by_letter.entry(*letter).or_default();
            words.push(word.clone());
        }
        self.by_letter.values_mut().for_each(|words| words.sort());
        for phrases in self.phrases.values_mut() {
            phrases.sort_by_key(|(phrase, _)| std::cmp::Reverse(phrase.len()));
        }
    }
}

/// Scripts that write words without spaces, or glue endings on.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}'      // Thai, Lao
        | '\u{1000}'..='\u{109f}'    // Myanmar
        | '\u{1780}'..='\u{17ff}'    // Khmer
        | '\u{3040}'..='\u{30ff}'    // kana
        | '\u{3400}'..='\u{9fff}'    // Han
        | '\u{ac00}'..='\u{d7af}'    // Hangul
    )
}
