//! What is registered, and what is refused.

use std::fmt;

use platform::campaigns::{AdvertisesBy, ApiKey, Campaigns, Linked, Number, Tenant, Transport};
use platform::clock::SharedClock;
use platform::fault::Fault;
use platform::ids::{self, Ids};
use policy::ids::{KeyId, TenantId};
use policy::limits::Limits;
use secrecy::ExposeSecret as _;
use serde::Serialize;

/// Registers in the table of operations.
#[derive(Clone, Debug)]
pub struct Registry {
    campaigns: Campaigns,
    clock: SharedClock,
    ids: Ids,
}

/// A tenant that was registered.
#[derive(Clone, Debug, Serialize)]
pub struct NewTenant {
    /// Its id, which numbers and keys name.
    pub tenant_id: TenantId,
    /// The name that people said yes to.
    pub business_name: String,
    /// ISO 3166-1.
    pub default_region: String,
}

/// A number that is to be registered.
#[derive(Clone, Debug, Serialize)]
pub struct NewNumber {
    /// WhatsApp's id of it.
    pub phone_number_id: String,
    /// Whose.
    pub tenant: TenantId,
    /// Its WhatsApp Business Account.
    pub account: String,
    /// Its business portfolio.
    pub portfolio: String,
    /// Messages per second, both directions; none: as WhatsApp says.
    pub limit_per_second: Option<u32>,
    /// Messages per second kept for what people write; none: a fortieth.
    pub inbound_per_second: Option<u32>,
    /// By which endpoint its advertising goes.
    pub advertises_by: AdvertisesBy,
    /// Its names at AWS End User Messaging Social, by which it sends then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linked: Option<Linked>,
    /// The messaging limit of its portfolio, such as `TIER_2K`, which Amazon cannot
    /// be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
}

/// An API key, with its secret half, which no log must have.
#[derive(Serialize)]
pub struct NewKey {
    /// The public half.
    pub key_id: KeyId,
    /// What requests carry in the header `Authorization`.
    pub authorization: String,
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// Why nothing was registered.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A tenant that does not exist.
    #[error("there is no tenant {0}: make one with `izin tenant new`")]
    NoTenant(TenantId),
    /// A key that does not exist.
    #[error("there is no key {0}; nothing was changed")]
    NoKey(KeyId),
    /// A field that cannot be used.
    #[error("{field} {why}")]
    Field {
        /// Of the command.
        field: &'static str,
        /// And what to do.
        why: &'static str,
    },
    /// Somebody else's number or account.
    #[error(
        "{what} {id} belongs to tenant {tenant}; what one tenant registered is not given to another"
    )]
    Taken {
        /// `number` or `account`.
        what: &'static str,
        /// WhatsApp's id.
        id: String,
        /// Whose it is.
        tenant: TenantId,
    },
    /// The table gave no answer.
    #[error("the table gave no answer")]
    Table(#[from] Fault),
}

impl Registry {
    /// Registers in the table of `campaigns`.
    pub fn new(campaigns: Campaigns, clock: SharedClock, ids: Ids) -> Self {
        Self {
            campaigns,
            clock,
            ids,
        }
    }

    /// Registers a tenant whose files use the number forms of `region`.
    pub async fn tenant(&self, business: &str, region: String) -> Result<NewTenant, Refused> {
        let business = business.trim();
        if business.is_empty() {
            return Err(Refused::Field {
                field: "--business",
                why: "is empty: give the name that people said yes to",
            });
        }
        let id = TenantId::from_uuid(self.ids.mint(self.clock.now()));
        let tenant = Tenant {
            business_name: business.to_owned(),
            default_region: region,
            settings: Default::default(),
        };
        self.campaigns.put_tenant(id, &tenant).await?;
        Ok(NewTenant {
            tenant_id: id,
            business_name: tenant.business_name,
            default_region: tenant.default_region,
        })
    }

