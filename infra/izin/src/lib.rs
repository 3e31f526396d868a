//! The whole service on one machine.
//!
//! [`house`] puts the emulated AWS, the eight functions and the WhatsApp
//! simulator together as `template.yaml` says; the demo, the standing service
//! and the tests all live in it.

pub mod demo;
pub mod house;
