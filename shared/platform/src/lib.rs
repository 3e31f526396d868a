//! The world: everything asynchronous, everything AWS, everything WhatsApp.
//!
//! A file per thing of the world. Functions gather facts through this crate,
//! `policy` decides, and functions act through this crate.

pub mod clock;
