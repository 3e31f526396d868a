//! The signature of a webhook: HMAC-SHA256 over the raw body with the app
//! secret (Meta, "Webhooks: validating payloads").

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// A body whose signature is not checked yet. Tells nothing about itself.
pub struct RawBody(Vec<u8>);

/// A body that came from Meta: [`RawBody::verify`] makes one, or the topic by
/// which Amazon passes it on ([`super::topic`]).
pub struct VerifiedBody(Vec<u8>);

/// The header that carries the signature.
pub const HEADER: &str = "x-hub-signature-256";

impl RawBody {
    /// The bytes exactly as they arrived, after base64 was undone.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks the header's value against each secret that is valid now (two
    /// during a rotation), in constant time.
    pub fn verify(
        self,
        header: &str,
        secrets: &[SecretString],
    ) -> Result<VerifiedBody, BadSignature> {
        let digest = header
            .strip_prefix("sha256=")
            .and_then(decode_hex)
            .ok_or(BadSignature)?;
        let good = secrets.iter().any(|secret| {
            Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
                .is_ok_and(|mac| mac.chain_update(&self.0).verify_slice(&digest).is_ok())
        });
        if good {
            Ok(VerifiedBody(self.0))
        } else {
            Err(BadSignature)
        }
    }
}

impl VerifiedBody {
    /// A body that came by a way on which nobody else can speak.
    pub(super) fn vouched(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for RawBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawBody(…)")
    }
}

impl std::fmt::Debug for VerifiedBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VerifiedBody(…)")
    }
}

/// The body is not from Meta, or was changed on the way.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("webhook signature does not match")]
pub struct BadSignature;

/// Exactly 64 hexadecimal digits.
fn decode_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    const DIGEST: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    fn verify(body: &str, header: &str, secrets: &[&str]) -> bool {
        let secrets: Vec<_> = secrets.iter().map(|s| SecretString::from(*s)).collect();
        RawBody::new(body.as_bytes().to_vec())
            .verify(header, &secrets)
            .is_ok()
    }

    #[test]
    fn only_the_exact_bytes_under_a_valid_secret_pass() {
        let body = "what do ya want for nothing?";
        let header = format!("sha256={DIGEST}");
        assert!(verify(body, &header, &["Jefe"]));
        assert!(verify(body, &header, &["old", "Jefe"]), "during a rotation");
        assert!(!verify(body, &header, &["jefe"]));
        assert!(!verify(body, &header, &[]));
        assert!(!verify("what do ya want for nothing? ", &header, &["Jefe"]));
        assert!(!verify(body, DIGEST, &["Jefe"]), "the scheme is missing");
        assert!(!verify(body, &header[..70], &["Jefe"]), "cut short");
        assert!(!verify(body, "sha256=", &["Jefe"]));
    }
}
