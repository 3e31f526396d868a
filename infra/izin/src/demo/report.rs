//! The report: JSON for programs, a page for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use platform::campaigns::ImportCounts;
use policy::content::Category;
use policy::forecast::Prices;
use serde::Serialize;

use super::Args;
use super::screen::Screen;
use crate::complain;

/// What the demo found. The shape is stable; the README describes it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) import: ImportCounts,
    pub(super) campaign: Campaign,
    pub(super) excluded_by_reason: BTreeMap<String, u64>,
    pub(super) statuses: Statuses,
    pub(super) whatsapp: WhatsApp,
    pub(super) optout: OptOut,
    pub(super) conservation: bool,
    pub(super) seconds: f64,
    pub(super) exit: &'static str,
    #[serde(skip)]
    pub(super) sending_seconds: f64,
    #[serde(skip)]
    pub(super) rate: f64,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Campaign {
    pub(super) audience: u64,
    pub(super) excluded: u64,
    pub(super) pending: u64,
    pub(super) in_flight: u64,
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) unknown: u64,
    pub(super) expired: u64,
    pub(super) cancelled: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Statuses {
    pub(super) sent: u64,
    pub(super) delivered: u64,
    pub(super) read: u64,
    pub(super) failed: u64,
}

/// As the simulator measured it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct WhatsApp {
    pub(super) requests: u64,
    pub(super) unique_recipients: u64,
    pub(super) duplicate_recipients: u64,
    pub(super) max_in_sliding_second: u64,
    pub(super) limit_per_second: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct OptOut {
    pub(super) received: u64,
    pub(super) stopped_while_pending: u64,
    pub(super) requests_after_optout: u64,
    pub(super) latency_ms: Latency,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// Why the run ended.
pub(super) const COMPLETED: &str = "completed";
/// Somebody pressed Ctrl-C.
pub(super) const INTERRUPTED: &str = "interrupted";
/// The campaign did not end in the time that it may take.
pub(super) const TIMED_OUT: &str = "timed_out";

impl Report {
    /// What is not as it must be.
    fn faults(&self) -> Vec<&'static str> {
        let checks = [
            (self.conservation, "the numbers do not add up"),
            (
                self.whatsapp.duplicate_recipients == 0,
                "somebody was messaged twice",
            ),
            (
                self.optout.requests_after_optout == 0,
                "somebody was messaged after saying stop",
            ),
            (
                self.whatsapp.max_in_sliding_second <= self.whatsapp.limit_per_second,
                "the limit was exceeded",
            ),
        ];
        checks
            .into_iter()
            .filter_map(|(holds, fault)| (!holds).then_some(fault))
            .collect()
    }
}

/// Writes the report where it was asked for, and gives the exit code.
pub(super) fn publish(report: &Report, args: &Args, screen: &Screen) -> ExitCode {
    screen.clear();
    let page = page(report);
    match args.json.as_deref() {
        Some("-") => {
            screen.say(&page);
            print(&json(report));
        }
        Some(path) => {
            print(&page);
            if let Err(error) = std::fs::write(path, json(report) + "\n") {
                return complain(&format!("cannot write {path}: {error}"));
            }
        }
        None => print(&page),
    }
    if report.exit == INTERRUPTED {
        return ExitCode::from(130);
    }
    let faults = report.faults();
    if report.exit == COMPLETED && faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        complain(&format!("{}: {}", report.exit, faults.join("; ")));
        ExitCode::FAILURE
    }
}

fn json(report: &Report) -> String {
    serde_json::to_string_pretty(report).expect("a report is plain data")
}

#[expect(clippy::print_stdout, reason = "the report is what the command is for")]
fn print(text: &str) {
    println!("{text}");
}

