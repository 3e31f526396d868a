//! Before anything is sent: when, how many, for how much, and who not and why.
//!
//! [`Simulator`] takes the same people and the same rules as the real thing and
//! answers with a [`Forecast`]; [`explain()`] says everything that speaks against
//! one message, in order.

mod explain;
mod prices;
mod simulate;

pub use self::explain::{Explanation, ObjectionKind, Reasoning, explain};
pub use self::prices::{PriceRow, Prices};
pub use self::simulate::{CountryForecast, Forecast, HourForecast, Scenario, Simulator};

#[cfg(test)]
mod tests;
