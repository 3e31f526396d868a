//! What happens after acceptance, and what people do.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::World;
use crate::behaviour::EarlyStops;
use crate::clock::later;
use crate::person::{Reaction, Timeline};
use crate::report::{StopKind, StopLog};
use crate::wa_id::WaId;

/// Free-form messages that a number may have delivered each month for free.
const FREE_SERVICE_MESSAGES: u32 = 1_000;

/// Something that happens at a time.
#[derive(Debug)]
pub(crate) enum Event {
    /// A message moves on.
    Message { wamid: String, stage: Stage },
    /// A person reacts to a message they have read.
    Reacts { wamid: String, reaction: Reaction },
    /// A person says stop to a business number.
    SaysStop { person: WaId, number: String },
}

/// Where a message gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Leaves WhatsApp's servers, or turns out to go nowhere.
    Leaves,
    Delivered,
    Read,
    /// Fails with this code.
    Failed(u32),
}

/// A choice by WhatsApp's own switch for marketing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// Marketing is welcome again.
    Resume,
    /// No more marketing; later templates of that kind fail with 131050.
    Stop,
}

impl World {
    /// Lets one event happen, at its own time.
    pub(super) fn happen(&mut self, at: Timestamp, event: Event) {
        match event {
            Event::Message { wamid, stage } => match stage {
                Stage::Leaves => self.leave(at, wamid),
                Stage::Delivered => self.deliver(at, wamid),
                Stage::Read => self.read(at, wamid),
                Stage::Failed(code) => self.tell_status(at, &wamid, "failed", Some(code)),
            },
            Event::Reacts { wamid, reaction } => self.react(at, &wamid, reaction),
            Event::SaysStop { person, number } => {
                let state = self.person(&person);
                let nth = state.written;
                let words = state.person.clone().stop_words(self.seed, nth);
                self.say(at, &person, &number, words, true);
            }
        }
    }

    /// A person writes to a business number. `stop` marks a wish to stop.
    pub(crate) fn say(
        &mut self,
        at: Timestamp,
        person: &WaId,
        number: &str,
        text: &str,
        stop: bool,
    ) {
        self.write(at, person, number);
        let stop = stop.then(|| self.note_stop(at, person, StopKind::Said));
        self.tell_text(at, person, number, text, stop);
    }

    /// A person uses WhatsApp's switch for marketing.
    pub(crate) fn switch(
        &mut self,
        at: Timestamp,
        person: &WaId,
        number: &str,
        preference: Preference,
    ) {
        self.person(person).marketing_off = preference == Preference::Stop;
        let stop = (preference == Preference::Stop)
            .then(|| self.note_stop(at, person, StopKind::Switched));
        self.tell_preference(at, person, number, preference, stop);
    }

    /// A person moves to another number: the old one leaves WhatsApp, and the
    /// business number is told.
    pub(crate) fn change_number(&mut self, at: Timestamp, old: &WaId, new: &WaId, number: &str) {
        let state = self.person(old);
        state.person.on_whatsapp = false;
        state.written += 1;
        let (blocked, marketing_off) = (state.blocked, state.marketing_off);
        let moved = self.person(new);
        moved.person.on_whatsapp = true;
        moved.blocked = blocked;
        moved.marketing_off = marketing_off;
        self.tell_new_number(at, old, new, number);
    }

    pub(crate) fn block(&mut self, person: &WaId) {
        self.person(person).blocked = true;
    }

    /// Picks the people among `people` who say stop on their own, and when.
    /// How many they are.
    pub(crate) fn plan_early_stops(
        &mut self,
        at: Timestamp,
        number: &str,
        people: &[WaId],
    ) -> usize {
        let EarlyStops { fraction, within } = self.behaviour.early_stops;
        let mut planned = 0;
        for person in people {
            let mut chance = self.seed.chance("early_stop", person.expose());
            if chance.hits(fraction) {
                let after = within.mul_f64(chance.fraction());
                let event = Event::SaysStop {
                    person: person.clone(),
                    number: number.to_owned(),
                };
                self.schedule(later(at, after), event);
                planned += 1;
            }
        }
        planned
    }

    pub(super) fn timeline(&mut self, person: &WaId, nth: u64) -> Timeline {
        let person = self.person(person).person.clone();
        person.timeline(self.seed, &self.behaviour, nth)
    }

    fn leave(&mut self, at: Timestamp, wamid: String) {
        let Some(message) = self.messages.get(&wamid) else {
            return;
        };
        let (to, nth) = (message.to.clone(), message.nth);
        let (marketing, in_window) = (message.is_marketing(), message.in_window);
        let timeline = self.timeline(&to, nth);
        if let Some(code) = self.dead_end(at, &to, marketing, in_window, &timeline) {
            return self.tell_status(at, &wamid, "failed", Some(code));
        }
        self.price(at, &wamid);
        self.tell_status(at, &wamid, "sent", None);
        let state = self.person(&to);
        if state.blocked || state.person.phone_off {
            return;
        }
        if marketing && !in_window {
            state.marketing.push(at);
        }
        let stage = Stage::Delivered;
        self.schedule(
            later(at, timeline.delivered_after),
            Event::Message { wamid, stage },
        );
    }

