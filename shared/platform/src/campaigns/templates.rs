//! Templates as WhatsApp last described them.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use policy::ids::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table::{self, millis, moment};

/// A template in Meta's own JSON, and when it was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SyncedTemplate {
    /// Meta's listing entry.
    pub json: String,
    /// When it was read.
    pub synced_at: Timestamp,
    /// Whether WhatsApp told something of it since: it is to be read again.
    pub has_news: bool,
}

impl SyncedTemplate {
    /// SHA-256 of what the template says and how it is filled, in hexadecimal:
    /// the same however Meta orders its JSON, and whatever the template's
    /// status, category and quality are.
    pub fn fingerprint(&self) -> Result<String, Fault> {
        let entry: Value = serde_json::from_str(&self.json)
            .map_err(|error| Fault::lasting("read a template", error))?;
        let mut text = String::new();
        for field in ["name", "language", "parameter_format", "components"] {
            canonical(entry.get(field).unwrap_or(&Value::Null), &mut text);
            text.push('\n');
        }
        let digest = Sha256::digest(text);
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// JSON with sorted names; examples are not what people read.
fn canonical(value: &Value, to: &mut String) {
    match value {
        Value::Object(fields) => {
            to.push('{');
            let fields: BTreeMap<_, _> = fields.iter().collect();
            for (name, value) in fields {
                if name != "example" {
                    to.push_str(&Value::from(name.as_str()).to_string());
                    to.push(':');
                    canonical(value, to);
                    to.push(',');
                }
            }
            to.push('}');
        }
        Value::Array(values) => {
            to.push('[');
            for value in values {
                canonical(value, to);
                to.push(',');
            }
            to.push(']');
        }
        plain => to.push_str(&plain.to_string()),
    }
}

#[derive(Deserialize, Serialize)]
struct TemplateItem {
    v: u8,
    json: String,
    synced_at: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_news: bool,
}

impl Campaigns {
    /// A template as last read, by name and language.
    pub async fn template(
        &self,
        tenant: TenantId,
        name: &str,
        language: &str,
    ) -> Result<Option<SyncedTemplate>, Fault> {
        let key = CampaignKey::Template(tenant, name.to_owned(), language.to_owned()).key();
        let item: Option<TemplateItem> = self.row(&key).await?;
        Ok(item.map(|item| SyncedTemplate {
            json: item.json,
            synced_at: moment(item.synced_at),
            has_news: item.has_news,
        }))
    }

    /// Notes that WhatsApp told something of a template, in one language or in
    /// all of them; whether it is one that was ever read.
    pub async fn note_template_news(
        &self,
        tenant: TenantId,
        name: &str,
        language: Option<&str>,
    ) -> Result<bool, Fault> {
        let languages = match language {
            // Webhooks write `en-US` for what the listing calls `en_US`.
            Some(language) => vec![language.replace('-', "_")],
            None => self.template_languages(tenant, name).await?,
        };
        let mut is_known = false;
        for language in languages {
            let key = CampaignKey::Template(tenant, name.to_owned(), language).key();
            is_known |= self
                .table
                .update_if(
                    key,
                    "SET has_news = :true",
                    "attribute_exists(pk)",
                    [(":true", AttributeValue::Bool(true))],
                    "note news of a template",
                )
                .await?;
        }
        Ok(is_known)
    }

    async fn template_languages(&self, tenant: TenantId, name: &str) -> Result<Vec<String>, Fault> {
        let pk = CampaignKey::Tenant(tenant).key().pk;
        let prefix = CampaignKey::Template(tenant, name.to_owned(), String::new())
            .key()
            .sk;
        let items = self.table.partition(&pk, &prefix, true).await?;
        let mut languages = Vec::new();
        for item in &items {
            let key = CampaignKey::parse(&table::key_of(item)?);
            if let Some(CampaignKey::Template(_, _, language)) = key {
                languages.push(language);
            }
        }
        Ok(languages)
    }

    /// Notes a template as just read.
    pub async fn put_template(
        &self,
        tenant: TenantId,
        name: &str,
        language: &str,
        template: &SyncedTemplate,
    ) -> Result<(), Fault> {
        let key = CampaignKey::Template(tenant, name.to_owned(), language.to_owned()).key();
        let item = TemplateItem {
            v: 1,
            json: template.json.clone(),
            synced_at: millis(template.synced_at),
            has_news: template.has_news,
        };
        self.put_row(&key, &item).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(json: &str) -> String {
        let synced = SyncedTemplate {
            json: json.to_owned(),
            synced_at: Timestamp::UNIX_EPOCH,
            has_news: false,
        };
        synced.fingerprint().unwrap()
    }

    #[test]
    fn a_fingerprint_is_of_what_people_read() {
        let one = fingerprint(
            r#"{"name":"t","status":"APPROVED","components":[{"type":"BODY","text":"Halo"}]}"#,
        );
        for same in [
            r#"{"components":[{"text":"Halo","type":"BODY"}],"status":"PAUSED","name":"t"}"#,
            r#"{"name":"t","category":"UTILITY","components":[{"type":"BODY","text":"Halo","example":{"x":1}}]}"#,
        ] {
            assert_eq!(fingerprint(same), one, "{same}");
        }
        let other = r#"{"name":"t","components":[{"type":"BODY","text":"Hello"}]}"#;
        assert_ne!(fingerprint(other), one);
    }
}
