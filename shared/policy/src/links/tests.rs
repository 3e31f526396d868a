use proptest::prelude::*;

use super::*;

const CORPUS: &str = include_str!("corpus.tsv");

fn verdict(text: &str) -> Verdict {
    check(text, &Context::default()).verdict
}

fn codes(text: &str, context: &Context) -> Vec<&'static str> {
    let report = check(text, context);
    report.findings.iter().map(|f| f.reason.code()).collect()
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    CORPUS.lines().skip(1).map(|line| {
        let mut cells = line.split('\t');
        let mut next = || cells.next().expect("every row has three cells");
        (next(), next(), next())
    })
}

#[test]
fn the_corpus_is_judged_as_labelled() {
    let evaluation = evaluate(CORPUS).unwrap();
    assert!(evaluation.n >= 300);
    let misses: Vec<_> = evaluation
        .errors
        .iter()
        .map(|m| (m.row, &m.text, m.got))
        .collect();
    assert_eq!(misses, []);
}

#[test]
fn the_corpus_finds_each_reason_it_names() {
    let missed: Vec<_> = rows()
        .filter(|(text, verdict, reason)| {
            *verdict != "allow"
                && !reason.is_empty()
                && !codes(text, &Context::default()).contains(reason)
        })
        .collect();
    assert_eq!(missed, []);
}

#[test]
fn the_corpus_names_nearly_every_reason() {
    let named: Vec<&str> = rows().map(|(_, _, reason)| reason).collect();
    let unnamed: Vec<&str> = Reason::ALL
        .iter()
        .map(|reason| reason.code())
        .filter(|code| !named.contains(code))
        .collect();
    // The one needs another place, the other has a test of its own.
    // The last three are found out by asking others.
    let elsewhere = [
        "unknown_suffix",
        "link_in_parameter",
        "listed",
        "reputation_unavailable",
        "not_expanded",
    ];
    assert_eq!(unnamed, elsewhere);
    assert_eq!(
        codes("https://toko.kitakita/", &Context::default()),
        ["unknown_suffix"]
    );
}

#[test]
fn a_code_is_what_serde_writes() {
    for reason in Reason::ALL {
        let written = serde_json::to_value(reason).unwrap();
        assert_eq!(written, reason.code());
    }
}

#[test]
fn every_reason_is_told() {
    let text = "http://user@shopee-hadiah.top:8080/login/a.apk";
    insta::assert_snapshot!(codes(text, &Context::default()).join(" "), @"not_https userinfo lookalike_brand risky_tld odd_port dangerous_download suspicious_path");
}

#[test]
fn a_finding_shows_the_real_host() {
    let report = check("https://shopee.co.id@phish.example/", &Context::default());
    let host = report.findings.iter().find_map(|f| f.host.as_deref());
    assert_eq!(host, None);
    let report = check("Lihat https://ⓟhish.top/", &Context::default());
    assert!(
        report
            .findings
            .iter()
            .any(|f| f.host.as_deref() == Some("phish.top") && f.at == 6)
    );
}

#[test]
fn a_proved_domain_needs_no_approval() {
    let context = Context {
        allowed: vec!["tokokita.top".to_owned()],
        ..Context::default()
    };
    let at = |text| check(text, &context).verdict;
    assert_eq!(at("https://www.tokokita.top/promo"), Verdict::Allow);
    assert_eq!(at("https://tokokita.top/a.apk"), Verdict::Block);
    assert_eq!(at("https://bukantokokita.top/"), Verdict::Warn);
}

#[test]
fn a_brand_may_bear_its_own_name() {
    let context = Context {
        own_brand: vec!["shopee-festival.com".to_owned()],
        ..Context::default()
    };
    assert_eq!(verdict("https://shopee-festival.com/"), Verdict::Block);
    assert_eq!(
        check("https://shopee-festival.com/", &context).verdict,
        Verdict::Allow
    );
    assert_eq!(
        check("https://shopee-undian.com/", &context).verdict,
        Verdict::Block
    );
}

#[test]
fn a_parameter_brings_no_link() {
    let context = Context {
        place: Place::Parameter,
        ..Context::default()
    };
    assert_eq!(
        codes("https://tokokita.com/a", &context),
        ["link_in_parameter"]
    );
    assert_eq!(codes("tokokita.com", &context), ["link_in_parameter"]);
    assert_eq!(codes("Budi Santoso, S.Kom.", &context), [""; 0]);
}

#[test]
fn variables_of_a_button_stay_in_path_and_query() {
    let template = "https://tokokita.com/p/{{1}}";
    let keeps = |rendered| keeps_destination(template, rendered);
    assert!(keeps("https://tokokita.com/p/123?a=b"));
    assert!(!keeps("https://tokokita.com.jahat.com/p/123"));
    assert!(!keeps("http://tokokita.com/p/123"));
    assert!(!keeps("https://tokokita.com@jahat.com/p/123"));
    assert!(!keeps("https://tokokita.com:8443/p/123"));
    assert!(!keeps_destination(
        "https://tokokita.com{{1}}",
        "https://tokokita.com/"
    ));
    assert!(!keeps_destination("{{1}}", "https://tokokita.com/"));
}

