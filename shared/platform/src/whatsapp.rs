//! The WhatsApp Business Cloud API, as this service uses it.

mod client;
pub mod signature;
mod wire;

pub use self::client::{Answer, Client, Credentials, Refused};
pub use self::wire::{Component, Parameter, TemplateMessage};
