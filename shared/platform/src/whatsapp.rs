//! The WhatsApp Business Cloud API, as this service uses it.

mod client;
mod gate;
pub mod signature;
mod wire;

pub use self::client::{Answer, Client, Credentials, MediaFile, Refused, Sent, Uploaded};
pub use self::wire::{Component, MediaId, Message, Parameter, TemplateMessage, TextMessage};
