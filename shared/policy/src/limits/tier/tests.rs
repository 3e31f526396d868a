//! People's places in the day over whole days: workers whose clocks differ and
//! who die, people who get several messages, and a count of who was reached when
//! that shares no code with the reservations.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::block::Callback;
use crate::ids::{CampaignId, OwnerNonce};
use crate::person::{Claim, Person};
use crate::purpose::Purpose;

const PORTFOLIO: &str = "8000000000000001";

/// How far a clock may be off; twice that and a block's life make less than
/// [`TierBuckets::LATEST`].
const SKEW_S: i64 = 110;

const DAY_S: i64 = 24 * 3600;

/// How a block of messages ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    Accepted,
    /// Taken and written down; then the worker dies.
    AcceptedThenDead,
    /// The worker dies with its claims, before anything leaves.
    ClaimedThenDead,
    /// The worker dies before it claims.
    Dead,
    /// Taken; the worker dies before it knows.
    LeftThenDead,
    Refused,
    /// No answer, and taken.
    UnknownLeft,
    /// No answer, and not taken.
    UnknownLost,
}

const FATES: [Fate; 8] = [
    Fate::Accepted,
    Fate::AcceptedThenDead,
    Fate::ClaimedThenDead,
    Fate::Dead,
    Fate::LeftThenDead,
    Fate::Refused,
    Fate::UnknownLeft,
    Fate::UnknownLost,
];

/// One block: who, by what clock, and how long each step takes, in seconds.
#[derive(Clone, Debug)]
struct Job {
    begins: i64,
    skew: i64,
    people: BTreeSet<usize>,
    claims_after: i64,
    leaves_after: i64,
    gives_back_after: i64,
    /// Claims twice, as after a slot that was missed.
    claims_twice: bool,
    fate: Fate,
}

/// What a worker does, in order.
#[derive(Clone, Copy, Debug)]
enum Step {
    Reserve,
    Claim,
    Leave,
    Record,
    GiveBack,
}

/// What a worker remembers.
#[derive(Clone, Debug, Default)]
struct Memory {
    at: Timestamp,
    /// The messages that it knew to be taken before it reserved.
    standing: BTreeSet<Callback>,
    reserved: BTreeSet<usize>,
    claimed: BTreeSet<usize>,
    taken_over: Vec<i64>,
}

/// A portfolio, its people, and its workers.
struct Town {
    jobs: Vec<(Job, Memory)>,
    /// What is still to happen, by second, job and order.
    steps: BTreeMap<(i64, usize, usize), Step>,
    tier: Tier,
    buckets: TierBuckets,
    people: HashMap<usize, Person>,
    /// What the ledgers say: messages that WhatsApp took.
    accepted: BTreeSet<Callback>,
    /// Who was reached when, in truth.
    reached: Vec<(i64, usize)>,
    /// Reservations that needed no room, though there was none.
    again_when_full: u32,
}

fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(1_764_000_000 + second).unwrap()
}

fn campaign(job: usize) -> CampaignId {
    CampaignId::from_uuid(Uuid::from_u128(job as u128))
}

impl Town {
    fn new(people: u32) -> Self {
        Self {
            jobs: Vec::new(),
            steps: BTreeMap::new(),
            tier: Tier {
                people: Some(people),
            },
            buckets: TierBuckets::default(),
            people: HashMap::new(),
            accepted: BTreeSet::new(),
            reached: Vec::new(),
            again_when_full: 0,
        }
    }

    /// Plans the steps of a job; which one it is.
    fn begin(&mut self, job: Job) -> usize {
        let nth = self.jobs.len();
        let leaves = job.begins + job.leaves_after;
        let claims = job.begins + job.claims_after.min(job.leaves_after);
        let steps = [
            (job.begins, Step::Reserve),
            (claims, Step::Claim),
            (leaves, Step::Leave),
            (leaves + 1, Step::Record),
            (leaves + 1 + job.gives_back_after, Step::GiveBack),
        ];
        for (order, (at, step)) in steps.into_iter().enumerate() {
            self.steps.insert((at, nth, order), step);
        }
        self.jobs.push((job, Memory::default()));
        nth
    }

    /// Lets everything happen up to `end`.
    fn run_until(&mut self, end: i64) {
        while let Some(entry) = self.steps.first_entry()
            && entry.key().0 <= end
        {
            let ((now, nth, _), step) = entry.remove_entry();
            let (job, mut memory) = self.jobs[nth].clone();
            self.step(nth, &job, &mut memory, step, now);
            self.jobs[nth].1 = memory;
        }
    }

