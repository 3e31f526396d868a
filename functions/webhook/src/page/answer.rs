//! Pages as responses: what a browser may do with them is as little as can be.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use maud::Markup;
use policy::language::Language;
use policy::preference::BadLink;
use sha2::{Digest as _, Sha256};

use super::act::Act;
use super::view;

/// Nothing is loaded but our one style, by its hash; forms go to this page only.
static SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(view::STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
});

/// A page of 200.
pub(super) fn page(markup: &Markup) -> Response {
    with_status(StatusCode::OK, markup)
}

/// A link that opens nothing: how to stop without it.
pub(super) fn gone(bad: BadLink, language: Language) -> Response {
    let status = match bad {
        BadLink::Expired => StatusCode::GONE,
        BadLink::Forged => StatusCode::NOT_FOUND,
    };
    with_status(status, &view::no_page(bad, language))
}

/// One sentence about a request.
pub(super) fn short(status: StatusCode, language: Language) -> Response {
    with_status(status, &view::sentence(status, language))
}

/// Back to the page after an act, so that a reload does not repeat it (303,
/// RFC 9110 §15.4.4).
pub(super) fn see(link: &str, act: &Act, language: Option<&str>) -> Response {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("done", &act.to_string());
    if let Some(language) = language.and_then(Language::parse) {
        query.append_pair("lang", language.code());
    }
    let place = format!("/p/{link}?{}", query.finish());
    (StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response()
}

fn with_status(status: StatusCode, markup: &Markup) -> Response {
    let policy = HeaderValue::from_str(&SECURITY_POLICY).expect("the policy is plain ASCII");
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (
            HeaderName::from_static("x-robots-tag"),
            HeaderValue::from_static("noindex, nofollow"),
        ),
    ];
    (status, headers, markup.0.clone()).into_response()
}