    /// Registers a number, or changes what is said of it; refused if it or its
    /// account is another tenant's.
    pub async fn number(&self, new: &NewNumber) -> Result<(), Refused> {
        self.must_exist(new.tenant).await?;
        for (field, id) in [
            ("the phone number id", &new.phone_number_id),
            ("--account", &new.account),
            ("--portfolio", &new.portfolio),
        ] {
            if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
                let why =
                    "is not an id of WhatsApp's: give its digits, as the Graph API shows them";
                return Err(Refused::Field { field, why });
            }
        }
        if new.inbound_per_second >= new.limit_per_second.or(Some(u32::MAX)) {
            return Err(Refused::Field {
                field: "--inbound-per-second",
                why: "leaves nothing to send with: keep it below --limit-per-second",
            });
        }
        if let Some(linked) = &new.linked {
            for (field, id, prefix) in [
                (
                    "--linked-number",
                    &linked.phone_number_id,
                    "phone-number-id-",
                ),
                ("--linked-account", &linked.waba_id, "waba-"),
            ] {
                let digits = id.strip_prefix(prefix).unwrap_or_default();
                if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    let why = "is not Amazon's name of it: give the id that \
                               `aws socialmessaging get-linked-whatsapp-business-account` shows";
                    return Err(Refused::Field { field, why });
                }
            }
            if new.limit_per_second.is_none() {
                let why = "is missing: Amazon cannot be asked for the number's throughput";
                let field = "--limit-per-second";
                return Err(Refused::Field { field, why });
            }
        }
        if let Some(tier) = &new.tier
            && Limits::embedded().tier_announced(tier) != Some(tier)
        {
            let why = "is no messaging limit: give it as WhatsApp names it, such as TIER_2K";
            let field = "--tier";
            return Err(Refused::Field { field, why });
        }
        let known = self.campaigns.number(&new.phone_number_id).await?;
        free(
            "number",
            &new.phone_number_id,
            known.map(|of| of.tenant),
            new.tenant,
        )?;
        let owner = self.campaigns.account_owner(&new.account).await?;
        free("account", &new.account, owner, new.tenant)?;
        let number = Number {
            tenant: new.tenant,
            portfolio: new.portfolio.clone(),
            waba: new.account.clone(),
            limit_per_second: new.limit_per_second,
            inbound_per_second: new.inbound_per_second,
            advertises_by: new.advertises_by,
            transport: match new.linked {
                Some(_) => Transport::EndUserMessagingSocial,
                None => Transport::CloudApi,
            },
            linked: new.linked.clone(),
            tier: new.tier.clone(),
        };
        Ok(self
            .campaigns
            .put_number(&new.phone_number_id, &number)
            .await?)
    }

    /// Makes an API key of a tenant. Only a hash of its secret half is kept.
    pub async fn key(&self, tenant: TenantId) -> Result<NewKey, Refused> {
        self.must_exist(tenant).await?;
        let id = KeyId::from_uuid(self.ids.mint(self.clock.now()));
        let secret = ids::secret()?;
        let key = ApiKey {
            tenant,
            secret_sha256: api::secret_sha256(secret.expose_secret()),
        };
        self.campaigns.put_api_key(id, &key).await?;
        Ok(NewKey {
            key_id: id,
            authorization: format!("Bearer {id}.{}", secret.expose_secret()),
        })
    }

    /// Takes an API key away.
    pub async fn revoke(&self, key: KeyId) -> Result<(), Refused> {
        if self.campaigns.api_key(key).await?.is_none() {
            return Err(Refused::NoKey(key));
        }
        Ok(self.campaigns.remove_api_key(key).await?)
    }

    async fn must_exist(&self, tenant: TenantId) -> Result<(), Refused> {
        match self.campaigns.tenant(tenant).await? {
            Some(_) => Ok(()),
            None => Err(Refused::NoTenant(tenant)),
        }
    }
}

/// Whether nobody else has it.
fn free(
    what: &'static str,
    id: &str,
    owner: Option<TenantId>,
    wanted: TenantId,
) -> Result<(), Refused> {
    match owner {
        Some(tenant) if tenant != wanted => Err(Refused::Taken {
            what,
            id: id.to_owned(),
            tenant,
        }),
        _ => Ok(()),
    }
}