    fn step(&mut self, nth: usize, job: &Job, memory: &mut Memory, step: Step, now: i64) {
        let is_dead = match job.fate {
            Fate::Dead => !matches!(step, Step::Reserve),
            Fate::ClaimedThenDead => !matches!(step, Step::Reserve | Step::Claim),
            Fate::LeftThenDead => matches!(step, Step::Record | Step::GiveBack),
            Fate::AcceptedThenDead => matches!(step, Step::GiveBack),
            _ => false,
        };
        if is_dead {
            return;
        }
        match step {
            Step::Reserve => self.reserve(job, memory, moment(now + job.skew)),
            Step::Claim => {
                self.claim(nth, memory);
                if job.claims_twice {
                    self.claim(nth, memory);
                }
            }
            Step::Leave => {
                if !matches!(job.fate, Fate::Refused | Fate::UnknownLost) {
                    let reached = memory.claimed.iter().map(|person| (now, *person));
                    self.reached.extend(reached);
                }
            }
            Step::Record => {
                if matches!(job.fate, Fate::Accepted | Fate::AcceptedThenDead) {
                    let messages = memory.claimed.iter().map(|person| message(nth, *person));
                    self.accepted.extend(messages);
                }
            }
            Step::GiveBack => {
                let bucket = TierBuckets::bucket(memory.at);
                if job.fate == Fate::Refused {
                    let unused = u32::try_from(memory.reserved.len()).unwrap();
                    self.buckets.give_back(bucket, unused);
                } else {
                    for bucket in &memory.taken_over {
                        self.buckets.give_back(*bucket, 1);
                    }
                }
            }
        }
    }

    fn reserve(&mut self, job: &Job, memory: &mut Memory, at: Timestamp) {
        memory.at = at;
        let known = job
            .people
            .iter()
            .filter_map(|person| self.people.get(person));
        let messages = known.flat_map(|known| known.claims.iter().map(Claim::message));
        memory.standing = messages
            .filter(|message| self.accepted.contains(message))
            .collect();
        self.buckets.trim(at);
        let is_full = self.buckets.room(self.tier, at) == 0;
        let mut strangers = Vec::new();
        for person in &job.people {
            let earlier = standing(self.people.get(person), memory)
                .into_values()
                .max();
            if earlier.is_some_and(|bucket| self.buckets.reserve_again(at, bucket)) {
                memory.reserved.insert(*person);
                self.again_when_full += u32::from(is_full);
            } else {
                strangers.push(*person);
            }
        }
        let wanted = u32::try_from(strangers.len()).unwrap();
        let granted = self.buckets.reserve(self.tier, at, wanted).unwrap_or(0);
        memory
            .reserved
            .extend(strangers.into_iter().take(granted as usize));
    }

    fn claim(&mut self, nth: usize, memory: &mut Memory) {
        for person in &memory.reserved {
            let over = standing(self.people.get(person), memory);
            memory.taken_over.extend(over.values());
            let known = self.people.entry(*person).or_default();
            for claim in &mut known.claims {
                if over.contains_key(&claim.message()) {
                    claim.counted = None;
                }
            }
            let message = message(nth, *person);
            known.claims.push(Claim {
                campaign: message.campaign,
                block: message.place.block,
                index: message.place.index,
                attempt: message.attempt,
                owner: OwnerNonce::from_uuid(Uuid::from_u128(nth as u128)),
                at: memory.at,
                purpose: Purpose::marketing(),
                is_marketing: true,
                counted: Some(Counted {
                    portfolio: PORTFOLIO.to_owned(),
                    bucket: TierBuckets::bucket(memory.at),
                }),
            });
            memory.claimed.insert(*person);
        }
    }

    /// How many different people the day from `from` on holds.
    fn people_in_day(&self, from: i64) -> usize {
        let day = self.reached.iter();
        let day = day.filter(|(second, _)| (from..from + DAY_S).contains(second));
        day.map(|(_, person)| person).collect::<BTreeSet<_>>().len()
    }

    /// The most people that any day holds: one of the fullest ends with a
    /// message.
    fn fullest_day(&self) -> usize {
        let mut reached = self.reached.clone();
        reached.sort_unstable();
        let mut day = VecDeque::new();
        let mut messages = HashMap::<usize, u32>::new();
        let mut fullest = 0;
        for (now, person) in reached {
            day.push_back((now, person));
            *messages.entry(person).or_default() += 1;
            while let Some((second, person)) = day.front().copied()
                && now - second >= DAY_S
            {
                day.pop_front();
                let left = messages.entry(person).or_default();
                *left -= 1;
                if *left == 0 {
                    messages.remove(&person);
                }
            }
            fullest = fullest.max(messages.len());
        }
        fullest
    }
}

fn message(nth: usize, person: usize) -> Callback {
    Callback {
        campaign: campaign(nth),
        place: crate::block::Place {
            block: u32::try_from(person).unwrap(),
            index: 0,
        },
        attempt: 1,
    }
}

/// The places of somebody that certainly stand, as the worker knows.
fn standing(person: Option<&Person>, memory: &Memory) -> BTreeMap<Callback, i64> {
    let bucket = TierBuckets::bucket(memory.at);
    let mut places =
        person.map_or_else(BTreeMap::new, |person| person.counted_in(PORTFOLIO, bucket));
    places.retain(|message, _| memory.standing.contains(message));
    places
}

