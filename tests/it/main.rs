//! Stories over the whole service: real functions, real SDK, emulated AWS and
//! WhatsApp, a clock that the test holds, and crashes where it wants them.

mod advertising;
mod answers;
mod browser;
mod clamd;
mod control;
mod control_ends;
mod crash;
mod declined;
mod events;
mod explain;
mod fail_closed;
mod floors;
mod imports;
mod inbound;
mod inbound_forgery;
mod links;
mod media;
mod news;
mod pace;
mod page;
mod privacy;
mod redelivery;
mod rights;
mod send_model;
mod settings;
mod single;
mod skip;
mod stop;
mod stop_anywhere;
mod stopped_at_whatsapp;
mod straight;
mod template;
mod tier;
mod webhooks;
mod world;
