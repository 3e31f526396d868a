//! Our own way: the house as it is, with a meter on every function.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use emulator::client::plain;
use emulator::crash::CrashPlan;
use emulator::meter::Meter;
use emulator::virtual_time::VirtualClock;
use emulator::wiring::Usage;
use platform::clock::{Clock as _, SharedClock};
use simulator::{FaultEffect, FaultWhen, RequestFault, Tier};

use super::baseline::{ANSWERS, behaviour, webhooks};
use super::count::{Run, Seen, Stage};
use super::{Day, Setting};
use crate::bench::operator::{Operator, phones};
use crate::bench::start;
use crate::house::{House, Network, Options};

/// The functions whose work is the sending, from `start` to the last status.
const FUNCTIONS: [&str; 5] = [
    "FanoutFunction",
    "SendFunction",
    "WebhookFunction",
    "ReceiptsFunction",
    "SweepFunction",
];

/// Meters by function.
type Meters = BTreeMap<&'static str, Meter>;

pub(super) async fn run(setting: Setting) -> anyhow::Result<Run> {
    let clock = VirtualClock::at(start());
    let crashes = if setting.disturbed {
        CrashPlan::seeded(setting.seed, super::baseline::CRASH_RATE)
    } else {
        CrashPlan::never()
    };
    crashes.hold_fire();
    let meters: Meters = FUNCTIONS.map(|id| (id, Meter::default())).into();
    let network = {
        let (clock, meters) = (clock.clone(), meters.clone());
        Network::new(move |function| {
            let network = clock.over(plain());
            match meters.get(function) {
                Some(meter) => meter.over(network),
                None => network,
            }
        })
    };
    let house = House::build(Options {
        inbound_per_second: setting.mps.div_ceil(40),
        behaviour: behaviour(),
        webhooks: webhooks(setting.disturbed),
        answers: ANSWERS,
        network,
        crashes: crashes.clone(),
        tier: match setting.day {
            Day::Unlimited => Tier::Unlimited,
            Day::Limited | Day::Again => Tier::Limited(100_000),
        },
        ..Options::quiet(SharedClock::new(clock.clone()), setting.seed, setting.mps)
    })
    .await?;
    house.simulator.run();
    let mut counted = None;
    let wiring = house.wiring.clone();
    let told = async { counted = Some(tell(setting, &house, &crashes, &meters).await) };
    tokio::select! {
        () = wiring.run_patiently(1, told) => (),
        () = clock.drive(async || {}) => (),
    }
    let mut run = counted.context("the story was not told")??;
    run.virtual_seconds = clock.now().duration_since(start()).as_secs_f64();
    Ok(run)
}

async fn tell(
    setting: Setting,
    house: &House,
    crashes: &CrashPlan,
    meters: &Meters,
) -> anyhow::Result<Run> {
    let people = phones(setting.messages);
    let mut operator = Operator::new(house);
    if setting.day == Day::Again {
        let earlier = operator.prepare(&people).await?;
        operator.step(earlier, "start").await?;
        operator.reach(earlier, "completed").await?;
        operator.rest().await?;
    }
    let campaign = operator.prepare(&people).await?;
    if setting.disturbed {
        house.simulator.add_fault(RequestFault {
            when: FaultWhen::Chance(super::baseline::TIMEOUT_RATE),
            effect: FaultEffect::AcceptThenTimeOut(Duration::from_secs(25)),
            times: None,
        });
    }
    for meter in meters.values() {
        meter.take();
    }
    let before = house.wiring.usage();
    crashes.open_fire();
    operator.step(campaign, "start").await?;
    operator.reach(campaign, "completed").await?;
    operator.rest().await?;
    let after = house.wiring.usage();
    let template = house.aws.template();
    let stages = meters.iter().map(|(id, meter)| {
        let (before, after) = (usage(&before, id), usage(&after, id));
        let declared = template.functions.get(*id);
        let readings = meter.take();
        // Claims are made while other messages are under way, or while the
        // sender waits for its slot.
        let claims = match *id {
            "SendFunction" => u64::from(setting.messages),
            _ => 0,
        };
        let stage = Stage {
            readings,
            invocations: after.invocations - before.invocations,
            queue_requests: after.queue_requests - before.queue_requests,
            busy_seconds: (after.busy - before.busy).as_secs_f64(),
            memory_mb: declared.map_or(0.0, |function| f64::from(function.memory_mb)),
            is_http: *id == "WebhookFunction",
            overlapped_calls: claims,
        };
        ((*id).to_owned(), stage)
    });
    Ok(Run {
        messages: setting.messages,
        stages: stages.collect(),
        seen: Seen::of(&house.simulator.report(), setting.messages),
        virtual_seconds: 0.0,
    })
}

fn usage(usages: &BTreeMap<String, Usage>, id: &str) -> Usage {
    usages.get(id).copied().unwrap_or_default()
}
