//! What the links of a text are worth: allow, warn or block, with reasons.
//!
//! [`check`] reads the text as it is, before any parser has tidied it: what
//! people cannot see (zero-width and bidirectional characters), what was
//! disguised (`hxxp`, `[.]`), every scheme, every bare host, and words that
//! ask for secrets. Each address is then judged part by part. All reasons are
//! collected; the verdict is the most severe of them.
//!
//! Pure, and linear in the length of the text. A verdict says nothing about
//! the reputation of an address, which is looked up elsewhere.

mod address;
mod brands;
mod bytes;
mod evaluate;
mod host;
mod lists;
mod lures;
mod nested;
mod scan;
#[cfg(test)]
mod tests;
mod token;

use serde::{Deserialize, Serialize};

pub use evaluate::{EvaluateError, Evaluation, evaluate};
pub use host::is_public_address;

/// The data files, as they are hashed into the policy version.
pub(crate) const DATA: [&str; 4] = [
    include_str!("../data/links/brands.json"),
    include_str!("../data/links/hosts.json"),
    include_str!("../data/links/downloads.json"),
    include_str!("../data/links/lures.json"),
];

/// Judges the links of a text.
///
/// Text added on lines of its own never lowers the verdict.
pub fn check(text: &str, context: &Context) -> Report {
    let mut findings = Vec::new();
    let mut links = Vec::new();
    if scan::may_hold_links(text) {
        scan::scan(text, context, &mut findings, &mut links);
    }
    lures::scan(text, context, &mut findings);
    lures::scan_names(text, &mut findings);
    findings.retain(|finding| {
        finding.verdict != Verdict::Warn || !context.trusts(finding.host.as_deref())
    });
    let verdict = findings
        .iter()
        .map(|finding| finding.verdict)
        .max()
        .unwrap_or(Verdict::Allow);
    Report {
        verdict,
        findings,
        links,
    }
}

/// Whether a rendered button URL still leads where its template leads:
/// variables may fill path and query, never scheme, host or port.
pub fn keeps_destination(template: &str, rendered: &str) -> bool {
    let fixed = template.split("{{").next().unwrap_or(template);
    let path_begins = fixed
        .split_once("://")
        .is_some_and(|(_, rest)| rest.contains(['/', '?', '#']));
    if !path_begins && fixed.len() != template.len() {
        return false;
    }
    let (Ok(template), Ok(rendered)) = (url::Url::parse(fixed), url::Url::parse(rendered)) else {
        return false;
    };
    template.origin() == rendered.origin()
        && template.origin().is_tuple()
        && rendered.username().is_empty()
        && rendered.password().is_none()
}

/// Whose text it is, and where it goes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Context {
    /// Registrable domains that the tenant proved to own. They turn a warning
    /// into an allowance; a block they never touch.
    pub allowed: Vec<String>,
    /// Registrable domains on which the tenant may bear a brand's name,
    /// because the brand is its own.
    pub own_brand: Vec<String>,
    /// Where the text goes.
    pub place: Place,
}

impl Context {
    /// Nobody's, in the text itself.
    pub const NONE: Self = Self {
        allowed: Vec::new(),
        own_brand: Vec::new(),
        place: Place::Body,
    };

    /// The same, for a text that goes elsewhere.
    pub fn at(&self, place: Place) -> Self {
        Self {
            place,
            ..self.clone()
        }
    }

    fn trusts(&self, host: Option<&str>) -> bool {
        host.is_some_and(|host| covers(&self.allowed, host))
    }

    fn owns_brand(&self, host: &str) -> bool {
        covers(&self.own_brand, host)
    }
}

/// Whether `host` is one of the domains or lies under one.
fn covers(domains: &[String], host: &str) -> bool {
    domains.iter().any(|domain| host::is_within(host, domain))
}

/// Where a text goes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Place {
    /// Header, body or footer.
    #[default]
    Body,
    /// The URL of a button; `{{1}}` may stand in its path or query.
    ButtonUrl,
    /// The value of a variable, which may not bring a link of its own.
    Parameter,
}

/// What becomes of a message, in rising severity.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It may go.
    Allow,
    /// It may go once a named person approves.
    Warn,
    /// It may not go.
    Block,
}

impl Verdict {
    /// The word by which files and clients name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Block => "block",
        }
    }
}

/// The verdict and everything that led to it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[must_use = "a verdict that nobody reads stops nothing"]
pub struct Report {
    /// The most severe of the findings; allow without any.
    pub verdict: Verdict,
    /// Every finding, in the order of the text.
    pub findings: Vec<Finding>,
    /// Every web address, in the order of the text.
    pub links: Vec<Link>,
}

/// A web address in a text.
#[derive(Clone, Eq, PartialEq, Serialize)]
pub struct Link {
    /// As it stands in the text, without what cannot be seen: message text, so
    /// never for logs.
    pub shown: String,
    /// The host that it really leads to; `None` if no resolver takes it.
    pub host: Option<String>,
}

impl Link {
    /// Where it really leads, as a browser would ask for it.
    pub fn leads_to(&self) -> Option<url::Url> {
        let schemed = self.shown.contains("://");
        let address = if schemed {
            self.shown.clone()
        } else {
            format!("https://{}", self.shown)
        };
        url::Url::parse(&address).ok()
    }
}

