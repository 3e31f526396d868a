//! What a campaign's message says and where its links lead, before its people
//! are judged.

use platform::campaigns::{Preflighted, Templated};
use platform::expansion::{ExpandError, Way};
use platform::fault::Fault;
use platform::reputation::Standing;
use policy::campaign::CampaignState;
use policy::content::{self, Mapping, Template};
use policy::ids::{CampaignId, TenantId};
use policy::links::{self, Context, Reason, Verdict};
use policy::preflight::{self, CheckedFile, Preflight, age};
use policy::reason::RefusalReason;
use policy::subscription::Subscription;
use url::Url;

use crate::Deps;

/// A template and where its values come from.
#[derive(Debug)]
pub(crate) struct Message {
    template: Template,
    mapping: Mapping,
}

impl Message {
    /// `None` if either cannot be read.
    pub(crate) fn read(content: &Templated, json: &str) -> Option<Self> {
        let entries = content
            .mapping
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()));
        Some(Self {
            template: Template::parse(json).ok()?,
            mapping: Mapping::parse(entries).ok()?,
        })
    }

    /// Whether it is harmful before anybody's values are in it: then it says
    /// nothing about a person.
    pub(crate) fn is_harmful(&self, context: &Context) -> bool {
        preflight::of_template(&self.template, &self.mapping, context).verdict == Verdict::Block
    }

    /// Whether one person's values make it harmful. A value that is missing is
    /// refused at the wire, with its own reason.
    pub(crate) fn judge(
        &self,
        subscription: &Subscription,
        context: &Context,
    ) -> Result<(), RefusalReason> {
        let filled = content::parameters(&self.template, &self.mapping, subscription, Some(A_PAGE));
        match filled {
            Ok(parameters) => preflight::of_person(&self.template, &parameters, context),
            Err(_) => Ok(()),
        }
    }
}

/// Stands for the end of a person's own page, which is made at the wire.
const A_PAGE: &str = "page";

/// Judges the message and writes down what was found. Nothing stops here: the
/// people are judged all the same, and whoever approves reads both.
pub(crate) async fn look(
    tenant: TenantId,
    id: CampaignId,
    message: Option<&Message>,
    context: &Context,
    is_again: bool,
    deps: &Deps,
) -> Result<(), Fault> {
    let found = match message {
        Some(message) => {
            let Message { template, mapping } = message;
            let mut preflight = preflight::of_template(template, mapping, context);
            let settings = deps.campaigns.settings(tenant).await?;
            let unknown = settings.unknown_links.verdict();
            ask_others(&mut preflight, context, unknown, deps).await;
            let sha256 = look_at_file(tenant, message, is_again, &mut preflight, deps).await?;
            Preflighted {
                content: preflight::fingerprint(template, mapping, sha256.as_deref()),
                preflight,
                at: deps.clock.now(),
            }
        }
        None => {
            let mut unread = Preflight::default();
            unread.note("template", "template_unreadable", Verdict::Block, "");
            Preflighted {
                content: String::new(),
                preflight: unread,
                at: deps.clock.now(),
            }
        }
    };
    tracing::info!(
        campaign = %id,
        verdict = found.preflight.verdict.code(),
        findings = found.preflight.findings.len(),
        "message looked at"
    );
    deps.campaigns.put_preflight(tenant, id, &found).await
}

/// Looks at a message again whose verdict grows old, and at nobody's values.
/// One that is not known well enough keeps the old verdict until that expires.
pub(crate) async fn look_again(tenant: TenantId, id: CampaignId, deps: &Deps) -> Result<(), Fault> {
    let Some(campaign) = deps.campaigns.campaign(tenant, id).await? else {
        return Ok(());
    };
    let found = deps.campaigns.preflight(tenant, id).await?;
    let now = deps.clock.now();
    let is_old = found.is_some_and(|found| age::is_to_renew(found.at, now));
    if !is_old || campaign.state.is_final() || campaign.state == CampaignState::Validating {
        return Ok(());
    }
    let Some(content) = campaign.plan.templated() else {
        return Ok(());
    };
    let wanted = &content.template;
    let known = deps
        .campaigns
        .template(tenant, &wanted.name, &wanted.language)
        .await?;
    let Some(known) = known else {
        return Ok(());
    };
    let terms = deps
        .campaigns
        .terms_with(tenant, &campaign, Some(&known))
        .await?;
    let message = Message::read(content, &known.json);
    look(tenant, id, message.as_ref(), &terms.links, true, deps).await
}

