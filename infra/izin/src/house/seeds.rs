//! Who and what is there from the start: a tenant, its number, an API key, the
//! secrets, one approved template.

use platform::campaigns::{AdvertisesBy, ApiKey, Campaigns, Linked, Number, Tenant, Transport};
use policy::ids::{KeyId, TenantId};
use policy::token::TokenKey;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Options;

/// The first inhabitants; the same for the same seed.
#[derive(Clone)]
pub struct Seeds {
    /// The tenant.
    pub tenant: TenantId,
    /// Its API key's public half.
    pub key: KeyId,
    /// Its API key's secret half.
    pub key_secret: String,
    /// Signs webhooks.
    pub app_secret: String,
    /// Proves the webhook's subscriber.
    pub verify_token: String,
    /// Speaks for the business.
    pub access_token: String,
    /// Turns numbers into tokens.
    pub token_key: String,
    /// Signs links.
    pub link_key: String,
    /// Signs posts of events.
    pub endpoint_key: String,
}

impl std::fmt::Debug for Seeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seeds")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

/// The same in every house: the other secrets and ids, and with them what chance
/// brings, stay as they are.
const ENDPOINT_KEY: &str = "the key that signs posts of events, of the seeds";

impl Seeds {
    /// WhatsApp's id of the business number.
    pub const PHONE_NUMBER_ID: &'static str = "106540352242922";
    /// The WhatsApp Business Account.
    pub const WABA: &'static str = "102290129340398";
    /// What Amazon calls the number, where its account is linked there.
    pub const LINKED_NUMBER: &'static str = "phone-number-id-976c72a700aac43eaf573ae050c4d1e2";
    /// What Amazon calls the account.
    pub const LINKED_WABA: &'static str = "waba-fb2594b8a7974770b128a409e2c4d1e2";
    /// The business portfolio.
    pub const PORTFOLIO: &'static str = "506914307656634";
    /// The business, as people know it.
    pub const BUSINESS: &'static str = "Toko Melati";
    /// The approved template.
    pub const TEMPLATE: &'static str = "promo_akhir_tahun";
    /// The template whose header shows a picture.
    pub const PICTURE_TEMPLATE: &'static str = "promo_bergambar";
    /// Its language.
    pub const LANGUAGE: &'static str = "id";

    /// What follows from `seed`.
    pub fn of(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed ^ 0x5eed);
        let mut secret = || -> String {
            let bytes: [u8; 32] = rng.random();
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        Self {
            key_secret: secret(),
            app_secret: secret(),
            verify_token: secret(),
            access_token: secret(),
            token_key: secret(),
            link_key: secret(),
            endpoint_key: ENDPOINT_KEY.to_owned(),
            tenant: TenantId::from_uuid(Uuid::from_u128(rng.random())),
            key: KeyId::from_uuid(Uuid::from_u128(rng.random())),
        }
    }

    /// The bearer token of the API.
    pub fn bearer(&self) -> String {
        format!("{}.{}", self.key, self.key_secret)
    }

    /// The key that names people, for whoever looks at what happened.
    pub fn tokens(&self) -> TokenKey {
        TokenKey::new(self.token_key.as_bytes()).expect("the seed's key is long enough")
    }

    /// The seeded template to a list, as an operator drafts it; the fields of
    /// `extra` are added, or stand instead.
    pub fn campaign(list: &str, extra: &Value) -> Value {
        let mut draft = json!({
            "name": "Promo",
            "list_id": list,
            "sender": Self::PHONE_NUMBER_ID,
            "template": {"name": Self::TEMPLATE, "language": Self::LANGUAGE},
            "mapping": {"body.nama": "column:name"},
            "purpose": "marketing.promo",
        });
        for (name, value) in extra.as_object().into_iter().flatten() {
            draft[name] = value.clone();
        }
        draft
    }

    /// The template as WhatsApp lists it.
    pub fn template() -> Value {
        json!({
            "id": "1304694804498707",
            "name": Self::TEMPLATE,
            "language": Self::LANGUAGE,
            "status": "APPROVED",
            "category": "MARKETING",
            "parameter_format": "NAMED",
            "quality_score": {"score": "GREEN"},
            "components": [
                {
                    "type": "BODY",
                    "text": "Halo {{nama}}, promo akhir tahun Toko Melati: diskon 25% untuk semua kain sampai 31 Desember. Kami tunggu di toko!",
                    "example": {"body_text_named_params": [{"param_name": "nama", "example": "Sari"}]},
                },
                {"type": "FOOTER", "text": "Toko Melati. Ketuk Berhenti promo untuk berhenti"},
                {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Berhenti promo"}]},
            ],
        })
    }

    /// A template whose header shows a picture, as WhatsApp lists it.
    pub fn picture_template() -> Value {
        let mut template = Self::template();
        template["id"] = json!("1304694804498708");
        template["name"] = json!(Self::PICTURE_TEMPLATE);
        let header = json!({
            "type": "HEADER",
            "format": "IMAGE",
            "example": {"header_handle": ["4::aW1hZ2U="]},
        });
        let components = template["components"].as_array_mut();
        components
            .expect("a template has components")
            .insert(0, header);
        template
    }

    /// The secrets by the template's logical ids.
    pub(super) fn secrets(&self) -> [(&'static str, String); 6] {
        [
            ("AppSecretSecret", self.app_secret.clone()),
            ("EndpointKeySecret", self.endpoint_key.clone()),
            ("LinkKeySecret", self.link_key.clone()),
            ("TokenKeySecret", self.token_key.clone()),
            ("VerifyTokenSecret", self.verify_token.clone()),
            ("WhatsAppTokenSecret", self.access_token.clone()),
        ]
    }

    /// Writes the tenant, its number and its key down.
    pub(super) async fn plant(
        &self,
        campaigns: &Campaigns,
        options: &Options,
    ) -> anyhow::Result<()> {
        let tenant = Tenant {
            settings: Default::default(),
            business_name: Self::BUSINESS.to_owned(),
            default_region: "ID".to_owned(),
        };
        campaigns.put_tenant(self.tenant, &tenant).await?;
        let number = Number {
            tenant: self.tenant,
            portfolio: Self::PORTFOLIO.to_owned(),
            waba: Self::WABA.to_owned(),
            limit_per_second: Some(options.limit_per_second),
            inbound_per_second: Some(options.inbound_per_second),
            advertises_by: AdvertisesBy::Messages,
            transport: match options.by_amazon {
                true => Transport::EndUserMessagingSocial,
                false => Transport::CloudApi,
            },
            tier: options.by_amazon.then(|| options.tier.name()),
            linked: options.by_amazon.then(|| Linked {
                phone_number_id: Self::LINKED_NUMBER.to_owned(),
                waba_id: Self::LINKED_WABA.to_owned(),
            }),
        };
        campaigns.put_number(Self::PHONE_NUMBER_ID, &number).await?;
        if options.by_amazon {
            // As if the operator had written to the number once, and was heard.
            let now = options.clock.now();
            campaigns.note_heard(Self::PHONE_NUMBER_ID, now).await?;
        }
        let digest = Sha256::digest(self.key_secret.as_bytes());
        let key = ApiKey {
            tenant: self.tenant,
            secret_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        campaigns.put_api_key(self.key, &key).await?;
        Ok(())
    }
}
