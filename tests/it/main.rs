//! Stories over the whole service: real functions, real SDK, emulated AWS and
//! WhatsApp, a clock that the test holds, and crashes where it wants them.

mod browser;
mod crash;
mod explain;
mod fail_closed;
mod floors;
mod inbound;
mod inbound_forgery;
mod pace;
mod page;
mod privacy;
mod redelivery;
mod settings;
mod skip;
mod stop;
mod straight;
mod template;
mod tier;
mod world;
