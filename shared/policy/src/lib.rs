//! The rules: who may be messaged, when, with what, and why not.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no
//! randomness, no logging; the manifest proves it. `now` is an argument.
//!
//! Ground: [`ids`], [`phone`], [`token`], [`purpose`], [`reason`],
//! [`version`]. Rules, a file each: [`consent`], [`person`], [`subscription`],
//! [`campaign`], [`content`], [`jurisdiction`], [`quiet_hours`], [`send`],
//! [`attempt`], [`block`], [`receipt`]. Limits, prices and law are dated files
//! in `data/`, not code.

pub mod attempt;
pub mod block;
pub mod campaign;
pub mod consent;
pub mod content;
pub mod ids;
pub mod import;
pub mod jurisdiction;
pub mod links;
pub mod pace;
pub mod person;
pub mod phone;
pub mod purpose;
pub mod quiet_hours;
pub mod reason;
pub mod receipt;
pub mod send;
pub mod subscription;
pub mod token;
pub mod version;
