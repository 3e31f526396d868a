//! What goes wrong with send requests, by plan.

use std::time::Duration;

use crate::seed::Seed;
use crate::wa_id::WaId;

/// A fault that send requests meet.
#[derive(Debug, Clone)]
pub struct RequestFault {
    /// Which requests.
    pub when: FaultWhen,
    /// What happens to them.
    pub effect: FaultEffect,
    /// How often at most; `None` is always.
    pub times: Option<u32>,
}

/// Which requests meet a fault.
#[derive(Debug, Clone)]
pub enum FaultWhen {
    /// With this probability, by seed and place in the order of arrival.
    Chance(f64),
    /// The request with this place in the order of arrival; the first is 1.
    Nth(u64),
    /// Every request for this person.
    To(WaId),
}

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum FaultEffect {
    /// Accepted, and then no answer for so long; the connection ends at last.
    AcceptThenTimeOut(Duration),
    /// Accepted, and the connection ends without an answer.
    AcceptThenReset,
    /// Accepted, and answered with this 5xx status.
    AcceptThenFail(u16),
    /// Not accepted: no answer for so long, then the connection ends.
    TimeOut(Duration),
    /// Not accepted: the connection ends without an answer.
    Reset,
    /// Not accepted: this 5xx status.
    Fail(u16),
    /// Not accepted: this error code of the API.
    Refuse(u32),
    /// Answered as ever, so much later.
    Slow(Duration),
    /// Accepted and held for quality assessment.
    Hold,
}

impl FaultEffect {
    /// Its name in reports.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::AcceptThenFail(_) => "accept_then_fail",
            Self::AcceptThenReset => "accept_then_reset",
            Self::AcceptThenTimeOut(_) => "accept_then_time_out",
            Self::Fail(_) => "fail",
            Self::Hold => "hold",
            Self::Refuse(_) => "refuse",
            Self::Reset => "reset",
            Self::Slow(_) => "slow",
            Self::TimeOut(_) => "time_out",
        }
    }
}

/// The faults of a simulation, with what is left of each.
#[derive(Debug)]
pub(crate) struct FaultPlan {
    seed: Seed,
    faults: Vec<(RequestFault, u32)>,
}

impl FaultPlan {
    pub(crate) fn new(seed: Seed, faults: Vec<RequestFault>) -> Self {
        Self {
            seed,
            faults: faults.into_iter().map(|fault| (fault, 0)).collect(),
        }
    }

    pub(crate) fn add(&mut self, fault: RequestFault) {
        self.faults.push((fault, 0));
    }

    /// The first fault that the `nth` request meets.
    pub(crate) fn meet(&mut self, nth: u64, to: Option<&WaId>) -> Option<FaultEffect> {
        for (place, (fault, met)) in self.faults.iter_mut().enumerate() {
            if fault.times.is_some_and(|times| *met >= times) {
                continue;
            }
            let applies = match &fault.when {
                FaultWhen::Chance(probability) => self
                    .seed
                    .chance("fault", &format!("{place}.{nth}"))
                    .hits(*probability),
                FaultWhen::Nth(place) => *place == nth,
                FaultWhen::To(person) => to == Some(person),
            };
            if applies {
                *met += 1;
                return Some(fault.effect.clone());
            }
        }
        None
    }
}
