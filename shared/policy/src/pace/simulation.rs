//! The slot clock under workers that crash, stall, and have clocks of their
//! own: hours of virtual time, event by event, over the real arithmetic.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Pace;
use super::skew::{self, Skew};
use super::slots::{LEAST_LEAD_US, Lane, Lease, Plan, Reservation, SlotClock, Wish};

const MS: i64 = 1_000;
const SECOND: i64 = 1_000_000;
const BEGIN: i64 = 1_800_000_000 * SECOND;

/// As `send` has them.
const BLOCK: u32 = 100;
const REFILL_LEAD: i64 = 110 * MS;
const CLOCK_RECHECK: i64 = 120 * SECOND;

/// What a simulation is told.
#[derive(Clone, Debug)]
struct Setting {
    seed: u64,
    limit: u32,
    inbound: u32,
    seconds: i64,
    workers: usize,
    /// What each worker's clock says beyond the true time.
    offsets: Vec<i64>,
    /// Of how many leases one is hit: its worker dies at some moment of it.
    crash_every: u64,
    /// Share of slots at which the worker is held up for 5 to 60 ms.
    stalls: f64,
    /// Whether WhatsApp says 130429 to everything in this stretch.
    refused: Option<(i64, i64)>,
}

impl Setting {
    fn usual(seed: u64, limit: u32, seconds: i64) -> Self {
        Self {
            seed,
            limit,
            inbound: Pace::usual_inbound(limit),
            seconds,
            workers: 4,
            // To the edge of the budget, both ways.
            offsets: vec![-3 * MS, 3 * MS, -MS, 2 * MS],
            crash_every: 100,
            stalls: 0.001,
            refused: None,
        }
    }
}

/// What was seen at WhatsApp's side, and what the workers did.
#[derive(Debug)]
struct Seen {
    utilisation: f64,
    outbound: Vec<i64>,
    outbound_over: usize,
    both_over: usize,
    leases: u64,
    crashed: u64,
    forfeited: u64,
    trips: u64,
}

enum Event {
    /// A worker wants slots.
    Ask,
    /// Its write reaches the table.
    Commit { write: Reservation, asked: i64 },
    /// The answer is back: the lease and the stamp before it, or the clock.
    Answer {
        answer: Result<(Lease, i64), SlotClock>,
        date: i64,
        asked: i64,
    },
    /// A slot's moment, by the worker's clock, and when it was awake for it.
    Slot { slot: i64, epoch: u64 },
    /// WhatsApp's answer to one request.
    Done,
    /// 130429 for a slot of this epoch.
    Refused { epoch: u64 },
    /// The process is killed.
    Death,
    /// The next block is in hand.
    Block,
}

struct Worker {
    offset: i64,
    /// Which process: what an earlier one had planned does not happen.
    life: u32,
    remembered: SlotClock,
    skew: Skew,
    waiting: u32,
    in_flight: u32,
    asking: bool,
}

struct World {
    setting: Setting,
    pace: Pace,
    rng: u64,
    table: SlotClock,
    workers: Vec<Worker>,
    events: BinaryHeap<Reverse<(i64, u64, usize, u32)>>,
    what: Vec<Option<Event>>,
    now: i64,
    seen: Seen,
}

fn run(setting: Setting) -> Seen {
    let pace = Pace::usual(setting.limit, setting.inbound);
    let full = pace.milli_rate();
    let workers = (0..setting.workers).map(|at| Worker {
        offset: setting.offsets[at % setting.offsets.len()],
        life: 0,
        remembered: SlotClock::unused(full),
        skew: Skew::default(),
        waiting: 0,
        in_flight: 0,
        asking: false,
    });
    let mut world = World {
        workers: workers.collect(),
        pace,
        rng: setting.seed,
        table: SlotClock::unused(full),
        events: BinaryHeap::new(),
        what: Vec::new(),
        now: BEGIN,
        seen: Seen {
            utilisation: 0.0,
            outbound: Vec::new(),
            outbound_over: 0,
            both_over: 0,
            leases: 0,
            crashed: 0,
            forfeited: 0,
            trips: 0,
        },
        setting,
    };
    for worker in 0..world.workers.len() {
        let later = world.between(0, 20 * MS);
        world.after(later, worker, Event::Block);
    }
    let end = BEGIN + world.setting.seconds * SECOND;
    while let Some(Reverse((at, nth, worker, life))) = world.events.pop() {
        if at > end {
            break;
        }
        world.now = at;
        let event = world.what[usize::try_from(nth).unwrap()].take();
        if let Some(event) = event
            && world.workers[worker].life == life
        {
            world.happen(worker, event);
        }
    }
    world.report()
}

