use super::*;
use crate::check::as_json;
use crate::check::tests::{complaint, fixture, json};

#[test]
fn the_same_input_gives_the_same_bytes() {
    for audience in ["people.csv", "audience.json"] {
        let run = || simulate(&fixture(audience), &fixture("campaign.json"), None).unwrap();
        let (first, second) = (run(), run());
        assert_eq!(as_json(&first), as_json(&second));
        assert_eq!(page(&first), page(&second));
    }
}

#[test]
fn a_list_is_forecast_as_an_import_would_take_it() {
    let answer = json(simulate(
        &fixture("people.csv"),
        &fixture("campaign.json"),
        None,
    ));
    assert_eq!(answer["audience"], 3);
    assert_eq!(answer["planned"], 2);
    assert_eq!(answer["rows_left_out"], 2);
    assert_eq!(
        answer["excluded"],
        serde_json::json!({"consent_never_given": 1})
    );
    assert_eq!(answer["hours"][0]["messages"], 2);
    assert_eq!(answer["countries"][0]["country"], "ID");
    let cost = answer["cost_micros"].as_array().unwrap();
    assert!(cost[0].as_u64() <= cost[1].as_u64() && cost[1].as_u64() > Some(0));
}

#[test]
fn whoever_declined_in_any_row_is_excluded() {
    let answer = json(simulate(
        &fixture("people_declined.csv"),
        &fixture("campaign.json"),
        None,
    ));
    assert_eq!(answer["audience"], 2);
    assert_eq!(answer["excluded"], serde_json::json!({"suppressed": 1}));
    assert_eq!(answer["planned"], 1);
}

#[test]
fn persons_in_json_are_excluded_for_their_own_reasons() {
    let answer = json(simulate(
        &fixture("audience.json"),
        &fixture("campaign.json"),
        None,
    ));
    let expected = serde_json::json!({"consent_never_given": 1, "suppressed": 1});
    assert_eq!(answer["excluded"], expected);
    assert_eq!(answer["planned"], 1);
}

#[test]
fn a_later_start_moves_the_campaign() {
    // Eleven at night in Jakarta: nobody before the morning.
    let late = "2026-11-24T16:00:00Z".parse().unwrap();
    let answer = simulate(
        &fixture("people.csv"),
        &fixture("campaign.json"),
        Some(late),
    )
    .unwrap();
    assert_eq!(answer.starts_at, late);
    assert!(answer.forecast.first_at > Some(late));
    assert!(answer.forecast.waited_minutes["quiet_hours"] > 0);
}

#[test]
fn what_cannot_be_used_is_named_with_a_remedy() {
    let run = |audience, campaign| simulate(&fixture(audience), &fixture(campaign), None);
    assert_eq!(
        complaint(run("people.csv", "campaign_no_start.json")),
        "campaign_no_start.json, line 1: the campaign has no `starts_at`; \
         add it, or name the start with `--at`"
    );
    assert!(
        complaint(run("people_no_phone.csv", "campaign.json"))
            .starts_with("people_no_phone.csv, line 1: ")
    );
}
