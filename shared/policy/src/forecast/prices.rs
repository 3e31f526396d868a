//! What WhatsApp bills.

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::Deserialize;

use crate::content::Category;

const TABLE: &str = include_str!("../../data/prices.json");

/// Prices by day, country and category.
#[derive(Clone, Debug, Deserialize)]
pub struct Prices {
    currency: String,
    delivered_at_least: f64,
    rows: Vec<PriceRow>,
}

/// The prices of one country from one day on.
#[derive(Clone, Debug, Deserialize)]
pub struct PriceRow {
    from: Date,
    country: String,
    marketing: u64,
    utility: u64,
    authentication: u64,
    service: u64,
}

impl Prices {
    /// The compiled-in table.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: LazyLock<Prices> = LazyLock::new(|| {
            serde_json::from_str(TABLE).expect("the compiled-in prices are well-formed")
        });
        &EMBEDDED
    }

    /// ISO 4217 code of the currency.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// The share of messages that is delivered, and so billed, at the least.
    pub fn delivered_at_least(&self) -> f64 {
        self.delivered_at_least
    }

    /// The price of one delivered message in millionths of the currency; `None`
    /// where nobody knows it.
    pub fn of(&self, country: &str, category: Category, on: Date) -> Option<u64> {
        let row = self
            .rows
            .iter()
            .filter(|row| row.country == country && row.from <= on)
            .max_by_key(|row| row.from)?;
        Some(match category {
            Category::Authentication => row.authentication,
            Category::Marketing => row.marketing,
            Category::Service => row.service,
            Category::Utility => row.utility,
        })
    }
}
