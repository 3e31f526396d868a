//! AWS on one machine: everything that the template describes, in one process,
//! so that the whole service runs with nothing but Rust.
//!
//! - [`template`] reads the SAM template;
//! - [`dynamodb`], [`s3`], [`secrets`] and [`sqs`] are the services, which the
//!   unmodified AWS SDK talks to over loopback HTTP;
//! - [`aws`] starts them all as the template says;
//! - [`wiring`] hands each function the JSON that Lambda would hand it;
//! - [`crash`] kills a function after any of its effects.
//!
//! Time is a [`SharedClock`](platform::clock::SharedClock) everywhere, so that
//! a test can hold it.

pub mod account;
pub mod aws;

pub mod crash;
pub mod dynamodb;
mod ids;
pub mod s3;
pub mod secrets;
pub mod sqs;
pub mod template;
pub mod wiring;
