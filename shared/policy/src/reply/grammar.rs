//! Rules over concepts, and how they match.
//!
//! The grammar is a data file. Its lines are, in the order they are tried:
//!
//! ```text
//! let media = promo|msg                     a name for several concepts
//! merge refuse = neg want                   two words that act as one
//! rule code optout marketing: pattern ; condition ; condition
//! ```
//!
//! A pattern is a row of word classes: `a|b` one word of either concept, `a|$`
//! such a word or the end, `a?` perhaps one, `..3` up to three words of any kind, `^` and `$` the ends of the
//! clause. Patterns match within a clause, with fillers gone. A condition looks
//! at the whole: `not`, `has`, `only` at the clause, `none`, `any` at the
//! message, `max` at the clause's length, `whole` asks that the clause be the
//! message. A scope ending in `!` asks a person to look.
//!
//! Work is bounded by rules × words × gaps, none of which the text controls
//! beyond its length.

use std::sync::LazyLock;

use super::concepts::Concepts;
use super::lexicon::{LEXICON, Lexicon};
use super::{Label, Scope};

/// The built-in rules. Their file is data of this crate; a test loads it.
pub(super) static GRAMMAR: LazyLock<Grammar> =
    LazyLock::new(|| Grammar::parse(include_str!("../../data/replies/grammar.txt"), &LEXICON));

/// A clause as the rules see it.
#[derive(Debug, Default, Clone)]
pub(super) struct Clause {
    /// Concepts of each word that is no filler.
    pub(super) words: Vec<Concepts>,
    /// All concepts of the clause, fillers and the question mark included.
    pub(super) all: Concepts,
}

#[derive(Debug)]
pub(super) struct Grammar {
    merges: Vec<(Vec<Class>, Concepts)>,
    rules: Vec<Rule>,
}

/// One line of the grammar.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) code: &'static str,
    pub(super) label: Label,
    pub(super) scope: Option<Scope>,
    pub(super) review: bool,
    pattern: Vec<Class>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy)]
enum Class {
    Word(Concepts),
    /// The word, or the end of the clause.
    WordOrEnd(Concepts),
    Perhaps(Concepts),
    Gap(usize),
    Start,
    End,
}

#[derive(Debug, Clone, Copy)]
enum Condition {
    Not(Concepts),
    Has(Concepts),
    Only(Concepts),
    None(Concepts),
    Any(Concepts),
    Max(usize),
    Whole,
}

impl Grammar {
    /// Joins words that act as one, such as `tidak` + `mau`.
    pub(super) fn merge(&self, clause: &mut Clause) {
        for (pattern, concepts) in &self.merges {
            let mut at = 0;
            while at < clause.words.len() {
                match matched(pattern, &clause.words, at) {
                    Some(end) if end > at => {
                        clause.words.splice(at..end, [*concepts]);
                        clause.all |= *concepts;
                    }
                    _ => (),
                }
                at += 1;
            }
        }
    }

    /// The first rule that any clause satisfies.
    pub(super) fn first(&self, clauses: &[Clause]) -> Option<&Rule> {
        let message = clauses
            .iter()
            .fold(Concepts::NONE, |all, clause| all | clause.all);
        let alone = clauses.iter().filter(|c| !c.words.is_empty()).count() <= 1;
        self.rules.iter().find(|rule| {
            clauses
                .iter()
                .any(|clause| rule.accepts(clause, message, alone))
        })
    }

    /// The codes of all rules, in the order they are tried.
    #[cfg(test)]
    pub(super) fn codes(&self) -> impl Iterator<Item = &'static str> {
        self.rules.iter().map(|rule| rule.code)
    }

    fn parse(file: &'static str, lexicon: &Lexicon) -> Self {
        let mut reader = Reader {
            lexicon,
            names: Vec::new(),
        };
        let mut grammar = Self {
            merges: Vec::new(),
            rules: Vec::new(),
        };
        for line in file.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if let Some(line) = line.strip_prefix("let ") {
                let (name, classes) = line.split_once(" = ").expect("`let name = classes`");
                let concepts = reader.concepts(classes);
                reader.names.push((name, concepts));
            } else if let Some(line) = line.strip_prefix("merge ") {
                let (name, pattern) = line.split_once(" = ").expect("`merge name = pattern`");
                let concepts = reader.concepts(name);
                grammar.merges.push((reader.pattern(pattern), concepts));
            } else if let Some(line) = line.strip_prefix("rule ") {
                grammar.rules.push(reader.rule(line));
            }
        }
        grammar
    }
}

