//! A campaign's budget: what a message may cost, and what a block reserves of
//! the money before any of its messages leaves.
//!
//! Amounts are millionths of the currency of the price table. A reservation
//! holds one price for each recipient, so that what was not spent goes back
//! exactly.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::block::RecipientState;
use crate::content::Category;
use crate::forecast::Prices;
use crate::jurisdiction::Jurisdictions;
use crate::phone::PhoneNumber;

/// How much a campaign may cost at most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Budget {
    /// The whole of it, in millionths.
    pub cap: u64,
    /// What to reserve for a message whose price nobody knows, in millionths;
    /// without it such a message is not sent.
    pub unknown_price: Option<u64>,
}

/// What one message of `category` to `phone` costs at `now`, in millionths;
/// `None` if nobody knows it.
///
/// A number that several countries share counts as the dearest of them.
pub fn price(
    phone: &PhoneNumber,
    category: Category,
    now: Timestamp,
    unknown: Option<u64>,
) -> Option<u64> {
    let on = TimeZone::UTC.to_datetime(now).date();
    let mut dearest = None;
    for country in Jurisdictions::embedded().countries(phone) {
        let price = Prices::embedded().of(country.iso2(), category, on);
        dearest = dearest.max(Some(price.or(unknown)?));
    }
    dearest.or(unknown)
}

/// What a block in flight has reserved, by index; 0 for those who are settled
/// already.
///
/// Text form: runs of equal prices, `41100*60,0*40`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reservation(Vec<u64>);

impl Reservation {
    /// One price for each recipient of a block.
    pub fn new(prices: Vec<u64>) -> Self {
        Self(prices)
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// What stays spent once the recipients are in `states`: the price of
    /// everybody whose message was taken, or may have been.
    ///
    /// Law: it is never more than [`Reservation::total`].
    pub fn spent(&self, states: &[RecipientState]) -> u64 {
        let taken = |state: &RecipientState| {
            matches!(state, RecipientState::Accepted | RecipientState::Unknown)
        };
        self.0
            .iter()
            .zip(states)
            .filter(|(_, state)| taken(state))
            .map(|(price, _)| price)
            .sum()
    }
}

impl fmt::Display for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, run) in self.0.chunk_by(|a, b| a == b).enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}*{}", run[0], run.len())?;
        }
        Ok(())
    }
}

impl FromStr for Reservation {
    type Err = ParseReservationError;

    fn from_str(text: &str) -> Result<Self, ParseReservationError> {
        let mut prices = Vec::new();
        for run in text.split(',').filter(|run| !run.is_empty()) {
            let (price, count) = run.split_once('*').ok_or(ParseReservationError)?;
            let price: u64 = price.parse().map_err(|_| ParseReservationError)?;
            let count: u8 = count.parse().map_err(|_| ParseReservationError)?;
            prices.extend(std::iter::repeat_n(price, usize::from(count)));
        }
        Ok(Self(prices))
    }
}

/// A text that is no reservation.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected runs of prices")]
pub struct ParseReservationError;

/// An amount of money as people write it, `25` or `25.50`, in millionths.
pub fn parse_amount(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 6 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(part)
}

/// An amount of millionths as people write it, without needless zeros.
pub fn amount(micros: u64) -> String {
    let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
    let part = format!("{part:06}");
    match part.trim_end_matches('0') {
        "" => whole.to_string(),
        part => format!("{whole}.{part:0<2}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phone(text: &str) -> PhoneNumber {
        PhoneNumber::parse_e164(text).unwrap()
    }

    #[test]
    fn a_price_is_the_dated_one_of_the_country_or_the_one_named() {
        let now: Timestamp = "2026-11-24T03:00:00Z".parse().unwrap();
        let id = phone("+6281211110001");
        assert_eq!(price(&id, Category::Marketing, now, None), Some(41_100));
        assert_eq!(price(&id, Category::Utility, now, None), Some(25_000));
        let early: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(price(&id, Category::Marketing, early, None), None);
        let other = phone("+4791234567");
        assert_eq!(price(&other, Category::Marketing, now, None), None);
        assert_eq!(price(&other, Category::Marketing, now, Some(7)), Some(7));
    }

    #[test]
    fn amounts_read_as_people_write_them() {
        for (text, micros) in [
            ("25", 25_000_000),
            ("25.5", 25_500_000),
            ("0.0411", 41_100),
            ("0", 0),
        ] {
            assert_eq!(parse_amount(text), Some(micros), "{text}");
            assert_eq!(parse_amount(&amount(micros)), Some(micros));
        }
        assert_eq!(amount(25_500_000), "25.50");
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "1e3",
            "1,5",
            "0.0000001",
            "99999999999999999",
        ] {
            assert_eq!(parse_amount(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_not_spent_goes_back_exactly(
            rows in prop::collection::vec((0_u64..200_000, 0_usize..7), 0..=100),
        ) {
            const STATES: [RecipientState; 7] = [
                RecipientState::Accepted,
                RecipientState::Cancelled,
                RecipientState::Excluded,
                RecipientState::Expired,
                RecipientState::Pending,
                RecipientState::Rejected,
                RecipientState::Unknown,
            ];
            let (prices, states): (Vec<u64>, Vec<_>) =
                rows.into_iter().map(|(price, state)| (price, STATES[state])).unzip();
            let reservation = Reservation::new(prices.clone());
            let back: u64 = prices
                .iter()
                .zip(&states)
                .filter(|(_, state)| !matches!(state, RecipientState::Accepted | RecipientState::Unknown))
                .map(|(price, _)| price)
                .sum();
            prop_assert_eq!(reservation.spent(&states) + back, reservation.total());
            prop_assert_eq!(reservation.to_string().parse(), Ok(reservation));
        }
    }
}
