//! A creating request may be made again: one key, one payload, one id.

use axum::extract::FromRequestParts;
use http::request::Parts;
use platform::campaigns::Answer;
use policy::ids::TenantId;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::Deps;
use crate::problem::Problem;
use crate::request::hex;

/// The `Idempotency-Key` header, where the caller sent one. It is kept as a
/// hash, since callers make keys of all sorts of things.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// Longest key, in bytes.
    const MAX_BYTES: usize = 255;

    fn parse(value: &[u8]) -> Result<Self, Problem> {
        let visible = value.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if value.is_empty() || value.len() > Self::MAX_BYTES || !visible {
            return Err(Problem::malformed(
                "expected an Idempotency-Key of 1 to 255 visible ASCII characters",
            ));
        }
        Ok(Self(Some(hex(&Sha256::digest(value)))))
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.headers.get("idempotency-key") {
            Some(value) => Self::parse(value.as_bytes()),
            None => Ok(Self(None)),
        }
    }
}

/// The id that a request makes: a new one, or the one that the same key made
/// before. What follows must be safe to do twice under one id.
pub(crate) async fn id_for<T: Serialize>(
    deps: &Deps,
    tenant: TenantId,
    key: IdempotencyKey,
    route: &'static str,
    request: &T,
) -> Result<Uuid, Problem> {
    let now = deps.clock.now();
    let minted = deps.ids.mint(now);
    let Some(key) = key.0 else {
        return Ok(minted);
    };
    let mine = Answer {
        request_sha256: fingerprint(route, request),
        made: minted.simple().to_string(),
        ttl: now.as_second() + Answer::KEPT_SECONDS,
    };
    let wanted = mine.request_sha256.clone();
    let first = deps
        .campaigns
        .take_idempotency_key(tenant, &key, mine)
        .await?;
    if first.request_sha256 != wanted {
        return Err(Problem::key_reused());
    }
    first
        .made
        .parse()
        .map_err(|error| platform::fault::Fault::lasting("read an idempotent answer", error).into())
}

/// SHA-256 of what was asked: the route, and the body as this service reads it.
fn fingerprint<T: Serialize>(route: &'static str, request: &T) -> String {
    let body = serde_json::to_vec(request).expect("a request is plain JSON");
    let mut hash = Sha256::new();
    hash.update(route);
    hash.update([0]);
    hash.update(body);
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_visible_ascii_and_kept_as_hashes() {
        let key = IdempotencyKey::parse(b"order 17").unwrap();
        assert!(!format!("{key:?}").contains("17\""));
        assert_eq!(key, IdempotencyKey::parse(b"order 17").unwrap());
        assert_ne!(key, IdempotencyKey::parse(b"order 18").unwrap());
        for bad in [b"".as_slice(), b"a\tb", b"\xc3\xa4", &[b'a'; 256]] {
            assert!(IdempotencyKey::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_fingerprint_is_of_route_and_meaning() {
        let body = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let spaced = fingerprint("POST /v1/lists", &body(r#"{ "name" : "VIP" }"#));
        assert_eq!(
            spaced,
            fingerprint("POST /v1/lists", &body(r#"{"name":"VIP"}"#))
        );
        assert_ne!(
            spaced,
            fingerprint("POST /v1/lists", &body(r#"{"name":"vip"}"#))
        );
        assert_ne!(
            spaced,
            fingerprint("POST /v1/imports", &body(r#"{"name":"VIP"}"#))
        );
    }
}