fn wish(full: u64, wanted: u32, now: i64) -> Wish {
    Wish {
        lane: Lane::Campaign,
        wanted,
        full,
        lead_us: LEAST_LEAD_US,
        now,
    }
}

impl World {
    fn happen(&mut self, worker: usize, event: Event) {
        let local = self.now + self.workers[worker].offset;
        let full = self.pace.milli_rate();
        match event {
            Event::Block => {
                self.workers[worker].waiting = BLOCK;
                self.ask(worker, self.now);
            }
            Event::Ask => {
                let me = &mut self.workers[worker];
                me.asking = false;
                if me.waiting == 0 {
                    return;
                }
                if !me.skew.is_bearable() {
                    self.trip(worker);
                    return;
                }
                let plan = me.remembered.follow(&wish(full, me.waiting, local));
                self.act(worker, plan);
            }
            Event::Commit { write, asked } => {
                let stamp = self.table.stamp;
                let answer = self.table.apply(&write).map(|lease| (lease, stamp));
                let date = self.now.div_euclid(SECOND) * SECOND;
                let back = self.between(MS, 6 * MS);
                self.after(
                    back,
                    worker,
                    Event::Answer {
                        answer,
                        date,
                        asked,
                    },
                );
            }
            Event::Answer {
                answer,
                date,
                asked,
            } => {
                let me = &mut self.workers[worker];
                me.asking = false;
                me.skew.observe(date, asked, local);
                if !me.skew.is_bearable() {
                    self.trip(worker);
                    return;
                }
                match answer {
                    Err(found) => {
                        me.remembered = found;
                        if skew::is_behind_peer(found.stamp, local) {
                            self.trip(worker);
                            return;
                        }
                        let plan = found.plan(&wish(full, me.waiting, local));
                        self.act(worker, plan);
                    }
                    Ok((_, stamp)) if skew::is_behind_peer(stamp, local) => self.trip(worker),
                    Ok((lease, _)) => self.leased(worker, &lease),
                }
            }
            Event::Slot { slot, epoch } => {
                if local - slot > i64::try_from(self.pace.lateness.as_micros()).unwrap() {
                    self.seen.forfeited += 1;
                    self.workers[worker].waiting += 1;
                    self.ask(worker, self.now);
                    return;
                }
                let transit = i64::try_from(self.pace.transit.as_micros()).unwrap();
                let arrival = self.now + 30 * MS + self.between(0, transit);
                self.seen.outbound.push(arrival);
                self.workers[worker].in_flight += 1;
                let answered = arrival - self.now + self.between(200 * MS, 400 * MS);
                let since = arrival - BEGIN;
                let refused = self.setting.refused;
                if refused.is_some_and(|(from, to)| (from..to).contains(&since)) {
                    self.after(answered, worker, Event::Refused { epoch });
                }
                self.after(answered, worker, Event::Done);
            }
            Event::Refused { epoch } => {
                if let Some(cut) = self.table.cut(epoch, full, local) {
                    self.table.apply_cut(&cut);
                }
            }
            Event::Death => self.crash(worker),
            Event::Done => {
                let me = &mut self.workers[worker];
                me.in_flight -= 1;
                if me.in_flight == 0 && me.waiting == 0 {
                    let between = self.between(20 * MS, 60 * MS);
                    self.after(between, worker, Event::Block);
                }
            }
        }
    }

