//! What a tenant decides for itself: never wider than the law and WhatsApp
//! allow, often narrower.
//!
//! [`Document`] is the JSON that an operator writes; [`Settings`] is what the
//! rules read. The way from one to the other names every field that cannot be
//! used, so that all can be put right at once.

mod document;

use std::collections::BTreeSet;

pub use self::document::{Cap, Document, Domains, KeywordRow, Window, Wrong};
use crate::content::Category;
use crate::jurisdiction::Sector;
use crate::limits::FrequencyCap;
use crate::links::Verdict;
use crate::quiet_hours::SendWindow;
use crate::reply::Keyword;
use crate::send::Terms;

/// The settings of one tenant. The default is a general business without
/// wishes of its own.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// What kind of business it is; decides which rows of law hold.
    pub sector: Sector,
    /// Its own send window, which can only shorten the law's.
    pub window: Option<SendWindow>,
    /// How many messages one person gets from it; all caps hold.
    pub frequency: Vec<FrequencyCap>,
    /// Countries without a reviewed row whose law it confirms it has reviewed,
    /// by ISO 3166-1 alpha-2 code.
    pub reviewed_countries: BTreeSet<String>,
    /// Words of its own that people send.
    pub keywords: Vec<Keyword>,
    /// Registrable domains that it proved to own.
    pub own_domains: Vec<String>,
    /// Registrable domains on which it may bear a brand's name.
    pub brand_domains: Vec<String>,
    /// Whether whoever approves a warning must be another person than the
    /// author.
    pub two_person_approval: bool,
    /// What a link is worth that nobody could look up.
    pub unknown_links: UnknownLinks,
    /// Whether an opt-out is confirmed by one message.
    pub confirms_optouts: bool,
    /// Whether a doubt may be settled by WhatsApp's message history.
    pub settles_by_history: bool,
    /// Whether it answers itself when somebody asks for help.
    pub answers_help_itself: bool,
}

/// What a link is worth about which somebody who was asked did not answer.
/// Never nothing: silence is no allowance.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum UnknownLinks {
    /// A named person answers for it.
    #[default]
    Warn,
    /// The message waits until it can be looked up.
    Block,
}

impl UnknownLinks {
    /// As a verdict.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Warn => Verdict::Warn,
            Self::Block => Verdict::Block,
        }
    }
}

impl Settings {
    /// The terms of a message of `category`, before anything is known of its
    /// template, its links and the portfolio's limit.
    pub fn terms(&self, category: Category) -> Terms {
        let mut terms = Terms::new(category);
        terms.sector = self.sector;
        terms.window.clone_from(&self.window);
        terms.frequency.clone_from(&self.frequency);
        terms
            .reviewed_countries
            .clone_from(&self.reviewed_countries);
        terms.links.allowed.clone_from(&self.own_domains);
        terms.links.own_brand.clone_from(&self.brand_domains);
        terms
    }
}

#[cfg(test)]
mod tests;
