use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sample {
    phone: Option<String>,
    inner: Inner,
    mapping: BTreeMap<String, String>,
    numbers: Vec<u8>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Inner {
    size: Option<u32>,
}

fn read(text: &str) -> Result<Sample, Problem> {
    read_json(text.as_bytes())
}

#[test]
fn a_wrong_type_names_its_place_and_not_its_value() {
    for (text, pointer) in [
        (r#"{"inner":{"size":"+6281234567890"}}"#, "/inner/size"),
        (r#"{"mapping":{"a/b~c":62812}}"#, "/mapping/a~1b~0c"),
        (r#"{"numbers":[1,2,6281234567890]}"#, "/numbers/2"),
        (r#"{"phone":6281234567890}"#, "/phone"),
        (r#"{"fone":"+6281234567890"}"#, "/fone"),
    ] {
        let problem = read(text).unwrap_err();
        assert_eq!(problem.codes(), [(pointer.to_owned(), "unexpected")]);
        assert!(!format!("{problem:?}").contains("62812"), "{problem:?}");
    }
}

#[test]
fn what_is_not_json_is_malformed() {
    for text in ["", "{", "{\"phone\": +62812}", "{} {}", "nul"] {
        let problem = read(text).unwrap_err();
        assert!(problem.codes().is_empty());
        let detail = problem.detail();
        assert!(detail.starts_with("the body is not JSON"), "{detail}");
        assert!(!detail.contains("62812"));
    }
    let sample = read(r#" {"phone":"x","inner":{"size":3}} "#).unwrap();
    assert_eq!(sample.phone.as_deref(), Some("x"));
    assert!(sample.mapping.is_empty());
}

#[test]
fn only_json_is_read() {
    assert!(is_json("application/json"));
    assert!(is_json("Application/JSON; charset=utf-8"));
    assert!(!is_json("text/plain"));
    assert!(!is_json("application/x-www-form-urlencoded"));
}

#[test]
fn fields_gather_all_problems() {
    let mut fields = Fields::default();
    assert_eq!(
        fields.short_text("/a", Some(" Promo ")),
        Some("Promo".to_owned())
    );
    assert_eq!(fields.short_text("/b", Some("two\nlines")), None);
    assert_eq!(fields.parsed::<u8>("/c", Some("300")), None);
    assert_eq!(fields.required::<u8>("/d", None), None);
    assert_eq!(fields.moment("/e", None), None);
    assert_eq!(fields.moment("/f", Some("yesterday")), None);
    assert_eq!(fields.phone("/g", Some("12"), Region::INDONESIA), None);
    let problem = fields.finish_with(Some(())).unwrap_err();
    let codes = problem.codes();
    let codes: Vec<_> = codes
        .iter()
        .map(|(at, code)| (at.as_str(), *code))
        .collect();
    assert_eq!(
        codes,
        [
            ("/b", "unreadable"),
            ("/c", "unreadable"),
            ("/d", "missing"),
            ("/f", "unreadable"),
            ("/g", "phone_too_short"),
        ]
    );
}