    fn leased(&mut self, worker: usize, lease: &Lease) {
        self.seen.leases += 1;
        if self.seen.leases.is_multiple_of(self.setting.crash_every) {
            let offset = self.workers[worker].offset;
            let end = lease.end().as_microsecond() - offset;
            let death = self.between(0, (end - self.now).max(1));
            self.after(death, worker, Event::Death);
        }
        let me = &mut self.workers[worker];
        me.remembered.epoch = lease.epoch;
        let offset = me.offset;
        let used = lease.count.min(me.waiting);
        me.waiting -= used;
        for at in 0..used {
            let slot = lease.slot(at).as_microsecond();
            let late = if self.chance(self.setting.stalls) {
                self.between(5 * MS, 60 * MS)
            } else {
                self.between(0, 2 * MS)
            };
            let moment = (slot - offset).max(self.now) + late;
            let slot = Event::Slot {
                slot,
                epoch: lease.epoch,
            };
            self.after(moment - self.now, worker, slot);
        }
        self.ask(worker, lease.end().as_microsecond() - offset - REFILL_LEAD);
    }

    /// The process dies with what it has leased; another is up a second later.
    fn crash(&mut self, worker: usize) {
        self.seen.crashed += 1;
        let full = self.pace.milli_rate();
        let me = &mut self.workers[worker];
        me.life += 1;
        me.remembered = SlotClock::unused(full);
        me.skew = Skew::default();
        (me.waiting, me.in_flight, me.asking) = (0, 0, false);
        self.after(SECOND, worker, Event::Block);
    }

    fn trip(&mut self, worker: usize) {
        self.seen.trips += 1;
        self.ask(worker, self.now + CLOCK_RECHECK);
    }

    fn act(&mut self, worker: usize, plan: Plan) {
        let offset = self.workers[worker].offset;
        match plan {
            Plan::Reserve(write) => {
                self.workers[worker].asking = true;
                let there = self.between(MS, 6 * MS);
                let asked = self.now + offset;
                self.after(there, worker, Event::Commit { write, asked });
            }
            Plan::Wait { until } => {
                let later = self.between(0, 20 * MS);
                self.ask(worker, until.as_microsecond() - offset + later);
            }
        }
    }

    fn ask(&mut self, worker: usize, at: i64) {
        let me = &mut self.workers[worker];
        if me.waiting > 0 && !me.asking {
            me.asking = true;
            self.after((at - self.now).max(0), worker, Event::Ask);
        }
    }

    fn after(&mut self, wait: i64, worker: usize, event: Event) {
        let nth = self.what.len() as u64;
        self.what.push(Some(event));
        let life = self.workers[worker].life;
        self.events
            .push(Reverse((self.now + wait, nth, worker, life)));
    }

    fn report(mut self) -> Seen {
        let setting = &self.setting;
        let outbound_limit = setting.limit - setting.inbound;
        // What people write: never more than I in a second, but often as many.
        let (gap, end) = (SECOND / i64::from(setting.inbound), self.now);
        let mut inbound = Vec::new();
        let mut at = BEGIN;
        while at < end {
            inbound.push(at);
            at += gap + self.between(0, gap);
        }
        let mut seen = self.seen;
        seen.outbound.sort_unstable();
        let mut both = [seen.outbound.as_slice(), &inbound].concat();
        both.sort_unstable();
        // From the first request to the last, as one counts who only sees them.
        let (first, last) = (seen.outbound[0], seen.outbound[seen.outbound.len() - 1]);
        let seconds = (last - first) as f64 / SECOND as f64;
        seen.utilisation = (seen.outbound.len() - 1) as f64 / seconds / f64::from(outbound_limit);
        seen.outbound_over = over(&seen.outbound, outbound_limit);
        seen.both_over = over(&both, self.setting.limit);
        seen
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.rng = self.rng.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.rng;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to - from).unwrap().max(1);
        from + i64::try_from(self.random() % width).unwrap()
    }

    fn chance(&mut self, probability: f64) -> bool {
        (self.random() >> 11) as f64 / ((1_u64 << 53) as f64) < probability
    }
}

