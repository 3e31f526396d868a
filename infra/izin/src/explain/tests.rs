use super::*;
use crate::check::tests::{complaint, fixture, json};

fn ask(person: &str, campaign: &str, at: &str) -> Result<Answer, Problem> {
    let at = at.parse().expect("a moment");
    explain(&fixture(person), &fixture(campaign), Some(at))
}

const MORNING: &str = "2026-11-24T03:00:00Z";
const NIGHT: &str = "2026-11-24T16:00:00Z";

#[test]
fn who_agreed_is_sent_to_by_day_and_waits_by_night() {
    let by_day = json(ask("person_agreed.json", "campaign.json", MORNING));
    assert_eq!(by_day["decision"], "send");
    assert_eq!(by_day["reasons"], serde_json::json!([]));

    let by_night = json(ask("person_agreed.json", "campaign.json", NIGHT));
    assert_eq!(by_night["decision"], "defer");
    assert_eq!(by_night["reasons"][0]["code"], "quiet_hours");
    assert!(by_night["until"].as_str() > Some(NIGHT));
}

#[test]
fn all_reasons_come_in_order_with_their_rules() {
    let answer = ask("person_stopped.json", "campaign.json", NIGHT).unwrap();
    let codes: Vec<&str> = answer.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(
        codes,
        [
            "suppressed",
            "consent_other_purpose",
            "consent_unproven",
            "quiet_hours"
        ]
    );
    for reason in &answer.reasons {
        assert!(!reason.english.is_empty() && !reason.indonesian.is_empty());
        assert!(!reason.source.is_empty());
    }
    assert!(page(&answer).starts_with("refuse at 2026-11-24T16:00:00Z"));
}

#[test]
fn the_campaign_names_the_moment_unless_the_call_does() {
    let answer = explain(
        &fixture("person_agreed.json"),
        &fixture("campaign.json"),
        None,
    );
    assert_eq!(json(answer)["at"], MORNING);
}

#[test]
fn bad_files_are_named_by_their_lines_and_never_repeated() {
    assert_eq!(
        complaint(ask("person_bad_moment.json", "campaign.json", NIGHT)),
        "person_bad_moment.json, line 4: expected a moment such as \
         `2026-11-24T09:00:00+07:00`; mend it as `--help` describes the file"
    );
    assert_eq!(
        complaint(ask("person_bad_phone.json", "campaign.json", NIGHT)),
        "person_bad_phone.json, line 2: expected a phone number such as `+6281234567890`; \
         mend it as `--help` describes the file"
    );
    let unknown = complaint(ask(
        "person_agreed.json",
        "campaign_unknown_field.json",
        NIGHT,
    ));
    assert!(
        unknown.starts_with("campaign_unknown_field.json, line 3: there is a field"),
        "{unknown}"
    );
    assert!(!unknown.contains("colour"), "{unknown}");
}

/// What `--help` shows can be used as it stands.
#[test]
fn the_shapes_in_the_help_are_read() {
    let shapes: Vec<&str> = SHAPES
        .split("\n\n")
        .map(|part| &part[part.find('{').unwrap()..=part.rfind('}').unwrap()])
        .collect();
    let path = Path::new("help");
    assert!(input::parse::<PersonFile>(path, shapes[0]).is_ok());
    assert!(input::parse::<CampaignFile>(path, shapes[1]).is_ok());
}
