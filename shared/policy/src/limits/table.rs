//! The dated figures.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::SignedDuration;
use serde::Deserialize;

use super::{CanaryBounds, PairLimit, Tier};

const TABLE: &str = include_str!("../../data/limits.json");

/// WhatsApp's limits and how much of them is used.
#[derive(Clone, Debug)]
pub struct Limits {
    table: Table,
}

impl Limits {
    /// The compiled-in figures.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: LazyLock<Limits> = LazyLock::new(|| Limits {
            table: serde_json::from_str(TABLE).expect("the compiled-in limits are well-formed"),
        });
        &EMBEDDED
    }

    /// Messages per second, both directions, of a throughput level as WhatsApp
    /// names it; an unknown level counts as the standard one.
    pub fn throughput(&self, level: &str) -> u32 {
        let levels = &self.table.throughput;
        *levels
            .per_second
            .get(level)
            .unwrap_or(&levels.per_second[&levels.unknown_as])
    }

    /// How fast messages may follow each other to one person.
    pub fn pair(&self) -> PairLimit {
        PairLimit {
            interval: SignedDuration::from_secs(self.table.pair.interval_s),
            burst: self.table.pair.burst_used,
        }
    }

    /// The tier of a portfolio as WhatsApp names it; an unknown name counts as
    /// the first tier.
    pub fn tier(&self, code: &str) -> Tier {
        let tiers = &self.table.tiers;
        let people = tiers
            .people_in_24_h
            .get(code)
            .unwrap_or(&tiers.people_in_24_h[&tiers.unknown_as]);
        Tier { people: *people }
    }

    /// The tier that an announcement means, as WhatsApp names tiers: by its name,
    /// or by how many people it is for, of which -1 means no limit. `None` for a
    /// name that is not known: nothing follows from it.
    ///
    /// A number between two tiers counts as the lower one.
    pub fn tier_announced(&self, text: &str) -> Option<&str> {
        let tiers = &self.table.tiers.people_in_24_h;
        let text = text.trim();
        if let Some((name, _)) = tiers.get_key_value(text) {
            return Some(name);
        }
        let wanted: i64 = text.parse().ok()?;
        let mut known: Vec<_> = tiers.iter().collect();
        known.sort_by_key(|(_, people)| people.unwrap_or(u32::MAX));
        let fits = |people: Option<u32>| match people {
            None => wanted == -1,
            Some(people) => wanted == -1 || i64::from(people) <= wanted,
        };
        let mut fitting = known.into_iter().rev().filter(|(_, people)| fits(**people));
        fitting.next().map(|(name, _)| name.as_str())
    }

    /// How long to leave a person alone after WhatsApp declined marketing.
    pub fn marketing_cool_down(&self) -> SignedDuration {
        SignedDuration::from_hours(self.table.marketing_cool_down_h)
    }

    /// The bounds of a campaign's first people.
    pub fn canary(&self) -> CanaryBounds {
        self.table.canary
    }

    /// How long to wait for the first people's answers.
    pub fn canary_wait(&self) -> SignedDuration {
        SignedDuration::from_hours(self.table.canary_wait_h)
    }

    /// Whether a campaign is at fault, of whose `answered` requests WhatsApp
    /// `refused` so many as wrong in themselves: they are many, and a good part
    /// of all.
    pub fn is_at_fault(&self, refused: u32, answered: u32) -> bool {
        let bounds = self.table.refused_requests;
        refused >= bounds.at_least && f64::from(refused) >= bounds.share * f64::from(answered)
    }

    /// The limits of a broadcast list in the app.
    pub fn broadcast_list(&self) -> BroadcastList {
        self.table.broadcast_list
    }
}

/// What a broadcast list in the WhatsApp Business app can do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
pub struct BroadcastList {
    /// Most people of a list.
    pub people: u32,
    /// Most sends of lists in a month; `None` where nobody publishes it.
    pub sends_per_month: Option<u32>,
    /// Whether only people who saved the number receive it.
    pub requires_saved_number: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct Table {
    throughput: Throughput,
    pair: Pair,
    tiers: Tiers,
    marketing_cool_down_h: i64,
    canary: CanaryBounds,
    canary_wait_h: i64,
    refused_requests: RefusedRequests,
    broadcast_list: BroadcastList,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct RefusedRequests {
    at_least: u32,
    share: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Throughput {
    per_second: BTreeMap<String, u32>,
    unknown_as: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Pair {
    interval_s: i64,
    burst_used: u16,
}

#[derive(Clone, Debug, Deserialize)]
struct Tiers {
    people_in_24_h: BTreeMap<String, Option<u32>>,
    unknown_as: String,
}