    /// Why a message to this person goes nowhere.
    fn dead_end(
        &mut self,
        at: Timestamp,
        to: &WaId,
        marketing: bool,
        in_window: bool,
        timeline: &Timeline,
    ) -> Option<u32> {
        let limit = self.user_marketing_limit;
        let us_paused = self.us_marketing_paused;
        let state = self.person(to);
        if !state.person.on_whatsapp {
            return Some(131_026);
        }
        if marketing && state.marketing_off {
            return Some(131_050);
        }
        if marketing && us_paused && to.is_us() {
            return Some(131_049);
        }
        if marketing && !in_window {
            if state.person.saturated {
                return Some(131_049);
            }
            if let Some(limit) = limit {
                let fresh = |then: &&Timestamp| later(**then, limit.window) > at;
                let recent = state.marketing.iter().filter(fresh).count();
                if recent >= limit.messages as usize {
                    return Some(131_049);
                }
            }
        }
        timeline.failure
    }

    /// Whether a free-form message is one of the month's free ones.
    fn price(&mut self, at: Timestamp, wamid: &str) {
        let Some(message) = self.messages.get_mut(wamid) else {
            return;
        };
        if message.category != "service" {
            return;
        }
        if let Some(number) = self.numbers.get_mut(&message.number) {
            let date = Offset::UTC.to_datetime(at).date();
            let month = (date.year(), date.month());
            if number.service_month.0 != month {
                number.service_month = (month, 0);
            }
            number.service_month.1 += 1;
            message.free = number.service_month.1 <= FREE_SERVICE_MESSAGES;
        }
    }

    fn deliver(&mut self, at: Timestamp, wamid: String) {
        let Some(message) = self.messages.get(&wamid) else {
            return;
        };
        let (to, nth) = (message.to.clone(), message.nth);
        let timeline = self.timeline(&to, nth);
        let read_after = timeline.read_after;
        if read_after.is_none() || !timeline.skips_delivered {
            self.tell_status(at, &wamid, "delivered", None);
        }
        if timeline.contradicted {
            let (wamid, stage) = (wamid.clone(), Stage::Failed(131_026));
            let after = timeline.delivered_after;
            self.schedule(later(at, after), Event::Message { wamid, stage });
        }
        if let Some(read_after) = read_after {
            let stage = Stage::Read;
            self.schedule(later(at, read_after), Event::Message { wamid, stage });
        }
    }

    fn read(&mut self, at: Timestamp, wamid: String) {
        let Some(message) = self.messages.get(&wamid) else {
            return;
        };
        let (to, nth) = (message.to.clone(), message.nth);
        self.tell_status(at, &wamid, "read", None);
        let timeline = self.timeline(&to, nth);
        if let Some(reaction) = timeline.reaction {
            self.schedule(
                later(at, timeline.reacts_after),
                Event::Reacts { wamid, reaction },
            );
        }
    }

    fn react(&mut self, at: Timestamp, wamid: &str, reaction: Reaction) {
        let Some(message) = self.messages.get(wamid) else {
            return;
        };
        let (to, number) = (message.to.clone(), message.number.clone());
        let stop_button = message.quick_replies.iter().find(|reply| reply.is_stop());
        let stop_button = stop_button.cloned();
        let state = self.person(&to);
        let (person, nth) = (state.person.clone(), state.written);
        match reaction {
            Reaction::Blocks => self.block(&to),
            Reaction::Chats => {
                let talk = person.small_talk(self.seed, nth);
                self.write(at, &to, &number);
                self.tell_small_talk(at, &to, &number, wamid, talk);
            }
            Reaction::PressesStop if let Some(button) = stop_button => {
                self.write(at, &to, &number);
                let stop = self.note_stop(at, &to, StopKind::Pressed);
                self.tell_press(at, &to, &number, wamid, &button, stop);
            }
            Reaction::PressesStop | Reaction::SaysStop => {
                let words = person.stop_words(self.seed, nth);
                self.say(at, &to, &number, words, true);
            }
            Reaction::SwitchesMarketingOff => self.switch(at, &to, &number, Preference::Stop),
        }
    }

    /// Counts an inbound message and opens the service window.
    fn write(&mut self, at: Timestamp, person: &WaId, number: &str) {
        let state = self.person(person);
        state.written += 1;
        state.wrote_at.insert(number.to_owned(), at);
        if let Some(number) = self.numbers.get_mut(number) {
            number.window.count(at);
        }
        if let Some(arrivals) = self.measure.numbers.get_mut(number) {
            arrivals.inbound.push(at);
        }
    }

    /// Logs a wish to stop and says the how manyth of this person it is.
    fn note_stop(&mut self, at: Timestamp, person: &WaId, kind: StopKind) -> usize {
        let state = self.person(person);
        state.log.stops.push(StopLog {
            kind,
            said_at: at,
            posted_at: None,
            acknowledged_at: None,
            before_message: state.templates == 0,
        });
        state.log.stops.len() - 1
    }
}
