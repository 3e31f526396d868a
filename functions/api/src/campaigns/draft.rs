//! A campaign is written down as a draft, once everything it names is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use platform::campaigns::{Content, Controls, NewCampaign, TemplateRef, Templated};
use platform::fault::Fault;
use policy::campaign::Tranche;
use policy::content::{Mapping, Source, Variable};
use policy::ids::{CampaignId, ListId, TenantId};
use policy::purpose::Purpose;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::budget::BudgetRequest;
use super::view::CampaignView;
use crate::Deps;
use crate::auth::TenantCtx;
use crate::idempotency::{self, IdempotencyKey};
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields, escaped};

/// A campaign to write down.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCampaign)]
pub(crate) struct CampaignRequest {
    /// The operator's name for it.
    #[schema(required = true, nullable = false)]
    pub(crate) name: Option<String>,
    /// To whom: the list's id.
    #[schema(required = true, nullable = false)]
    pub(crate) list_id: Option<String>,
    /// From which number: WhatsApp's id of it.
    #[schema(required = true, nullable = false)]
    pub(crate) sender: Option<String>,
    /// Which template.
    #[schema(required = true, nullable = false)]
    pub(crate) template: Option<TemplateRequest>,
    /// Where the template's variables come from: variable → source, such as
    /// `body.1` → `column:name`.
    #[serde(default)]
    pub(crate) mapping: BTreeMap<String, String>,
    /// What the message is for, such as `marketing.promo`: a person gets it if
    /// their consent covers this.
    #[schema(required = true, nullable = false)]
    pub(crate) purpose: Option<String>,
    /// After this moment the message has no use and is not sent.
    #[schema(format = DateTime)]
    pub(crate) not_after: Option<String>,
    /// The share of the audience, in per cent, that goes first: the rest follows
    /// when their answers stay within the bounds. 1 to 50.
    pub(crate) canary_percent: Option<u8>,
    /// So many people at a time.
    pub(crate) tranche: Option<TrancheRequest>,
    /// So many messages a second at most; without it, as many as the number may
    /// send.
    #[schema(nullable = false, minimum = 1, maximum = 1000)]
    pub(crate) messages_per_second: Option<u32>,
    /// What it may cost.
    pub(crate) budget: Option<BudgetRequest>,
    /// The person who wrote it. Needed where the tenant asks for two persons
    /// and the message is one that must be answered for.
    #[schema(nullable = false)]
    pub(crate) author: Option<String>,
}

/// So many people at a time.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Tranche)]
pub(crate) struct TrancheRequest {
    /// So many people; rounded up to whole blocks of at most 100.
    people: u32,
    /// Minutes from one tranche to the next.
    every_minutes: u32,
}

/// A template that WhatsApp has approved.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Template)]
pub(crate) struct TemplateRequest {
    /// Its name.
    #[schema(required = true, nullable = false)]
    name: Option<String>,
    /// Its language code, such as `id` or `en_US`.
    #[schema(required = true, nullable = false)]
    language: Option<String>,
}

/// Write a campaign down. Nobody is messaged before it is validated, approved
/// and started.
#[utoipa::path(
    post,
    path = "/v1/campaigns",
    operation_id = "create_campaign",
    tag = "campaigns",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe.")),
    request_body = CampaignRequest,
    responses(
        (status = 201, description = "Written down", body = CampaignView),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    key: IdempotencyKey,
    Body(request): Body<CampaignRequest>,
) -> Result<(StatusCode, Json<CampaignView>), Problem> {
    let mut fields = Fields::default();
    let draft = Draft::read(&request, deps.clock.now(), &mut fields);
    let controls = read_controls(&request, &mut fields);
    let budget = request.budget.as_ref();
    let budget = budget.and_then(|budget| budget.read("/budget", &mut fields));
    draft.look_up(&deps, tenant, &mut fields).await?;
    let plan = fields.finish_with(draft.plan())?;

    let id = idempotency::id_for(&deps, tenant, key, "POST /v1/campaigns", &request).await?;
    let campaign_id = CampaignId::from_uuid(id);
    // The money comes first: no campaign is ever there without its budget.
    if let Some(budget) = budget
        && deps.campaigns.budget(tenant, campaign_id).await?.is_none()
    {
        deps.campaigns
            .put_budget(tenant, campaign_id, &budget)
            .await?;
    }
    deps.campaigns
        .create_campaign_with(tenant, campaign_id, &plan, &controls)
        .await?;
    if let Some(author) = &request.author {
        deps.campaigns
            .put_author(tenant, campaign_id, author)
            .await?;
    }
    tracing::info!(campaign = %campaign_id, "campaign written down");
    let campaign = super::find(&deps, tenant, campaign_id).await?;
    let view = CampaignView::new(campaign_id, campaign);
    Ok((StatusCode::CREATED, Json(view)))
}