impl Rule {
    fn accepts(&self, clause: &Clause, message: Concepts, alone: bool) -> bool {
        if clause.words.is_empty() {
            return false;
        }
        let fulfilled = self.conditions.iter().all(|condition| match *condition {
            Condition::Not(concepts) => !clause.all.meets(concepts),
            Condition::Has(concepts) => clause.all.meets(concepts),
            Condition::Only(concepts) => clause.words.iter().all(|word| word.meets(concepts)),
            Condition::None(concepts) => !message.meets(concepts),
            Condition::Any(concepts) => message.meets(concepts),
            Condition::Max(most) => clause.words.len() <= most,
            Condition::Whole => alone,
        });
        fulfilled
            && (0..clause.words.len())
                .any(|start| matched(&self.pattern, &clause.words, start).is_some())
    }
}

/// Where the pattern ends if it matches from `start`.
fn matched(pattern: &[Class], words: &[Concepts], start: usize) -> Option<usize> {
    let Some((class, rest)) = pattern.split_first() else {
        return Some(start);
    };
    match *class {
        Class::Word(concepts) => matched_word(concepts, rest, words, start),
        Class::WordOrEnd(_) if start == words.len() => matched(rest, words, start),
        Class::WordOrEnd(concepts) => matched_word(concepts, rest, words, start),
        Class::Perhaps(concepts) => {
            let present = words.get(start).is_some_and(|word| word.meets(concepts));
            let taken = if present {
                matched(rest, words, start + 1)
            } else {
                None
            };
            taken.or_else(|| matched(rest, words, start))
        }
        Class::Gap(most) => {
            let last = words.len().min(start + most);
            (start..=last).find_map(|next| matched(rest, words, next))
        }
        Class::Start if start == 0 => matched(rest, words, start),
        Class::End if start == words.len() => matched(rest, words, start),
        Class::Start | Class::End => None,
    }
}

fn matched_word(
    concepts: Concepts,
    rest: &[Class],
    words: &[Concepts],
    start: usize,
) -> Option<usize> {
    let word = words.get(start)?;
    if !word.meets(concepts) {
        return None;
    }
    matched(rest, words, start + 1)
}

/// Reads the grammar file. It is part of the program, so a mistake in it is a
/// bug and panics; the first test to run meets it.
struct Reader<'a> {
    lexicon: &'a Lexicon,
    names: Vec<(&'static str, Concepts)>,
}

impl Reader<'_> {
    fn rule(&self, line: &'static str) -> Rule {
        let (head, body) = line.split_once(": ").expect("`rule head: body`");
        let mut head = head.split_whitespace();
        let code = head.next().expect("a rule has a code");
        let label = head.next().expect("a rule has a label");
        let (label, asks) = label
            .strip_suffix('!')
            .map_or((label, false), |l| (l, true));
        let label = Label::parse(label).unwrap_or_else(|| panic!("rule {code}: label"));
        let scope = head
            .next()
            .map(|scope| Scope::parse(scope).unwrap_or_else(|| panic!("rule {code}: scope")));
        assert_eq!(
            scope.is_some(),
            label == Label::Optout,
            "rule {code}: scope"
        );
        let mut parts = body.split(';').map(str::trim);
        Rule {
            code,
            label,
            scope,
            review: asks,
            pattern: self.pattern(parts.next().unwrap_or_default()),
            conditions: parts.map(|part| self.condition(part)).collect(),
        }
    }

    fn pattern(&self, text: &str) -> Vec<Class> {
        text.split_whitespace()
            .map(|class| self.class(class))
            .collect()
    }

    fn class(&self, text: &str) -> Class {
        match text {
            "^" => Class::Start,
            "$" => Class::End,
            _ => {
                if let Some(most) = text.strip_prefix("..") {
                    Class::Gap(most.parse().expect("a gap is a number"))
                } else if let Some(classes) = text.strip_suffix("|$") {
                    Class::WordOrEnd(self.concepts(classes))
                } else if let Some(classes) = text.strip_suffix('?') {
                    Class::Perhaps(self.concepts(classes))
                } else {
                    Class::Word(self.concepts(text))
                }
            }
        }
    }

    fn condition(&self, text: &str) -> Condition {
        let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
        match name {
            "not" => Condition::Not(self.concepts(rest)),
            "has" => Condition::Has(self.concepts(rest)),
            "only" => Condition::Only(self.concepts(rest)),
            "none" => Condition::None(self.concepts(rest)),
            "any" => Condition::Any(self.concepts(rest)),
            "max" => Condition::Max(rest.parse().expect("a length is a number")),
            "whole" => Condition::Whole,
            _ => panic!("unknown condition {text}"),
        }
    }

    fn concepts(&self, text: &str) -> Concepts {
        text.split('|').fold(Concepts::NONE, |all, name| {
            let name = name.trim();
            let named = self.names.iter().find(|(known, _)| *known == name);
            let concepts = named.map(|(_, concepts)| *concepts);
            all | concepts
                .or_else(|| self.lexicon.bit(name))
                .unwrap_or_else(|| panic!("unknown concept {name}"))
        })
    }
}
