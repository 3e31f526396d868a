//! What people do at one business number, by the driver's hand.

use jiff::Timestamp;

use crate::person::is_stop_wording;
use crate::server::Shared;
use crate::wa_id::WaId;
use crate::world::{Preference, World};

/// One business number, seen by the people who write to it. Everything here
/// happens now, by the simulation's clock.
#[derive(Debug)]
pub struct Inbox<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) number: String,
}

impl Inbox<'_> {
    /// A person writes. Counts as a wish to stop if the text is one of the
    /// wordings that simulated people use.
    pub fn says(&self, person: &WaId, text: &str) {
        let stop = is_stop_wording(text);
        self.act(|world, at| world.say(at, person, &self.number, text, stop));
    }

    /// A person asks, in these words, to stop.
    pub fn says_stop(&self, person: &WaId, text: &str) {
        self.act(|world, at| world.say(at, person, &self.number, text, true));
    }

    /// A person uses WhatsApp's own switch for marketing.
    pub fn prefers(&self, person: &WaId, preference: Preference) {
        self.act(|world, at| world.switch(at, person, &self.number, preference));
    }

    /// A person moves to another number, and WhatsApp tells of it.
    pub fn changes_number(&self, old: &WaId, new: &WaId) {
        self.act(|world, at| world.change_number(at, old, new, &self.number));
    }

    /// From now on and over the time that [`EarlyStops`](crate::EarlyStops)
    /// sets, some of these people say stop of their own accord, each at a time
    /// of their own. How many will.
    pub fn plan_early_stops(&self, people: &[WaId]) -> usize {
        self.act(|world, at| world.plan_early_stops(at, &self.number, people))
    }

    fn act<T>(&self, act: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let now = self.shared.clock.now();
        let mut world = self.shared.world();
        world.advance(now);
        let result = act(&mut world, now);
        drop(world);
        self.shared.wake.notify_one();
        result
    }
}
