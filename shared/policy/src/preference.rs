//! The link to a person's own page: signed, expiring, unguessable, and without
//! personal data in it.
//!
//! It names a tenant, a list and a contact token, and until when it is good.
//! 128 bits of HMAC-SHA256 stand behind it, under a key that is derived from
//! the link secret for this one use. Whoever holds the link may stop messages
//! to that person and give them leave again, and sees what the person agreed
//! to; never the number or the name.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;
use uuid::Uuid;

use crate::ids::{ListId, TenantId};
use crate::token::ContactToken;

/// What a link says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PreferenceLink {
    /// Whose messages it is about.
    pub tenant: TenantId,
    /// The list that the person agreed on.
    pub list: ListId,
    /// Who.
    pub token: ContactToken,
    /// From then on it opens nothing, in whole seconds.
    pub expires_at: Timestamp,
}

impl PreferenceLink {
    /// How long a link is good. A way to stop has to work for at least 30 days
    /// after the message (15 U.S.C. §7704(a)(3)(A)(ii)) and 60 in Canada (CASL
    /// s. 11(2)); people find old messages later than that.
    pub const GOOD_FOR: SignedDuration = SignedDuration::from_hours(24 * 180);
}

/// Makes and checks links.
#[derive(Clone)]
pub struct LinkKey(Hmac<Sha256>);

const VERSION: u8 = 1;
const BODY: usize = 1 + 16 + 16 + ContactToken::LEN + 4;
const SEAL: usize = 16;

impl LinkKey {
    /// Derives the key from the link secret; fewer than 16 bytes are refused.
    pub fn new(secret: &[u8]) -> Result<Self, WeakLinkSecret> {
        if secret.len() < 16 {
            return Err(WeakLinkSecret);
        }
        let mut derived = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| WeakLinkSecret)?;
        derived.update(b"izin preference link v1");
        Hmac::new_from_slice(&derived.finalize().into_bytes())
            .map(Self)
            .map_err(|_| WeakLinkSecret)
    }

    /// The link as it stands in an address: 92 characters of base64url.
    pub fn sign(&self, link: &PreferenceLink) -> String {
        let mut bytes = Vec::with_capacity(BODY + SEAL);
        bytes.push(VERSION);
        bytes.extend_from_slice(link.tenant.uuid().as_bytes());
        bytes.extend_from_slice(link.list.uuid().as_bytes());
        bytes.extend_from_slice(link.token.as_bytes());
        let expires = u32::try_from(link.expires_at.as_second()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&expires.to_be_bytes());
        let seal = self.seal(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&seal[..SEAL]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a link says, if one of `keys` made it and it is still good at
    /// `now`. The comparison takes the same time whatever the seal is.
    ///
    /// Law: a text that differs in any character from what a key signed opens
    /// nothing.
    pub fn open(keys: &[Self], text: &str, now: Timestamp) -> Result<PreferenceLink, BadLink> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadLink::Forged)?;
        if bytes.len() != BODY + SEAL || bytes[0] != VERSION {
            return Err(BadLink::Forged);
        }
        let (body, seal) = bytes.split_at(BODY);
        let is_signed = |key: &Self| key.seal(body).verify_truncated_left(seal).is_ok();
        if !keys.iter().any(is_signed) {
            return Err(BadLink::Forged);
        }
        let id = |from: usize| Uuid::from_bytes(array(&body[from..from + 16]));
        let expires = u32::from_be_bytes(array(&body[49..]));
        let expires_at = Timestamp::from_second(expires.into()).map_err(|_| BadLink::Forged)?;
        if expires_at <= now {
            return Err(BadLink::Expired);
        }
        Ok(PreferenceLink {
            tenant: TenantId::from_uuid(id(1)),
            list: ListId::from_uuid(id(17)),
            token: ContactToken::from_bytes(array(&body[33..49])),
            expires_at,
        })
    }

    fn seal(&self, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(body);
        mac
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the length was checked")
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

/// Why a link opens nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadLink {
    /// It was good once.
    #[error("the link has expired")]
    Expired,
    /// Nobody signed it, or it was changed.
    #[error("the link is not one of ours")]
    Forged,
}

/// A secret that is too short.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("link secret must have at least 16 bytes")]
pub struct WeakLinkSecret;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(fill: u8) -> LinkKey {
        LinkKey::new(&[fill; 32]).unwrap()
    }

    fn link(n: u128, seconds: u32) -> PreferenceLink {
        PreferenceLink {
            tenant: TenantId::from_uuid(Uuid::from_u128(n)),
            list: ListId::from_uuid(Uuid::from_u128(n ^ 1)),
            token: ContactToken::from_bytes(n.to_be_bytes()),
            expires_at: Timestamp::from_second(seconds.into()).unwrap(),
        }
    }

    proptest! {
        #[test]
        fn a_link_opens_until_it_expires(n: u128, seconds in 1_u32.., early in 1_i64..1_000_000) {
            let link = link(n, seconds);
            let text = key(1).sign(&link);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(text.len(), 92);
            let before = Timestamp::from_second(i64::from(seconds) - early).unwrap();
            prop_assert_eq!(LinkKey::open(&[key(1)], &text, before), Ok(link));
            // During a rotation both keys open it.
            prop_assert_eq!(LinkKey::open(&[key(2), key(1)], &text, before), Ok(link));
            prop_assert_eq!(LinkKey::open(&[key(1)], &text, link.expires_at), Err(BadLink::Expired));
            prop_assert_eq!(LinkKey::open(&[key(2)], &text, before), Err(BadLink::Forged));
            prop_assert_eq!(LinkKey::open(&[], &text, before), Err(BadLink::Forged));
        }

        #[test]
        fn whoever_changes_a_character_opens_nothing(n: u128, at in 0_usize..92, with in "[A-Za-z0-9_-]") {
            let text = key(1).sign(&link(n, 2_000_000_000));
            let mut changed = text.clone();
            changed.replace_range(at..=at, &with);
            if changed != text {
                let opened = LinkKey::open(&[key(1)], &changed, Timestamp::UNIX_EPOCH);
                prop_assert_eq!(opened, Err(BadLink::Forged));
            }
        }

        #[test]
        fn strangers_texts_open_nothing(text in "[ -~]{0,120}") {
            prop_assert_eq!(
                LinkKey::open(&[key(1)], &text, Timestamp::UNIX_EPOCH),
                Err(BadLink::Forged)
            );
        }
    }

    #[test]
    fn short_secrets_are_refused() {
        assert!(LinkKey::new(b"short").is_err());
    }
}
