//! From the wire to what a route works with, or to a problem that says why not.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use policy::phone::{PhoneNumber, Region};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::problem::{FieldError, Problem};

/// Largest request body, in bytes. Files go to the bucket, not through here.
pub(crate) const BODY_MAX: usize = 64 * 1024;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let declared = request.headers().get(CONTENT_TYPE);
        if !declared.is_some_and(|value| value.to_str().is_ok_and(is_json)) {
            return Err(Problem::media_type());
        }
        let bytes =
            Bytes::from_request(request, state)
                .await
                .map_err(|rejection| match rejection {
                    BytesRejection::FailedToBufferBody(failed)
                        if failed.status() == http::StatusCode::PAYLOAD_TOO_LARGE =>
                    {
                        Problem::too_large()
                    }
                    _ => Problem::malformed("the body did not arrive whole"),
                })?;
        read_json(&bytes).map(Self)
    }
}

/// A JSON body that may be left out: then everything in it is.
#[derive(Debug)]
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let declared = parts.headers.get(CONTENT_TYPE).cloned();
        let bytes = Bytes::from_request(Request::from_parts(parts, body), state)
            .await
            .map_err(|_| Problem::too_large())?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !declared.is_some_and(|value| value.to_str().is_ok_and(is_json)) {
            return Err(Problem::media_type());
        }
        read_json(&bytes).map(Self)
    }
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

/// Reads JSON; an error names the place and never the value.
fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let json = &mut serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut *json).map_err(|error| {
        let cause = error.inner();
        if cause.is_data() {
            return Problem::invalid(vec![FieldError {
                pointer: pointer(error.path()),
                code: "unexpected",
                detail: "no field of this request, or not of its type".to_owned(),
            }]);
        }
        not_json(cause)
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    Problem::malformed(format!(
        "the body is not JSON from line {line}, column {column} on"
    ))
}

/// RFC 6901.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut text = String::new();
    for segment in path {
        let token = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => escaped(key),
            Segment::Enum { variant } => escaped(variant),
            Segment::Unknown => continue,
        };
        text.push('/');
        text.push_str(&token);
    }
    text
}

/// A name as a token of a JSON pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// An id in the path. One that cannot be an id names nothing, so it answers as
/// an absent one does.
#[derive(Debug)]
pub(crate) struct Id<T>(pub(crate) T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let absent = || Problem::not_found("there is nothing under this id");
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| absent())?;
        text.parse().map(Self).map_err(|_| absent())
    }
}

/// The query string.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        match query {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(_) => Err(Problem::malformed("the query string cannot be read")),
        }
    }
}

/// Gathers everything that is wrong with a request, so that it can be put right
/// at once.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<FieldError>);

impl Fields {
    /// Notes one problem.
    pub(crate) fn refuse(
        &mut self,
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) {
        self.0.push(FieldError {
            pointer: pointer.into(),
            code,
            detail: detail.into(),
        });
    }

    /// A value that must be there.
    pub(crate) fn required<T>(&mut self, pointer: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.refuse(pointer, "missing", "this field is required");
        }
        value
    }

    /// A text that must be there and parse.
    pub(crate) fn parsed<T>(&mut self, pointer: &'static str, text: Option<&str>) -> Option<T>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let text = self.required(pointer, text)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(pointer, "unreadable", error.to_string());
                None
            }
        }
    }

    /// A moment, where one is given.
    pub(crate) fn moment(
        &mut self,
        pointer: &'static str,
        text: Option<&str>,
    ) -> Option<jiff::Timestamp> {
        // The parser's own error repeats the text.
        let moment = text?.parse().ok();
        if moment.is_none() {
            let detail = "expected a moment such as 2026-11-24T09:00:00+07:00 (RFC 3339)";
            self.refuse(pointer, "unreadable", detail);
        }
        moment
    }

    /// A phone number, which must be there; the problem never repeats it.
    pub(crate) fn phone(
        &mut self,
        pointer: &'static str,
        text: Option<&str>,
        region: Region,
    ) -> Option<PhoneNumber> {
        match PhoneNumber::parse(self.required(pointer, text)?, region) {
            Ok(phone) => Some(phone),
            Err(error) => {
                self.refuse(pointer, error.code(), error.to_string());
                None
            }
        }
    }

    /// A short text for people, which must be there.
    pub(crate) fn short_text(
        &mut self,
        pointer: &'static str,
        text: Option<&str>,
    ) -> Option<String> {
        const MAX_CHARS: usize = 200;
        let text = self.required(pointer, text)?.trim();
        if text.is_empty() || text.chars().count() > MAX_CHARS || text.contains(char::is_control) {
            let detail = format!("expected 1 to {MAX_CHARS} characters on one line");
            self.refuse(pointer, "unreadable", detail);
            return None;
        }
        Some(text.to_owned())
    }

    /// `text`, if it passes `check`; `detail` says what was expected.
    pub(crate) fn checked(
        &mut self,
        pointer: &'static str,
        text: &str,
        check: fn(&str) -> bool,
        detail: &'static str,
    ) -> Option<String> {
        if check(text) {
            Some(text.to_owned())
        } else {
            self.refuse(pointer, "unreadable", detail);
            None
        }
    }

    /// The problem, if there is any.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.0))
        }
    }

    /// `value` if nothing was refused. A value that is missing was refused.
    pub(crate) fn finish_with<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.finish()?;
        Ok(value.expect("a value is missing only where a field was refused"))
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
