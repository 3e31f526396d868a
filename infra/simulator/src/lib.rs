//! WhatsApp on one machine: the Graph API that a business talks to, the signed
//! webhooks that talk back, and the people who read, block, chat and say stop.
//!
//! The crate depends on no other crate of the house and shares no type with
//! the client it is there to test. Everything here was written from Meta's
//! description of the API, by itself, so one mistake about the API cannot
//! hide on both sides of the wire.
//!
//! Accounts may be linked to AWS End User Messaging Social instead, which the same
//! listener speaks too, with the same limits and faults; what people do is then
//! published to a topic ([`LinkedAccount`]).
//!
//! It also *measures*: what counts is when a request arrived here and whom it
//! was for, not what the sender believes to have sent ([`Report`]).
//!
//! Three kinds of state, three kinds of chance, all by one seed:
//!
//! * **people** are made on first mention from (seed, number): on WhatsApp or
//!   not, how fast their phone is, whether they read, what they answer;
//! * **webhooks** are lost, doubled, held up and batched by (seed, what they
//!   tell), so the order in which work happens does not change them;
//! * **requests** meet faults by plan ([`RequestFault`]).
//!
//! Time comes from the caller's [`Clock`]. With a real one, call
//! [`Simulator::run`] and webhooks go out by themselves. With a clock that a
//! test holds, call [`Simulator::deliver_due`] or [`Simulator::drain`] and
//! they go out on the caller's task, in one fixed order.
//!
//! Phone numbers are personal data even here: no error, no `Debug` text and no
//! report holds one; reports name a person by [`PersonRef`].

mod behaviour;
mod clock;
mod config;
mod courier;
mod delivery;
mod fault;
mod inbox;
mod limits;
mod person;
mod refusal;
mod report;
mod seed;
mod server;
mod simulator;
mod template;
mod wa_id;
mod webhook;
mod wire;
mod world;

pub use behaviour::{Behaviour, EarlyStops};
pub use clock::Clock;
pub use config::{
    BusinessNumber, Config, ConfigError, Delay, HoldPlan, LinkedAccount, RetryPlan, Tier,
    UserMarketingLimit, WebhookChaos,
};
pub use delivery::Delivered;
pub use fault::{FaultEffect, FaultWhen, RequestFault};
pub use inbox::Inbox;
pub use person::PersonRef;
pub use report::{
    CampaignReport, NumberReport, OptOutReport, PersonLog, Report, RequestKind, RequestLog,
    StopKind, StopLog, WebhookReport,
};
pub use simulator::{Simulator, VerifyWebhookError};
pub use wa_id::{ParseWaIdError, WaId};
pub use world::{HeldOutcome, Preference};