/// Judges the file that the header shows; its SHA-256, if it is usable. The
/// content that waits for a verdict is another than the one that has it. How old
/// the file's own verdict is counts when somebody is to approve; looked at
/// again, that is the worker's question, who asks it of the file itself.
async fn look_at_file(
    tenant: TenantId,
    message: &Message,
    is_again: bool,
    preflight: &mut Preflight,
    deps: &Deps,
) -> Result<Option<String>, Fault> {
    let wanted = preflight::header_file(&message.template, &message.mapping);
    let Some((kind, reference)) = wanted else {
        return Ok(None);
    };
    let file = deps.campaigns.media_named(tenant, reference).await?;
    let file = file.map(|file| {
        let checked = file.checked(deps.clock.now());
        CheckedFile {
            expired: checked.expired && !is_again,
            ..checked
        }
    });
    preflight.judge_file(Some(kind), reference, file.as_ref());
    let usable = file.filter(CheckedFile::is_good);
    Ok(usable.and_then(|file| file.sha256))
}

/// How many links of a message are looked up; a template has fewer.
const LINKS_MAX: usize = 20;

/// Finds out where short links end, and what others know of every address.
/// Once for each validation, never for a person: it would tell who clicks.
async fn ask_others(preflight: &mut Preflight, context: &Context, unknown: Verdict, deps: &Deps) {
    let mut links = std::mem::take(&mut preflight.links);
    for link in links.iter_mut().take(LINKS_MAX) {
        // A variable stands at the end, and nobody's value is looked up.
        let fixed = link.leads_to.split("%7B%7B").next().unwrap_or_default();
        let Ok(address) = Url::parse(fixed) else {
            continue;
        };
        let mut addresses = vec![address];
        if let Some(expander) = &deps.expander
            && is_short(&link.shown, context)
        {
            match expander.expand(&addresses[0]).await {
                Ok(Way { over, end }) => {
                    link.ends_at = Some(end.to_string());
                    for hop in over.iter().chain([&end]) {
                        for finding in links::check(hop.as_str(), context).findings {
                            // That a short link leads over another is no news;
                            // where both lead is known by now.
                            if finding.reason == Reason::Shortener && *hop != end {
                                continue;
                            }
                            let (reason, shown) = (finding.reason.code(), finding.shown);
                            preflight.note(&link.place, reason, finding.verdict, &shown);
                        }
                    }
                    addresses.extend(over);
                    addresses.push(end);
                }
                Err(ExpandError::Forbidden | ExpandError::NotWeb) => {
                    let code = Reason::SsrfTarget.code();
                    preflight.note(&link.place, code, Verdict::Block, &link.shown);
                }
                Err(_) => {
                    let code = Reason::NotExpanded.code();
                    preflight.note(&link.place, code, Verdict::Warn, &link.shown);
                }
            }
        }
        for address in &addresses {
            let (code, verdict) = match standing(address, deps).await {
                Standing::Unlisted => continue,
                Standing::Listed => (Reason::Listed.code(), Verdict::Block),
                Standing::Unavailable => (Reason::ReputationUnavailable.code(), unknown),
            };
            preflight.note(&link.place, code, verdict, &link.shown);
        }
    }
    preflight.links = links;
}

/// Asks everybody, the nearest first.
async fn standing(address: &Url, deps: &Deps) -> Standing {
    if address.host_str().is_some_and(|host| deps.hosts.hold(host)) {
        return Standing::Listed;
    }
    deps.web_risk.standing(address, deps.clock.now()).await
}

fn is_short(shown: &str, context: &Context) -> bool {
    // Nobody's own domain excuses a link of which the end is not known.
    let strict = Context {
        allowed: Vec::new(),
        ..context.clone()
    };
    links::check(shown, &strict)
        .findings
        .iter()
        .any(|finding| finding.reason == Reason::Shortener)
}
