//! An audience as it is frozen: pages of tokens in token order.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use platform::aws::Clients;
use platform::campaigns::{
    BlockCursor, Campaigns, Content, NewCampaign, Page, TemplateRef, Templated,
};
use platform::objects::Objects;
use policy::campaign::CampaignState;
use policy::ids::ListId;
use policy::purpose::Purpose;
use policy::token::ContactToken;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::names;

/// People of a page, as `consent` freezes them.
const PAGE: u32 = 10_000;

/// So many people, whose tokens follow from the seed.
pub(super) struct Audience {
    pub(super) people: u32,
    pub(super) seed: u64,
}

/// What stands in the table afterwards.
pub(super) struct Counted {
    pub(super) blocks: u64,
    pub(super) people: u64,
    /// Whether every person has one place, in token order.
    pub(super) is_exact: bool,
}

impl Audience {
    /// Token `at` in token order.
    fn token(&self, at: u32) -> ContactToken {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(at.to_be_bytes());
        let digest = hash.finalize();
        let mut bytes = [0; ContactToken::LEN];
        bytes[..4].copy_from_slice(&at.to_be_bytes());
        bytes[4..].copy_from_slice(&digest[..ContactToken::LEN - 4]);
        ContactToken::from_bytes(bytes)
    }

    /// Writes the campaign and its audience down, ready to be planned.
    pub(super) async fn freeze(
        &self,
        campaigns: &Campaigns,
        clients: &Clients,
        bucket: String,
    ) -> anyhow::Result<()> {
        let (tenant, id) = names();
        let plan = NewCampaign {
            name: "Bench".to_owned(),
            sender: "1".to_owned(),
            content: Content::Template(Templated {
                list: ListId::from_uuid(Uuid::from_u128(3)),
                template: TemplateRef {
                    name: "bench".to_owned(),
                    language: "id".to_owned(),
                },
                mapping: BTreeMap::new(),
            }),
            purpose: Purpose::parse("marketing").context("name a purpose")?,
            not_after: None,
        };
        campaigns.create_campaign(tenant, id, &plan).await?;
        let objects = Objects::new(clients.s3.clone(), bucket);
        let pages = self.people.div_ceil(PAGE);
        for number in 0..pages {
            let from = number * PAGE;
            let to = (from + PAGE).min(self.people);
            let tokens: Vec<_> = (from..to).map(|at| self.token(at)).collect();
            let object = format!("audiences/{tenant}/{id}/{number:06}");
            objects
                .put(&object, Page::encode(&tokens), "application/octet-stream")
                .await?;
            let page = Page {
                object,
                count: to - from,
                excluded: BTreeMap::new(),
                columns: Default::default(),
                next_shard: 64,
                next_after: None,
                last: number + 1 == pages,
            };
            campaigns.freeze_page(tenant, id, number, &page).await?;
        }
        let (draft, planning) = (CampaignState::Draft, CampaignState::Planning);
        let moved = campaigns.move_campaign(tenant, id, draft, planning).await?;
        ensure!(moved, "the campaign cannot be planned");
        Ok(())
    }

    /// Looks at every block and compares it with the audience.
    pub(super) async fn count(&self, campaigns: &Campaigns) -> anyhow::Result<Counted> {
        let (tenant, id) = names();
        let mut cursor = BlockCursor::default();
        let mut firsts: BTreeMap<u32, Vec<ContactToken>> = BTreeMap::new();
        while let Some(blocks) = campaigns.next_blocks(tenant, id, &mut cursor).await? {
            for block in blocks {
                firsts.insert(block.number, block.tokens);
            }
        }
        let mut at = 0;
        let mut is_exact = true;
        for (expected, (number, tokens)) in (0..).zip(&firsts) {
            is_exact &= expected == *number;
            for token in tokens {
                is_exact &= *token == self.token(at);
                at += 1;
            }
        }
        Ok(Counted {
            blocks: firsts.len() as u64,
            people: at.into(),
            is_exact: is_exact && at == self.people,
        })
    }
}
