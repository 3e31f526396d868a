//! One message to one person, ahead of every campaign: an order confirmed, a
//! parcel on its way.
//!
//! It is a campaign of one ([`platform::campaigns`]), so it is decided, claimed
//! and sent at most once as every other message is.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use platform::campaigns::{Due, TemplateRef};
use platform::queue::SendTask;
use policy::content::{Header, Mapping, Source, Template, Variable};
use policy::ids::{CampaignId, TenantId};
use policy::links::{self, Verdict};
use policy::phone::{PhoneNumber, Region};
use policy::preflight::{self, Preflight};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::TenantCtx;
use crate::campaigns::draft::{CampaignRequest, Draft, TemplateRequest};
use crate::campaigns::preflight::known_code;
use crate::idempotency::{self, IdempotencyKey};
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields, escaped};
use crate::{Deps, contacts};

/// A message to send now. Takes a number, so it implements neither `Debug` nor
/// `Serialize`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMessage)]
pub(crate) struct MessageRequest {
    /// The person's number, as people write it; a local one is of the tenant's
    /// region.
    #[schema(required = true, nullable = false)]
    phone: Option<String>,
    /// The list on which the person said yes.
    #[schema(required = true, nullable = false)]
    list_id: Option<String>,
    /// From which number: WhatsApp's id of it.
    #[schema(required = true, nullable = false)]
    sender: Option<String>,
    /// Which template.
    #[schema(required = true, nullable = false)]
    template: Option<TemplateRequest>,
    /// Where the template's variables come from: variable → source, such as
    /// `body.1` → `text:INV-2207`.
    #[serde(default)]
    mapping: BTreeMap<String, String>,
    /// What the message is for, such as `service.order`: the person gets it if
    /// their consent covers this.
    #[schema(required = true, nullable = false)]
    purpose: Option<String>,
    /// After this moment the message has no use and is not sent.
    #[schema(format = DateTime)]
    not_after: Option<String>,
}

/// A message that was taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageView {
    /// Its id; what became of it stands under `/v1/campaigns/{id}`.
    #[schema(value_type = String)]
    message_id: CampaignId,
    /// How the person is named wherever their number must not stand.
    token: String,
}

/// Send one message to one person, ahead of every campaign.
#[utoipa::path(
    post,
    path = "/v1/messages",
    operation_id = "create_message",
    tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe.")),
    request_body = MessageRequest,
    responses(
        (status = 202, description = "Taken; whether it may be sent is decided at its turn", body = MessageView),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    key: IdempotencyKey,
    Body(request): Body<MessageRequest>,
) -> Result<(StatusCode, Json<MessageView>), Problem> {
    let now = deps.clock.now();
    let region = contacts::region(&deps, tenant).await?;
    let mut fields = Fields::default();
    let (phone, request) = request.split(region, &mut fields);
    let draft = Draft::read(&request, now, &mut fields);
    draft.look_up(&deps, tenant, &mut fields).await?;
    check_words(&deps, tenant, &request.mapping, &mut fields).await?;
    if let Some(template) = draft.template() {
        check_message(&deps, tenant, template, &request.mapping, &mut fields).await?;
    }
    let (phone, plan) = fields.finish_with(phone.zip(draft.plan()))?;

    let token = contacts::token_key(&deps).await?.contact(tenant, &phone);
    let asked = (token.to_string(), &request);
    let id = idempotency::id_for(&deps, tenant, key, "POST /v1/messages", &asked).await?;
    let message_id = CampaignId::from_uuid(id);
    deps.campaigns
        .create_single(tenant, message_id, &plan, token, now)
        .await?;
    let task = SendTask::RangeV1 {
        tenant,
        campaign: message_id,
        from: 0,
        to: 1,
    };
    deps.triggered.send(&task).await?;
    tracing::info!(message = %message_id, "message taken");
    let view = MessageView {
        message_id,
        token: token.to_string(),
    };
    Ok((StatusCode::ACCEPTED, Json(view)))
}

