//! One send request: arrival, checks, answer.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Event, Message, Stage, World};
use crate::clock::later;
use crate::fault::FaultEffect;
use crate::person::hex;
use crate::refusal::Refusal;
use crate::report::{RequestKind, RequestLog};
use crate::template::QuickReply;
use crate::wa_id::WaId;
use crate::wire::SendRequest;

const SERVICE_WINDOW: SignedDuration = SignedDuration::from_hours(24);
const TEXT_CHARS: usize = 4_096;

/// A send request as it arrived.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) arrived_at: Timestamp,
    pub(crate) phone_number_id: &'a str,
    /// Whether it may be looked at, and what it holds.
    pub(crate) request: Result<SendRequest, Refusal>,
}

/// How the server is to answer.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// How long the answer takes.
    pub(crate) wait: Duration,
    /// The connection ends instead of an answer.
    pub(crate) reset: bool,
}

/// What becomes of messages that are held for quality assessment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldOutcome {
    /// They fail with 132015.
    Drop,
    /// They are sent.
    Release,
}

/// A message that passed all checks.
struct Draft {
    to: WaId,
    category: &'static str,
    template_name: Option<String>,
    quick_replies: Vec<QuickReply>,
    in_window: bool,
}

impl World {
    /// Takes a send request in and says how it is answered.
    pub(crate) fn receive(&mut self, incoming: Incoming<'_>) -> Verdict {
        let Incoming {
            arrived_at: at,
            phone_number_id: number,
            request,
        } = incoming;
        self.advance(at);
        self.measure.requests += 1;
        let nth = self.measure.requests;
        if let Some(arrivals) = self.measure.numbers.get_mut(number)
            && request.is_ok()
        {
            arrivals.outbound.push(at);
        }
        let request = match request {
            Ok(request) => request,
            Err(refusal) => return self.refuse(nth, &refusal),
        };
        let to = self.recipient(number, &request);
        self.note_request(at, &request, to.as_ref().ok());

        let fault = self.faults.meet(nth, to.as_ref().ok());
        if let Some(fault) = &fault {
            *self.measure.faults.entry(fault.name()).or_default() += 1;
        }
        match fault {
            Some(FaultEffect::TimeOut(wait)) => return Verdict::reset_after(wait),
            Some(FaultEffect::Reset) => return Verdict::reset_after(Duration::ZERO),
            Some(FaultEffect::Fail(status)) => return Verdict::bare(status),
            Some(FaultEffect::Refuse(code)) => {
                return self.refuse(nth, &Refusal::new(code, "by plan"));
            }
            Some(
                FaultEffect::AcceptThenTimeOut(_)
                | FaultEffect::AcceptThenReset
                | FaultEffect::AcceptThenFail(_)
                | FaultEffect::Slow(_)
                | FaultEffect::Hold,
            )
            | None => {}
        }

        let hold = matches!(fault, Some(FaultEffect::Hold));
        let mut verdict = match self.judge(at, number, &request, to) {
            Ok(draft) => self.accept(at, number, request, draft, hold),
            Err(refusal) => return self.refuse(nth, &refusal),
        };
        verdict.wait = self
            .seed
            .chance("answer", &nth.to_string())
            .delay(self.answer_delay);
        match fault {
            Some(FaultEffect::AcceptThenTimeOut(wait)) => Verdict::reset_after(wait),
            Some(FaultEffect::AcceptThenReset) => Verdict::reset_after(Duration::ZERO),
            Some(FaultEffect::AcceptThenFail(status)) => Verdict::bare(status),
            Some(FaultEffect::Slow(wait)) => {
                verdict.wait += wait;
                verdict
            }
            Some(
                FaultEffect::Fail(_)
                | FaultEffect::Hold
                | FaultEffect::Refuse(_)
                | FaultEffect::Reset
                | FaultEffect::TimeOut(_),
            )
            | None => verdict,
        }
    }

    /// Sends or drops the messages that are held; how many there were.
    pub(crate) fn settle_held(&mut self, at: Timestamp, outcome: HeldOutcome) -> usize {
        self.advance(at);
        let held = std::mem::take(&mut self.held);
        for wamid in &held {
            let wamid = wamid.clone();
            let stage = match outcome {
                HeldOutcome::Drop => Stage::Failed(132_015),
                HeldOutcome::Release => Stage::Leaves,
            };
            self.schedule(at, Event::Message { wamid, stage });
        }
        held.len()
    }

    /// All checks, in the API's order.
    fn judge(
        &mut self,
        at: Timestamp,
        number: &str,
        request: &SendRequest,
        to: Result<WaId, Refusal>,
    ) -> Result<Draft, Refusal> {
        let state = self.number(number)?;
        let waba_id = state.config.waba_id.clone();
        let portfolio = state.config.portfolio_id.clone();
        let own = state.own.clone();
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
            in_window,
        };
        match request.kind.as_deref() {
            Some("template") => self.judge_template(at, number, &waba_id, request, &mut draft)?,
            // A message without a type is a text.
            Some("text") | None => judge_text(request, in_window)?,
            Some(_) => return Err(Refusal::new(131_051, "message type is not supported")),
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
        draft.quick_replies = filled.quick_replies;
        draft.template_name = Some(template.name.clone());
        draft.category = if template.is_marketing() {
            "marketing"
        } else if template.category.eq_ignore_ascii_case("AUTHENTICATION") {
            "authentication"
        } else {
            "utility"
        };
        Ok(())
    }