#[test]
fn a_variable_makes_no_host() {
    for text in [
        "{{1}}.tokokita.com/a",
        "tokokita.com{{1}}",
        "https://{{1}}.tokokita.com/",
    ] {
        assert_eq!(codes(text, &Context::default()), ["dynamic_host"], "{text}");
    }
    let context = Context {
        place: Place::ButtonUrl,
        ..Context::default()
    };
    assert_eq!(codes("{{1}}", &context), ["dynamic_host"]);
    assert_eq!(codes("https://tokokita.com/p?id={{1}}", &context), [""; 0]);
}

#[test]
fn too_many_findings_hide_none() {
    let mut text = "https://tokokita.top/ ".repeat(400);
    text.push_str("https://lain.top/ https://lain.top/a.apk");
    let context = Context {
        allowed: vec!["tokokita.top".to_owned()],
        ..Context::default()
    };
    let report = check(&text, &context);
    assert_eq!(report.verdict, Verdict::Block);
    assert!(report.findings.iter().any(|f| f.verdict == Verdict::Warn));
    assert!(report.findings.len() <= MOST_FINDINGS + 2 * Reason::ALL.len());
}

#[test]
fn debug_shows_no_text() {
    let report = check("Budi https://bit.ly/rahasia", &Context::default());
    let shown = format!("{report:?}");
    assert!(
        shown.contains("Shortener") && !shown.contains("rahasia"),
        "{shown}"
    );
}

#[test]
fn an_unusable_file_is_refused() {
    assert_eq!(
        evaluate("text\tlabel\n").unwrap_err(),
        EvaluateError::MissingColumn("verdict")
    );
    assert_eq!(
        evaluate("text\tverdict\na\tmaybe\n").unwrap_err(),
        EvaluateError::BadRow { row: 2 }
    );
}

/// Pieces that make links, near links and lures when strung together.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => any::<char>().prop_map(String::from),
        2 => prop::sample::select(vec![
            "http", "https", "://", ":", "/", "//", "\\", "@", ".", "[.]", "%2F", "%", "?u=", "#", "{{1}}",
            "shopee", "bca", "xn--", "com", "co.id", "apk", ".apk", "127.0.0.1", "[::1]", " ", "\n",
            "\u{200B}", "\u{202E}", "javascript:", "data:", "аррӏе", "。", "otp", "kirim", "jangan", "-", "_",
        ]).prop_map(str::to_owned),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat())
}

/// A text of the corpus, or a made one.
fn corpus_or_made() -> impl Strategy<Value = String> {
    let all: Vec<String> = rows().map(|(text, ..)| text.to_owned()).collect();
    prop_oneof![prop::sample::select(all), text()]
}

proptest! {
    #[test]
    fn never_panics(text in text()) {
        for place in [Place::Body, Place::ButtonUrl, Place::Parameter] {
            let _ = check(&text, &Context { place, ..Context::default() });
        }
        let _ = keeps_destination(&text, "https://example.com/");
        let _ = keeps_destination("https://example.com/{{1}}", &text);
    }

    #[test]
    fn never_panics_on_anything(text in any::<String>()) {
        let _ = check(&text, &Context::default());
    }

    #[test]
    fn text_around_never_lowers_a_verdict(
        before in corpus_or_made(),
        text in corpus_or_made(),
        after in corpus_or_made(),
    ) {
        let alone = verdict(&text);
        let around = verdict(&format!("{before}\n{text}\n{after}"));
        prop_assert!(around >= alone);
    }

    #[test]
    fn an_allow_list_never_lifts_a_block(text in corpus_or_made()) {
        let report = check(&text, &Context::default());
        let allowed = report.findings.iter().filter_map(|f| f.host.clone()).collect();
        let trusted = check(&text, &Context { allowed, ..Context::default() });
        prop_assert_eq!(report.verdict == Verdict::Block, trusted.verdict == Verdict::Block);
        prop_assert!(trusted.verdict <= report.verdict);
    }

    #[test]
    fn a_span_lies_in_the_text(text in corpus_or_made()) {
        for finding in check(&text, &Context::default()).findings {
            prop_assert!(text[finding.at..].contains(&finding.shown));
        }
    }
}

#[test]
fn a_report_tells_where_every_link_leads() {
    let text = "Lihat toko.example/a dan HTTPS://TOKO.Example:443/b, atau https://ⓣoko.example";
    let report = check(text, &Context::default());
    let links: Vec<(&str, String)> = report
        .links
        .iter()
        .map(|link| (link.shown.as_str(), link.leads_to().unwrap().to_string()))
        .collect();
    assert_eq!(
        links,
        [
            ("toko.example/a", "https://toko.example/a".to_owned()),
            (
                "HTTPS://TOKO.Example:443/b",
                "https://toko.example/b".to_owned()
            ),
            ("https://ⓣoko.example", "https://toko.example/".to_owned()),
        ]
    );
}
