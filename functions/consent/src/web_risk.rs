//! Web Risk, once its key was read.

use std::sync::Arc;

use platform::fault::{Fault, chain};
use platform::reputation::{Standing, WebRisk};
use platform::secrets::Secrets;
use tokio::sync::OnceCell;
use url::Url;

/// Opens at the first question.
#[derive(Clone, Debug)]
pub(crate) struct WebRiskDoor {
    pub(crate) url: String,
    /// Where the key is kept; `None` if nobody is asked.
    pub(crate) secret: Option<String>,
    pub(crate) secrets: Secrets,
    pub(crate) client: Arc<OnceCell<WebRisk>>,
}

/// Requests of one process: a template has few links, and they are remembered.
const BUDGET: u32 = 1_000;

impl WebRiskDoor {
    /// What Web Risk says; a key that cannot be read is no answer.
    pub(crate) async fn standing(&self, address: &Url, now: jiff::Timestamp) -> Standing {
        let Some(secret) = &self.secret else {
            return Standing::Unlisted;
        };
        match self.client.get_or_try_init(|| self.open(secret)).await {
            Ok(client) => client.standing(address, now).await,
            Err(fault) => {
                tracing::warn!(error = chain(&fault), "nobody can be asked about links");
                Standing::Unavailable
            }
        }
    }

    async fn open(&self, secret: &str) -> Result<WebRisk, Fault> {
        WebRisk::new(&self.url, self.secrets.read(secret).await?, BUDGET)
    }
}
