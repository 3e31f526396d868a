//! Typed ids. Mixing two of them is a compile error.
//!
//! An id prints as `prefix_` + 32 hexadecimal digits of a UUIDv7 (RFC 9562),
//! so that ids sort by time and read well in a log. `policy` never mints one:
//! minting needs a clock and randomness (`platform::ids`).

use std::fmt;

use uuid::Uuid;

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an already minted UUIDv7.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The id of what is told by what it is: the same thing has the
            /// same id however often it arrives. The first 16 bytes of a
            /// SHA-256 as a UUID of version 8 (RFC 9562).
            pub fn of_digest(digest: &[u8; 32]) -> Self {
                let mut bytes = [0; 16];
                bytes.copy_from_slice(&digest[..16]);
                Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let hex = text
                    .strip_prefix(concat!($prefix, "_"))
                    .filter(|hex| hex.len() == 32)
                    .ok_or(ParseIdError { expected: $prefix })?;
                Uuid::try_parse(hex)
                    .map(Self)
                    .map_err(|_| ParseIdError { expected: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

typed_id!(
    /// One send of one template to one audience.
    CampaignId,
    "cmp"
);
typed_id!(
    /// Where a tenant wants events posted.
    EndpointId,
    "whk"
);
typed_id!(
    /// An entry in a person's or a tenant's history.
    EventId,
    "evt"
);
typed_id!(
    /// The life of one uploaded file.
    ImportId,
    "imp"
);
typed_id!(
    /// An API key; the public half.
    KeyId,
    "key"
);
typed_id!(
    /// A list that people said yes to.
    ListId,
    "lst"
);
typed_id!(
    /// A file that messages show.
    MediaId,
    "med"
);
typed_id!(
    /// A company that sends; everything it owns is keyed by this.
    TenantId,
    "ten"
);
typed_id!(
    /// One worker's hold on one block; never reused.
    OwnerNonce,
    "own"
);

/// The id that WhatsApp gave a message. It spells out the recipient's number, so
/// it is stored beside people's data only, and printing it shows nothing.
#[derive(Clone, Eq, PartialEq)]
pub struct MessageId(String);

impl MessageId {
    /// The id as WhatsApp wrote it.
    pub fn new(id: String) -> Self {
        Self(id)
    }

    /// The text, for storage and for WhatsApp.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageId(_)")
    }
}

/// A text that is not an id of the expected kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected an id like `{expected}_` followed by 32 hexadecimal digits")]
pub struct ParseIdError {
    expected: &'static str,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips(bytes: [u8; 16]) {
            let id = CampaignId::from_uuid(Uuid::from_bytes(bytes));
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn never_takes_another_kind(bytes: [u8; 16]) {
            let text = ListId::from_uuid(Uuid::from_bytes(bytes)).to_string();
            prop_assert!(text.parse::<CampaignId>().is_err());
        }
    }
}
