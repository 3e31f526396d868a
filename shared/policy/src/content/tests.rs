use std::collections::BTreeMap;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::consent::Consent;
use crate::phone::PhoneNumber;
use crate::reason::RefusalReason;
use crate::subscription::Subscription;

const PROMO: &str = r#"{
    "id": "1304694804498707", "name": "promo_nov", "language": "id", "status": "APPROVED",
    "category": "MARKETING", "sub_category": "CUSTOM", "parameter_format": "NAMED",
    "quality_score": {"score": "GREEN", "date": 1758754645},
    "components": [
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["https://…"]}},
        {"type": "BODY", "text": "Halo {{nama}}, Toko Melati memberi diskon {{diskon}} untuk {{nama}}"},
        {"type": "FOOTER", "text": "Tidak berminat? Ketuk Berhenti promo"},
        {"type": "BUTTONS", "buttons": [
            {"type": "URL", "text": "Lihat", "url": "https://melati.id/{{1}}", "example": ["abc"]},
            {"type": "QUICK_REPLY", "text": "Berhenti promo"}]}]}"#;

fn promo() -> Template {
    Template::parse(PROMO).unwrap()
}

fn mapping(entries: &[(&str, &str)]) -> Mapping {
    Mapping::parse(entries.iter().copied()).unwrap()
}

const MAPPED: [(&str, &str); 4] = [
    ("header", "media:spring"),
    ("nama", "name|Kak"),
    ("body.diskon", "text:25%"),
    ("button.0", "column:code"),
];

fn person(name: Option<&str>, attributes: &[(&str, &str)]) -> Subscription {
    let attributes: BTreeMap<String, String> = attributes
        .iter()
        .map(|(column, value)| ((*column).to_owned(), (*value).to_owned()))
        .collect();
    Subscription {
        phone: PhoneNumber::parse_e164("+6281234567890").unwrap(),
        name: name.map(str::to_owned),
        language: None,
        zone: None,
        external_id: None,
        attributes,
        consent: Consent::NeverAsked,
    }
}

/// Fills the promotion and shows what the person sees, or why not.
fn filled(entries: &[(&str, &str)], person: &Subscription) -> String {
    match parameters(&promo(), &mapping(entries), person, Some("s/abc")) {
        Err(reason) => reason.code().to_owned(),
        Ok(parameters) => {
            let shown = render(&promo(), &parameters);
            format!("{} [{}]", shown.body, shown.urls.join(" "))
        }
    }
}

#[test]
fn a_template_is_filled_for_a_person() {
    let sari = person(Some("Sari"), &[("code", "abc123")]);
    assert_snapshot!(
        filled(&MAPPED, &sari),
        @"Halo Sari, Toko Melati memberi diskon 25% untuk Sari [https://melati.id/abc123]"
    );
    let parameters = parameters(&promo(), &mapping(&MAPPED), &sari, None).unwrap();
    let names: Vec<_> = parameters
        .body
        .iter()
        .map(|text| text.name.as_deref())
        .collect();
    assert_eq!(names, [Some("nama"), Some("diskon")], "each once, by name");
    assert_eq!(
        parameters.buttons[1],
        ButtonParameter::Payload {
            index: 1,
            payload: OPT_OUT_PAYLOAD.to_owned()
        },
        "the stop button answers with what the reply rules know"
    );
    assert!(!format!("{parameters:?} {:?}", parameters.body).contains("Sari"));
}

#[test]
fn a_missing_value_is_never_guessed() {
    let nobody = person(None, &[("code", "abc")]);
    assert_snapshot!(
        filled(&MAPPED, &nobody),
        @"Halo Kak, Toko Melati memberi diskon 25% untuk Kak [https://melati.id/abc]"
    );
    assert_snapshot!(filled(&MAPPED, &person(Some("Sari"), &[])), @"parameter_missing");
    assert_snapshot!(filled(&MAPPED, &person(Some("Sari"), &[("code", "  ")])), @"parameter_missing");
}

