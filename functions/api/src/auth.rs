//! Who asks: an API key names the tenant, and nothing else does.
//!
//! `Authorization: Bearer <key id>.<secret>`. The secret is 256 random bits, so
//! its SHA-256 is kept and compared, in constant time.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use policy::ids::{KeyId, TenantId};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::Deps;
use crate::problem::Problem;

/// The tenant that asks. A handler gets it from the API key only: a path or a
/// body has no say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TenantCtx {
    /// Whose data the request may touch.
    pub(crate) tenant: TenantId,
}

impl FromRequestParts<Arc<Deps>> for TenantCtx {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, deps: &Arc<Deps>) -> Result<Self, Problem> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let presented = header
            .and_then(PresentedKey::parse)
            .ok_or_else(Problem::unauthorized)?;
        let known = deps.campaigns.api_key(presented.id).await?;
        // An unknown key costs the same comparison as a known one.
        let stored = known.as_ref().map_or("", |key| key.secret_sha256.as_str());
        match known {
            Some(ref key) if presented.matches(stored) => Ok(Self { tenant: key.tenant }),
            _ => {
                tracing::warn!(key.id = %presented.id, "API key refused");
                Err(Problem::unauthorized())
            }
        }
    }
}

/// A key as the header has it; prints as its public half.
struct PresentedKey<'a> {
    id: KeyId,
    secret: &'a str,
}

impl<'a> PresentedKey<'a> {
    /// Reads `Bearer <key id>.<secret>`; the scheme in any case (RFC 9110).
    fn parse(header: &'a str) -> Option<Self> {
        let (scheme, credentials) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (id, secret) = credentials.trim().split_once('.')?;
        if secret.is_empty() {
            return None;
        }
        Some(Self {
            id: id.parse().ok()?,
            secret,
        })
    }

    /// Whether the secret's hash is `stored`; takes the same time whatever the
    /// secret is.
    fn matches(&self, stored: &str) -> bool {
        secret_sha256(self.secret)
            .as_bytes()
            .ct_eq(stored.as_bytes())
            .into()
    }
}

/// The hash under which the secret half of an API key is kept: SHA-256, in
/// lower-case hexadecimal.
pub fn secret_sha256(secret: &str) -> String {
    crate::request::hex(&Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn reads_bearer_keys_and_nothing_else() {
        let id = KeyId::from_uuid(Uuid::from_u128(7));
        let header = format!("bearer {id}.s3cret.with.dots");
        let key = PresentedKey::parse(&header).unwrap();
        assert_eq!((key.id, key.secret), (id, "s3cret.with.dots"));

        for bad in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer key_x.secret",
            "Basic a2V5OnNlY3JldA==",
            &format!("Bearer {id}"),
            &format!("Bearer {id}."),
            &format!("Bearer {id}:secret"),
            &id.to_string(),
        ] {
            assert!(PresentedKey::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn only_the_right_secret_matches() {
        let key = |secret| PresentedKey {
            id: KeyId::from_uuid(Uuid::from_u128(7)),
            secret,
        };
        let stored = secret_sha256("correct horse");
        assert!(key("correct horse").matches(&stored));
        assert!(!key("correct horsf").matches(&stored));
        assert!(!key("correct horse").matches(""));
        // FIPS 180-4, the example "abc".
        assert_eq!(
            secret_sha256("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
