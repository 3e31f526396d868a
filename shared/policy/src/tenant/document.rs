//! Settings as an operator writes them.

use jiff::SignedDuration;
use jiff::civil::Weekday;
use serde::{Deserialize, Serialize};

use super::{Settings, UnknownLinks};
use crate::jurisdiction::{Jurisdictions, Sector};
use crate::limits::FrequencyCap;
use crate::purpose::Purpose;
use crate::quiet_hours::SendWindow;
use crate::reply::{Keyword, Label};

/// The JSON of a tenant's settings. Every field may be left out.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Document {
    /// `general` or `financial_services`; `general` by default.
    pub sector: Option<String>,
    /// The tenant's own send window.
    pub send_window: Option<Window>,
    /// How many messages one person gets.
    pub frequency: Vec<Cap>,
    /// ISO 3166-1 alpha-2 codes of countries whose law the tenant reviewed.
    pub reviewed_countries: Vec<String>,
    /// Words of its own.
    pub keywords: Vec<KeywordRow>,
    /// Its domains.
    pub domains: Domains,
    /// Whether a warning needs another person's approval than the author's.
    pub two_person_approval: bool,
    /// What becomes of a message whose links cannot be looked up at the moment:
    /// `warn`, so that a person answers for it, or `block`; `warn` by default.
    pub unknown_links: Option<String>,
    /// Whether an opt-out that a person wrote or tapped is confirmed by one
    /// message.
    pub confirm_optouts: bool,
    /// Whether WhatsApp's message history may settle what became of a message
    /// whose answer was lost: only where nothing but this service sends from the
    /// tenant's numbers.
    pub doubts_by_history: bool,
    /// Whether the business answers itself when somebody writes HELP, BANTUAN or
    /// INFO; by default one message says who writes here and how to stop it.
    pub answers_help_itself: bool,
}

/// A part of the local day of the person, on certain days.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First minute, as `09:00`.
    pub from: String,
    /// End, as `19:00`; the minute itself is quiet.
    pub until: String,
    /// Days on which nothing is sent, as `sunday`.
    #[serde(default)]
    pub closed_days: Vec<String>,
}

/// At most so many messages of a purpose within a time.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// Of which purpose, with everything under it; `marketing` by default.
    #[serde(default = "marketing")]
    pub purpose: String,
    /// How many.
    pub most: u16,
    /// Within how many hours: at most 744, a month.
    pub within_hours: u16,
}

fn marketing() -> String {
    "marketing".to_owned()
}

/// A whole message that has a meaning of its own.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct KeywordRow {
    /// The message.
    pub text: String,
    /// `optout`, `resume`, `help`, or `other` to take a built-in word out of
    /// service.
    pub means: String,
}

/// The tenant's domains.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Domains {
    /// Registrable domains that it proved to own: a doubt about a link to one
    /// of them does not count.
    pub own: Vec<String>,
    /// Registrable domains on which it may bear a brand's name, because the
    /// brand is its own.
    pub brands: Vec<String>,
}

/// A field that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wrong {
    /// Where it is: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is expected there.
    pub expected: String,
}

/// Most entries of each list of the document.
const ENTRIES_MAX: usize = 100;

impl TryFrom<&Document> for Settings {
    type Error = Vec<Wrong>;

    fn try_from(document: &Document) -> Result<Self, Vec<Wrong>> {
        let mut check = Check::default();
        let settings = Self {
            sector: check.sector(document.sector.as_deref()),
            window: check.window(document.send_window.as_ref()),
            frequency: check.each("/frequency", &document.frequency, cap),
            reviewed_countries: check
                .each(
                    "/reviewed_countries",
                    &document.reviewed_countries,
                    |code| country(code),
                )
                .into_iter()
                .collect(),
            keywords: check.each("/keywords", &document.keywords, keyword),
            own_domains: check.each("/domains/own", &document.domains.own, |name| domain(name)),
            brand_domains: check.each("/domains/brands", &document.domains.brands, |name| {
                domain(name)
            }),
            two_person_approval: document.two_person_approval,
            unknown_links: check.unknown_links(document.unknown_links.as_deref()),
            confirms_optouts: document.confirm_optouts,
            settles_by_history: document.doubts_by_history,
            answers_help_itself: document.answers_help_itself,
        };
        if check.0.is_empty() {
            Ok(settings)
        } else {
            Err(check.0)
        }
    }
}

