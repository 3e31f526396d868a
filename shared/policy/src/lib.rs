//! The rules.

pub mod reply;
