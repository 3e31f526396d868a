//! A consent record in JSON-LD, for the person and for authorities.
//!
//! The fields of ISO/IEC TS 27560:2023, in the words of the W3C Data Privacy
//! Vocabulary (its schema for consent records, version 2).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Basis, ConsentAct, ConsentEvent, ConsentStatus, Grant, History};
use crate::purpose::Purpose;
use crate::token::ContactToken;

/// Who processes, where and for how long: what the events do not say.
#[derive(Clone, Debug)]
pub struct ExportFacts<'a> {
    /// The record's own id.
    pub record_id: &'a str,
    /// Whom it is about.
    pub subject: ContactToken,
    /// The company that sends.
    pub controller: Party<'a>,
    /// Who receives the data on the way, such as WhatsApp's provider.
    pub recipients: &'a [Party<'a>],
    /// Language of the notices, two letters.
    pub language: &'a str,
    /// Which law holds, by the id of its row.
    pub jurisdiction: &'a str,
    /// ISO 3166 code of the place where the record is kept.
    pub storage_location: &'a str,
    /// How long it is kept after the consent ends, as an ISO 8601 duration.
    pub retention: &'a str,
    /// How the person takes a consent back: the word, the button, the page.
    pub withdrawal_methods: &'a [&'a str],
    /// The moment of the export.
    pub now: Timestamp,
}

/// A company.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// A short name for references within the record.
    pub id: &'a str,
    /// Its legal name.
    pub name: &'a str,
}

/// Writes a person's consent record.
///
/// Law: the same facts and events, in any order, give the same bytes; no
/// number, name or message text is in them.
pub fn export(facts: &ExportFacts<'_>, events: &[ConsentEvent]) -> Value {
    let mut events: Vec<&ConsentEvent> = events.iter().collect();
    events.sort_by_key(|event| (event.counts_at(), event.id));
    events.dedup_by_key(|event| event.id);
    let history = History::of(events.iter().copied());
    let purposes = purposes(&events);
    let processes: Vec<Value> = purposes
        .iter()
        .map(|purpose| process(facts, purpose, &history, &events))
        .collect();
    let mut entities = serde_json::Map::new();
    entities.insert(PERSON.to_owned(), json!({"@type": ["dpv:DataSubject"]}));
    for party in std::iter::once(&facts.controller).chain(facts.recipients) {
        let entity = json!({"@type": ["dpv:Organisation"], "dpv:hasName": party.name});
        entities.insert(party.id.to_owned(), entity);
    }
    without_nulls(json!({
        "@context": {
            "dct": "http://purl.org/dc/terms/",
            "dpv": "https://w3id.org/dpv#",
            "dpv-27560": "https://w3id.org/dpv/schema/dpv-27560#",
            "loc": "https://w3id.org/dpv/loc#",
            "pd": "https://w3id.org/dpv/pd#",
            "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
            "skos": "http://www.w3.org/2004/02/skos/core#",
        },
        "@type": ["dpv:ConsentRecord"],
        "dct:conformsTo": "dpv-27560:record-2",
        "dct:created": events.first().map_or(facts.now, |event| event.recorded_at).to_string(),
        "dct:modified": events.iter().map(|event| event.recorded_at).max().map(|at| at.to_string()),
        "dct:creator": facts.controller.id,
        "dct:language": facts.language,
        "dpv:hasIdentifier": facts.record_id,
        "dpv:hasDataSubject": {
            "@type": ["dpv:DataSubject"],
            "dpv:hasIdentifier": facts.subject.to_string(),
        },
        "dpv:hasJurisdiction": facts.jurisdiction,
        "dpv:hasEntity": entities,
        "dpv:hasProcess": processes,
    }))
}

/// The person's name among the parties.
const PERSON: &str = "person";

/// What is not known is left out.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(without_nulls).collect(),
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name, without_nulls(member)))
            .collect(),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => value,
    }
}

/// Every purpose that an event speaks of.
fn purposes(events: &[&ConsentEvent]) -> BTreeSet<Purpose> {
    let mut purposes = BTreeSet::new();
    for event in events {
        match &event.act {
            ConsentAct::Give(grant) => purposes.extend(grant.purposes.iter().cloned()),
            ConsentAct::Refuse { purposes: named } | ConsentAct::Request { purposes: named } => {
                purposes.extend(named.iter().cloned());
            }
            ConsentAct::Invalidate { .. } | ConsentAct::Withdraw { .. } => (),
        }
    }
    purposes
}

fn process(
    facts: &ExportFacts<'_>,
    purpose: &Purpose,
    history: &History,
    events: &[&ConsentEvent],
) -> Value {
    let broader = if purpose.is_marketing() {
        "dpv:DirectMarketing"
    } else {
        "dpv:ServiceProvision"
    };
    let status = history.status(purpose, facts.now);
    let grant = match status {
        ConsentStatus::Granted(grant) | ConsentStatus::Expired(grant) => Some(grant),
        ConsentStatus::NeverAsked
        | ConsentStatus::Requested { .. }
        | ConsentStatus::Withdrawn { .. } => None,
    };
    let legal_basis = match grant.map(|grant| grant.basis) {
        Some(Basis::Relationship) => "dpv:Contract",
        Some(Basis::ExplicitConsent) | None => "dpv:ExplicitlyExpressedConsent",
    };
    let recipients: Vec<&str> = std::iter::once(&facts.controller)
        .chain(facts.recipients)
        .map(|party| party.id)
        .collect();
    let acts: Vec<Value> = events
        .iter()
        .filter_map(|event| act(event, purpose, facts.controller.id))
        .collect();
    json!({
        "@type": "dpv:Process",
        "dpv:hasPurpose": [{
            "@type": ["dpv:Purpose"],
            "skos:broader": broader,
            "skos:prefLabel": purpose.as_str(),
        }],
        "dpv:hasPersonalData": ["pd:TelephoneNumber", "pd:Name"],
        "dpv:hasProcessing": ["dpv:Collect", "dpv:Store", "dpv:Use", "dpv:Transmit"],
        "dpv:hasDataController": [facts.controller.id],
        "dpv:hasDataSource": ["dpv:DataSubjectDataSource", "dpv:DataControllerDataSource"],
        "dpv:hasStorageCondition": [
            {
                "@type": ["dpv:StorageLocation"],
                "dpv:hasLocation": format!("loc:{}", facts.storage_location),
            },
            {
                "@type": ["dpv:StorageDuration"],
                "dpv:hasDuration": {"@type": "dpv:TemporalDuration", "rdf:value": facts.retention},
            },
        ],
        "dpv:hasRecipient": recipients,
        "dpv:hasLegalBasis": [legal_basis],
        "dpv:hasConsentControl": facts.withdrawal_methods,
        "dpv:hasStatus": status.code(),
        "dpv:hasConsentStatus": acts,
    })
}

