use super::*;
use crate::consent::Consent;
use crate::phone::PhoneNumber;
use crate::subscription::Subscription;

fn template(body: &str, url: &str) -> Template {
    let json = serde_json::json!({
        "name": "promo", "language": "id", "status": "APPROVED", "category": "MARKETING",
        "components": [
            {"type": "BODY", "text": body},
            {"type": "FOOTER", "text": "Balas STOP untuk berhenti"},
            {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Lihat", "url": url}]},
        ],
    });
    Template::parse(&json.to_string()).unwrap()
}

fn usual() -> Template {
    template("Halo {{1}}, diskon 25%.", "https://melati.id/{{1}}")
}

fn mapping(entries: &[(&str, &str)]) -> Mapping {
    Mapping::parse(entries.iter().copied()).unwrap()
}

fn mapped() -> Mapping {
    mapping(&[("body.1", "column:name|Kak"), ("button.0", "column:code")])
}

/// The verdict, and every place with its reason.
fn render(template: &Template, mapping: &Mapping) -> String {
    let preflight = of_template(template, mapping, &Context::NONE);
    let found: Vec<String> = preflight
        .findings
        .iter()
        .map(|finding| format!("{} {}", finding.place, finding.reason))
        .collect();
    format!("{}: {}", preflight.verdict.code(), found.join(", "))
}

#[test]
fn every_text_of_a_template_is_judged() {
    let with = |body, url| render(&template(body, url), &mapped());
    assert_eq!(render(&usual(), &mapped()), "allow: ");
    insta::assert_snapshot!(
        with("Klik https://bca-login.top/a.apk", "https://melati.id/{{1}}"),
        @"block: body lookalike_brand, body risky_tld, body dangerous_download"
    );
    insta::assert_snapshot!(
        with("Halo {{1}}", "https://{{1}}/promo"),
        @"block: button.0 dynamic_host"
    );
    insta::assert_snapshot!(
        with("Lihat https://bit.ly/abc", "https://melati.id"),
        @"warn: body shortener"
    );
    let fixed = mapping(&[
        ("body.1", "column:name|https://melati.id"),
        ("button.0", "text:a"),
    ]);
    insta::assert_snapshot!(render(&usual(), &fixed), @"block: body.1 link_in_parameter");
}

#[test]
fn links_are_shown_as_they_look_and_as_they_go() {
    let template = template("Lihat melati.id/promo", "https://MELATI.id:443/{{1}}");
    let preflight = of_template(&template, &mapped(), &Context::NONE);
    let links: Vec<_> = preflight
        .links
        .iter()
        .map(|link| {
            (
                link.place.as_str(),
                link.shown.as_str(),
                link.leads_to.as_str(),
            )
        })
        .collect();
    assert_eq!(
        links,
        [
            ("body", "melati.id/promo", "https://melati.id/promo"),
            (
                "button.0",
                "https://MELATI.id:443/{{1}}",
                "https://melati.id/%7B%7B1%7D%7D"
            ),
        ]
    );
}

#[test]
fn a_bad_value_speaks_against_its_person_only() {
    let judged = |name: &str, code: &str| {
        let person = Subscription {
            phone: PhoneNumber::parse_e164("+6281234567890").unwrap(),
            name: Some(name.to_owned()),
            language: None,
            zone: None,
            external_id: None,
            attributes: [("code".to_owned(), code.to_owned())].into(),
            consent: Consent::NeverAsked,
        };
        let parameters = content::parameters(&usual(), &mapped(), &person, None).unwrap();
        of_person(&usual(), &parameters, &Context::NONE)
    };
    assert_eq!(judged("Sari", "abc123"), Ok(()));
    assert_eq!(judged("dr. Rina, Sp.A", "a?b=c"), Ok(()));
    let blocked = Err(RefusalReason::ContentBlocked);
    assert_eq!(judged("https://phish.example", "abc"), blocked);
    assert_eq!(judged("Menang di dana-kaget.com", "abc"), blocked);
    assert_eq!(judged("Undangan.apk", "abc"), blocked);
    assert_eq!(judged("Sari", "undangan.apk"), blocked);
    assert_eq!(judged("Sari", "r?u=http:%2F%2F127.0.0.1"), blocked);
}

#[test]
fn a_fingerprint_follows_what_people_notice() {
    let before = fingerprint(&usual(), &mapped(), None);
    let mut paused = usual();
    paused.status = content::TemplateStatus::Paused;
    assert_eq!(fingerprint(&paused, &mapped(), None), before);
    let changed = [
        fingerprint(
            &template("Halo {{1}}, diskon 26%.", "https://melati.id/{{1}}"),
            &mapped(),
            None,
        ),
        fingerprint(
            &template("Halo {{1}}, diskon 25%.", "https://melati.co/{{1}}"),
            &mapped(),
            None,
        ),
        fingerprint(
            &usual(),
            &mapping(&[("body.1", "column:name"), ("button.0", "column:code")]),
            None,
        ),
        fingerprint(&usual(), &mapped(), Some("00ff")),
    ];
    for other in &changed {
        assert_ne!(*other, before);
    }
    let distinct: std::collections::BTreeSet<_> = changed.iter().collect();
    assert_eq!(distinct.len(), changed.len());
}

#[test]
fn who_may_approve() {
    use ApprovalGap as G;

    let may = |verdict, author, approver, two| approve(verdict, author, approver, two);
    assert_eq!(may(Verdict::Allow, None, None, true), Ok(()));
    assert_eq!(
        may(Verdict::Block, Some("Sari"), Some("Budi"), false),
        Err(G::Blocked)
    );
    assert_eq!(
        may(Verdict::Warn, None, None, false),
        Err(G::ApproverMissing)
    );
    assert_eq!(
        may(Verdict::Warn, None, Some("  "), false),
        Err(G::ApproverMissing)
    );
    assert_eq!(may(Verdict::Warn, None, Some("Budi"), false), Ok(()));
    assert_eq!(
        may(Verdict::Warn, None, Some("Budi"), true),
        Err(G::AuthorMissing)
    );
    assert_eq!(
        may(Verdict::Warn, Some("sari  dewi"), Some(" Sari Dewi"), true),
        Err(G::SamePerson)
    );
    assert_eq!(may(Verdict::Warn, Some("Sari"), Some("Budi"), true), Ok(()));
}
