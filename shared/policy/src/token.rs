//! The contact token: how a person is named everywhere outside the contacts.
//!
//! A token is a keyed hash, so nobody without the key can walk the number
//! space (a plain hash of ten billion numbers is a phone book). It is the same
//! in every list of a tenant and different between tenants.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::ids::TenantId;
use crate::phone::PhoneNumber;

/// The keyed name of one person within one tenant: 128 bits of HMAC-SHA256
/// (RFC 2104 §5 allows truncation to half the output).
///
/// Prints as 32 lower-case hexadecimal digits, in the same order as its bytes.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ContactToken([u8; Self::LEN]);

impl ContactToken {
    /// Bytes of a token.
    pub const LEN: usize = 16;

    /// Wraps bytes read from our own table or file.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a packed block or page.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Which of a list's 64 shards holds this person: the first six bits, so
    /// that shard order is token order.
    pub const fn shard(&self) -> u8 {
        self.0[0] >> 2
    }
}

impl fmt::Display for ContactToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContactToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for ContactToken {
    type Err = ParseTokenError;

    fn from_str(text: &str) -> Result<Self, ParseTokenError> {
        if text.len() != 2 * Self::LEN
            || !text
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
        {
            return Err(ParseTokenError);
        }
        let mut bytes = [0; Self::LEN];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| ParseTokenError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ParseTokenError)?;
        }
        Ok(Self(bytes))
    }
}

/// Not 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a contact token of 32 lower-case hexadecimal digits")]
pub struct ParseTokenError;

/// The secret that turns numbers and other identities into tokens.
#[derive(Clone)]
pub struct TokenKey(Hmac<Sha256>);

impl TokenKey {
    /// Takes the key material; 32 random bytes are expected, fewer than 16 are
    /// refused.
    pub fn new(secret: &[u8]) -> Result<Self, WeakKeyError> {
        if secret.len() < 16 {
            return Err(WeakKeyError);
        }
        Hmac::new_from_slice(secret)
            .map(Self)
            .map_err(|_| WeakKeyError)
    }

    /// The token of `phone` within `tenant`.
    ///
    /// Law: all spellings of one number give one token, and the tokens of two
    /// tenants tell nothing about each other.
    pub fn contact(&self, tenant: TenantId, phone: &PhoneNumber) -> ContactToken {
        self.derive("phone:v1", tenant, &phone.canonical())
    }

    /// The name of another identity (a `wa_id` that is no number, a
    /// business-scoped user id) within `tenant`.
    pub fn alias(&self, tenant: TenantId, identity: &str) -> ContactToken {
        self.derive("alias:v1", tenant, identity)
    }

    fn derive(&self, domain: &str, tenant: TenantId, text: &str) -> ContactToken {
        let mut mac = self.0.clone();
        mac.update(domain.as_bytes());
        mac.update(b":tenant:");
        mac.update(tenant.uuid().as_bytes());
        mac.update(b":");
        mac.update(text.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut token = [0; ContactToken::LEN];
        token.copy_from_slice(&digest[..ContactToken::LEN]);
        ContactToken(token)
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

/// Key material that is too short to be a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("token key must have at least 16 bytes")]
pub struct WeakKeyError;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::phone::Region;

    fn key() -> TokenKey {
        TokenKey::new(&[7; 32]).unwrap()
    }

    fn tenant(n: u128) -> TenantId {
        TenantId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn spellings_share_a_token_and_tenants_do_not() {
        let local = PhoneNumber::parse("0812-3456-7890", Region::INDONESIA).unwrap();
        let full = PhoneNumber::parse("+62 812 3456 7890", Region::INDONESIA).unwrap();
        assert_eq!(
            key().contact(tenant(1), &local),
            key().contact(tenant(1), &full)
        );
        assert_ne!(
            key().contact(tenant(1), &local),
            key().contact(tenant(2), &full)
        );
        assert_ne!(
            key().contact(tenant(1), &full),
            key().alias(tenant(1), full.expose()),
            "an alias lives in a space of its own"
        );
    }

    proptest! {
        #[test]
        fn round_trips_in_order(a: [u8; 16], b: [u8; 16]) {
            let (a, b) = (ContactToken::from_bytes(a), ContactToken::from_bytes(b));
            prop_assert_eq!(a.to_string().parse(), Ok(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
            if a < b {
                prop_assert!(a.shard() <= b.shard());
            }
        }
    }
}