impl MessageRequest {
    /// The person, and the rest as a campaign would ask for it.
    fn split(self, region: Region, fields: &mut Fields) -> (Option<PhoneNumber>, CampaignRequest) {
        let phone = fields.phone("/phone", self.phone.as_deref(), region);
        let rest = CampaignRequest {
            name: Some("single message".to_owned()),
            list_id: self.list_id,
            sender: self.sender,
            template: self.template,
            mapping: self.mapping,
            purpose: self.purpose,
            not_after: self.not_after,
            canary_percent: None,
            tranche: None,
            messages_per_second: None,
            budget: None,
            author: None,
        };
        (phone, rest)
    }
}

/// A harmful link in the template, or a file that cannot be shown now, is told
/// at once: nobody looks at a single message later. A template that was never
/// read from WhatsApp is waited for, as everywhere; its file is looked at all
/// the same.
async fn check_message(
    deps: &Deps,
    tenant: TenantId,
    wanted: &TemplateRef,
    mapping: &BTreeMap<String, String>,
    fields: &mut Fields,
) -> Result<(), Problem> {
    let known = deps
        .campaigns
        .template(tenant, &wanted.name, &wanted.language)
        .await?;
    let template = known.and_then(|known| Template::parse(&known.json).ok());
    if let Some(template) = &template {
        let settings = deps.campaigns.settings(tenant).await?;
        let context = settings.terms(template.category).links;
        let found = preflight::of_template(template, &Mapping::default(), &context);
        for finding in found.findings {
            if finding.verdict == Verdict::Block {
                let detail = "the template holds what must not be sent";
                fields.refuse("/template", known_code(&finding.reason), detail);
            }
        }
    }
    let mapping = Mapping::parse(mapping.iter().map(|(k, v)| (k.as_str(), v.as_str())));
    let Ok(mapping) = mapping else {
        return Ok(());
    };
    let Some(Source::Media(reference)) = mapping.source(&Variable::HeaderMedia) else {
        return Ok(());
    };
    let kind = template.and_then(|template| match template.header {
        Some(Header::Media(kind)) => Some(kind),
        Some(Header::Location | Header::Text(_)) | None => None,
    });
    let file = deps.campaigns.media_named(tenant, reference).await?;
    let now = deps.clock.now();
    if file.as_ref().is_some_and(|file| file.is_to_renew(now))
        && let Ok(id) = reference.parse()
    {
        // No open campaign names it, so the timer must be told.
        deps.campaigns.add_due(Due::Media(tenant, id)).await?;
    }
    let file = file.map(|file| file.checked(now));
    let mut found = Preflight::default();
    found.judge_file(kind, reference, file.as_ref());
    for finding in found.findings {
        // A doubt is refused too: nobody answers for it.
        let detail = "the file cannot be shown by a message that nobody approves";
        fields.refuse("/mapping/header", known_code(&finding.reason), detail);
    }
    Ok(())
}

/// Nobody approves a single message, so its own words must need no approval.
async fn check_words(
    deps: &Deps,
    tenant: TenantId,
    mapping: &BTreeMap<String, String>,
    fields: &mut Fields,
) -> Result<(), Problem> {
    let settings = deps.campaigns.settings(tenant).await?;
    for (variable, source) in mapping {
        // What cannot be read was refused already.
        let (Source::Text(words)
        | Source::Column {
            or: Some(words), ..
        }) = (match source.parse() {
            Ok(source) => source,
            Err(_) => continue,
        })
        else {
            continue;
        };
        let context = links::Context {
            allowed: settings.own_domains.clone(),
            own_brand: settings.brand_domains.clone(),
            place: links::Place::Parameter,
        };
        if links::check(&words, &context).verdict != Verdict::Allow {
            let pointer = format!("/mapping/{}", escaped(variable));
            let detail = "holds a link or a lure that nobody approved";
            fields.refuse(pointer, "not_allowed", detail);
        }
    }
    Ok(())
}
