//! The simulator over loopback HTTP, under a clock that the tests hold.

mod catalog;
mod faults;
mod harness;
mod limits;
mod messages;
mod people;
mod social;
mod webhooks;
