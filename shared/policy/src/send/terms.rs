//! What the tenant and the campaign bring into a decision.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::content::{Category, TemplateStatus};
use crate::jurisdiction::Sector;
use crate::limits::FrequencyCap;
use crate::links;
use crate::quiet_hours::SendWindow;

/// The same for a whole block of messages; read once for each.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Terms {
    /// What kind of message WhatsApp takes it for.
    pub category: Category,
    /// What kind of business the tenant is.
    pub sector: Sector,
    /// The tenant's own send window, which can only shorten the law's.
    pub window: Option<SendWindow>,
    /// How much advertising one person gets from the tenant; all caps hold.
    pub frequency: Vec<FrequencyCap>,
    /// Countries without a reviewed row whose law the tenant confirms it has
    /// reviewed, by ISO 3166-1 alpha-2 code.
    pub reviewed_countries: BTreeSet<String>,
    /// When the portfolio's daily limit has room again; `None` while it has.
    pub tier_opens: Option<Timestamp>,
    /// Whose domains and brands the links of its texts may bear.
    pub links: links::Context,
    /// What the checks of links and files said.
    pub content: ContentVerdict,
    /// Whether WhatsApp lets the template be sent, as last read.
    pub template: TemplateStatus,
}

impl Terms {
    /// The terms of a general business without wishes of its own, whose
    /// message passed its checks and whose template is approved.
    pub const fn new(category: Category) -> Self {
        Self {
            category,
            sector: Sector::General,
            window: None,
            frequency: Vec::new(),
            reviewed_countries: BTreeSet::new(),
            tier_opens: None,
            links: links::Context::NONE,
            content: ContentVerdict::Clear { until: None },
            template: TemplateStatus::Approved,
        }
    }
}

/// What the checks of a message's links and files said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ContentVerdict {
    /// Something in it is harmful.
    Blocked,
    /// Nothing is, or a named person agreed.
    Clear {
        /// When the checks are too old to count; `None` if there was nothing
        /// to check.
        until: Option<Timestamp>,
    },
    /// The checks have not answered.
    Unchecked,
}