/// A request as far as it can be read: what is missing here was refused.
#[derive(Debug)]
pub(crate) struct Draft {
    name: Option<String>,
    list: Option<ListId>,
    sender: Option<String>,
    template: Option<TemplateRef>,
    mapping: BTreeMap<String, String>,
    purpose: Option<Purpose>,
    not_after: Option<Timestamp>,
}

impl Draft {
    pub(crate) fn read(request: &CampaignRequest, now: Timestamp, fields: &mut Fields) -> Self {
        let name = fields.short_text("/name", request.name.as_deref());
        if let Some(author) = &request.author {
            fields.short_text("/author", Some(author));
        }
        let list = fields.parsed("/list_id", request.list_id.as_deref());
        let sender = fields.required("/sender", request.sender.as_deref());
        let sender = sender.and_then(|sender| {
            let detail = "expected WhatsApp's id of a business number, in digits";
            fields.checked("/sender", sender, is_number_id, detail)
        });
        let template = fields.required("/template", request.template.as_ref());
        let template = template.and_then(|template| read_template(template, fields));
        check_mapping(&request.mapping, fields);
        let purpose = fields.required("/purpose", request.purpose.as_deref());
        let purpose = purpose.and_then(|purpose| {
            Purpose::parse(purpose)
                .map_err(|error| fields.refuse("/purpose", "unreadable", error.to_string()))
                .ok()
        });
        let not_after = fields.moment("/not_after", request.not_after.as_deref());
        if not_after.is_some_and(|end| end <= now) {
            fields.refuse("/not_after", "in_the_past", "this moment has passed");
        }
        Self {
            name,
            list,
            sender,
            template,
            mapping: request.mapping.clone(),
            purpose,
            not_after,
        }
    }

    /// Whether what it names is there, and this tenant's.
    pub(crate) async fn look_up(
        &self,
        deps: &Deps,
        tenant: TenantId,
        fields: &mut Fields,
    ) -> Result<(), Fault> {
        if let Some(list) = self.list
            && deps.campaigns.list(tenant, list).await?.is_none()
        {
            fields.refuse("/list_id", "unknown", "there is no such list");
        }
        if let Some(sender) = &self.sender {
            let number = deps.campaigns.number(sender).await?;
            // Another tenant's number is answered as one that does not exist.
            match number.filter(|number| number.tenant == tenant) {
                None => fields.refuse("/sender", "unknown", "there is no such business number"),
                Some(number) => {
                    if let Err(error) = number.by_amazon() {
                        fields.refuse("/sender", "not_linked", error.to_string());
                    }
                }
            }
        }
        Ok(())
    }

    /// Which template, where it could be read.
    pub(crate) fn template(&self) -> Option<&TemplateRef> {
        self.template.as_ref()
    }

    pub(crate) fn plan(self) -> Option<NewCampaign> {
        Some(NewCampaign {
            name: self.name?,
            sender: self.sender?,
            content: Content::Template(Templated {
                list: self.list?,
                template: self.template?,
                mapping: self.mapping,
            }),
            purpose: self.purpose?,
            not_after: self.not_after,
        })
    }
}

/// How the campaign is to be released.
fn read_controls(request: &CampaignRequest, fields: &mut Fields) -> Controls {
    let canary_percent = request.canary_percent;
    if canary_percent.is_some_and(|percent| !(1..=50).contains(&percent)) {
        fields.refuse("/canary_percent", "out_of_range", "expected 1 to 50");
    }
    let tranche = request.tranche.as_ref().and_then(|tranche| {
        let fits = tranche.people > 0 && (1..=43_200).contains(&tranche.every_minutes);
        if !fits {
            let detail = "expected at least one person, every 1 to 43200 minutes";
            fields.refuse("/tranche", "out_of_range", detail);
        }
        fits.then(|| Tranche {
            people: tranche.people,
            every: SignedDuration::from_mins(tranche.every_minutes.into()),
        })
    });
    let messages_per_second = request.messages_per_second;
    if messages_per_second.is_some_and(|pace| !(1..=1_000).contains(&pace)) {
        let detail = "expected 1 to 1000; a tranche sends more slowly than that";
        fields.refuse("/messages_per_second", "out_of_range", detail);
    }
    Controls {
        canary_percent,
        tranche,
        messages_per_second,
    }
}

fn read_template(template: &TemplateRequest, fields: &mut Fields) -> Option<TemplateRef> {
    let name = fields.required("/template/name", template.name.as_deref());
    let name = name.and_then(|name| {
        let detail = "expected a template name of a-z, 0-9 and _";
        fields.checked("/template/name", name, is_template_name, detail)
    });
    let language = fields.required("/template/language", template.language.as_deref());
    let language = language.and_then(|language| {
        let detail = "expected a language code such as `id` or `en_US`";
        fields.checked("/template/language", language, is_language, detail)
    });
    let (name, language) = name.zip(language)?;
    Some(TemplateRef { name, language })
}

