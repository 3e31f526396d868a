//! What the messages of a range say: a template with where its values come from,
//! or an answer to what one person wrote.

use jiff::SignedDuration;
use platform::campaigns::{Campaign, Templated};
use platform::fault::Fault;
use platform::whatsapp::{Parameter, Transport};
use policy::answer::{Answer, AnswerKind};
use policy::campaign::{HoldReason, template_hold};
use policy::content::{Category, Mapping, Template};
use policy::ids::TenantId;
use policy::preflight::header_file;

use crate::pages::Pages;
use crate::{Deps, file};

/// What is said.
#[derive(Debug)]
pub(crate) enum Content {
    /// A free text.
    Answer(Reply),
    /// A template.
    Template(Filling),
}

/// A template, and what fills it.
#[derive(Debug)]
pub(crate) struct Filling {
    pub(crate) template: Template,
    pub(crate) mapping: Mapping,
    /// Signs the way to people's own pages, where the message carries it.
    pub(crate) pages: Option<Pages>,
    /// What its header shows, as WhatsApp takes it.
    pub(crate) header: Option<Parameter>,
}

/// An answer, and what it names.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    /// The business, as people know it.
    pub(crate) business: String,
    /// Signs the way to the person's own page, where the answer shows it.
    pub(crate) pages: Option<Pages>,
}

impl Content {
    /// What WhatsApp takes the message for.
    pub(crate) fn category(&self) -> Category {
        match self {
            Self::Answer(_) => Category::Service,
            Self::Template(filling) => filling.template.category,
        }
    }
}

/// Why nothing is sent, which leaves the blocks pending.
#[derive(Debug)]
pub(crate) enum Gap {
    /// The campaign has to be held.
    Hold(HoldReason),
    /// Something is not known well enough.
    Unknown(&'static str),
}

/// How old the description of a template may be: the timer reads it every few
/// minutes, so an older one says that nobody knows what WhatsApp says of it.
const TEMPLATE_KEPT: SignedDuration = SignedDuration::from_hours(2);

/// What the campaign says.
pub(crate) async fn read(
    tenant: TenantId,
    campaign: &Campaign,
    transport: &Transport,
    deps: &Deps,
) -> Result<Result<Content, Gap>, Fault> {
    use platform::campaigns::Content as Planned;

    match &campaign.plan.content {
        Planned::Answer(answer) => Ok(Ok(Content::Answer(reply(tenant, answer, deps).await?))),
        Planned::Template(planned) => {
            let filling = filling(tenant, campaign, planned, transport, deps).await?;
            Ok(filling.map(Content::Template))
        }
    }
}

/// An answer goes out without the way to the page where that cannot be signed:
/// it says how to stop all the same.
async fn reply(tenant: TenantId, answer: &Answer, deps: &Deps) -> Result<Reply, Fault> {
    let known = deps.campaigns.tenant(tenant).await?;
    let pages = match answer.kind {
        AnswerKind::Help if deps.public_url.is_some() => Pages::of(tenant, deps).await?,
        AnswerKind::Help | AnswerKind::Confirmation { .. } => None,
    };
    Ok(Reply {
        answer: answer.clone(),
        business: known.map(|known| known.business_name).unwrap_or_default(),
        pages,
    })
}

async fn filling(
    tenant: TenantId,
    campaign: &Campaign,
    planned: &Templated,
    transport: &Transport,
    deps: &Deps,
) -> Result<Result<Filling, Gap>, Fault> {
    let unknown = |why| Ok(Err(Gap::Unknown(why)));
    let plan = &campaign.plan;
    let wanted = &planned.template;
    let synced = deps
        .campaigns
        .template(tenant, &wanted.name, &wanted.language)
        .await?;
    let Some(synced) = synced else {
        return unknown("its template was never read from WhatsApp");
    };
    let Ok(template) = Template::parse(&synced.json) else {
        return unknown("its template cannot be read");
    };
    let now = deps.clock.now();
    if now.duration_since(synced.synced_at) > TEMPLATE_KEPT {
        return unknown("its template was not read from WhatsApp for too long");
    }
    let present = synced.fingerprint()?;
    let approved = campaign.approved.as_ref();
    let approved = approved.map_or(&present, |approved| &approved.template);
    if let Some(reason) = template_hold(&template, &plan.purpose, approved, &present) {
        return Ok(Err(Gap::Hold(reason)));
    }
    let entries = planned.mapping.iter();
    let Ok(mapping) = Mapping::parse(entries.map(|(k, v)| (k.as_str(), v.as_str()))) else {
        return unknown("its mapping cannot be read");
    };
    let pages = if mapping.leads_to_page() {
        match Pages::of(tenant, deps).await? {
            Some(pages) => Some(pages),
            None => return unknown("the key of people's pages is too short"),
        }
    } else {
        None
    };
    let media = deps
        .campaigns
        .header_media(tenant, campaign, &template, &mapping)
        .await?;
    let media = match media {
        Ok(media) => media,
        Err(reason) => return Ok(Err(Gap::Hold(reason))),
    };
    let header = match (media, header_file(&template, &mapping)) {
        (Some(media), Some((kind, reference))) => {
            let wanted = file::Wanted {
                tenant,
                phone_number_id: &plan.sender,
                kind,
                reference,
                media,
            };
            match file::header(wanted, transport, deps).await? {
                Ok(header) => Some(header),
                Err(reason) => return Ok(Err(Gap::Hold(reason))),
            }
        }
        _ => None,
    };
    Ok(Ok(Filling {
        template,
        mapping,
        pages,
        header,
    }))
}
