//! Metrics in CloudWatch's embedded metric format: one record for each
//! invocation, printed as one log line that CloudWatch turns into metrics.
//!
//! Dimensions are few and bounded (the function), never ids.

use std::collections::BTreeMap;
use std::io::Write as _;

use jiff::Timestamp;
use serde_json::json;

use crate::config::Env;

/// The unit-of-work record of one invocation.
#[derive(Clone, Debug)]
pub struct Metrics {
    function: &'static str,
    values: BTreeMap<&'static str, (f64, Unit)>,
}

/// What a value counts.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Thousandths of a second.
    Milliseconds,
}

impl Metrics {
    /// An empty record.
    pub fn of(function: &'static str) -> Self {
        Self {
            function,
            values: BTreeMap::new(),
        }
    }

    /// Adds to a counter.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn count(&mut self, name: &'static str, by: u64) {
        let value = &mut self.values.entry(name).or_insert((0.0, Unit::Count)).0;
        *value += by as f64;
    }

    /// Sets a duration.
    #[expect(clippy::cast_precision_loss, reason = "durations stay far below 2^52")]
    pub fn millis(&mut self, name: &'static str, millis: i64) {
        self.values
            .insert(name, (millis as f64, Unit::Milliseconds));
    }

    /// The record as one line of JSON; `None` if nothing was counted.
    pub fn render(&self, now: Timestamp) -> Option<String> {
        if self.values.is_empty() {
            return None;
        }
        let definitions: Vec<_> = self
            .values
            .iter()
            .map(|(name, (_, unit))| json!({"Name": name, "Unit": format!("{unit:?}")}))
            .collect();
        let mut record = json!({
            "_aws": {
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": "Izin",
                    "Dimensions": [["function"]],
                    "Metrics": definitions,
                }],
            },
            "function": self.function,
        });
        for (name, (value, _)) in &self.values {
            record[*name] = json!(value);
        }
        Some(record.to_string())
    }

    /// Prints the record on standard output, where Lambda picks it up; off
    /// Lambda nothing is printed.
    pub fn emit(&self, now: Timestamp, sink: MetricsSink) {
        let MetricsSink::Stdout { function } = sink else {
            return;
        };
        let named = Self {
            function,
            ..self.clone()
        };
        if let Some(line) = named.render(now) {
            // Losing a metric must not fail the work that it counts.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }
}

/// Where metric records go: a setting of every function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MetricsSink {
    /// Nowhere: one-machine runs and tests.
    Nowhere,
    /// Standard output, for CloudWatch.
    Stdout {
        /// The name of the Lambda function, which the alarms look for.
        function: &'static str,
    },
}

impl MetricsSink {
    /// Standard output on Lambda, which sets `AWS_LAMBDA_FUNCTION_NAME`; nowhere
    /// on any other machine.
    pub fn from_env(env: &Env) -> Self {
        match env.optional("AWS_LAMBDA_FUNCTION_NAME") {
            // Kept for the life of the process: one name, read once.
            Some(name) => Self::Stdout {
                function: Box::leak(name.into_boxed_str()),
            },
            None => Self::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_has_every_value_once() {
        let mut metrics = Metrics::of("send");
        metrics.count("Sent", 2);
        metrics.count("Sent", 3);
        metrics.millis("Slept", 40);
        let record: serde_json::Value =
            serde_json::from_str(&metrics.render(Timestamp::UNIX_EPOCH).unwrap()).unwrap();
        assert_eq!(record["Sent"], 5.0);
        assert_eq!(record["function"], "send");
        let declared = &record["_aws"]["CloudWatchMetrics"][0]["Metrics"];
        assert_eq!(
            *declared,
            json!([{"Name": "Sent", "Unit": "Count"}, {"Name": "Slept", "Unit": "Milliseconds"}])
        );
        assert!(Metrics::of("send").render(Timestamp::UNIX_EPOCH).is_none());
    }
}
