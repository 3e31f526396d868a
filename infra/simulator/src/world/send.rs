//! One send request: arrival, checks, answer.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::json;

use super::judge::Draft;
use super::{Event, Message, Stage, World};
use crate::clock::later;
use crate::fault::FaultEffect;
use crate::person::hex;
use crate::refusal::Refusal;
use crate::report::{RequestKind, RequestLog};
use crate::wa_id::WaId;
use crate::wire::SendRequest;

/// A send request as it arrived.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) arrived_at: Timestamp,
    pub(crate) phone_number_id: &'a str,
    /// By which door it came.
    pub(crate) route: Route,
    /// Whether it may be looked at, and what it holds.
    pub(crate) request: Result<SendRequest, Refusal>,
}

/// The doors for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// AWS End User Messaging Social: everything, of linked accounts.
    Amazon,
    /// `marketing_messages`: marketing templates only.
    Marketing,
    /// `messages`: everything.
    Messages,
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

impl World {
    /// Takes a send request in and says how it is answered.
    pub(crate) fn receive(&mut self, incoming: Incoming<'_>) -> Verdict {
        let Incoming {
            arrived_at: at,
            phone_number_id: number,
            route,
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
        self.note_request(at, route, &request, to.as_ref().ok());

        let fault = self.faults.meet(nth, to.as_ref().ok());
        if let Some(fault) = &fault {
            *self.measure.faults.entry(fault.name()).or_default() += 1;
        }
        match fault {
            Some(FaultEffect::TimeOut(wait)) => return Verdict::reset_after(wait),
            Some(FaultEffect::Reset) => return Verdict::reset_after(Duration::ZERO),
            Some(FaultEffect::Fail(status)) => return Verdict::bare(status),
            Some(FaultEffect::Refuse(code)) => {
                let verdict = self.refuse(nth, &Refusal::new(code, "by plan"));
                return self.in_time(nth, verdict);
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
        let verdict = match self.judge(at, number, route, &request, to) {
            Ok(draft) => self.accept(at, number, request, draft, hold),
            Err(refusal) => {
                let verdict = self.refuse(nth, &refusal);
                return self.in_time(nth, verdict);
            }
        };
        let mut verdict = self.in_time(nth, verdict);
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

    /// `verdict` after the usual time of an answer, which refusals take too.
    fn in_time(&self, nth: u64, verdict: Verdict) -> Verdict {
        let mut chance = self.seed.chance("answer", &nth.to_string());
        Verdict {
            wait: chance.delay(self.answer_delay),
            ..verdict
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
            logged.addresses = draft.addresses;
        }
        let nth = person.messages;
        let user_id = person.person.user_id.clone();

        let key = format!("{number}.{}.{nth}", draft.to.expose());
        let digest = self.seed.digest("wamid", &key);
        let wamid = wamid(&draft.to, &digest[..9]);
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

    fn note_request(
        &mut self,
        at: Timestamp,
        route: Route,
        request: &SendRequest,
        to: Option<&WaId>,
    ) {
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
            let text = request.text.as_ref().and_then(|text| text.body.clone());
            self.person(to).log.requests.push(RequestLog {
                arrived_at: at,
                kind,
                by_marketing_endpoint: route == Route::Marketing,
                by_amazon: route == Route::Amazon,
                campaign,
                accepted: false,
                text,
                addresses: Vec::new(),
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

/// The id of a message in the form of WhatsApp's: it spells out the recipient.
fn wamid(to: &WaId, mark: &[u8]) -> String {
    let digits = to.expose().as_bytes();
    let mut record = vec![0x1c, 0x18];
    record.extend(u8::try_from(digits.len()));
    record.extend(digits);
    record.extend([0x15, 0x02, 0x00, 0x11, 0x18, 0x12]);
    record.extend(hex(mark).to_ascii_uppercase().bytes());
    record.push(0);
    format!("wamid.{}", BASE64_STANDARD.encode(record))
}

/// The campaign in the callback data: the second field between dots.
fn campaign_of(request: &SendRequest) -> Option<&str> {
    let data = request.biz_opaque_callback_data.as_deref()?;
    data.split('.')
        .nth(1)
        .filter(|campaign| !campaign.is_empty())
}
