//! The rules, each a function from facts to at most one objection.

use jiff::{SignedDuration, Timestamp};

use super::{ClaimState, ContentVerdict, Facts, claim};
use crate::campaign::CampaignState;
use crate::consent::Consent;
use crate::content::{Category, TemplateStatus};
use crate::jurisdiction::Country;
use crate::limits::{self, FrequencyCap, Limits};
use crate::reason::{DeferReason, RefusalReason};

/// Why a message does not leave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Objection {
    /// Not before a time.
    Defer {
        /// When to ask again.
        until: Timestamp,
        /// Why.
        reason: DeferReason,
    },
    /// Not now and not later.
    Refuse(RefusalReason),
}

/// Everything that speaks against sending now, in the order of the rules.
///
/// Law: [`super::decide`] sends exactly if there is none and no claim is in
/// doubt.
pub fn objections(facts: &Facts<'_>) -> impl Iterator<Item = Objection> + Clone + use<> {
    let claim = claim(facts);
    let by_rule = [
        refuse(cancelled(facts)),
        refuse(expired(facts)),
        refuse(not_running(facts)),
        paused(facts),
        refuse(suppressed(facts)),
        refuse(without_consent(facts)),
        refuse(category(facts)),
        refuse(service_window(facts)),
        refuse(country(facts)),
        quiet_hours(facts),
        cool_down(facts),
        frequency(facts),
        refuse(answered_lately(facts)),
        pair(facts, claim),
        tier(facts),
        content(facts),
        template(facts),
        claimed(facts, claim),
    ];
    by_rule.into_iter().flatten()
}

fn refuse(reason: Option<RefusalReason>) -> Option<Objection> {
    reason.map(Objection::Refuse)
}

fn defer(facts: &Facts<'_>, until: Timestamp, reason: DeferReason) -> Option<Objection> {
    (until > facts.now).then_some(Objection::Defer { until, reason })
}

fn recheck(facts: &Facts<'_>, after: SignedDuration, reason: DeferReason) -> Option<Objection> {
    let until = facts.now.saturating_add(after).unwrap_or(Timestamp::MAX);
    Some(Objection::Defer { until, reason })
}

/// How long a message waits for an operator, a template or a check.
const RECHECK: SignedDuration = SignedDuration::from_mins(15);

fn cancelled(facts: &Facts<'_>) -> Option<RefusalReason> {
    (facts.campaign.state == CampaignState::Cancelled).then_some(RefusalReason::CampaignCancelled)
}

fn expired(facts: &Facts<'_>) -> Option<RefusalReason> {
    let over = facts.campaign.not_after.is_some_and(|end| end < facts.now);
    over.then_some(RefusalReason::CampaignExpired)
}

fn not_running(facts: &Facts<'_>) -> Option<RefusalReason> {
    match facts.campaign.state {
        CampaignState::Planning
        | CampaignState::Running
        | CampaignState::Paused
        | CampaignState::Cancelled => None,
        CampaignState::Draft
        | CampaignState::Validating
        | CampaignState::Validated
        | CampaignState::Approved
        | CampaignState::Scheduled
        | CampaignState::Completed => Some(RefusalReason::CampaignNotRunning),
    }
}

fn paused(facts: &Facts<'_>) -> Option<Objection> {
    if facts.campaign.state != CampaignState::Paused {
        return None;
    }
    recheck(facts, RECHECK, DeferReason::CampaignPaused)
}

fn suppressed(facts: &Facts<'_>) -> Option<RefusalReason> {
    if let Some(answer) = &facts.campaign.answer {
        return answer.refusal(facts.person);
    }
    facts
        .person
        .suppression(&facts.campaign.purpose)
        .map(|_| RefusalReason::Suppressed)
}

