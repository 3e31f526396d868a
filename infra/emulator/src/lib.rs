//! AWS on one machine: everything that the template describes, in one process,
//! so that the whole service runs with nothing but Rust.
//!
//! - [`template`] reads the SAM template;
//! - [`dynamodb`], [`s3`], [`secrets`] and [`sqs`] are the services, which the
//!   unmodified AWS SDK talks to over loopback HTTP, and [`sns`] hands on to
//!   functions what is published to it;
//! - [`invocations`] keeps what functions are handed without anybody waiting;
//! - [`aws`] starts them all as the template says;
//! - [`wiring`] hands each function the JSON that Lambda would hand it;
//! - [`client`] puts layers between the SDK and the services: [`crash`] kills a
//!   function after any of its effects, [`faults`] makes the trouble of an
//!   ordinary day, [`access`] holds a function to its role, and [`meter`] counts
//!   what it costs.
//!
//! Time is a [`SharedClock`](platform::clock::SharedClock) everywhere, so that
//! a test can hold it; [`virtual_time`] has one that jumps from event to event.

pub mod access;
pub mod account;
pub mod aws;

pub mod client;
pub mod crash;
pub mod dynamodb;
pub mod faults;
mod ids;
pub mod invocations;
pub mod meter;
pub mod s3;
pub mod secrets;
pub mod sns;
pub mod sqs;
pub mod template;
pub mod virtual_time;
pub mod wiring;
