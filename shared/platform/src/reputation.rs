//! What others know of an address: lists of hosts, and Google's Web Risk.
//!
//! Nobody's silence is an allowance: where an answer is wanted and does not
//! come, that is an answer of its own ([`Standing::Unavailable`]).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use crate::fault::Fault;

/// Everybody who is asked.
#[derive(Clone, Debug, Default)]
pub struct Reputation {
    /// Hosts that somebody listed, asked first and without a network.
    pub hosts: HostList,
    /// Web Risk, where the deployment has a key.
    pub web_risk: Option<WebRisk>,
}

/// What is known of an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Nobody lists it.
    Unlisted,
    /// Somebody lists it as harmful.
    Listed,
    /// Somebody who was asked did not answer.
    Unavailable,
}

impl Reputation {
    /// Asks everybody, the nearest first.
    pub async fn standing(&self, address: &Url, now: Timestamp) -> Standing {
        if address.host_str().is_some_and(|host| self.hosts.hold(host)) {
            return Standing::Listed;
        }
        match &self.web_risk {
            Some(web_risk) => web_risk.standing(address, now).await,
            None => Standing::Unlisted,
        }
    }
}

/// Hosts that somebody listed.
#[derive(Clone, Debug, Default)]
pub struct HostList(Arc<HashSet<String>>);

impl HostList {
    /// Reads a hosts file: an address and names on each line, or names alone;
    /// `#` begins a comment. URLhaus and others publish in this form.
    pub fn parse(text: &str) -> Self {
        let mut hosts = HashSet::new();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            for word in line.split_whitespace() {
                let is_address = word.parse::<std::net::IpAddr>().is_ok();
                if !is_address && word.contains('.') {
                    let host = word.trim_end_matches('.').to_ascii_lowercase();
                    hosts.insert(host);
                }
            }
        }
        Self(Arc::new(hosts))
    }

    /// Whether the host, or a domain it lies under, is listed.
    pub fn hold(&self, host: &str) -> bool {
        let mut rest = host.trim_end_matches('.');
        loop {
            if self.0.contains(rest) {
                return true;
            }
            match rest.split_once('.') {
                Some((_, parent)) => rest = parent,
                None => return false,
            }
        }
    }
}

/// The Lookup API of Web Risk (`uris:search`).
#[derive(Clone, Debug)]
pub struct WebRisk {
    http: reqwest::Client,
    base: String,
    key: SecretString,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// By address: whether it is listed, and until when that counts.
    known: HashMap<String, (bool, Timestamp)>,
    /// Requests that may still be made.
    budget: u32,
}

/// How long "not listed" counts; the API defines no such time.
const UNLISTED_COUNTS: SignedDuration = SignedDuration::from_mins(5);

/// How long "listed" counts where the answer does not say.
const LISTED_COUNTS: SignedDuration = SignedDuration::from_mins(30);

/// Addresses that are remembered.
const MOST_KNOWN: usize = 10_000;

#[derive(Deserialize)]
struct SearchAnswer {
    #[serde(default)]
    threat: Option<Threat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Threat {
    #[serde(default)]
    expire_time: Option<String>,
}

impl WebRisk {
    /// Asks `base` (such as `https://webrisk.googleapis.com`) at most `budget`
    /// times in this process: requests cost money.
    pub fn new(base: &str, key: SecretString, budget: u32) -> Result<Self, Fault> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(2))
            .timeout(Duration::from_secs(4))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .map_err(|error| Fault::lasting("build the Web Risk client", error))?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            key,
            state: Arc::new(Mutex::new(State {
                known: HashMap::new(),
                budget,
            })),
        })
    }

    /// What Web Risk says, or said lately.
    pub async fn standing(&self, address: &Url, now: Timestamp) -> Standing {
        let address = address.as_str();
        match self.remembered(address, now) {
            Remembered::Known(true) => return Standing::Listed,
            Remembered::Known(false) => return Standing::Unlisted,
            Remembered::Spent => return Standing::Unavailable,
            Remembered::MayAsk => (),
        }
        let Some((listed, until)) = self.ask(address, now).await else {
            return Standing::Unavailable;
        };
        let mut state = self.state.lock().expect("no holder of the lock panics");
        if state.known.len() >= MOST_KNOWN {
            state.known.retain(|_, (_, until)| *until > now);
        }
        if state.known.len() < MOST_KNOWN {
            state.known.insert(address.to_owned(), (listed, until));
        }
        if listed {
            Standing::Listed
        } else {
            Standing::Unlisted
        }
    }

    fn remembered(&self, address: &str, now: Timestamp) -> Remembered {
        let mut state = self.state.lock().expect("no holder of the lock panics");
        match state.known.get(address) {
            Some((listed, until)) if *until > now => return Remembered::Known(*listed),
            Some(_) | None => (),
        }
        match state.budget.checked_sub(1) {
            Some(left) => {
                state.budget = left;
                Remembered::MayAsk
            }
            None => Remembered::Spent,
        }
    }

    /// `None` if there is no answer that can be read.
    async fn ask(&self, address: &str, now: Timestamp) -> Option<(bool, Timestamp)> {
        let threats = ["MALWARE", "SOCIAL_ENGINEERING", "UNWANTED_SOFTWARE"];
        let mut query: Vec<(&str, &str)> =
            threats.iter().map(|kind| ("threatTypes", *kind)).collect();
        query.push(("uri", address));
        let answer = self
            .http
            .get(format!("{}/v1/uris:search", self.base))
            // In a header, so that it stands in no log of addresses.
            .header("x-goog-api-key", self.key.expose_secret())
            .query(&query)
            .send()
            .await;
        let answer = answer.ok().filter(|answer| answer.status().is_success())?;
        let answer: SearchAnswer = answer.json().await.ok()?;
        let (listed, until) = match answer.threat {
            None => (false, now.saturating_add(UNLISTED_COUNTS).ok()?),
            Some(threat) => {
                let told = threat.expire_time.and_then(|time| time.parse().ok());
                let until = told.or(now.saturating_add(LISTED_COUNTS).ok())?;
                (true, until)
            }
        };
        Some((listed, until))
    }
}

enum Remembered {
    Known(bool),
    MayAsk,
    /// The budget is.
    Spent,
}

#[cfg(test)]
mod tests;
