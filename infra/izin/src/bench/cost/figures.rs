//! The figures side by side.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::Args;
use super::baseline::{CRASH_RATE, TIMEOUT_RATE};
use super::count::{Run, Seen, Units, Way};
use super::prices::{Dollars, Prices};
use crate::bench::PROFILE;

/// The region whose prices the targets were set in.
const REGION: &str = "us-east-1";

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    messages: u32,
    disturbed_messages: u32,
    seed: u64,
    limit_per_second: u32,
    build_profile: &'static str,
    crash_rate: f64,
    timeout_rate: f64,
    pub(super) wall_seconds: f64,
    targets: Targets,
    ways: Vec<Side>,
    prices: Prices,
}

/// Our own figures, each beside the most it may be.
#[derive(Debug, Serialize)]
struct Targets {
    send_write_units_without_claim: Bound,
    claims: Bound,
    all_write_units: Bound,
    send_sqs_requests_per_1000: Bound,
    dollars_per_million_with_http_api: Bound,
    dollars_per_million_with_function_url: Bound,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Bound {
    counted: f64,
    at_most: f64,
    holds: bool,
}

/// One way: per message, per million, and what the faults do to it.
#[derive(Debug, Serialize)]
struct Side {
    way: Way,
    per_message: Units,
    per_message_by_function: BTreeMap<String, Units>,
    /// Requests to AWS by function and operation.
    requests_by_function: BTreeMap<String, BTreeMap<String, u64>>,
    dollars_per_million: BTreeMap<String, Dollars>,
    undisturbed: Seen,
    disturbed: Seen,
    virtual_seconds: f64,
}

impl Figures {
    pub(super) fn new(args: &Args, prices: &Prices, ways: &[(Way, Run, Run)]) -> Self {
        let sides: Vec<Side> = ways
            .iter()
            .map(|(way, calm, rough)| Side::new(*way, calm, rough, prices))
            .collect();
        let ours = ways
            .iter()
            .zip(&sides)
            .find(|((way, ..), _)| *way == Way::Izin);
        let ((_, run, _), side) = ours.expect("we are one of the ways");
        Self {
            messages: args.messages,
            disturbed_messages: args.disturbed,
            seed: args.seed,
            limit_per_second: args.mps,
            build_profile: PROFILE,
            crash_rate: CRASH_RATE,
            timeout_rate: TIMEOUT_RATE,
            wall_seconds: 0.0,
            targets: Targets::of(run, side),
            ways: sides,
            prices: prices.clone(),
        }
    }

    pub(super) fn are_within_targets(&self) -> bool {
        let targets = &self.targets;
        let ours = self.ways.iter().find(|side| side.way == Way::Izin);
        [
            targets.send_write_units_without_claim,
            targets.claims,
            targets.all_write_units,
            targets.send_sqs_requests_per_1000,
            targets.dollars_per_million_with_http_api,
            targets.dollars_per_million_with_function_url,
        ]
        .iter()
        .all(|bound| bound.holds)
            && ours.is_some_and(|side| {
                side.disturbed.duplicate_recipients == 0 && side.disturbed.over_limit_windows == 0
            })
    }

