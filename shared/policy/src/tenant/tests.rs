use super::*;

fn read(json: &str) -> Result<Settings, Vec<Wrong>> {
    let document: Document = serde_json::from_str(json).unwrap();
    Settings::try_from(&document)
}

#[test]
fn nothing_said_is_a_general_business() {
    assert_eq!(read("{}"), Ok(Settings::default()));
    let terms = Settings::default().terms(Category::Marketing);
    assert_eq!(terms, Terms::new(Category::Marketing));
}

#[test]
fn settings_reach_the_terms() {
    let settings = read(
        r#"{
            "sector": "financial_services",
            "send_window": {"from": "09:00", "until": "18:30", "closed_days": ["sunday"]},
            "frequency": [{"most": 2, "within_hours": 168}],
            "reviewed_countries": ["MY"],
            "keywords": [{"text": "Batal promo", "means": "optout"}],
            "domains": {"own": ["toko.co.id"], "brands": ["bücher.de"]},
            "two_person_approval": true,
            "unknown_links": "block",
            "confirm_optouts": true
        }"#,
    )
    .unwrap();
    let terms = settings.terms(Category::Marketing);
    assert_eq!(terms.sector, Sector::FinancialServices);
    assert_eq!(terms.frequency, settings.frequency);
    assert_eq!(terms.frequency[0].purpose.as_str(), "marketing");
    assert!(terms.reviewed_countries.contains("MY"));
    assert_eq!(terms.window, settings.window);
    assert_eq!(settings.keywords.len(), 1);
    assert_eq!(settings.unknown_links.verdict(), Verdict::Block);
    assert_eq!(settings.own_domains, ["toko.co.id"]);
    assert_eq!(settings.brand_domains, ["xn--bcher-kva.de"]);
}

#[test]
fn everything_wrong_is_named_at_once() {
    let wrong = read(
        r#"{
            "sector": "bank",
            "send_window": {"from": "19:00", "until": "09:00", "closed_days": ["funday"]},
            "frequency": [{"most": 1, "within_hours": 24}, {"most": 0, "within_hours": 24},
                          {"most": 1, "within_hours": 745},
                          {"purpose": "Promo", "most": 1, "within_hours": 1}],
            "reviewed_countries": ["my", "XX"],
            "keywords": [{"text": "STOP", "means": "other"}, {"text": "..", "means": "optout"},
                         {"text": "hei", "means": "hello"}],
            "domains": {"own": ["co.id", "www.toko.co.id", "not a domain", "localhost"]}
        }"#,
    )
    .unwrap_err();
    let pointers: Vec<_> = wrong.iter().map(|wrong| wrong.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/sector",
            "/send_window/closed_days/0",
            "/send_window",
            "/frequency/1",
            "/frequency/2",
            "/frequency/3",
            "/reviewed_countries/0",
            "/reviewed_countries/1",
            "/keywords/0",
            "/keywords/1",
            "/keywords/2",
            "/domains/own/0",
            "/domains/own/1",
            "/domains/own/2",
            "/domains/own/3",
        ]
    );
}

#[test]
fn no_list_grows_without_end() {
    let words: Vec<_> = (0..101)
        .map(|n| format!(r#"{{"text": "kata {n}", "means": "help"}}"#))
        .collect();
    let wrong = read(&format!(r#"{{"keywords": [{}]}}"#, words.join(","))).unwrap_err();
    assert_eq!(wrong[0].pointer, "/keywords");
}
