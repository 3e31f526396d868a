//! By which way a number's messages go: one face for both, so that whoever sends
//! does not care.

use policy::phone::PhoneNumber;

use super::client::{Client, Credentials, Endpoint, MediaFile, Sent, Uploaded};
use super::social;
use super::wire::Message;
use crate::contacts::Claimed;
use crate::fault::Fault;

/// A way to WhatsApp, with the right to use it.
#[derive(Clone, Debug)]
pub enum Transport {
    /// WhatsApp's own Cloud API.
    CloudApi {
        /// Speaks to it.
        client: Client,
        /// The right to.
        credentials: Credentials,
    },
    /// AWS End User Messaging Social.
    Social {
        /// Speaks to it, with the function's role.
        client: social::Client,
        /// What Amazon calls the number.
        number: String,
    },
}

impl Transport {
    /// A stable name for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CloudApi { .. } => "cloud_api",
            Self::Social { .. } => "end_user_messaging_social",
        }
    }

    /// Whose a file is that was uploaded this way for the number that WhatsApp
    /// calls `phone_number_id`: what one way keeps, the other may not show.
    pub fn keeper<'a>(&'a self, phone_number_id: &'a str) -> &'a str {
        match self {
            Self::CloudApi { .. } => phone_number_id,
            Self::Social { number, .. } => number,
        }
    }

    /// Makes the one request that `claimed` allows, on a connection that is open
    /// already. Amazon chooses the endpoint at WhatsApp by itself.
    pub async fn send(
        &self,
        endpoint: Endpoint<'_>,
        claimed: Claimed,
        to: &PhoneNumber,
        message: &Message,
        callback: &str,
    ) -> Sent {
        match self {
            Self::CloudApi {
                client,
                credentials,
            } => {
                let sent = client.send(credentials, endpoint, claimed, to, message, callback);
                sent.await
            }
            Self::Social { client, number } => {
                client.send(number, claimed, to, message, callback).await
            }
        }
    }

    /// Sees to it that `connections` are open and free; `false` if any could not
    /// be opened.
    pub async fn warm(&self, connections: usize) -> bool {
        match self {
            Self::CloudApi { client, .. } => client.warm(connections).await,
            Self::Social { client, .. } => client.warm(connections).await,
        }
    }

    /// Uploads a file for the number that WhatsApp calls `phone_number_id`.
    pub async fn upload(&self, phone_number_id: &str, file: MediaFile) -> Result<Uploaded, Fault> {
        match self {
            Self::CloudApi {
                client,
                credentials,
            } => client.upload(credentials, phone_number_id, file).await,
            Self::Social { client, number } => client.upload(number, file).await,
        }
    }
}
