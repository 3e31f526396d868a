//! The WhatsApp Business Cloud API, as this service uses it.

mod client;
mod gate;
pub mod signature;
mod wire;

pub use self::client::{Answer, Client, Credentials, Endpoint, MediaFile, Refused, Sent, Uploaded};
pub use self::wire::{
    Blocked, Component, MediaId, Message, NumberResponse, Parameter, TemplateMessage, TextMessage,
};