    pub(super) fn table(&self) -> String {
        let mut table = format!(
            "cost of {} messages with 3 statuses each, limit {}/s, seed {}; {REGION}, prices read {}\n",
            self.messages,
            self.limit_per_second,
            self.seed,
            self.prices.read()
        );
        let mut line = |name: &str, of: &dyn Fn(&Side) -> String| {
            write!(table, "  {name:<40}").expect("a string takes everything");
            for side in &self.ways {
                write!(table, "{:>12}", of(side)).expect("a string takes everything");
            }
            table.push('\n');
        };
        line("", &|side| format!("{:?}", side.way).to_lowercase());
        line("write units per message", &|s| {
            two(s.per_message.write_units)
        });
        line("read units per message", &|s| two(s.per_message.read_units));
        line("SQS requests per 1,000 messages", &|s| {
            two(s.per_message.sqs_requests * 1_000.0)
        });
        line("HTTP requests per message", &|s| {
            two(s.per_message.http_requests)
        });
        line("invocations per message", &|s| {
            two(s.per_message.invocations)
        });
        line("GB-seconds per 1,000 messages", &|s| {
            two(s.per_message.gb_seconds * 1_000.0)
        });
        line("$ per million, HTTP API", &|s| {
            two(s.dollars().with_http_api)
        });
        line("$ per million, function URL", &|s| {
            two(s.dollars().with_function_url)
        });
        line("seconds over the limit, undisturbed", &|s| {
            s.undisturbed.over_limit_windows.to_string()
        });
        line("most in a sliding second, undisturbed", &|s| {
            s.undisturbed.max_in_sliding_second.to_string()
        });
        line("sending took, virtual seconds", &|s| {
            two(s.undisturbed.sending_seconds)
        });
        writeln!(
            table,
            "  under faults ({} messages): crash after an effect {CRASH_RATE}, no answer {TIMEOUT_RATE}",
            self.disturbed_messages
        )
        .expect("a string takes everything");
        let mut line = |name: &str, of: &dyn Fn(&Side) -> String| {
            write!(table, "  {name:<40}").expect("a string takes everything");
            for side in &self.ways {
                write!(table, "{:>12}", of(side)).expect("a string takes everything");
            }
            table.push('\n');
        };
        line("people reached twice", &|s| {
            s.disturbed.duplicate_recipients.to_string()
        });
        line("people never reached", &|s| {
            s.disturbed.never_reached.to_string()
        });
        line("seconds over the limit", &|s| {
            s.disturbed.over_limit_windows.to_string()
        });
        self.targets.add_to(&mut table);
        table
    }
}

impl Targets {
    fn of(run: &Run, side: &Side) -> Self {
        let messages = f64::from(run.messages);
        let send = &run.stages["SendFunction"];
        // The sender writes no other item of people than claims.
        let claims = send.readings.write_units.get("ContactsTable");
        let claims = claims.copied().unwrap_or(0.0) / messages;
        let send = side.per_message_by_function["SendFunction"];
        let dollars = side.dollars();
        Self {
            send_write_units_without_claim: Bound::new(send.write_units - claims, 0.30),
            claims: Bound::new(claims, 1.0),
            all_write_units: Bound::new(side.per_message.write_units, 2.4),
            send_sqs_requests_per_1000: Bound::new(
                (send.sqs_requests + side.per_message_by_function["FanoutFunction"].sqs_requests)
                    * 1_000.0,
                5.0,
            ),
            dollars_per_million_with_http_api: Bound::new(dollars.with_http_api, 7.0),
            dollars_per_million_with_function_url: Bound::new(dollars.with_function_url, 4.0),
        }
    }

    fn add_to(&self, table: &mut String) {
        table.push_str("  targets of ours\n");
        for (name, bound) in [
            (
                "write units to send, without the claim",
                self.send_write_units_without_claim,
            ),
            ("claims per message", self.claims),
            ("write units in all", self.all_write_units),
            (
                "SQS requests per 1,000 to send",
                self.send_sqs_requests_per_1000,
            ),
            (
                "$ per million, HTTP API",
                self.dollars_per_million_with_http_api,
            ),
            (
                "$ per million, function URL",
                self.dollars_per_million_with_function_url,
            ),
        ] {
            let verdict = if bound.holds { "holds" } else { "MISSED" };
            writeln!(
                table,
                "  {name:<40}{:>12} of {:>5}  {verdict}",
                two(bound.counted),
                two(bound.at_most)
            )
            .expect("a string takes everything");
        }
    }
}

impl Bound {
    fn new(counted: f64, at_most: f64) -> Self {
        Self {
            counted,
            at_most,
            holds: counted <= at_most,
        }
    }
}

impl Side {
    fn new(way: Way, calm: &Run, rough: &Run, prices: &Prices) -> Self {
        let messages = f64::from(calm.messages);
        let mut all = Units {
            out_bytes: prices.assumptions.out_bytes_per_message * messages,
            ..Units::default()
        };
        let mut by_function = BTreeMap::new();
        for (name, stage) in &calm.stages {
            let units = stage.units(&prices.assumptions);
            all += units;
            by_function.insert(name.clone(), units.divided_by(messages));
        }
        let requests = calm.stages.iter().map(|(name, stage)| {
            let requests = stage.readings.requests.iter();
            let requests = requests.map(|(operation, count)| (operation.to_string(), *count));
            (name.clone(), requests.collect())
        });
        let regions = prices.regions.iter();
        let dollars =
            regions.map(|(region, vector)| (region.clone(), vector.price(&all, messages)));
        Self {
            way,
            per_message: all.divided_by(messages),
            per_message_by_function: by_function,
            requests_by_function: requests.collect(),
            dollars_per_million: dollars.collect(),
            undisturbed: calm.seen,
            disturbed: rough.seen,
            virtual_seconds: calm.virtual_seconds,
        }
    }

    fn dollars(&self) -> Dollars {
        self.dollars_per_million[REGION]
    }
}

fn two(value: f64) -> String {
    format!("{value:.2}")
}
