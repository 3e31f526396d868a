//! What WhatsApp says of a number, kept fresh: its rate, its portfolio's tier,
//! and whether it may send at all.

use jiff::{SignedDuration, Timestamp};
use platform::campaigns::{Campaign, Linked, NumberHealth, Opening};
use platform::fault::Fault;
use platform::whatsapp::{Blocked, Credentials};
use policy::breaker::Breaker;
use policy::ids::TenantId;

use crate::Deps;

/// How old the description of a number may get before it is read again.
const KEPT: SignedDuration = SignedDuration::from_mins(5);

/// The account is restricted or disabled (Meta, "Error codes").
const ACCOUNT_STOPPED: u32 = 368;

/// The number is not registered, or not any more (Meta, "Error codes").
const NUMBER_STOPPED: u32 = 133_010;

/// Reads the campaign's number from WhatsApp, unless it was read lately and
/// nothing was told of it since. A number that may not send opens its breaker
/// before anybody is refused.
pub(crate) async fn sync(tenant: TenantId, campaign: &Campaign, deps: &Deps) -> Result<(), Fault> {
    let id = &campaign.plan.sender;
    let now = deps.clock.now();
    let known = deps.campaigns.number_health(tenant, id).await?;
    let is_fresh =
        |known: &NumberHealth| !known.has_news && now.duration_since(known.read_at) < KEPT;
    if known.as_ref().is_some_and(is_fresh) {
        return Ok(());
    }
    let Some(number) = deps.campaigns.number(id).await? else {
        return Ok(());
    };
    if number.tenant != tenant {
        return Ok(());
    }
    match number.by_amazon() {
        Ok(None) => (),
        Ok(Some(linked)) => {
            let before = known.and_then(|known| known.unheard_since.map(|at| (at, known)));
            let before = before.filter(|(_, known)| still_counts(known, now));
            let before = before.map(|(since, _)| since);
            let mut health = by_amazon(id, linked, before, now, deps).await?;
            if let Some(tier) = number.tier {
                deps.tiers.assume_tier(&number.portfolio, &tier).await?;
            }
            let tier = deps.tiers.tier(&number.portfolio).await?;
            health.tier = Some(tier).filter(|tier| !tier.is_empty());
            return deps.campaigns.put_number_health(tenant, id, &health).await;
        }
        Err(error) => return Err(Fault::lasting("read a number from Amazon", error)),
    }
    let credentials = Credentials {
        token: deps.secrets.read(&deps.token_secret).await?,
    };
    let told = deps.whatsapp.number(&credentials, id).await?;
    if let Some(tier) = &told.whatsapp_business_manager_messaging_limit {
        deps.tiers.note_tier(&number.portfolio, tier).await?;
    }
    let blocked = match told.blocked() {
        Some(Blocked::Account(code)) => Some((
            Breaker::Account(number.waba),
            code.unwrap_or(ACCOUNT_STOPPED),
        )),
        Some(Blocked::Number(code)) => {
            Some((Breaker::Number(id.clone()), code.unwrap_or(NUMBER_STOPPED)))
        }
        None => None,
    };
    if let Some((breaker, code)) = blocked {
        let opening = Opening::Answer(code);
        let opened = deps.campaigns.open_breaker(tenant, &breaker, &opening, now);
        if opened.await? {
            tracing::error!(scope = breaker.scope(), code, "stopped by WhatsApp");
        }
    }
    let health = NumberHealth {
        throughput: told.throughput_level().map(str::to_owned),
        can_send: told.can_send().map(str::to_owned),
        quality: told.quality_rating,
        tier: told.whatsapp_business_manager_messaging_limit,
        status: told.status,
        is_heard: None,
        unheard_since: None,
        read_at: now,
        has_news: false,
    };
    deps.campaigns.put_number_health(tenant, id, &health).await
}

/// How long a number may send without anything of it arriving: a status comes
/// within seconds of its message.
const SILENCE: SignedDuration = SignedDuration::from_mins(30);

/// How much later than it was heard a number may be noted as heard.
const NOTED_LATE: SignedDuration = SignedDuration::from_mins(15);