/// The report at a glance.
fn page(report: &Report) -> String {
    let Report {
        import,
        campaign,
        statuses,
        whatsapp,
        optout,
        ..
    } = report;
    let mut page = String::new();
    let mut line = |text: String| {
        page.push_str(&text);
        page.push('\n');
    };
    line(String::new());
    line("FILE".to_owned());
    line(format!("  {:>7}  rows", import.rows));
    line(format!("  {:>7}  people accepted", import.accepted));
    line(format!("  {:>7}  duplicate rows", import.duplicates));
    line(format!(
        "  {:>7}  rows rejected (bad numbers, impossible dates)",
        import.rejected
    ));
    line(String::new());
    line("WHO WAS MESSAGED".to_owned());
    line(format!("  {:>7}  people on the list", campaign.audience));
    line(format!("  {:>7}  excluded", campaign.excluded));
    for (reason, count) in &report.excluded_by_reason {
        line(format!("  {:>16}  {}", count, plain(reason)));
    }
    let sent_to = campaign.accepted + campaign.rejected + campaign.unknown;
    line(bar("sent to WhatsApp", sent_to, campaign.audience));
    line(bar("delivered", statuses.delivered, campaign.audience));
    line(bar("read", statuses.read, campaign.audience));
    line(format!("  {:>7}  failed at WhatsApp", statuses.failed));
    let left = campaign.pending + campaign.in_flight;
    for (count, what) in [
        (left, "still waiting"),
        (campaign.unknown, "in doubt: never asked twice"),
        (campaign.cancelled, "cancelled"),
        (campaign.expired, "too late"),
    ] {
        if count > 0 {
            line(format!("  {count:>7}  {what}"));
        }
    }
    line(String::new());
    line("PACE, as WhatsApp saw it".to_owned());
    line(format!(
        "  {:>7.1}  messages a second over {:.1} s",
        report.rate, report.sending_seconds
    ));
    line(format!(
        "  {:>7}  most in any sliding second; the limit is {}",
        whatsapp.max_in_sliding_second, whatsapp.limit_per_second
    ));
    line(format!(
        "  {:>7}  people messaged twice",
        whatsapp.duplicate_recipients
    ));
    line(String::new());
    line("STOP".to_owned());
    line(format!("  {:>7}  people said stop", optout.received));
    line(format!(
        "  {:>7}  of them while their message still waited: never sent",
        optout.stopped_while_pending
    ));
    line(format!(
        "  {:>7}  messaged after their stop was heard",
        optout.requests_after_optout
    ));
    line(format!(
        "  {:>7.0}  ms from stop to the last possible request (median; 99 %: {:.0} ms)",
        optout.latency_ms.p50, optout.latency_ms.p99
    ));
    line(String::new());
    line(cost(statuses.delivered));
    let verdict = if report.conservation {
        "every person is accounted for"
    } else {
        "THE NUMBERS DO NOT ADD UP"
    };
    line(format!(
        "{}; {verdict}; {:.1} s in all.",
        report.exit, report.seconds
    ));
    page
}

fn bar(what: &str, count: u64, of: u64) -> String {
    const WIDTH: u64 = 30;
    let filled = (count * WIDTH).checked_div(of).unwrap_or(0);
    let filled = usize::try_from(filled.min(WIDTH)).unwrap_or(0);
    let mut text = format!("  {count:>7}  {what:<17}");
    write!(text, " {}", "█".repeat(filled)).expect("a string grows");
    text
}

/// What WhatsApp would charge on the demo's day: delivered marketing messages to
/// Indonesia, by the dated price table.
fn cost(delivered: u64) -> String {
    let prices = Prices::embedded();
    let day = jiff::civil::date(2026, 11, 24);
    let Some(micros) = prices.of("ID", Category::Marketing, day) else {
        return "COST  unknown: the price table has no row for Indonesia".to_owned();
    };
    #[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
    let money = |micros: u64| micros as f64 / 1e6;
    let (each, all) = (money(micros), money(micros * delivered));
    let currency = prices.currency();
    format!(
        "COST  about {currency} {all:.2} to Meta ({delivered} delivered, {currency} {each:.4} each)"
    )
}

/// A reason code as people say it.
fn plain(code: &str) -> &str {
    match code {
        "consent_never_given" => "never agreed",
        "consent_expired" => "agreed, but that has expired",
        "suppressed" => "said stop",
        "consent_other_purpose" => "agreed to something else",
        other => other,
    }
}