/// Half-open sliding seconds that hold more than `limit`.
fn over(arrivals: &[i64], limit: u32) -> usize {
    arrivals
        .windows(limit as usize + 1)
        .filter(|window| window[limit as usize] - window[0] < SECOND)
        .count()
}

/// Runs it, holds that no second was over, and says which share was used.
fn check(setting: Setting) -> f64 {
    let seen = run(setting.clone());
    let Seen {
        utilisation,
        leases,
        crashed,
        forfeited,
        trips,
        ..
    } = seen;
    let story = format!(
        "{setting:?}: {utilisation:.4}, {leases} leases, {crashed} crashed, {forfeited} forfeited"
    );
    assert_eq!(
        (seen.outbound_over, seen.both_over, trips),
        (0, 0, 0),
        "{story}"
    );
    assert!(crashed >= leases / 100 - 1, "{story}");
    assert!(utilisation >= 0.965, "{story}");
    utilisation
}

#[test]
fn an_hour_of_crashing_workers_uses_the_share_and_never_more() {
    let utilisation = check(Setting::usual(1, 80, 3_600));
    assert!(utilisation >= 0.97, "{utilisation}");
}

#[test]
fn the_share_is_used_and_never_more_whatever_happens() {
    let seeds = 2..26;
    let shares: Vec<f64> = seeds
        .map(|seed| check(Setting::usual(seed, 80, 300)))
        .collect();
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!(mean >= 0.97, "{mean}: {shares:?}");
}

#[test]
fn the_same_at_other_limits() {
    for seed in 40..44 {
        let utilisation = check(Setting::usual(seed, 20, 900));
        assert!(utilisation >= 0.97, "{utilisation}");
    }
    // At 1,000 a second a block lasts a tenth of one: many must be under way.
    let utilisation = check(Setting {
        workers: 16,
        ..Setting::usual(44, 1_000, 60)
    });
    assert!(utilisation >= 0.97, "{utilisation}");
}

#[test]
fn after_refusals_the_rate_falls_once_a_burst_and_is_back_in_half_a_minute() {
    let (from, to) = (60 * SECOND, 60 * SECOND + 500 * MS);
    let seen = run(Setting {
        refused: Some((from, to)),
        ..Setting::usual(50, 80, 180)
    });
    let rate = |second: i64| {
        let from = BEGIN + second * SECOND;
        let arrived = seen
            .outbound
            .iter()
            .filter(|at| (from..from + 5 * SECOND).contains(*at));
        arrived.count() as f64 / 5.0
    };
    let (before, cut, after) = (rate(50), rate(62), rate(91));
    assert_eq!((seen.outbound_over, seen.both_over), (0, 0));
    assert!(
        cut < before * 0.9,
        "{before} a second before, {cut} after the cut"
    );
    assert!(
        after > before * 0.96,
        "{before} a second before, {after} half a minute later"
    );
}

#[test]
fn a_clock_outside_the_budget_is_found_and_stops_sending() {
    for (offset, seed) in [(-150 * MS, 60), (-1_500 * MS, 61), (3_000 * MS, 62)] {
        let seen = run(Setting {
            offsets: vec![offset, 0, MS, -MS],
            crash_every: u64::MAX,
            ..Setting::usual(seed, 80, 300)
        });
        assert!(seen.trips > 0, "{offset}");
        // It may do harm until its first answers have proved it wrong.
        let settled: Vec<i64> = seen
            .outbound
            .iter()
            .copied()
            .filter(|at| *at > BEGIN + 10 * SECOND)
            .collect();
        assert_eq!(over(&settled, 80), 0, "{offset}: {} trips", seen.trips);
    }
}

#[test]
fn a_clock_that_is_ahead_stops_those_who_see_it() {
    let seen = run(Setting {
        offsets: vec![200 * MS, 0, MS, -MS],
        crash_every: u64::MAX,
        ..Setting::usual(70, 80, 300)
    });
    assert!(seen.trips > 0);
}
