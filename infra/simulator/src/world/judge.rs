//! Whether a send request is accepted: all checks, in the API's order.

use jiff::{SignedDuration, Timestamp};

use super::{Route, World};
use crate::refusal::Refusal;
use crate::template::QuickReply;
use crate::wa_id::WaId;
use crate::wire::SendRequest;

const SERVICE_WINDOW: SignedDuration = SignedDuration::from_hours(24);
const TEXT_CHARS: usize = 4_096;

/// A message that passed all checks.
pub(super) struct Draft {
    pub(super) to: WaId,
    pub(super) category: &'static str,
    pub(super) template_name: Option<String>,
    pub(super) quick_replies: Vec<QuickReply>,
    pub(super) addresses: Vec<String>,
    pub(super) in_window: bool,
}

impl World {
    /// All checks, in the API's order.
    pub(super) fn judge(
        &mut self,
        at: Timestamp,
        number: &str,
        route: Route,
        request: &SendRequest,
        to: Result<WaId, Refusal>,
    ) -> Result<Draft, Refusal> {
        let state = self.number(number)?;
        let waba_id = state.config.waba_id.clone();
        let portfolio = state.config.portfolio_id.clone();
        let own = state.own.clone();
        if (route == Route::Amazon) != self.is_linked(&waba_id) {
            return Err(Refusal::new(10, "the account does not send this way"));
        }
        let state = self.number(number)?;
        if state.health == "BLOCKED" {
            return Err(Refusal::new(131_031, "the number may not send messages"));
        }
        self.admit_throughput(at, number)?;
        check_envelope(request)?;
        let to = to?;
        if own.as_ref() == Some(&to) {
            return Err(Refusal::new(131_021, "recipient and sender are the same"));
        }
        let in_window = self
            .person(&to)
            .wrote_at
            .get(number)
            .is_some_and(|wrote_at| at.duration_since(*wrote_at) < SERVICE_WINDOW);
        let mut draft = Draft {
            to,
            category: "service",
            template_name: None,
            quick_replies: Vec::new(),
            addresses: Vec::new(),
            in_window,
        };
        match request.kind.as_deref() {
            Some("template") => self.judge_template(at, number, &waba_id, request, &mut draft)?,
            Some(_) | None if route == Route::Marketing => {
                return Err(Refusal::new(131_055, "only templates go this way"));
            }
            // A message without a type is a text.
            Some("text") | None => judge_text(request, in_window)?,
            Some(_) => return Err(Refusal::new(131_051, "message type is not supported")),
        }
        if route == Route::Marketing {
            if draft.category != "marketing" {
                return Err(Refusal::new(
                    134_100,
                    "only marketing templates go this way",
                ));
            }
            draft.category = "marketing_lite";
        }
        if !in_window
            && let Some(tier) = self.tiers.get_mut(&portfolio)
            && !tier.has_room(&draft.to, at)
        {
            let details = "messaging limit of the portfolio reached";
            return Err(Refusal::new(self.tier_code, details));
        }
        if let Some(state) = self.numbers.get_mut(number)
            && !state.pairs.admit(&draft.to, at)
        {
            return Err(Refusal::new(131_056, "too many messages to this recipient"));
        }
        if !in_window && let Some(tier) = self.tiers.get_mut(&portfolio) {
            tier.count(&draft.to, at);
        }
        Ok(draft)
    }

    fn admit_throughput(&mut self, at: Timestamp, number: &str) -> Result<(), Refusal> {
        let admitted = self
            .numbers
            .get_mut(number)
            .is_none_or(|state| state.window.admit(at));
        if admitted {
            return Ok(());
        }
        if let Some(arrivals) = self.measure.numbers.get_mut(number) {
            arrivals.throttled += 1;
        }
        Err(Refusal::new(130_429, "throughput of the number reached"))
    }

    fn judge_template(
        &self,
        at: Timestamp,
        number: &str,
        waba_id: &str,
        request: &SendRequest,
        draft: &mut Draft,
    ) -> Result<(), Refusal> {
        let missing = |what: &str| Refusal::new(131_008, format!("{what} is missing"));
        let message = request
            .template
            .as_ref()
            .ok_or_else(|| missing("template"))?;
        let name = message
            .name
            .as_deref()
            .ok_or_else(|| missing("template.name"))?;
        let language = message
            .language
            .as_ref()
            .and_then(|language| language.code.as_deref())
            .ok_or_else(|| missing("template.language.code"))?;
        let template = self.templates.sendable(waba_id, name, language)?;
        let has_media = |id: &str| self.media.has(number, id, at);
        let filled = template.fill(&message.components, &has_media)?;
        let is_authentication = template.category.eq_ignore_ascii_case("AUTHENTICATION");
        if is_authentication && request.to.is_none() {
            return Err(Refusal::new(131_062, "authentication needs a phone number"));
        }
        draft.quick_replies = filled.quick_replies;
        draft.addresses = filled.addresses;
        draft.template_name = Some(template.name.clone());
        draft.category = if template.is_marketing() {
            "marketing"
        } else if is_authentication {
            "authentication"
        } else {
            "utility"
        };
        Ok(())
    }
}

fn check_envelope(request: &SendRequest) -> Result<(), Refusal> {
    if request.messaging_product.as_deref() != Some("whatsapp") {
        return Err(Refusal::new(100, "messaging_product must be whatsapp"));
    }
    match request.recipient_type.as_deref() {
        None | Some("individual") => Ok(()),
        Some(_) => Err(Refusal::new(100, "recipient_type must be individual")),
    }
}

fn judge_text(request: &SendRequest, in_window: bool) -> Result<(), Refusal> {
    let body = request
        .text
        .as_ref()
        .and_then(|text| text.body.as_deref())
        .filter(|body| !body.is_empty())
        .ok_or_else(|| Refusal::new(131_008, "text.body is missing"))?;
    if body.chars().count() > TEXT_CHARS {
        return Err(Refusal::new(
            100,
            "text.body is longer than 4096 characters",
        ));
    }
    if !in_window {
        return Err(Refusal::new(
            131_047,
            "more than 24 hours since the recipient last wrote",
        ));
    }
    Ok(())
}
