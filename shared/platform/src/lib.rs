//! The world: everything asynchronous, everything AWS, everything WhatsApp.
//!
//! A file per thing of the world. Functions gather facts through this crate,
//! `policy` decides, and functions act through this crate.
//!
//! - Time, ids, settings: [`clock`], [`ids`], [`config`].
//! - What is seen from outside: [`telemetry`], [`metrics`], [`fault`].
//! - Tables: [`keys`] (every key shape), [`contacts`], [`campaigns`] and its
//!   parts, [`rate`], [`tier`]; what tenants are told of: [`events`].
//! - The rest of AWS: [`aws`], [`queue`], [`objects`], [`inbound`], [`secrets`],
//!   [`batch`].
//! - WhatsApp: [`whatsapp`].
//! - Who is asked about links and files: [`expansion`], [`reputation`],
//!   [`clamd`]; who is told of events: [`poster`]. Both stay [`outside`].

pub mod aws;
pub mod batch;
pub mod campaigns;
pub mod clamd;
pub mod clock;
pub mod config;
pub mod contacts;
pub mod events;
pub mod expansion;
pub mod fault;
pub mod ids;
pub mod inbound;
pub mod invocation;
pub mod keys;
pub mod metrics;
pub mod objects;
pub mod outside;
pub mod poster;
pub mod queue;
pub mod rate;
pub mod reputation;
pub mod secrets;
mod table;
pub mod telemetry;
pub mod tier;
pub mod whatsapp;
