//! WhatsApp on one machine.
