//! The WhatsApp Business Cloud API, as this service uses it, and Amazon's way to
//! it.

mod client;
mod gate;
mod history;
pub mod signature;
#[cfg(feature = "social")]
pub mod social;
pub mod topic;
#[cfg(feature = "social")]
mod transport;
mod wire;

pub use self::client::{Answer, Client, Credentials, Endpoint, MediaFile, Refused, Sent, Uploaded};
pub use self::history::HistoryPage;
#[cfg(feature = "social")]
pub use self::transport::Transport;
pub use self::wire::{
    Blocked, Component, MediaId, Message, NumberResponse, Parameter, TemplateMessage, TextMessage,
};