#[test]
fn values_that_whatsapp_refuses_never_reach_it() {
    let named = |name: &str| filled(&MAPPED, &person(Some(name), &[("code", "abc")]));
    assert_snapshot!(named("Sari\nDewi"), @"parameter_invalid");
    assert_snapshot!(named("Sari\tDewi"), @"parameter_invalid");
    assert_snapshot!(named("Sari     Dewi"), @"parameter_invalid");
    assert_snapshot!(named("Sari\u{202e}moc"), @"parameter_invalid");
    assert!(named("Sari    Dewi 👩\u{200d}🍳").starts_with("Halo Sari"));
    assert_snapshot!(named(&"x".repeat(500)), @"message_too_long");
    let coded = |code: &str| filled(&MAPPED, &person(Some("Sari"), &[("code", code)]));
    assert_snapshot!(coded("a b"), @"parameter_invalid");
    assert_snapshot!(coded("../../x"), @"parameter_invalid");
    assert_snapshot!(coded("//evil.example"), @"parameter_invalid");
}

#[test]
fn the_preference_link_fills_a_button() {
    let mut entries = MAPPED;
    entries[3] = ("button.0", "link:preferences");
    assert!(filled(&entries, &person(Some("Sari"), &[])).ends_with("[https://melati.id/s/abc]"));
    let without = parameters(
        &promo(),
        &mapping(&entries),
        &person(Some("Sari"), &[]),
        None,
    );
    assert_eq!(without, Err(RefusalReason::ParameterMissing));
}

#[test]
fn positional_values_keep_their_order() {
    let template = Template::parse(
        r#"{"name": "n", "language": "en-US", "status": "APPROVED", "category": "UTILITY",
            "components": [{"type": "BODY", "text": "{{2}} before {{1}} and {{10}}"}]}"#,
    )
    .unwrap();
    assert_eq!(template.language, "en_US");
    let mapping = mapping(&[("1", "text:one"), ("2", "text:two"), ("10", "text:ten")]);
    let parameters = parameters(&template, &mapping, &person(None, &[]), None).unwrap();
    let texts: Vec<&str> = parameters
        .body
        .iter()
        .map(|text| text.text.as_str())
        .collect();
    assert_eq!(texts, ["one", "two", "ten"]);
    assert!(parameters.body.iter().all(|text| text.name.is_none()));
    assert_eq!(
        render(&template, &parameters).body,
        "two before one and ten"
    );
}

/// The findings of a template and mapping, one per line.
fn findings(template: &Template, entries: &[(&str, &str)], business: &str) -> String {
    check(template, &mapping(entries), &["name", "code"], business)
        .iter()
        .map(|finding| format!("{} {}\n", finding.severity.code(), finding.code))
        .collect()
}

#[test]
fn a_sound_template_has_no_findings() {
    assert_snapshot!(findings(&promo(), &MAPPED, "toko melati"), @"");
}