    fn accept(
        &mut self,
        at: Timestamp,
        number: &str,
        request: SendRequest,
        draft: Draft,
        hold: bool,
    ) -> Verdict {
        let is_template = draft.template_name.is_some();
        let hold = self.is_held(draft.template_name.as_deref()) || hold;
        self.measure.accepted += 1;
        if is_template && let Some(campaign) = campaign_of(&request) {
            let tally = self.measure.campaigns.entry(campaign.to_owned());
            *tally
                .or_default()
                .accepted
                .entry(draft.to.clone())
                .or_default() += 1;
        }
        let person = self.person(&draft.to);
        person.messages += 1;
        person.templates += u64::from(is_template);
        if let Some(logged) = person.log.requests.last_mut() {
            logged.accepted = true;
        }
        let nth = person.messages;
        let user_id = person.person.user_id.clone();

        let key = format!("{number}.{}.{nth}", draft.to.expose());
        let digest = self.seed.digest("wamid", &key);
        let wamid = format!("wamid.HBg{}", BASE64_STANDARD.encode(&digest[..24]));
        let message = Message {
            number: number.to_owned(),
            to: draft.to.clone(),
            nth,
            category: draft.category,
            in_window: draft.in_window,
            free: false,
            callback_data: request.biz_opaque_callback_data,
            quick_replies: draft.quick_replies,
            history: vec![("accepted", at)],
        };
        self.messages.insert(wamid.clone(), message);
        if hold {
            self.held.push(wamid.clone());
        } else {
            let timeline = self.timeline(&draft.to, nth);
            let event = Event::Message {
                wamid: wamid.clone(),
                stage: Stage::Leaves,
            };
            self.schedule(later(at, timeline.sent_after), event);
        }

        let contact = match (&request.to, &request.recipient) {
            (Some(to), _) => json!({"input": to, "wa_id": draft.to.expose()}),
            (None, recipient) => json!({"input": recipient, "user_id": user_id}),
        };
        let mut message = json!({"id": wamid});
        if is_template {
            let status = if hold {
                "held_for_quality_assessment"
            } else {
                "accepted"
            };
            message["message_status"] = status.into();
        }
        let body = json!({
            "messaging_product": "whatsapp",
            "contacts": [contact],
            "messages": [message],
        });
        Verdict {
            status: 200,
            body: body.to_string().into_bytes(),
            wait: Duration::ZERO,
            reset: false,
        }
    }

    fn is_held(&mut self, template: Option<&str>) -> bool {
        let mut held = false;
        for (hold, accepted) in &mut self.holds {
            if Some(hold.template_name.as_str()) == template {
                *accepted += 1;
                held |= *accepted > hold.after_messages;
            }
        }
        held
    }

    fn refuse(&mut self, nth: u64, refusal: &Refusal) -> Verdict {
        *self.measure.rejected.entry(refusal.code).or_default() += 1;
        let trace = hex(&self.seed.digest("trace", &nth.to_string())[..12]);
        Verdict {
            status: refusal.http_status(),
            body: serde_json::to_vec(&refusal.to_body(trace)).expect("an error body is plain JSON"),
            wait: Duration::ZERO,
            reset: false,
        }
    }

    /// Whom the request is for. The number wins over the user id.
    fn recipient(&mut self, number: &str, request: &SendRequest) -> Result<WaId, Refusal> {
        let country = match self.number(number) {
            Ok(state) => state.config.country_code.clone(),
            Err(refusal) => return Err(refusal),
        };
        match (&request.to, &request.recipient) {
            (Some(to), _) => {
                self.measure.without_plus += u64::from(!to.trim_start().starts_with('+'));
                WaId::resolve(to, &country)
                    .map_err(|error| Refusal::new(131_009, format!("to: {error}")))
            }
            (None, Some(user_id)) => self
                .by_user_id
                .get(user_id)
                .cloned()
                .ok_or_else(|| Refusal::new(131_009, "recipient: user id is not known")),
            (None, None) => Err(Refusal::new(131_008, "to is missing")),
        }
    }

    fn note_request(&mut self, at: Timestamp, request: &SendRequest, to: Option<&WaId>) {
        let kind = match request.kind.as_deref() {
            Some("template") => RequestKind::Template,
            _ => RequestKind::FreeForm,
        };
        let campaign = campaign_of(request).map(str::to_owned);
        if let (RequestKind::Template, Some(campaign)) = (kind, &campaign) {
            let tally = self.measure.campaigns.entry(campaign.clone());
            tally.or_default().requests += 1;
        }
        if let Some(to) = to {
            self.person(to).log.requests.push(RequestLog {
                arrived_at: at,
                kind,
                campaign,
                accepted: false,
            });
        }
    }
}

impl Verdict {
    fn reset_after(wait: Duration) -> Self {
        Self {
            wait,
            reset: true,
            ..Self::bare(500)
        }
    }

    /// A status without a body, as a gateway in trouble gives it.
    fn bare(status: u16) -> Self {
        Self {
            status,
            body: Vec::new(),
            wait: Duration::ZERO,
            reset: false,
        }
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

/// The campaign in the callback data: the second field between dots.
fn campaign_of(request: &SendRequest) -> Option<&str> {
    let data = request.biz_opaque_callback_data.as_deref()?;
    data.split('.')
        .nth(1)
        .filter(|campaign| !campaign.is_empty())
}
