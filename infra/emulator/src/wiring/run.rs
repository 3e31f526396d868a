//! Running in real time: pollers for the queues, timers for the schedules.

use jiff::SignedDuration;
use tokio::task::JoinSet;

use super::listen::AT_ONCE;
use super::schedule::Schedule;
use super::{Deadline, Mapping, Wiring};
use crate::sqs::{Received, SqsError};

/// How many invocations Lambda starts with for a queue that sets no bound.
pub(super) const FIRST_CONCURRENCY: u32 = 5;

/// How long one poll waits: Lambda's own long poll.
const WAIT: SignedDuration = SignedDuration::from_secs(20);

impl Wiring {
    /// Delivers messages and ticks until `shutdown`, timers `haste` times as
    /// often as the template says. What still runs then is dropped, as if the
    /// machine had stopped.
    pub async fn run(&self, haste: u32, shutdown: impl Future<Output = ()>) {
        self.run_within(Deadline::Enforced, haste, shutdown).await;
    }

    /// The same, but nothing is stopped at its time limit: for clocks under
    /// which a worker may freeze and thaw long after.
    pub async fn run_patiently(&self, haste: u32, shutdown: impl Future<Output = ()>) {
        self.run_within(Deadline::Open, haste, shutdown).await;
    }

    async fn run_within(&self, deadline: Deadline, haste: u32, shutdown: impl Future<Output = ()>) {
        let mut tasks = JoinSet::new();
        for mapping in &self.0.mappings {
            for _ in 0..mapping.concurrency {
                tasks.spawn(self.clone().poll(mapping.clone(), deadline));
            }
        }
        for listener in self.0.listeners.values() {
            for _ in 0..AT_ONCE {
                tasks.spawn(self.clone().keep_hearing(listener.clone(), deadline));
            }
        }
        for schedule in &self.0.schedules {
            if let Some(every) = schedule.every {
                let every = every / i32::try_from(haste.max(1)).unwrap_or(i32::MAX);
                tasks.spawn(self.clone().keep_ticking(schedule.clone(), every, deadline));
            }
        }
        shutdown.await;
    }

    /// One of Lambda's pollers, until the queue is gone.
    async fn poll(self, mapping: Mapping, deadline: Deadline) {
        while let Ok(messages) = self.gather(&mapping).await {
            self.deliver(&mapping, messages, deadline).await;
        }
    }

    /// Waits for a first message, and then for a full batch or the end of the
    /// window. Nothing if no message came.
    pub(super) async fn gather(&self, mapping: &Mapping) -> Result<Vec<Received>, SqsError> {
        let (sqs, clock) = (&self.0.sqs, &self.0.clock);
        let mut messages = sqs
            .poll(&mapping.queue, mapping.batch_size, None, WAIT)
            .await?;
        if messages.is_empty() {
            return Ok(messages);
        }
        let ends = clock.now().saturating_add(mapping.window);
        let ends = ends.expect("a signed duration is no calendar span");
        loop {
            let room = mapping.batch_size - messages.len();
            let left = clock.now().duration_until(ends);
            if room == 0 || left <= SignedDuration::ZERO {
                return Ok(messages);
            }
            messages.extend(sqs.poll(&mapping.queue, room, None, left).await?);
        }
    }

    async fn keep_ticking(self, schedule: Schedule, every: SignedDuration, deadline: Deadline) {
        let mut next = self.0.clock.now();
        loop {
            next = next
                .saturating_add(every)
                .expect("a signed duration is no calendar span");
            self.0.clock.sleep_until(next).await;
            let event = schedule.event(&self.0.ids, self.0.clock.now());
            // A tick that fails is made up for by the next one.
            drop(self.invoke(&schedule.function, event, deadline).await);
        }
    }
}