/// Blocks that come close together, and a day after each other.
fn jobs() -> impl Strategy<Value = Vec<Job>> {
    let step = prop_oneof![
        4 => 0_i64..400,
        2 => 0_i64..20_000,
        1 => DAY_S - 400..DAY_S + 700,
    ];
    let job = (
        step,
        prop_oneof![Just(0), Just(-SKEW_S), Just(SKEW_S), -SKEW_S..=SKEW_S],
        prop::collection::btree_set(0_usize..24, 1..5),
        (
            0_i64..60,
            0_i64..=60,
            prop_oneof![4 => 0_i64..5, 1 => 0_i64..90_000],
            any::<bool>(),
        ),
        prop_oneof![6 => Just(Fate::Accepted), 3 => prop::sample::select(&FATES)],
    );
    prop::collection::vec(job, 1..70).prop_map(|jobs| {
        let mut begins = 0;
        let jobs = jobs.into_iter().map(|(step, skew, people, times, fate)| {
            begins += step;
            let (claims_after, leaves_after, gives_back_after, claims_twice) = times;
            Job {
                begins,
                skew,
                people,
                claims_after,
                leaves_after,
                gives_back_after,
                claims_twice,
                fate,
            }
        });
        jobs.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_sliding_day_reaches_more_people_than_the_tier(most in 1_u32..12, jobs in jobs()) {
        let mut town = Town::new(most);
        for job in jobs {
            town.begin(job);
        }
        town.run_until(i64::MAX);
        let fullest = town.fullest_day();
        prop_assert!(fullest <= most as usize, "{fullest} people in one day");
    }
}

#[test]
fn a_place_is_good_for_another_while_it_counts() {
    let tier = Tier { people: Some(1) };
    let start = TierBuckets::bucket(moment(0));
    let at = |bucket| super::start(start + bucket);
    let reserved = || {
        let mut buckets = TierBuckets::default();
        assert_eq!(buckets.reserve(tier, at(0), 1), Ok(1));
        buckets
    };
    assert!(reserved().reserve_again(at(REACH), start));
    assert!(!reserved().reserve_again(at(REACH + 1), start));
    assert!(
        !reserved().reserve_again(at(5), start + 1),
        "nobody is there"
    );

    // By the clock of whoever reserved last.
    let mut buckets = reserved();
    assert!(buckets.reserve_again(at(REACH), start));
    buckets.give_back(start, 1);
    assert_eq!(buckets.reserve(tier, at(2 * REACH + 1), 1), Ok(1));
    assert!(!buckets.reserve_again(at(2 * REACH), start + REACH));
    assert!(buckets.room(tier, at(2 * REACH)) == 0);
}

/// Five days of a portfolio that is never idle: strangers wait for every place,
/// and those who were reached get more messages, every minute one.
#[test]
fn under_demand_a_day_reaches_all_but_seven_people_in_a_thousand() {
    const TIER: u32 = 1_000;
    const DAYS: i64 = 5;
    let mut town = Town::new(TIER);
    let mut waiting: VecDeque<usize> = (0..20_000).collect();
    let mut ask_at = 0;
    let quick = |begins, people, leaves_after| Job {
        begins,
        skew: 0,
        people,
        claims_after: leaves_after,
        leaves_after,
        gives_back_after: 1,
        claims_twice: false,
        fate: Fate::Accepted,
    };
    for minute in 0..DAYS * 24 * 60 {
        let now = minute * 60;
        town.run_until(now);
        let lately = usize::try_from(minute * 37 % 1_500).unwrap();
        if let Some((_, person)) = town.reached.iter().rev().nth(lately) {
            let second = now + minute * 13 % 60;
            town.begin(quick(second, BTreeSet::from([*person]), 5));
        }
        // A campaign that was told to wait does.
        if now >= ask_at {
            let first = waiting.drain(..100).collect();
            let block = town.begin(quick(now, first, 20));
            town.run_until(now);
            let (job, memory) = &town.jobs[block];
            for person in job.people.difference(&memory.reserved) {
                waiting.push_front(*person);
            }
            let asks = town.buckets.ask_again(town.tier, memory.at);
            ask_at = now + asks.duration_since(memory.at).as_secs();
        }
    }
    town.run_until(i64::MAX);

    let mut messages = HashMap::<usize, u32>::new();
    for (_, person) in &town.reached {
        *messages.entry(*person).or_default() += 1;
    }
    let several = messages.values().filter(|count| **count > 1).count();
    let samples = (DAY_S..(DAYS - 1) * DAY_S).step_by(600);
    let people: Vec<usize> = samples.map(|from| town.people_in_day(from)).collect();
    let average = people.iter().sum::<usize>() as f64 / people.len() as f64;
    let fullest = town.fullest_day();
    println!(
        "{} messages to {} people, {several} of them several; people in a day: {average:.1} on \
         average, {} at least, {fullest} at most, of {TIER}; {} went on though there was no room",
        town.reached.len(),
        messages.len(),
        people.iter().min().unwrap(),
        town.again_when_full,
    );
    assert!(town.reached.len() > 2 * messages.len());
    assert!(town.again_when_full > 0);
    assert!(fullest <= TIER as usize);
    assert!(average >= 0.993 * f64::from(TIER), "{average}");
}
