//! What became of people who said stop.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::person::PersonRef;

/// What arrived for one person, and what they said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PersonLog {
    /// Send requests, in the order of arrival.
    pub requests: Vec<RequestLog>,
    /// Wishes to stop, in the order in which they came about.
    pub stops: Vec<StopLog>,
}

/// One send request for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestLog {
    /// When it arrived.
    pub arrived_at: Timestamp,
    /// What it carried.
    pub kind: RequestKind,
    /// Whether it came by `marketing_messages`.
    pub by_marketing_endpoint: bool,
    /// Whether it came by AWS End User Messaging Social.
    pub by_amazon: bool,
    /// The campaign, as `biz_opaque_callback_data` names it.
    pub campaign: Option<String>,
    /// Whether WhatsApp took it.
    pub accepted: bool,
    /// The words of a free text. They may name a person, so no report prints them.
    #[serde(skip)]
    pub text: Option<String>,
    /// Where the buttons of what was taken lead. Whoever has such an address may
    /// act for the person, so no report prints it.
    #[serde(skip)]
    pub addresses: Vec<String>,
}

/// What a send request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// A free-form message, such as a confirmation.
    FreeForm,
    /// A template.
    Template,
}

/// One wish to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StopLog {
    /// How it was uttered.
    pub kind: StopKind,
    /// When it came about.
    pub said_at: Timestamp,
    /// When it was first posted to the webhook.
    pub posted_at: Option<Timestamp>,
    /// When a POST that carried it was first answered with 200.
    pub acknowledged_at: Option<Timestamp>,
    /// Whether no template had been accepted for this person by then.
    pub before_message: bool,
}

/// How a person asks to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// Pressed the template's button.
    Pressed,
    /// In words.
    Said,
    /// By WhatsApp's own switch against marketing.
    Switched,
}

/// All wishes to stop. Latencies are those of a person's first wish, over all
/// people whose first wish was posted: from its first POST to the arrival of
/// the last template request for that person, 0 if none came after it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OptOutReport {
    /// Wishes from people to whom no template had been sent.
    pub stops_before_message: u64,
    /// Wishes from the others.
    pub stops_after_message: u64,
    /// Wishes by kind.
    pub stops_by_kind: BTreeMap<StopKind, u64>,
    /// Wishes whose webhook was answered with 200.
    pub acknowledged: u64,
    /// Wishes never posted so far.
    pub never_posted: u64,
    /// People with a template request after their wish was first posted.
    pub people_requested_after_post: u64,
    /// People with a template request after the webhook's 200.
    pub people_requested_after_acknowledgement: u64,
    /// The worst of these people, for a closer look.
    pub slowest_person: Option<PersonRef>,
    /// Half of all people waited no longer than this.
    pub latency_p50_ms: f64,
    /// Ninety-nine in a hundred waited no longer than this.
    pub latency_p99_ms: f64,
    /// Nobody waited longer than this.
    pub latency_max_ms: f64,
}

impl OptOutReport {
    pub(crate) fn of<'a>(people: impl Iterator<Item = (PersonRef, &'a PersonLog)>) -> Self {
        let mut report = Self::default();
        let mut latencies: Vec<(f64, PersonRef)> = Vec::new();
        for (person, log) in people {
            for stop in &log.stops {
                *report.stops_by_kind.entry(stop.kind).or_default() += 1;
                report.stops_before_message += u64::from(stop.before_message);
                report.stops_after_message += u64::from(!stop.before_message);
                report.acknowledged += u64::from(stop.acknowledged_at.is_some());
                report.never_posted += u64::from(stop.posted_at.is_none());
            }
            let Some(first) = log.stops.first() else {
                continue;
            };
            let last_request = log.last_template_request();
            let came_after =
                |at: Option<Timestamp>| at.is_some_and(|at| last_request.is_some_and(|r| r > at));
            report.people_requested_after_acknowledgement +=
                u64::from(came_after(first.acknowledged_at));
            report.people_requested_after_post += u64::from(came_after(first.posted_at));
            if let Some(posted_at) = first.posted_at {
                let latency = last_request.map_or(0.0, |last| {
                    last.duration_since(posted_at).as_millis_f64().max(0.0)
                });
                latencies.push((latency, person));
            }
        }
        latencies.sort_by(|a, b| a.0.total_cmp(&b.0));
        let at = |share: f64| {
            let rank = (share * latencies.len() as f64).ceil() as usize;
            latencies
                .get(rank.saturating_sub(1))
                .map_or(0.0, |(latency, _)| *latency)
        };
        report.latency_p50_ms = at(0.5);
        report.latency_p99_ms = at(0.99);
        report.latency_max_ms = at(1.0);
        report.slowest_person = latencies
            .pop()
            .filter(|(latency, _)| *latency > 0.0)
            .map(|(_, person)| person);
        report
    }
}

impl PersonLog {
    fn last_template_request(&self) -> Option<Timestamp> {
        self.requests
            .iter()
            .filter(|request| request.kind == RequestKind::Template)
            .map(|request| request.arrived_at)
            .max()
    }
}