#[test]
fn every_flaw_has_its_finding() {
    assert_snapshot!(findings(&promo(), &[], "Toko Melati"), @r"
    blocker variable_unmapped
    blocker variable_unmapped
    blocker variable_unmapped
    blocker variable_unmapped
    ");
    assert_snapshot!(
        findings(
            &promo(),
            &[
                ("header", "text:spring"),
                ("nama", "column:nickname"),
                ("body.diskon", "text:a\tb"),
                ("button.0", "column:code|a\tb"),
                ("body.extra", "name"),
            ],
            "Toko Mawar",
        ),
        @r"
    blocker value_unfit
    blocker column_missing
    blocker value_unfit
    blocker source_unfit
    warning mapping_unused
    blocker sender_not_named
    "
    );
    let paused = Template::parse(&PROMO.replace("APPROVED", "PAUSED")).unwrap();
    assert_snapshot!(findings(&paused, &MAPPED, "Toko Melati"), @"blocker template_not_approved");
    let open = Template::parse(&PROMO.replace("https://melati.id/{{1}}", "https://{{1}}")).unwrap();
    assert_snapshot!(findings(&open, &MAPPED, "Toko Melati"), @"blocker address_open");
}

#[test]
fn advertising_without_a_way_to_stop_is_blocked() {
    let silent = PROMO.replace("Tidak berminat? Ketuk Berhenti promo", "Hanya minggu ini");
    let mute = PROMO.replace(
        r#""text": "Berhenti promo""#,
        r#""text": "Belanja non-stop""#,
    );
    let say = |json: &str| findings(&Template::parse(json).unwrap(), &MAPPED, "Toko Melati");
    assert_snapshot!(say(&silent), @"blocker stop_not_said");
    assert_snapshot!(say(&mute), @"blocker stop_missing");
    // The same template as a service message owes nobody a way to stop.
    assert_snapshot!(say(&mute.replace("MARKETING", "UTILITY")), @"");
    // A payload that the reply rules know makes any label a way to stop.
    let mapped = [&MAPPED[..], &[("payload.1", "text:OPTOUT:marketing.promo")]].concat();
    assert_snapshot!(findings(&Template::parse(&mute).unwrap(), &mapped, "Toko Melati"), @"");
    // Words of another language do not tell these people.
    assert_snapshot!(say(&PROMO.replace(r#""id", "status""#, r#""fr", "status""#)), @r"
    blocker stop_not_said
    blocker stop_missing
    ");
    let unknown = PROMO
        .replace(r#""language": "id""#, r#""language": "sw""#)
        .replace("Berhenti promo", "Stop promotions");
    assert_snapshot!(say(&unknown), @"warning stop_language_unreviewed");
}

#[test]
fn a_listing_survives_what_it_cannot_use() {
    let listing = format!(
        r#"{{"data": [{PROMO}, {{"name": "x", "language": "id", "status": "APPROVED",
            "category": "MARKETING", "components": [{{"type": "CAROUSEL", "cards": []}}]}},
            {{"name": "y"}}], "paging": {{}}}}"#
    );
    let parsed = Template::parse_listing(&listing).unwrap();
    assert_eq!(parsed[0].as_ref().map(|t| t.name.as_str()), Ok("promo_nov"));
    assert_eq!(parsed[1], Err(ParseTemplateError::Unsupported));
    assert_eq!(parsed[2], Err(ParseTemplateError::Shape));
    assert_eq!(
        Template::parse_listing("[]"),
        Err(ParseTemplateError::Shape)
    );
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,40}", "[a-z\\n\\t ]{0,60}", "[a-z]{900,1100}"]
}

proptest! {
    #[test]
    fn what_comes_out_passes_whatsapps_rules(name in any_name(), code in "\\PC{0,20}") {
        let person = person(Some(&name), &[("code", &code)]);
        if let Ok(parameters) = parameters(&promo(), &mapping(&MAPPED), &person, None) {
            for text in &parameters.body {
                prop_assert!(fits_parameter(&text.text));
                prop_assert!(!text.text.contains(['\n', '\t', '\r']));
            }
            let shown = render(&promo(), &parameters);
            prop_assert!(shown.body.chars().count() <= BODY_MAX);
            prop_assert!(shown.urls[0].starts_with("https://melati.id/"));
            prop_assert!(!shown.urls[0].contains(char::is_whitespace));
        }
    }

    #[test]
    fn template_texts_print_as_they_were_written(text in "[a-z{} ]{0,40}|\\PC{0,40}") {
        let parsed = TemplateText::parse(&text);
        let again = TemplateText::parse(&parsed.to_string());
        prop_assert_eq!(&parsed, &again);
        if parsed.variables().is_empty() {
            prop_assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn mappings_round_trip(
        variable in "(body|header)\\.[a-z0-9]{1,8}|header|(button|payload|code)\\.[0-9]",
        source in "column:[a-z]{1,8}(\\|[a-z]{1,5})?|text:[a-z:|]{1,9}|link:preferences|media:[a-z]{1,5}",
    ) {
        let mapping = Mapping::parse([(variable.as_str(), source.as_str())]).unwrap();
        let (key, value) = mapping.entries().next().unwrap();
        prop_assert_eq!(key.to_string(), variable);
        prop_assert_eq!(value.to_string(), source);
    }

    #[test]
    fn a_mapping_never_panics(variable in "\\PC{0,20}", source in "\\PC{0,20}") {
        let _ = Mapping::parse([(variable.as_str(), source.as_str())]);
    }
}
