//! Dated prices, and what is assumed where nothing can be counted.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::count::Units;

const TABLE: &str = include_str!("../../../data/aws_prices.json");

/// The file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Prices {
    source: String,
    read: String,
    note: String,
    pub(super) regions: BTreeMap<String, Vector>,
    pub(super) assumptions: Assumptions,
}

/// The prices of one region.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Vector {
    lambda_gb_seconds: f64,
    lambda_requests_million: f64,
    write_units_million: f64,
    read_units_million: f64,
    sqs_requests_million: f64,
    http_api_requests_million: f64,
    s3_puts_million: f64,
    s3_gets_million: f64,
    logs_gb: f64,
    out_gb: f64,
}

/// What the emulation cannot count.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Assumptions {
    about: String,
    pub(super) dynamodb_call_ms: f64,
    pub(super) sqs_call_ms: f64,
    pub(super) s3_call_ms: f64,
    pub(super) invocation_ms: f64,
    pub(super) log_bytes_per_queue_invocation: f64,
    pub(super) out_bytes_per_message: f64,
}

impl Prices {
    pub(super) fn embedded() -> anyhow::Result<Self> {
        serde_json::from_str(TABLE).context("read the compiled-in prices")
    }

    /// The day they were read.
    pub(super) fn read(&self) -> &str {
        &self.read
    }
}

/// Dollars for a million messages.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Dollars {
    pub(super) with_http_api: f64,
    pub(super) with_function_url: f64,
}

impl Vector {
    /// What `units` of `messages` messages cost, scaled to a million of them.
    pub(super) fn price(&self, units: &Units, messages: f64) -> Dollars {
        const GB: f64 = 1e9;
        let without_http = units.gb_seconds * self.lambda_gb_seconds
            + units.log_bytes / GB * self.logs_gb
            + units.out_bytes / GB * self.out_gb
            + (units.invocations * self.lambda_requests_million
                + units.write_units * self.write_units_million
                + units.read_units * self.read_units_million
                + units.sqs_requests * self.sqs_requests_million
                + units.s3_puts * self.s3_puts_million
                + units.s3_gets * self.s3_gets_million)
                / 1e6;
        let http = units.http_requests * self.http_api_requests_million / 1e6;
        let scale = 1e6 / messages;
        Dollars {
            with_http_api: (without_http + http) * scale,
            with_function_url: without_http * scale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_of_everything_costs_the_sum_of_the_prices() {
        let prices = Prices::embedded().unwrap();
        let units = Units {
            gb_seconds: 10_000.0,
            invocations: 1e6,
            write_units: 1e6,
            read_units: 1e6,
            sqs_requests: 1e6,
            http_requests: 1e6,
            ..Units::default()
        };
        let dollars = prices.regions["us-east-1"].price(&units, 1e6);
        let without = 0.133_334 + 0.20 + 0.625 + 0.125 + 0.40;
        assert!((dollars.with_function_url - without).abs() < 1e-9);
        assert!((dollars.with_http_api - without - 1.0).abs() < 1e-9);
    }
}
