//! People who say stop before their own message comes.
//!
//! Half of the demo's stops are such people. They are chosen among those whose
//! turn comes late (messages go out in the order of tokens) and speak early, so
//! that the service has to hear them in mid-campaign.

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use platform::campaigns::Page;
use platform::objects::Objects;
use policy::ids::{CampaignId, ListId};
use policy::token::ContactToken;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use simulator::WaId;

use crate::house::House;

/// Somebody who will say stop at a time.
#[derive(Clone, Debug)]
pub(super) struct PlannedStop {
    pub(super) at: Timestamp,
    pub(super) person: WaId,
    pub(super) text: &'static str,
}

/// How people say it.
const WORDINGS: [&str; 8] = [
    "STOP",
    "berhenti",
    "tolong jangan kirim lagi",
    "Stop promo ya kak, makasih",
    "unsubscribe",
    "jgn kirim2 lg",
    "hapus nomor saya",
    "please stop messaging me",
];

/// The share of an audience that says stop before its turn: about as many as
/// say it after reading, so that half of all stops are of either kind.
const SHARE: f64 = 0.028;

/// Chooses who, when and how; in order of time.
pub(super) async fn plan(
    house: &House,
    campaign: CampaignId,
    list: ListId,
    start: Timestamp,
    lasts: SignedDuration,
    seed: u64,
) -> anyhow::Result<Vec<PlannedStop>> {
    let audience = audience(house, campaign).await?;
    let mut rng = SmallRng::seed_from_u64(seed);
    let late = &audience[audience.len() * 55 / 100..];
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a share of an audience"
    )]
    let wanted = ((audience.len() as f64 * SHARE).ceil() as usize).max(1);
    let chosen: Vec<ContactToken> = late.choose_multiple(&mut rng, wanted).copied().collect();
    let known = house
        .contacts()?
        .subscriptions(house.seeds.tenant, list, &chosen)
        .await?;
    let mut stops = Vec::new();
    for token in &chosen {
        let Some(subscription) = known.get(token) else {
            continue;
        };
        let share: f64 = rng.random_range(0.02..0.40);
        stops.push(PlannedStop {
            at: start.saturating_add(lasts.mul_f64(share)).unwrap_or(start),
            person: WaId::parse(subscription.phone.expose())
                .context("a number is not one of WhatsApp's")?,
            text: WORDINGS.choose(&mut rng).copied().unwrap_or("STOP"),
        });
    }
    stops.sort_by_key(|stop| stop.at);
    Ok(stops)
}

/// The frozen audience in the order in which it is sent to.
async fn audience(house: &House, campaign: CampaignId) -> anyhow::Result<Vec<ContactToken>> {
    let bucket = house
        .aws
        .environment("ApiFunction")?
        .remove("IZIN_FILES_BUCKET")
        .context("the template gives the api no bucket")?;
    let objects = Objects::new(house.clients.s3.clone(), bucket);
    let mut tokens = Vec::new();
    for page in house
        .campaigns()?
        .pages(house.seeds.tenant, campaign)
        .await?
    {
        tokens.extend(Page::decode(&objects.get(&page.object).await?)?);
    }
    Ok(tokens)
}
