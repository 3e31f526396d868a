//! What was counted, in the units that are billed.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use emulator::meter::Readings;
use serde::Serialize;
use simulator::Report;

use super::prices::Assumptions;
use crate::house::Seeds;

/// A way to build it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    Izin,
    /// A queue message, a read, a token and a counter for each message.
    Naive,
    /// A row for each message; the number of workers is the limiter.
    Sample,
}

/// Billed units.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Units {
    /// Writes whose condition failed are in it, with one unit each.
    pub(super) write_units: f64,
    pub(super) read_units: f64,
    /// Sends, and the receives and deletes of Lambda's pollers; not the
    /// receives that find nothing.
    pub(super) sqs_requests: f64,
    pub(super) http_requests: f64,
    pub(super) s3_puts: f64,
    pub(super) s3_gets: f64,
    pub(super) invocations: f64,
    pub(super) gb_seconds: f64,
    pub(super) log_bytes: f64,
    pub(super) out_bytes: f64,
}

impl Units {
    pub(super) fn divided_by(self, count: f64) -> Self {
        Self {
            write_units: self.write_units / count,
            read_units: self.read_units / count,
            sqs_requests: self.sqs_requests / count,
            http_requests: self.http_requests / count,
            s3_puts: self.s3_puts / count,
            s3_gets: self.s3_gets / count,
            invocations: self.invocations / count,
            gb_seconds: self.gb_seconds / count,
            log_bytes: self.log_bytes / count,
            out_bytes: self.out_bytes / count,
        }
    }
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        self.write_units += other.write_units;
        self.read_units += other.read_units;
        self.sqs_requests += other.sqs_requests;
        self.http_requests += other.http_requests;
        self.s3_puts += other.s3_puts;
        self.s3_gets += other.s3_gets;
        self.invocations += other.invocations;
        self.gb_seconds += other.gb_seconds;
        self.log_bytes += other.log_bytes;
        self.out_bytes += other.out_bytes;
    }
}

/// What one function did.
#[derive(Clone, Debug, Default)]
pub(super) struct Stage {
    pub(super) readings: Readings,
    pub(super) invocations: u64,
    /// Requests of its queue's pollers.
    pub(super) queue_requests: u64,
    /// Time between events, by the virtual clock.
    pub(super) busy_seconds: f64,
    pub(super) memory_mb: f64,
    /// It answers HTTP requests; else a queue or a timer starts it.
    pub(super) is_http: bool,
    /// Calls that others overlap: their time is in `busy_seconds` or hidden.
    pub(super) overlapped_calls: u64,
}

impl Stage {
    /// The stage in the units that are billed.
    pub(super) fn units(&self, assumed: &Assumptions) -> Units {
        let calls = |service: &str| -> f64 {
            let requests = self.readings.requests.iter();
            let of_it = requests.filter(|(operation, _)| operation.service == service);
            of_it.map(|(_, count)| *count as f64).sum()
        };
        let s3 = |method: &str| -> f64 {
            let requests = self.readings.requests.iter();
            let of_it = requests.filter(|(op, _)| op.service == "s3" && op.name == method);
            of_it.map(|(_, count)| *count as f64).sum()
        };
        let invocations = self.invocations as f64;
        let lone = (calls("dynamodb") - self.overlapped_calls as f64).max(0.0);
        let millis = invocations * assumed.invocation_ms
            + lone * assumed.dynamodb_call_ms
            + calls("sqs") * assumed.sqs_call_ms
            + calls("s3") * assumed.s3_call_ms;
        let seconds = self.busy_seconds + millis / 1_000.0;
        Units {
            write_units: self.readings.all_write_units() + self.readings.failed_conditions as f64,
            read_units: self.readings.all_read_units(),
            sqs_requests: calls("sqs") + self.queue_requests as f64,
            http_requests: if self.is_http { invocations } else { 0.0 },
            s3_puts: s3("PUT"),
            s3_gets: s3("GET"),
            invocations,
            gb_seconds: seconds * self.memory_mb / 1_024.0,
            log_bytes: if self.is_http {
                0.0
            } else {
                invocations * assumed.log_bytes_per_queue_invocation
            },
            out_bytes: 0.0,
        }
    }
}

/// One run of one way.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub(super) messages: u32,
    /// By function.
    pub(super) stages: BTreeMap<String, Stage>,
    pub(super) seen: Seen,
    pub(super) virtual_seconds: f64,
}

/// What WhatsApp saw of it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Seen {
    pub(super) requests: u64,
    pub(super) duplicate_recipients: u64,
    /// People of the campaign with no accepted message.
    pub(super) never_reached: u64,
    pub(super) over_limit_windows: u64,
    pub(super) max_in_sliding_second: u64,
    pub(super) throttled: u64,
    pub(super) sending_seconds: f64,
}

impl Seen {
    pub(super) fn of(report: &Report, people: u32) -> Self {
        let number = &report.numbers[Seeds::PHONE_NUMBER_ID];
        let sending = match (number.first_request_at, number.last_request_at) {
            (Some(first), Some(last)) => last.duration_since(first).as_secs_f64(),
            _ => 0.0,
        };
        Self {
            requests: report.requests,
            duplicate_recipients: report.duplicate_recipients,
            never_reached: u64::from(people).saturating_sub(report.unique_recipients),
            over_limit_windows: number.over_limit_windows,
            max_in_sliding_second: number.max_in_sliding_second,
            throttled: number.throttled,
            sending_seconds: sending,
        }
    }
}
