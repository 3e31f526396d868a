use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn token() -> impl Strategy<Value = ContactToken> {
    any::<[u8; 16]>().prop_map(ContactToken::from_bytes)
}

fn contact_key() -> impl Strategy<Value = ContactKey> {
    let ids = (
        any::<u128>(),
        any::<u128>(),
        token(),
        0_i64..4_000_000_000_000,
        0_u8..4,
    );
    ids.prop_map(|(a, b, token, at, shape)| {
        let tenant = TenantId::from_uuid(Uuid::from_u128(a));
        let other = Uuid::from_u128(b);
        match shape {
            0 => ContactKey::Alias {
                tenant,
                alias: token,
            },
            1 => ContactKey::Event {
                tenant,
                token,
                at,
                id: EventId::from_uuid(other),
            },
            2 => ContactKey::Person { tenant, token },
            _ => ContactKey::Subscription {
                tenant,
                list: ListId::from_uuid(other),
                token,
            },
        }
    })
}

fn campaign_key() -> impl Strategy<Value = CampaignKey> {
    let parts = (
        any::<u128>(),
        any::<u128>(),
        0_u32..100_000_000,
        any::<u16>(),
        "[0-9]{5,20}",
        0_u8..35,
    );
    parts.prop_map(|(a, b, n, attempt, text, shape)| {
        let tenant = TenantId::from_uuid(Uuid::from_u128(a));
        let campaign = CampaignId::from_uuid(Uuid::from_u128(b));
        let import = ImportId::from_uuid(Uuid::from_u128(b));
        match shape {
            0 => CampaignKey::ApiKey(KeyId::from_uuid(Uuid::from_u128(b))),
            1 => CampaignKey::Block(tenant, campaign, n),
            2 => CampaignKey::Meta(tenant, campaign),
            3 => CampaignKey::DueCampaign(tenant, campaign),
            4 => CampaignKey::DueImport(tenant, import),
            5 => CampaignKey::Idempotency(tenant, text),
            6 => CampaignKey::Import(tenant, import),
            7 => CampaignKey::List(tenant, ListId::from_uuid(Uuid::from_u128(b))),
            8 => CampaignKey::CampaignIndex(tenant, campaign),
            9 => CampaignKey::Number(text),
            10 => CampaignKey::Outcomes(tenant, campaign, n, attempt, attempt / 2),
            11 => CampaignKey::Page(tenant, campaign, n % 1_000_000),
            12 => CampaignKey::Rate(text),
            13 => CampaignKey::Statuses(tenant, campaign, n, attempt),
            14 => CampaignKey::Tenant(tenant),
            15 => CampaignKey::Template(tenant, text, "id".to_owned()),
            20 => CampaignKey::Author(tenant, campaign),
            19 => CampaignKey::Preflight(tenant, campaign),
            16 => CampaignKey::Breaker(tenant, "number".to_owned(), text),
            17 => CampaignKey::Budget(tenant, campaign),
            18 => CampaignKey::Finding(tenant, campaign, n, attempt.to_le_bytes()[0]),
            25 => {
                let id = EventId::from_uuid(Uuid::from_u128(b));
                CampaignKey::Event(tenant, i64::from(n) * 1_000, id)
            }
            27 => CampaignKey::Endpoint(tenant, EndpointId::from_uuid(Uuid::from_u128(b))),
            26 => CampaignKey::EventMark(tenant, EventId::from_uuid(Uuid::from_u128(b))),
            21 => CampaignKey::Account(text),
            28 => CampaignKey::Request(tenant, EventId::from_uuid(Uuid::from_u128(b))),
            22 => CampaignKey::DueMedia(tenant, MediaId::from_uuid(Uuid::from_u128(b))),
            23 => CampaignKey::Media(tenant, MediaId::from_uuid(Uuid::from_u128(b))),
            24 => {
                let media = MediaId::from_uuid(Uuid::from_u128(b));
                CampaignKey::MediaUpload(tenant, media, text)
            }
            29 => CampaignKey::NumberHealth(tenant, text),
            31 => {
                let id = EventId::from_uuid(Uuid::from_u128(b));
                CampaignKey::Review(tenant, i64::from(n) * 1_000, id)
            }
            32 => {
                let id = EventId::from_uuid(Uuid::from_u128(b));
                let token = ContactToken::from_bytes(a.to_be_bytes());
                CampaignKey::Words(tenant, token, id)
            }
            33 => CampaignKey::Ear(text),
            30 => CampaignKey::WaitingStops(text, format!("{b:032x}")),
            _ => CampaignKey::Tier(text),
        }
    })
}

proptest! {
    #[test]
    fn contact_keys_round_trip(key in contact_key()) {
        prop_assert_eq!(ContactKey::parse(&key.key()), Some(key));
    }

    #[test]
    fn campaign_keys_round_trip(key in campaign_key()) {
        prop_assert_eq!(CampaignKey::parse(&key.key()), Some(key));
    }

    #[test]
    fn foreign_keys_are_refused(pk in "[A-Za-z0-9#]{0,30}", sk in "[A-Za-z0-9#]{0,20}") {
        let key = Key { pk, sk };
        if let Some(parsed) = ContactKey::parse(&key) {
            prop_assert_eq!(parsed.key(), key.clone());
        }
        if let Some(parsed) = CampaignKey::parse(&key) {
            prop_assert_eq!(parsed.key(), key);
        }
    }

    #[test]
    fn blocks_sort_by_number(a in 0_u32..100_000_000, b in 0_u32..100_000_000) {
        let tenant = TenantId::from_uuid(Uuid::nil());
        let campaign = CampaignId::from_uuid(Uuid::nil());
        let sk = |n| CampaignKey::Block(tenant, campaign, n).key().sk;
        prop_assert_eq!(a.cmp(&b), sk(a).cmp(&sk(b)));
    }
}
