//! Words that ask for a secret, threaten an account or promise a prize in a
//! brand's name.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::lists::LURES;
use super::{Context, Finding, Notes, Reason, Verdict, brands, covers};

/// Notes the lures of a text.
pub(super) fn scan(text: &str, context: &Context, findings: &mut Vec<Finding>) {
    if !TRIGGERS.is_match(text) {
        return;
    }
    let mut at = 0;
    let mut lured = None;
    for sentence in text.split_inclusive(['\n', '!', '?', '.', ';']) {
        let words = Words::of(sentence);
        if asks_for_secret(sentence, &words) {
            lured = lured.or(Some((at, sentence)));
        }
        at += sentence.len();
    }
    let linked = text.contains("://") || text.contains("www.");
    for (at, line) in lines(text) {
        let words = Words::of(line);
        if threatens(&words, linked, context) {
            lured = lured.or(Some((at, line)));
        }
    }
    if let Some((at, shown)) = lured {
        let mut notes = Notes {
            findings,
            at,
            shown: shown.trim(),
            host: None,
        };
        notes.block(Reason::PhishText);
    }
}

/// A short name that is a common word too is a brand where the words beside
/// the link write it in capitals, as `JNE` and `DANA` are.
pub(super) fn scan_names(text: &str, findings: &mut Vec<Finding>) {
    for index in 0..findings.len() {
        let finding = &findings[index];
        let Some(host) = &finding.host else { continue };
        if finding.reason != Reason::AmbiguousBrandWord {
            continue;
        }
        let start = text[..finding.at].rfind('\n').map_or(0, |at| at + 1);
        let line = text[start..].lines().next().unwrap_or_default();
        if brands::short_names(host).any(|name| stands_out(line, name)) {
            let mut named = finding.clone();
            named.reason = Reason::LookalikeBrand;
            named.verdict = Verdict::Block;
            findings.push(named);
        }
    }
}

/// Whether a line that is not all in capitals has the word in capitals.
fn stands_out(line: &str, name: &str) -> bool {
    let words = || line.split(|c: char| !c.is_alphanumeric());
    let quiet = words().filter(|word| word.chars().any(char::is_lowercase));
    words().any(|word| word == name.to_ascii_uppercase()) && quiet.count() >= 3
}

/// The lines of a text and where they begin.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line)
    })
}

/// A text without any of these words holds no lure.
static TRIGGERS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let words = LURES
        .secrets
        .iter()
        .chain(&LURES.verify)
        .chain(&LURES.threats);
    let words = words.map(String::as_str).chain([
        "tarif",
        "tariff",
        "biaya",
        "pemenang",
        "undian",
        "memenangkan",
        "terpilih",
        "winner",
        "won",
        "kode",
        "code",
        "angka",
    ]);
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(words)
        .expect("the compiled-in words fit an automaton")
});

/// Lower-case words, each between single spaces.
struct Words(String);

impl Words {
    fn of(text: &str) -> Self {
        let mut words = String::with_capacity(text.len() + 2);
        words.push(' ');
        for c in text.chars() {
            if c.is_alphanumeric() || matches!(c, '-' | '\'' | '{' | '}') {
                words.extend(c.to_lowercase());
            } else if !words.ends_with(' ') {
                words.push(' ');
            }
        }
        if !words.ends_with(' ') {
            words.push(' ');
        }
        Self(words)
    }

    fn hold(&self, phrase: &str) -> bool {
        let mut rest = self.0.as_str();
        while let Some(at) = rest.find(phrase) {
            let end = at + phrase.len();
            if rest[..at].ends_with(' ') && rest[end..].starts_with(' ') {
                return true;
            }
            rest = &rest[end..];
        }
        false
    }

    fn hold_any(&self, phrases: &[String]) -> bool {
        phrases.iter().any(|phrase| self.hold(phrase))
    }
}

fn asks_for_secret(sentence: &str, words: &Words) -> bool {
    let secret = LURES.secrets.iter().any(|secret| match secret.as_str() {
        "pin" => words.hold("pin") && is_secret_pin(sentence, words),
        "password" | "kata sandi" | "sandi" => {
            words.hold(secret)
                && !["wifi", "wi-fi", "hotspot", "file"]
                    .iter()
                    .any(|w| words.hold(w))
        }
        secret => words.hold(secret),
    });
    if words.hold_any(&LURES.denials) {
        return false;
    }
    let gives_away = GIVES_AWAY.iter().any(|verb| words.hold(verb));
    if gives_away && means_a_received_code(words) {
        return true;
    }
    if !secret || !words.hold_any(&LURES.asks) {
        return false;
    }
    // A code that the message itself brings is given, not asked for.
    let brings_code = words.0.contains("{{")
        || words
            .0
            .split(' ')
            .any(|word| (4..=8).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit()));
    !brings_code || gives_away
}

