//! Stories over the whole service: real functions, real SDK, emulated AWS and
//! WhatsApp, a clock that the test holds, and crashes where it wants them.

mod browser;
mod clamd;
mod control;
mod control_ends;
mod crash;
mod declined;
mod explain;
mod fail_closed;
mod floors;
mod imports;
mod inbound;
mod inbound_forgery;
mod links;
mod media;
mod media_suite;
mod old_verdicts;
mod pace;
mod page;
mod privacy;
mod redelivery;
mod send_model;
mod settings;
mod single;
mod skip;
mod stop;
mod stop_anywhere;
mod straight;
mod template;
mod tier;
mod world;
