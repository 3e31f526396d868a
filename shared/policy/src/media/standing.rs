//! Whether a file may be used, from everything that was said about it.

use super::{Reason, Report, Verdict};

/// What one scanner said of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Opinion {
    /// Nobody asks this scanner here.
    NotAsked,
    /// It knows nothing against it.
    Clean,
    /// It knows it as malware.
    Infected,
    /// It cannot look into it.
    Unscannable,
    /// It has not said anything yet.
    Silent,
}

impl Opinion {
    /// What the tag means that GuardDuty puts on an object it scanned (AWS,
    /// "Malware Protection for S3", potential values of the status).
    pub fn of_guardduty(tag: Option<&str>) -> Self {
        match tag {
            None => Self::Silent,
            Some("NO_THREATS_FOUND") => Self::Clean,
            Some("THREATS_FOUND") => Self::Infected,
            // It could not read it, or could not for now; either way it will
            // not come back to it by itself.
            Some(_) => Self::Unscannable,
        }
    }
}

/// What each scanner said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Scans {
    /// The one that is asked over the network.
    pub clamd: Opinion,
    /// The one that the store asks by itself.
    pub guardduty: Opinion,
}

/// Where a file stands.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use = "a file that nobody has settled must not be used"]
pub enum Standing {
    /// Messages may show it.
    Usable,
    /// Never, and every reason why.
    Rejected(Vec<Reason>),
    /// Not yet: a scanner owes an answer.
    Quarantined(Reason),
}

/// Settles a file from its structure and what the scanners said.
///
/// Law: it is usable only if the structure blocks nothing and every scanner
/// that is asked says clean; what one of them holds against it, no other
/// lifts; silence is never taken for clean.
pub fn settle(report: &Report, scans: Scans) -> Standing {
    let mut against: Vec<Reason> = Vec::new();
    let blocking = report
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Block)
        .map(|finding| finding.reason);
    let opinions = [scans.clamd, scans.guardduty];
    let scanned = opinions.iter().filter_map(|opinion| match opinion {
        Opinion::Infected => Some(Reason::Malware),
        Opinion::Unscannable => Some(Reason::NotScannable),
        Opinion::NotAsked | Opinion::Clean | Opinion::Silent => None,
    });
    for reason in blocking.chain(scanned) {
        if !against.contains(&reason) {
            against.push(reason);
        }
    }
    if !against.is_empty() {
        return Standing::Rejected(against);
    }
    if scans.clamd == Opinion::Silent {
        return Standing::Quarantined(Reason::ScannerUnavailable);
    }
    if scans.guardduty == Opinion::Silent {
        return Standing::Quarantined(Reason::ScanPending);
    }
    Standing::Usable
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::Context;
    use crate::media::{Said, check};

    const ALL: [Opinion; 5] = [
        Opinion::NotAsked,
        Opinion::Clean,
        Opinion::Infected,
        Opinion::Unscannable,
        Opinion::Silent,
    ];

    fn report(text: &str) -> Report {
        check(text.as_bytes(), &Said::default(), &Context::NONE)
    }

    #[test]
    fn only_what_everybody_calls_clean_is_usable() {
        let (good, bad) = (report("Selamat pagi"), report("#!/bin/sh\nrm -rf /\n"));
        for clamd in ALL {
            for guardduty in ALL {
                let scans = Scans { clamd, guardduty };
                let fine = |opinion| matches!(opinion, Opinion::NotAsked | Opinion::Clean);
                let usable = settle(&good, scans) == Standing::Usable;
                assert_eq!(usable, fine(clamd) && fine(guardduty), "{scans:?}");
                assert!(matches!(settle(&bad, scans), Standing::Rejected(_)));
                let found = [clamd, guardduty].contains(&Opinion::Infected);
                let against = match settle(&good, scans) {
                    Standing::Rejected(reasons) => reasons.contains(&Reason::Malware),
                    Standing::Usable | Standing::Quarantined(_) => false,
                };
                assert_eq!(against, found, "{scans:?}");
            }
        }
    }

    #[test]
    fn silence_keeps_it_waiting_and_says_for_whom() {
        let good = report("Selamat pagi");
        let scans = |clamd, guardduty| Scans { clamd, guardduty };
        assert_eq!(
            settle(&good, scans(Opinion::Silent, Opinion::Silent)),
            Standing::Quarantined(Reason::ScannerUnavailable)
        );
        assert_eq!(
            settle(&good, scans(Opinion::Clean, Opinion::Silent)),
            Standing::Quarantined(Reason::ScanPending)
        );
    }

    #[test]
    fn only_one_word_of_guardduty_is_good() {
        let of = Opinion::of_guardduty;
        assert_eq!(of(Some("NO_THREATS_FOUND")), Opinion::Clean);
        assert_eq!(of(Some("THREATS_FOUND")), Opinion::Infected);
        assert_eq!(of(None), Opinion::Silent);
        for other in ["UNSUPPORTED", "ACCESS_DENIED", "FAILED", "clean", ""] {
            assert_eq!(of(Some(other)), Opinion::Unscannable, "{other}");
        }
    }
}