fn without_consent(facts: &Facts<'_>) -> Option<RefusalReason> {
    let Some(subscription) = facts.subscription else {
        return Some(RefusalReason::SubscriptionMissing);
    };
    // Their own message asks for it.
    if facts.campaign.answer.is_some() {
        return None;
    }
    let consent = &subscription.consent;
    if let Err(gap) = consent.carries(&facts.campaign.purpose, facts.now) {
        return Some(RefusalReason::from(gap));
    }
    let Consent::Granted(grant) = consent else {
        return Some(RefusalReason::ConsentNeverGiven);
    };
    // The shortest life that any law gives it, where the number may belong.
    let too_old = |lasts| {
        let end = grant.at.saturating_add(lasts);
        end.is_ok_and(|end| end <= facts.now)
    };
    let mut rows = facts
        .jurisdictions
        .of(&subscription.phone, facts.terms.sector);
    let is_over = is_marketing(facts) && rows.any(|row| too_old(row.consent_lasts()));
    is_over.then_some(RefusalReason::ConsentExpired)
}

/// Whether anybody takes it for advertising: its purpose or WhatsApp.
pub(super) fn is_marketing(facts: &Facts<'_>) -> bool {
    facts.campaign.purpose.is_marketing() || facts.terms.category == Category::Marketing
}

/// A marketing purpose needs a marketing template, and the other way round:
/// WhatsApp bills and judges by the category.
fn category(facts: &Facts<'_>) -> Option<RefusalReason> {
    let fits = match facts.terms.category {
        Category::Marketing => facts.campaign.purpose.is_marketing(),
        Category::Authentication | Category::Utility => !facts.campaign.purpose.is_marketing(),
        Category::Service => true,
    };
    (!fits).then_some(RefusalReason::CategoryMismatch)
}

fn service_window(facts: &Facts<'_>) -> Option<RefusalReason> {
    let free_text = facts.terms.category == Category::Service || facts.campaign.answer.is_some();
    (free_text && !in_service_window(facts)).then_some(RefusalReason::ServiceWindowClosed)
}

fn in_service_window(facts: &Facts<'_>) -> bool {
    let ends = facts.person.window_of(&facts.campaign.sender);
    ends.is_some_and(|end| facts.now < end)
}

fn country(facts: &Facts<'_>) -> Option<RefusalReason> {
    let subscription = facts.subscription?;
    let phone = &subscription.phone;
    if !is_marketing(facts) {
        return None;
    }
    let mut rows = facts.jurisdictions.of(phone, facts.terms.sector);
    if rows.clone().any(|row| row.marketing_blocked().is_some()) {
        return Some(RefusalReason::MarketingBlocked);
    }
    let unreviewed = |country: &Country| {
        let row = facts.jurisdictions.row(country, facts.terms.sector);
        row.needs_review() && !facts.terms.reviewed_countries.contains(country.iso2())
    };
    if facts.jurisdictions.countries(phone).any(unreviewed) {
        return Some(RefusalReason::CountryUnreviewed);
    }
    let Consent::Granted(grant) = &subscription.consent else {
        return None;
    };
    let unproven = rows.any(|row| {
        row.needs_evidence() && grant.evidence.trim().is_empty()
            || row.needs_notice() && grant.notice.is_none()
    });
    unproven.then_some(RefusalReason::ConsentUnproven)
}

fn quiet_hours(facts: &Facts<'_>) -> Option<Objection> {
    match first_good_hour(facts, facts.now) {
        Some(until) => defer(facts, until, DeferReason::QuietHours),
        None => Some(Objection::Refuse(RefusalReason::NoGoodHour)),
    }
}

/// Whether the person's night matters: always for advertising, for other
/// messages only where a country's row says so, and never for an answer to what
/// they have just written.
pub(crate) fn has_quiet_hours(facts: &Facts<'_>) -> bool {
    if facts.campaign.answer.is_some() {
        return false;
    }
    let Some(subscription) = facts.subscription else {
        return false;
    };
    let mut rows = facts
        .jurisdictions
        .of(&subscription.phone, facts.terms.sector);
    is_marketing(facts) || rows.any(|row| row.is_quiet_for(facts.terms.category))
}

/// The first moment at or after `moment` at which the person may be sent this;
/// `None` if none comes soon.
pub(super) fn first_good_hour(facts: &Facts<'_>, moment: Timestamp) -> Option<Timestamp> {
    let Some(subscription) = facts.subscription else {
        return Some(moment);
    };
    if !has_quiet_hours(facts) {
        return Some(moment);
    }
    facts.jurisdictions.first_open(
        &subscription.phone,
        subscription.zone.as_deref(),
        facts.terms.sector,
        facts.terms.window.as_ref(),
        moment,
    )
}