/// Whether a silence that was noted goes on: between two looks that are far
/// apart nobody knows whether the number sent at all. One that is too long
/// already ends with a word only.
fn still_counts(known: &NumberHealth, now: Timestamp) -> bool {
    known.is_heard == Some(false) || now.duration_since(known.read_at) < SILENCE
}

/// Since when a number sends and nothing of it arrives. One that has not sent for
/// a while begins anew.
fn unheard_since(
    before: Option<Timestamp>,
    leased: Option<Timestamp>,
    heard: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let (leased, heard) = leased.zip(heard)?;
    let goes_on = |since: &Timestamp| {
        leased.duration_since(*since) >= SILENCE || now.duration_since(leased) < SILENCE
    };
    let silent = leased.duration_since(heard) > NOTED_LATE;
    silent.then(|| before.filter(goes_on).unwrap_or(now))
}

/// Whether a number sent for too long since nothing of it arrives.
fn is_silent(unheard_since: Option<Timestamp>, leased: Option<Timestamp>) -> bool {
    let both = unheard_since.zip(leased);
    both.is_some_and(|(since, leased)| leased.duration_since(since) >= SILENCE)
}

/// What Amazon says of a number: its quality, and whether what people answer to
/// it reaches us. Its rate, its portfolio's tier and whether WhatsApp stopped it
/// are not told; the refusals of messages say the last.
async fn by_amazon(
    id: &str,
    linked: &Linked,
    unheard_before: Option<Timestamp>,
    now: Timestamp,
    deps: &Deps,
) -> Result<NumberHealth, Fault> {
    let mut health = NumberHealth {
        throughput: None,
        can_send: None,
        quality: None,
        tier: None,
        status: None,
        is_heard: Some(false),
        unheard_since: unheard_before,
        read_at: now,
        has_news: false,
    };
    if let Some(social) = &deps.social {
        let told = social.number(&linked.waba_id, &linked.phone_number_id);
        let told = told.await?;
        // The right address is not enough: something must have arrived from there,
        // and must go on arriving while messages leave.
        let heard = deps.campaigns.heard_at(id).await?;
        let leased = deps.rates.leased_at(id).await?;
        health.unheard_since = unheard_since(unheard_before, leased, heard, now);
        let is_silent = is_silent(health.unheard_since, leased);
        if !told.is_heard {
            tracing::error!("a number's account tells what people answer to somebody else");
        } else if heard.is_none() {
            tracing::error!("nothing that people answer to a number has ever arrived");
        } else if is_silent {
            tracing::error!("a number sends, and nothing of it arrives any more");
        }
        health.status = Some(
            if told.is_complete {
                "COMPLETE"
            } else {
                "INCOMPLETE"
            }
            .to_owned(),
        );
        health.quality = told.quality;
        health.is_heard = Some(told.is_heard && heard.is_some() && !is_silent);
    }
    Ok(health)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Option<Timestamp> {
        Timestamp::from_second(1_790_000_000 + minutes * 60).ok()
    }

    /// Looks every five minutes at a number that sends in the minutes of `sends`,
    /// was last heard at zero, and says when it counts as silent.
    fn silent_at(sends: impl Fn(i64) -> bool, looks: impl IntoIterator<Item = i64>) -> Option<i64> {
        let mut since = None;
        let mut leased = None;
        let mut minute = 0;
        for look in looks {
            leased = (minute..=look).rev().find(|m| sends(*m)).map_or(leased, at);
            minute = look + 1;
            since = unheard_since(since, leased, at(0), at(look).unwrap());
            if is_silent(since, leased) {
                return Some(look);
            }
        }
        None
    }

    #[test]
    fn silence_is_half_an_hour_of_sending() {
        let looks = || (0..300).step_by(5);
        assert_eq!(silent_at(|_| true, looks()), Some(50));
        assert_eq!(silent_at(|_| false, looks()), None);
        assert_eq!(silent_at(|minute| minute < 40, looks()), None, "too short");
        let with_a_pause = |minute| !(30..=200).contains(&minute);
        assert_eq!(silent_at(with_a_pause, looks()), Some(230), "begins anew");
        let seldom = |minute| minute % 12 == 0;
        assert_eq!(silent_at(seldom, looks()), Some(60));
    }
}
