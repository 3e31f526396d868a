//! What a campaign's message says and where its links lead, before its people
//! are judged.

use platform::campaigns::{Preflighted, Templated};
use platform::expansion::ExpandError;
use platform::fault::Fault;
use platform::reputation::Standing;
use policy::content::{self, Mapping, Template};
use policy::ids::{CampaignId, TenantId};
use policy::links::{self, Context, Reason, Verdict};
use policy::preflight::{self, Preflight};
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
    deps: &Deps,
) -> Result<(), Fault> {
    let found = match message {
        Some(message) => {
            let Message { template, mapping } = message;
            let mut preflight = preflight::of_template(template, mapping, context);
            let settings = deps.campaigns.settings(tenant).await?;
            let unknown = settings.unknown_links.verdict();
            ask_others(&mut preflight, context, unknown, deps).await;
            let sha256 = look_at_file(tenant, message, &mut preflight, deps).await?;
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

/// Judges the file that the header shows; its SHA-256, if it is usable. The
/// content that waits for a verdict is another than the one that has it.
async fn look_at_file(
    tenant: TenantId,
    message: &Message,
    preflight: &mut Preflight,
    deps: &Deps,
) -> Result<Option<String>, Fault> {
    let wanted = preflight::header_file(&message.template, &message.mapping);
    let Some((kind, reference)) = wanted else {
        return Ok(None);
    };
    let file = deps.campaigns.media_named(tenant, reference).await?;
    let file = file.map(|file| file.checked());
    preflight.judge_file(kind, reference, file.as_ref());
    let usable = file.filter(|file| file.usable);
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
                Ok(end) => {
                    link.ends_at = Some(end.to_string());
                    for finding in links::check(end.as_str(), context).findings {
                        let (reason, shown) = (finding.reason.code(), finding.shown);
                        preflight.note(&link.place, reason, finding.verdict, &shown);
                    }
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