/// Verbs that take a secret out of somebody's hands.
const GIVES_AWAY: [&str; 15] = [
    "kirim", "kirimkan", "balas", "berikan", "sebutkan", "bacakan", "reply", "send", "share",
    "forward", "teruskan", "bagikan", "read", "tell", "give",
];

/// A code that came to the person's telephone, whatever it is called: only the
/// one who gets it is meant to know it.
fn means_a_received_code(words: &Words) -> bool {
    let any = |list: &[&str]| list.iter().any(|word| words.hold(word));
    let harmless = [
        "kode voucher",
        "kode promo",
        "kode unik",
        "kode booking",
        "kode pesanan",
        "kode undian",
        "kode kupon",
        "kode referral",
        "promo code",
        "voucher code",
        "booking code",
        "referral code",
        "discount code",
        "order code",
    ];
    any(&["kode", "code", "angka"])
        && any(&[
            "masuk", "diterima", "terima", "terkirim", "received", "receive", "sent", "got",
        ])
        && any(&[
            "sms",
            "hp",
            "ponsel",
            "whatsapp",
            "wa",
            "inbox",
            "phone",
            "text message",
        ])
        && !any(&harmless)
}

/// Not a brooch, and not a place on a map.
fn is_secret_pin(sentence: &str, words: &Words) -> bool {
    let harmless = [
        "pin lokasi",
        "pin location",
        "pin peta",
        "pin maps",
        "pin point",
        "pin bros",
        "pin enamel",
    ];
    if harmless.iter().any(|pin| words.hold(pin)) {
        return false;
    }
    let meant = [
        "kode pin",
        "nomor pin",
        "pin anda",
        "pin kamu",
        "pin atm",
        "pin bank",
        "pin transaksi",
        "pin kartu",
        "pin dan",
        "dan pin",
        "your pin",
        "pin number",
        "pin rekening",
        "pin akun",
        "masukkan pin",
        "pin lama",
    ];
    sentence.contains("PIN") || meant.iter().any(|pin| words.hold(pin))
}

fn threatens(words: &Words, linked: bool, context: &Context) -> bool {
    let warns = [
        "jangan",
        "jgn",
        "waspada",
        "hati-hati",
        "tidak pernah",
        "never",
        "awas",
        "penipuan",
    ];
    if warns.iter().any(|warning| words.hold(warning)) {
        return false;
    }
    if changes_price(words) {
        return true;
    }
    let brand = names_foreign_brand(words, context);
    let verify = words.hold_any(&LURES.verify);
    let account = words.hold_any(&LURES.accounts);
    let threat = words.hold_any(&LURES.threats);
    let prize = words.hold_any(&LURES.prizes);
    let draw = [
        "pemenang",
        "memenangkan",
        "terpilih",
        "undian",
        "winner",
        "won",
    ]
    .iter()
    .any(|w| words.hold(w));
    let yours = ["anda", "kamu", "your", "ibu", "bapak", "nasabah"]
        .iter()
        .any(|w| words.hold(w));
    (verify && account && brand && (threat || (linked && adjoining(words, context))))
        || (threat && account && linked && yours && (verify || brand))
        || (draw && prize && brand && linked)
}

/// A fee that has changed, unless one objects: nobody's bank asks that.
fn changes_price(words: &Words) -> bool {
    let any = |list: &[&str]| list.iter().any(|word| words.hold(word));
    let moved = any(&["transfer", "admin", "transaksi", "bank"]);
    let objects = any(&["setuju", "menolak"]);
    let asked = objects || any(&["konfirmasi", "form", "formulir"]);
    let changed = any(&["berubah", "perubahan", "menjadi", "naik", "kenaikan"]);
    (words.hold("tarif") && moved && asked) || (words.hold("biaya") && moved && changed && objects)
}

/// "verify the account of brand", within a few words.
fn adjoining(words: &Words, context: &Context) -> bool {
    let list: Vec<&str> = words.0.split_whitespace().collect();
    list.windows(6)
        .chain(std::iter::once(list.as_slice()).filter(|l| l.len() < 6))
        .any(|window| {
            let verify = window
                .iter()
                .position(|w| LURES.verify.iter().any(|v| v == w));
            verify.is_some_and(|at| {
                let rest = &window[at + 1..];
                rest.iter().any(|w| LURES.accounts.iter().any(|a| a == w))
                    && rest.iter().any(|w| is_foreign_brand(w, context))
            })
        })
}

fn names_foreign_brand(words: &Words, context: &Context) -> bool {
    words
        .0
        .split_whitespace()
        .any(|word| is_foreign_brand(word, context))
}

fn is_foreign_brand(word: &str, context: &Context) -> bool {
    brands::domains_of(word).is_some_and(|domains| {
        !domains
            .iter()
            .any(|domain| covers(&context.own_brand, domain))
    })
}