impl std::fmt::Debug for Link {
    /// Without the text: a variable's value may stand in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// One reason, and where it was found.
#[derive(Clone, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// Why.
    pub reason: Reason,
    /// How severe.
    pub verdict: Verdict,
    /// Where the words in question begin, in bytes.
    pub at: usize,
    /// The beginning of those words: message text, so never for logs.
    pub shown: String,
    /// The host that the address really leads to, where there is one.
    pub host: Option<String>,
}

impl std::fmt::Debug for Finding {
    /// Without the text: a variable's value may stand in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finding")
            .field("reason", &self.reason)
            .field("verdict", &self.verdict)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Declares the reasons with their codes, so that none lacks one.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $code:literal,)+) => {
        /// Why a link is not simply allowed.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason { $($(#[$doc])* $name,)+ }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// A stable code for storage, metrics and the API.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

reasons! {
    /// A character without width inside an address.
    ZeroWidth => "zero_width",
    /// A control of writing direction in or at an address or file name.
    BidiControl => "bidi_control",
    /// An address that software must not see, such as `hxxp` or `[.]`.
    Obfuscated => "obfuscated",
    /// A label that mixes scripts.
    MixedScriptHomograph => "mixed_script_homograph",
    /// A label in one foreign script that looks like a brand.
    WholeScriptHomograph => "whole_script_homograph",
    /// A Latin label beyond ASCII that looks like a brand.
    LatinConfusable => "latin_confusable",
    /// Characters that are rare in addresses.
    UnusualUnicode => "unusual_unicode",
    /// A scheme that runs something.
    BadScheme => "bad_scheme",
    /// A scheme that opens an app or a call.
    DeepLink => "deep_link",
    /// A name or password before the host.
    Userinfo => "userinfo",
    /// A host that no resolver takes.
    InvalidHost => "invalid_host",
    /// An IP address instead of a name.
    IpLiteral => "ip_literal",
    /// An address inside a network, such as loopback or metadata.
    SsrfTarget => "ssrf_target",
    /// A brand's name, or nearly, on a host that is not the brand's.
    LookalikeBrand => "lookalike_brand",
    /// A word that is a brand, but a common word too.
    AmbiguousBrandWord => "ambiguous_brand_word",
    /// A domain that is said to be a brand's, and nobody has confirmed it.
    UnconfirmedBrand => "unconfirmed_brand",
    /// A program, an installer or an archive.
    DangerousDownload => "dangerous_download",
    /// An address inside the address that would be blocked itself.
    NestedRedirect => "nested_redirect",
    /// An address inside the address that leads elsewhere.
    RedirectParam => "redirect_param",
    /// A short link or a page of links: the destination is unknown.
    Shortener => "shortener",
    /// Not encrypted.
    NotHttps => "not_https",
    /// A port other than 80 and 443.
    OddPort => "odd_port",
    /// More than five labels.
    ExcessSubdomains => "excess_subdomains",
    /// A top-level domain that is often abused.
    RiskyTld => "risky_tld",
    /// A top-level domain that reads like a file name.
    FileExtTld => "file_ext_tld",
    /// An ending that the public suffix list does not know.
    UnknownSuffix => "unknown_suffix",
    /// A host on which anybody can put anything.
    AbusableHost => "abusable_host",
    /// A path that speaks of signing in.
    SuspiciousPath => "suspicious_path",
    /// An e-mail address.
    Email => "email",
    /// A variable where scheme, host or port stand.
    DynamicHost => "dynamic_host",
    /// A link in the value of a variable.
    LinkInParameter => "link_in_parameter",
    /// Words that ask for a secret or threaten an account.
    PhishText => "phish_text",
    /// Somebody who keeps count of harmful addresses lists it.
    Listed => "listed",
    /// Whoever keeps count of harmful addresses did not answer.
    ReputationUnavailable => "reputation_unavailable",
    /// Where a short link leads could not be found out.
    NotExpanded => "not_expanded",
}

/// Collects findings of one place in the text.
struct Notes<'a> {
    findings: &'a mut Vec<Finding>,
    at: usize,
    shown: &'a str,
    host: Option<String>,
}

impl Notes<'_> {
    fn block(&mut self, reason: Reason) {
        self.note(reason, Verdict::Block);
    }

    fn warn(&mut self, reason: Reason) {
        self.note(reason, Verdict::Warn);
    }

    /// Whether this was found in the same words, at the same host.
    fn has_here(&self, reason: Reason) -> bool {
        self.findings
            .iter()
            .rev()
            .any(|known| known.reason == reason && known.at == self.at && known.host == self.host)
    }

    fn note(&mut self, reason: Reason, verdict: Verdict) {
        let mut finding = Finding {
            reason,
            verdict,
            at: self.at,
            shown: beginning(self.shown).to_owned(),
            host: self.host.clone(),
        };
        let known = if self.findings.len() < MOST_FINDINGS {
            let here = |known: &&Finding| known.at == finding.at;
            self.findings
                .iter()
                .rev()
                .take_while(here)
                .any(|known| *known == finding)
        } else {
            // Too many to tell apart: one of each kind, for no host that
            // could be trusted.
            finding.host = None;
            self.findings[MOST_FINDINGS..]
                .iter()
                .any(|known| known.reason == reason && known.verdict == verdict)
        };
        if !known {
            self.findings.push(finding);
        }
    }
}

/// How many addresses of one text are told.
const MOST_LINKS: usize = 64;

/// How many findings are told one by one.
const MOST_FINDINGS: usize = 256;

/// How much of a long word is shown, in bytes.
const SHOWN: usize = 256;

fn beginning(word: &str) -> &str {
    &word[..word.floor_char_boundary(SHOWN)]
}