/// Meta, "Message templates": lower case, digits, underscores, at most 512.
fn is_template_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=512).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_language(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    (2..=12).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_number_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Each pair by itself, then all of them together.
fn check_mapping(mapping: &BTreeMap<String, String>, fields: &mut Fields) {
    let mut whole = true;
    for (variable, source) in mapping {
        let parsed = variable
            .parse::<Variable>()
            .and_then(|_| source.parse::<Source>());
        if let Err(error) = parsed {
            whole = false;
            let pointer = format!("/mapping/{}", escaped(variable));
            fields.refuse(pointer, "unreadable", error.to_string());
        }
    }
    let pairs = mapping.iter().map(|(v, s)| (v.as_str(), s.as_str()));
    if whole && let Err(error) = Mapping::parse(pairs) {
        fields.refuse("/mapping", "repeated", error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: Value) -> Result<NewCampaign, Vec<(String, &'static str)>> {
        let request: CampaignRequest = serde_json::from_value(body).unwrap();
        let mut fields = Fields::default();
        let now = "2026-11-24T02:00:00Z".parse().unwrap();
        let draft = Draft::read(&request, now, &mut fields);
        fields
            .finish_with(draft.plan())
            .map_err(|problem| problem.codes())
    }

    fn good() -> Value {
        json!({
            "name": "Promo akhir tahun",
            "list_id": "lst_00000000000000000000000000000005",
            "sender": "106540352242922",
            "template": {"name": "promo_des", "language": "id"},
            "mapping": {"body.1": "column:name|Kak", "button.0": "link:preferences"},
            "purpose": "marketing.promo",
            "not_after": "2026-12-31T23:59:59+07:00",
        })
    }

    #[test]
    fn a_whole_request_becomes_a_plan() {
        let plan = read(good()).unwrap();
        assert_eq!(plan.template_name(), "promo_des");
        assert_eq!(plan.purpose, Purpose::parse("marketing.promo").unwrap());
        let end = plan.not_after.map(|end| end.to_string());
        assert_eq!(end.as_deref(), Some("2026-12-31T16:59:59Z"));
        assert_eq!(plan.templated().unwrap().mapping.len(), 2);
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let wrong = read(json!({
            "list_id": "lst_5",
            "sender": "+62 812",
            "template": {"name": "Promo#1"},
            "mapping": {"body.1": "column:", "knopf/x.1": "name"},
            "purpose": "Marketing",
            "not_after": "2026-11-24T02:00:00Z",
        }))
        .unwrap_err();
        let codes: Vec<_> = wrong
            .iter()
            .map(|(at, code)| (at.as_str(), *code))
            .collect();
        assert_eq!(
            codes,
            [
                ("/name", "missing"),
                ("/list_id", "unreadable"),
                ("/sender", "unreadable"),
                ("/template/name", "unreadable"),
                ("/template/language", "missing"),
                ("/mapping/body.1", "unreadable"),
                ("/mapping/knopf~1x.1", "unreadable"),
                ("/purpose", "unreadable"),
                ("/not_after", "in_the_past"),
            ]
        );
    }

    #[test]
    fn how_it_is_released_is_read_or_refused() {
        let controls = |extra: Value| {
            let mut body = good();
            for (name, value) in extra.as_object().unwrap() {
                body[name] = value.clone();
            }
            let request: CampaignRequest = serde_json::from_value(body).unwrap();
            let mut fields = Fields::default();
            let controls = read_controls(&request, &mut fields);
            fields
                .finish()
                .map(|()| controls)
                .map_err(|problem| problem.codes())
        };
        assert_eq!(controls(json!({})), Ok(Controls::default()));
        let tranche = json!({"people": 500, "every_minutes": 90});
        let read = controls(json!({"canary_percent": 5, "tranche": tranche})).unwrap();
        assert_eq!(read.canary_percent, Some(5));
        let every = read.tranche.map(|tranche| tranche.every);
        assert_eq!(every, Some(SignedDuration::from_mins(90)));
        let tranche = json!({"people": 0, "every_minutes": 90});
        assert_eq!(
            controls(json!({"canary_percent": 51, "tranche": tranche})).unwrap_err(),
            [
                ("/canary_percent".to_owned(), "out_of_range"),
                ("/tranche".to_owned(), "out_of_range"),
            ]
        );
    }

    #[test]
    fn one_variable_has_one_source() {
        let mut body = good();
        body["mapping"] = json!({"1": "name", "body.1": "city"});
        assert_eq!(
            read(body).unwrap_err(),
            [("/mapping".to_owned(), "repeated")]
        );
    }
}
