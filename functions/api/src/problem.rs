//! Every answer that is not the one hoped for: RFC 9457 problem details.
//!
//! A route says what went wrong by a constructor, never by a number. What the
//! caller reads and what the log holds are two texts; neither holds personal
//! data, and no value of a request is ever repeated.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use platform::fault::{Fault, chain};
use serde::Serialize;
use utoipa::ToSchema;

/// An answer that says what went wrong.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    errors: Vec<FieldError>,
    internal: Option<String>,
}

/// What can go wrong. The code is stable: clients branch on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    BadCursor,
    Conflict,
    CursorExpired,
    Invalid,
    KeyReused,
    Malformed,
    MediaType,
    Method,
    NotFound,
    Overloaded,
    TooLarge,
    Unauthorized,
    Unexpected,
}

/// One field of a request that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// JSON pointer (RFC 6901) into the request body.
    pub(crate) pointer: String,
    /// A stable code.
    pub(crate) code: &'static str,
    /// A sentence for people.
    pub(crate) detail: String,
}

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// `urn:izin:problem:` and a stable code.
    #[serde(rename = "type")]
    kind: String,
    /// What the code means.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What went wrong this time.
    detail: String,
    /// The fields that cannot be used, all of them at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
}

impl Problem {
    /// A cursor that no answer ever gave.
    pub(crate) fn bad_cursor() -> Self {
        Self::new(
            Kind::BadCursor,
            "send `after` as the `next` of an earlier answer, or leave it out",
        )
    }

    /// A cursor behind which something may be forgotten already.
    pub(crate) fn cursor_expired() -> Self {
        Self::new(
            Kind::CursorExpired,
            "what came after this cursor is no longer kept whole; begin again without `after`",
        )
    }

    /// The request is at odds with where the thing stands.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, detail)
    }

    /// Something stands in the way, for all these reasons.
    pub(crate) fn blocked(detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        Self {
            errors,
            ..Self::new(Kind::Conflict, detail)
        }
    }

    /// The fields of a request that cannot be used.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        Self {
            errors,
            ..Self::new(Kind::Invalid, "some fields cannot be used")
        }
    }

    /// An idempotency key came with another request than the first time.
    pub(crate) fn key_reused() -> Self {
        Self::new(
            Kind::KeyReused,
            "this Idempotency-Key was used for another request; use a new one",
        )
    }

    /// The request cannot be read at all.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, detail)
    }

    /// The body is of a kind that this service does not read.
    pub(crate) fn media_type() -> Self {
        Self::new(Kind::MediaType, "send the body as application/json")
    }

    /// The path exists, but not with this method.
    pub(crate) fn method() -> Self {
        Self::new(Kind::Method, "this path does not take this method")
    }

    /// There is no such thing, at least not for this tenant.
    pub(crate) fn not_found(detail: &'static str) -> Self {
        Self::new(Kind::NotFound, detail)
    }

    /// The body is larger than any request here needs.
    pub(crate) fn too_large() -> Self {
        Self::new(Kind::TooLarge, "the body is too large")
    }

    /// No key, an unknown key, or a wrong secret: which of them is not said.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            Kind::Unauthorized,
            "send a valid API key as a bearer token: `<key id>.<secret>`",
        )
    }

    /// Pointer and code of every field that was refused.
    #[cfg(test)]
    pub(crate) fn codes(&self) -> Vec<(String, &'static str)> {
        self.errors
            .iter()
            .map(|error| (error.pointer.clone(), error.code))
            .collect()
    }

    #[cfg(test)]
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            internal: None,
        }
    }
}

/// The world failed: what exactly is for the log only.
impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let (kind, detail) = if fault.is_passing() {
            (Kind::Overloaded, "try again with the same request")
        } else {
            (Kind::Unexpected, "the request could not be completed")
        };
        Self {
            internal: Some(chain(&fault)),
            ..Self::new(kind, detail)
        }
    }
}

impl Kind {
    const fn status(self) -> StatusCode {
        match self {
            Self::BadCursor => StatusCode::BAD_REQUEST,
            Self::Conflict => StatusCode::CONFLICT,
            Self::CursorExpired => StatusCode::GONE,
            Self::Invalid | Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Unexpected => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::BadCursor => "bad_cursor",
            Self::Conflict => "conflict",
            Self::CursorExpired => "cursor_expired",
            Self::Invalid => "invalid",
            Self::KeyReused => "idempotency_key_reused",
            Self::Malformed => "malformed",
            Self::MediaType => "media_type",
            Self::Method => "method",
            Self::NotFound => "not_found",
            Self::Overloaded => "overloaded",
            Self::TooLarge => "too_large",
            Self::Unauthorized => "unauthorized",
            Self::Unexpected => "unexpected",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::BadCursor => "Not a cursor",
            Self::Conflict => "Not possible now",
            Self::CursorExpired => "Cursor too old",
            Self::Invalid => "Fields cannot be used",
            Self::KeyReused => "Idempotency key used for another request",
            Self::Malformed => "Request cannot be read",
            Self::MediaType => "Body is not JSON",
            Self::Method => "Method not allowed",
            Self::NotFound => "Not found",
            Self::Overloaded => "Try again",
            Self::TooLarge => "Body too large",
            Self::Unauthorized => "API key needed",
            Self::Unexpected => "Unexpected failure",
        }
    }
}

/// The one place where a failure of a request is logged.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        if let Some(internal) = &self.internal {
            tracing::error!(code = self.kind.code(), error = internal, "request failed");
        }
        let body = ProblemBody {
            kind: format!("urn:izin:problem:{}", self.kind.code()),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: self.detail,
            errors: self.errors,
        };
        let text = serde_json::to_string(&body).expect("a problem is plain JSON");
        let mut response = (status, text).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self.kind {
            Kind::Overloaded => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Kind::Unauthorized => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Kind::BadCursor
            | Kind::Conflict
            | Kind::CursorExpired
            | Kind::Invalid
            | Kind::KeyReused
            | Kind::Malformed
            | Kind::MediaType
            | Kind::Method
            | Kind::NotFound
            | Kind::TooLarge
            | Kind::Unexpected => (),
        }
        response
    }
}

#[cfg(test)]
mod tests;
