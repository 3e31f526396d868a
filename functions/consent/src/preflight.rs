//! What a campaign's message says and where its links lead, before its people
//! are judged.

use platform::campaigns::{Campaign, Preflighted};
use platform::fault::Fault;
use policy::content::{self, Mapping, Template};
use policy::ids::{CampaignId, TenantId};
use policy::links::{Context, Verdict};
use policy::preflight::{self, Preflight};
use policy::reason::RefusalReason;
use policy::subscription::Subscription;

use crate::Deps;

/// A template and where its values come from.
#[derive(Debug)]
pub(crate) struct Message {
    template: Template,
    mapping: Mapping,
}

impl Message {
    /// `None` if either cannot be read.
    pub(crate) fn read(campaign: &Campaign, json: &str) -> Option<Self> {
        let entries = &campaign.plan.mapping;
        let entries = entries.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        Some(Self {
            template: Template::parse(json).ok()?,
            mapping: Mapping::parse(entries).ok()?,
        })
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
            Preflighted {
                content: preflight::fingerprint(template, mapping, None),
                preflight: preflight::of_template(template, mapping, context),
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