fn cool_down(facts: &Facts<'_>) -> Option<Objection> {
    if !is_marketing(facts) {
        return None;
    }
    let until = limits::cool_down(facts.person.marketing_declined_at, facts.now);
    defer(facts, until, DeferReason::MarketingCoolDown)
}

fn frequency(facts: &Facts<'_>) -> Option<Objection> {
    if facts.campaign.answer.is_some() {
        return None;
    }
    let opens = |cap: &FrequencyCap| {
        // This campaign's own claim is the same message, not another one.
        let others = facts
            .person
            .claims
            .iter()
            .filter(|claim| claim.campaign != facts.campaign.id)
            .filter(|claim| cap.purpose.covers(&claim.purpose))
            .map(|claim| claim.at);
        cap.opens(others, facts.now)
    };
    let caps = facts.terms.frequency.iter();
    let caps = caps.filter(|cap| cap.purpose.covers(&facts.campaign.purpose));
    let until = caps.map(opens).max()?;
    defer(facts, until, DeferReason::FrequencyCap)
}

fn answered_lately(facts: &Facts<'_>) -> Option<RefusalReason> {
    let answer = facts.campaign.answer.as_ref()?;
    let lately = answer.came_lately(facts.campaign.id, facts.person, facts.now);
    lately.then_some(RefusalReason::AnsweredLately)
}

fn pair(facts: &Facts<'_>, claim: ClaimState) -> Option<Objection> {
    // Our own claim stands for the request that is being decided.
    let ours = (claim == ClaimState::Ours).then_some(facts.campaign.id);
    let earlier = facts
        .person
        .claims
        .iter()
        .filter(|claim| Some(claim.campaign) != ours)
        .map(|claim| claim.at);
    let until = Limits::embedded().pair().opens(earlier, facts.now);
    defer(facts, until, DeferReason::PairLimit)
}

fn tier(facts: &Facts<'_>) -> Option<Objection> {
    if in_service_window(facts) {
        return None;
    }
    defer(facts, facts.terms.tier_opens?, DeferReason::TierFull)
}

fn content(facts: &Facts<'_>) -> Option<Objection> {
    match facts.terms.content {
        ContentVerdict::Blocked => Some(Objection::Refuse(RefusalReason::ContentBlocked)),
        ContentVerdict::Clear { until } if until.is_none_or(|end| facts.now < end) => None,
        ContentVerdict::Clear { .. } | ContentVerdict::Unchecked => {
            recheck(facts, RECHECK, DeferReason::ContentUnchecked)
        }
    }
}

fn template(facts: &Facts<'_>) -> Option<Objection> {
    if facts.terms.category == Category::Service {
        return None;
    }
    match facts.terms.template {
        TemplateStatus::Approved => None,
        TemplateStatus::Disabled | TemplateStatus::Rejected => {
            Some(Objection::Refuse(RefusalReason::TemplateUnusable))
        }
        TemplateStatus::Other | TemplateStatus::Paused | TemplateStatus::Pending => {
            recheck(facts, RECHECK, DeferReason::TemplateUnavailable)
        }
    }
}

/// Room for claims in a person's item: beyond this a claim is deferred, so
/// that a suppression always fits.
const CLAIMS_MAX: usize = 64;

/// How long a message waits for older claims of its person to age out.
const CLAIMS_RECHECK: SignedDuration = SignedDuration::from_hours(6);

fn claimed(facts: &Facts<'_>, claim: ClaimState) -> Option<Objection> {
    match claim {
        ClaimState::Elsewhere => Some(Objection::Refuse(RefusalReason::AlreadyClaimed)),
        ClaimState::Free if facts.person.claims_kept(facts.now).count() >= CLAIMS_MAX => {
            recheck(facts, CLAIMS_RECHECK, DeferReason::ClaimsFull)
        }
        ClaimState::Free | ClaimState::InDoubt | ClaimState::Ours => None,
    }
}
