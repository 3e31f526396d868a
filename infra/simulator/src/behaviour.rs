//! What simulated people do, as shares of all people.

use std::time::Duration;

use crate::config::Delay;

/// How people behave. Shares run from 0 to 1; the ones under "what people do
/// with a message they have read" exclude each other and should add up to at
/// most 1.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Has WhatsApp; the others end in 131026.
    pub on_whatsapp: f64,
    /// From acceptance to `sent`.
    pub sent_after: Delay,
    /// From `sent` to `delivered`.
    pub delivered_after: Delay,
    /// Has the phone switched off: messages are sent and never delivered.
    pub phone_off: f64,
    /// Reads messages, with read receipts on.
    pub reads: f64,
    /// From delivery to reading.
    pub read_after: Delay,
    /// Of the messages read, those for which no `delivered` is reported.
    pub read_without_delivered: f64,
    /// Of the messages delivered, those that are reported failed as well, as
    /// happens to people with several devices. Delivered is the truth.
    pub contradicted: f64,

    /// Answers that messages should stop, in words.
    pub says_stop: f64,
    /// Presses the template's stop button (or says stop where there is none).
    pub presses_stop: f64,
    /// Uses WhatsApp's own switch against marketing.
    pub switches_marketing_off: f64,
    /// Blocks the business: later messages are sent and never delivered.
    pub blocks: f64,
    /// Answers something harmless.
    pub chats: f64,
    /// From reading to doing one of these.
    pub reacts_after: Delay,

    /// Is shown with a business-scoped user id besides the number.
    pub has_user_id: f64,
    /// Hides the number: what they write carries the user id alone.
    pub hides_number: f64,

    /// Has had enough marketing from other businesses (131049).
    pub saturated: f64,
    /// Messages that fail later, by code and share: `(130472, 0.01)`.
    pub fails_later: Vec<(u32, f64)>,

    /// Says stop before any message came.
    pub early_stops: EarlyStops,
}

impl Default for Behaviour {
    /// Everyone has WhatsApp, gets messages within a second or two, reads
    /// seven in ten within a minute, and answers nothing.
    fn default() -> Self {
        Self {
            on_whatsapp: 1.0,
            sent_after: Delay::ms(50, 400),
            delivered_after: Delay::ms(100, 1_500),
            phone_off: 0.0,
            reads: 0.7,
            read_after: Delay::ms(1_000, 60_000),
            read_without_delivered: 0.0,
            contradicted: 0.0,
            says_stop: 0.0,
            presses_stop: 0.0,
            switches_marketing_off: 0.0,
            blocks: 0.0,
            chats: 0.0,
            reacts_after: Delay::ms(1_000, 20_000),
            has_user_id: 0.0,
            hides_number: 0.0,
            saturated: 0.0,
            fails_later: Vec::new(),
            early_stops: EarlyStops::default(),
        }
    }
}

/// People who say stop while a campaign runs and before their own message.
#[derive(Debug, Clone, Copy)]
pub struct EarlyStops {
    /// Share of the numbers given.
    pub fraction: f64,
    /// They speak at a time of their own, from now to so much later.
    pub within: Duration,
}

impl Default for EarlyStops {
    /// Nobody.
    fn default() -> Self {
        Self {
            fraction: 0.0,
            within: Duration::from_secs(60),
        }
    }
}
