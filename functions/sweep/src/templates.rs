//! What WhatsApp says of a template, kept fresh.

use jiff::SignedDuration;
use platform::campaigns::{Campaign, Number, SyncedTemplate};
use platform::fault::Fault;
use platform::whatsapp::Credentials;
use policy::ids::TenantId;
use serde_json::Value;

use crate::Deps;

/// How old a template's description may get before it is read again.
const KEPT: SignedDuration = SignedDuration::from_mins(10);

/// Reads the campaign's template from WhatsApp, unless it was read lately and
/// nothing was told of it since. A template that is gone stays known, as
/// deleted.
pub(crate) async fn sync(tenant: TenantId, campaign: &Campaign, deps: &Deps) -> Result<(), Fault> {
    let Some(content) = campaign.plan.templated() else {
        return Ok(());
    };
    let wanted = &content.template;
    let now = deps.clock.now();
    let known = deps
        .campaigns
        .template(tenant, &wanted.name, &wanted.language)
        .await?;
    let is_fresh =
        |known: &SyncedTemplate| !known.has_news && now.duration_since(known.synced_at) < KEPT;
    if known.as_ref().is_some_and(is_fresh) {
        return Ok(());
    }
    let Some(number) = deps.campaigns.number(&campaign.plan.sender).await? else {
        return Ok(());
    };
    let entry = read(&number, &wanted.name, &wanted.language, deps).await?;
    let json = match (entry, known) {
        (Some(entry), _) => entry.to_string(),
        (None, Some(known)) => deleted(&known)?,
        (None, None) => return Ok(()),
    };
    let template = SyncedTemplate {
        json,
        synced_at: now,
        has_news: false,
    };
    deps.campaigns
        .put_template(tenant, &wanted.name, &wanted.language, &template)
        .await
}

/// A template as WhatsApp lists it, asked by the number's own way.
async fn read(
    number: &Number,
    name: &str,
    language: &str,
    deps: &Deps,
) -> Result<Option<Value>, Fault> {
    const OPERATION: &str = "read a template from Amazon";
    let linked = number.by_amazon();
    if let Some(linked) = linked.map_err(|error| Fault::lasting(OPERATION, error))? {
        let Some(social) = &deps.social else {
            return Err(Fault::lasting(OPERATION, "there is no topic to listen to"));
        };
        return social.template(&linked.waba_id, name, language).await;
    }
    let credentials = Credentials {
        token: deps.secrets.read(&deps.token_secret).await?,
    };
    let listed = deps
        .whatsapp
        .templates(&credentials, &number.waba, name)
        .await?;
    let is = |entry: &Value, field: &str, text: &str| {
        entry.get(field).and_then(Value::as_str) == Some(text)
    };
    Ok(listed
        .into_iter()
        .find(|entry| is(entry, "name", name) && is(entry, "language", language)))
}

/// A template that WhatsApp does not list any more.
fn deleted(known: &SyncedTemplate) -> Result<String, Fault> {
    let mut entry: Value = serde_json::from_str(&known.json)
        .map_err(|error| Fault::lasting("read a template", error))?;
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("status".to_owned(), Value::from("DELETED"));
    }
    Ok(entry.to_string())
}