fn notice(grant: &Grant) -> Option<Value> {
    let notice = grant.notice.as_ref()?;
    Some(json!({
        "@type": ["dpv:ConsentNotice"],
        "dpv:hasIdentifier": notice.id,
        "dct:identifier": notice.sha256.as_ref().map(|hash| format!("sha256:{hash}")),
    }))
}

/// One event as a consent status, if it speaks of `purpose`.
fn act(event: &ConsentEvent, purpose: &Purpose, controller: &str) -> Option<Value> {
    let covers = |named: &BTreeSet<Purpose>| named.iter().any(|named| named.covers(purpose));
    let (status, grant) = match &event.act {
        ConsentAct::Give(grant) if covers(&grant.purposes) => ("dpv:ConsentGiven", Some(grant)),
        ConsentAct::Refuse { purposes } if covers(purposes) => ("dpv:ConsentRefused", None),
        ConsentAct::Request { purposes } if covers(purposes) => ("dpv:ConsentRequested", None),
        ConsentAct::Withdraw { scope } if scope.covers(purpose) => ("dpv:ConsentWithdrawn", None),
        ConsentAct::Invalidate { .. } => ("dpv:ConsentInvalidated", None),
        ConsentAct::Give(_)
        | ConsentAct::Refuse { .. }
        | ConsentAct::Request { .. }
        | ConsentAct::Withdraw { .. } => return None,
    };
    let by = if event.evidence.is_own_act() {
        PERSON
    } else {
        controller
    };
    let ends = grant
        .and_then(|grant| grant.expires_at)
        .map(|end| json!({"@type": ["dpv:UntilTimeDuration"], "rdf:value": end.to_string()}));
    Some(json!({
        "@type": [status],
        "dpv:hasIdentifier": event.id.to_string(),
        "dpv:isIndicatedAtTime": event.at.to_string(),
        "dct:created": event.recorded_at.to_string(),
        "dpv:isIndicatedBy": by,
        "dpv:isExercisedAt": event.evidence.code(),
        "dpv:hasDuration": ends,
        "dpv:hasNotice": grant.and_then(notice),
    }))
}

#[cfg(test)]
mod tests {
    use insta::assert_json_snapshot;
    use uuid::Uuid;

    use super::*;
    use crate::consent::{Evidence, Notice};
    use crate::ids::EventId;
    use crate::purpose::Scope;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn events() -> Vec<ConsentEvent> {
        let event = |id, moment, act, evidence| ConsentEvent {
            id: EventId::from_uuid(Uuid::from_u128(id)),
            at: at(moment),
            recorded_at: at(moment),
            act,
            evidence,
        };
        vec![
            event(
                1,
                "2026-01-05T03:00:00Z",
                ConsentAct::Give(Grant {
                    purposes: BTreeSet::from([Purpose::marketing(), Purpose::service()]),
                    basis: Basis::ExplicitConsent,
                    at: at("2026-01-05T03:00:00Z"),
                    method: "web_form".to_owned(),
                    notice: Some(Notice {
                        id: "privacy-7".to_owned(),
                        sha256: Some("ab".repeat(32)),
                    }),
                    evidence: "imp_x#17".to_owned(),
                    expires_at: Some(at("2028-01-05T03:00:00Z")),
                }),
                Evidence::WebForm {
                    url: "https://melati.id/daftar".to_owned(),
                    text_sha256: "cd".repeat(32),
                },
            ),
            event(
                2,
                "2026-06-01T10:00:00Z",
                ConsentAct::Withdraw {
                    scope: Scope::marketing(),
                },
                Evidence::Keyword {
                    wamid: "wamid.x".to_owned(),
                },
            ),
        ]
    }

    fn record(events: &[ConsentEvent]) -> Value {
        let facts = ExportFacts {
            record_id: "rec-1",
            subject: ContactToken::from_bytes([1; 16]),
            controller: Party {
                id: "tenant",
                name: "PT Melati",
            },
            recipients: &[Party {
                id: "meta",
                name: "Meta Platforms (WhatsApp)",
            }],
            language: "id",
            jurisdiction: "ID",
            storage_location: "ID",
            retention: "P5Y",
            withdrawal_methods: &["keyword", "button", "page"],
            now: at("2026-11-24T03:00:00Z"),
        };
        export(&facts, events)
    }

    #[test]
    fn a_record_reads_as_the_standard_asks() {
        assert_json_snapshot!(record(&events()));
    }

    #[test]
    fn the_order_of_events_does_not_show() {
        let mut mixed = events();
        mixed.reverse();
        mixed.extend(events());
        assert_eq!(record(&events()).to_string(), record(&mixed).to_string());
    }
}