/// What was found wrong so far.
#[derive(Default)]
struct Check(Vec<Wrong>);

impl Check {
    fn unknown_links(&mut self, word: Option<&str>) -> UnknownLinks {
        match word {
            None | Some("warn") => UnknownLinks::Warn,
            Some("block") => UnknownLinks::Block,
            Some(_) => {
                self.refuse("/unknown_links", "warn or block");
                UnknownLinks::Block
            }
        }
    }

    fn refuse(&mut self, pointer: impl Into<String>, expected: impl Into<String>) {
        self.0.push(Wrong {
            pointer: pointer.into(),
            expected: expected.into(),
        });
    }

    fn sector(&mut self, code: Option<&str>) -> Sector {
        let Some(code) = code else {
            return Sector::General;
        };
        Sector::from_code(code).unwrap_or_else(|| {
            self.refuse("/sector", "expected `general` or `financial_services`");
            Sector::General
        })
    }

    fn window(&mut self, window: Option<&Window>) -> Option<SendWindow> {
        let window = window?;
        let days = self.each("/send_window/closed_days", &window.closed_days, |day| {
            weekday(day)
        });
        if days.len() == 7 {
            self.refuse("/send_window/closed_days", "expected a day that is open");
        }
        match SendWindow::parse(&window.from, &window.until) {
            Ok(open) => Some(open.closed_on(days)),
            Err(_) => {
                let expected = "expected times of one day such as `09:00` and `19:00`";
                self.refuse("/send_window", expected);
                None
            }
        }
    }

    fn each<T, U>(
        &mut self,
        pointer: &str,
        entries: &[T],
        read: impl Fn(&T) -> Result<U, String>,
    ) -> Vec<U> {
        if entries.len() > ENTRIES_MAX {
            self.refuse(pointer, format!("expected at most {ENTRIES_MAX} entries"));
            return Vec::new();
        }
        let mut values = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            match read(entry) {
                Ok(value) => values.push(value),
                Err(expected) => self.refuse(format!("{pointer}/{at}"), expected),
            }
        }
        values
    }
}

fn cap(cap: &Cap) -> Result<FrequencyCap, String> {
    let longest = FrequencyCap::LONGEST.as_hours();
    let hours = i64::from(cap.within_hours);
    if cap.most == 0 || hours == 0 || hours > longest {
        return Err(format!(
            "expected at least 1 message within 1 to {longest} hours"
        ));
    }
    Ok(FrequencyCap {
        purpose: Purpose::parse(&cap.purpose).map_err(|error| error.to_string())?,
        most: cap.most,
        within: SignedDuration::from_hours(hours),
    })
}

fn country(code: &str) -> Result<String, String> {
    if Jurisdictions::embedded().has_country(code) {
        Ok(code.to_owned())
    } else {
        Err("expected a country by its ISO 3166-1 code such as `MY`".to_owned())
    }
}

fn keyword(row: &KeywordRow) -> Result<Keyword, String> {
    let label = Label::parse(&row.means)
        .ok_or("expected it to mean `optout`, `resume`, `help` or `other`")?;
    Keyword::parse(&row.text, label).map_err(|error| error.to_string())
}

/// A registrable domain, in its ASCII form (UTS #46).
fn domain(name: &str) -> Result<String, String> {
    let expected = || "expected a registrable domain such as `toko.co.id`".to_owned();
    let ascii = idna::domain_to_ascii_strict(name).map_err(|_| expected())?;
    let registrable = psl::domain_str(&ascii).filter(|_| {
        // A name under no known suffix is a typing error, not a domain.
        psl::suffix(ascii.as_bytes()).is_some_and(|suffix| suffix.is_known())
    });
    match registrable {
        Some(registrable) if registrable == ascii => Ok(ascii),
        _ => Err(expected()),
    }
}

fn weekday(day: &str) -> Result<Weekday, String> {
    Ok(match day {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return Err("expected a day such as `sunday`".to_owned()),
    })
}
