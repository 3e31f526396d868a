use axum::body::to_bytes;
use insta::assert_snapshot;

use super::*;

/// Renders an answer the way a client sees it.
fn render(problem: Problem) -> String {
    let response = problem.into_response();
    let status = response.status();
    let headers: Vec<String> = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    let body = futures_util::FutureExt::now_or_never(to_bytes(response.into_body(), 4096));
    let body: serde_json::Value = serde_json::from_slice(&body.unwrap().unwrap()).unwrap();
    format!("{status}\n{}\n{body:#}", headers.join("\n"))
}

#[test]
fn refused_fields_are_listed_with_pointers() {
    let problem = Problem::invalid(vec![FieldError {
        pointer: "/source".to_owned(),
        code: "source_not_allowed",
        detail: "expected one of own_crm, own_store".to_owned(),
    }]);
    assert_snapshot!(render(problem));
}

#[test]
fn a_missing_key_gets_no_detail() {
    assert_snapshot!(render(Problem::unauthorized()));
}

#[test]
fn a_fault_is_for_the_log_and_not_for_the_caller() {
    let passing = Fault::passing("read an item", "table izin-contacts, request 4711");
    assert_snapshot!("passing", render(passing.into()));
    let lasting = Fault::lasting("decode an item", "missing field `tenant`");
    assert_snapshot!("lasting", render(lasting.into()));
}

#[test]
fn every_kind_is_an_error_with_a_code_of_its_own() {
    let kinds = [
        Kind::Conflict,
        Kind::Invalid,
        Kind::KeyReused,
        Kind::Malformed,
        Kind::MediaType,
        Kind::Method,
        Kind::NotFound,
        Kind::Overloaded,
        Kind::TooLarge,
        Kind::Unauthorized,
        Kind::Unexpected,
    ];
    let codes: std::collections::BTreeSet<_> = kinds.map(Kind::code).into();
    assert_eq!(codes.len(), kinds.len());
    for kind in kinds {
        assert!(kind.status().is_client_error() || kind.status().is_server_error());
    }
}
