//! The event wiring: hands each function exactly the JSON that Lambda would
//! hand it, and does with its answer what Lambda would do.
//!
//! There are two ways to drive it. [`Wiring::run`] polls in real time, with as
//! many invocations at once as the template allows. [`Wiring::step`],
//! [`Wiring::run_until_idle`] and [`Wiring::tick`] deliver on the caller's own
//! task, one event at a time, so that a test with a manual clock decides what
//! happens next.

mod batch;
mod front;
mod function;
mod gateway;
mod listen;
mod run;
mod schedule;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use jiff::SignedDuration;
use platform::clock::SharedClock;
use serde_json::Value;

use crate::aws::{Aws, AwsError};
use crate::crash::CrashPlan;
use crate::ids::Ids;
use crate::invocations::Invocations;
use crate::sqs::{Received, Sqs, SqsError};
use crate::template::Event;

pub use front::Front;
pub use function::{Function, Invocation, InvocationError, Usage};

use batch::Verdict;
use gateway::Route;
use listen::{Listener, Listeners};
use schedule::Schedule;

/// Functions and what starts them; cheap to clone.
#[derive(Clone, Debug)]
pub struct Wiring(Arc<Wires>);

#[derive(Debug)]
struct Wires {
    clock: SharedClock,
    crashes: CrashPlan,
    functions: BTreeMap<String, Wired>,
    ids: Ids,
    invocations: Invocations,
    listeners: Listeners,
    mappings: Vec<Mapping>,
    routes: Vec<Route>,
    schedules: Vec<Schedule>,
    sqs: Sqs,
}

#[derive(Debug)]
struct Wired {
    function: Function,
    timeout: SignedDuration,
}

/// A queue that starts a function.
#[derive(Clone, Debug)]
struct Mapping {
    queue: String,
    function: String,
    batch_size: usize,
    window: SignedDuration,
    partial: bool,
    concurrency: u32,
}

/// Messages that Lambda's pollers receive or delete in one request, whatever
/// the batch size of the mapping.
const POLLER_BATCH: usize = 10;

/// What one or more deliveries came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Messages, or events that nobody waits for, handed to functions.
    pub messages: usize,
    /// Those of them that were not finished, and will come again or are given up.
    pub failed: usize,
}

impl AddAssign for Delivered {
    fn add_assign(&mut self, more: Self) {
        self.messages += more.messages;
        self.failed += more.failed;
    }
}

/// Why the wiring could not be laid, or an event not be delivered.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The template has no such function, or no code was given for it.
    #[error("no function {0}")]
    NoFunction(String),
    /// No topic starts the function.
    #[error("function {0} hears no topic")]
    NoListener(String),
    /// The template has the queue start no function that there is code for.
    #[error("no function is started by queue {0}")]
    NoMapping(String),
    /// The function has no timer.
    #[error("function {0} has no schedule")]
    NoSchedule(String),
    /// The timer is neither `rate(…)` nor `cron(…)`.
    #[error("function {function}: cannot read schedule {expression}")]
    Schedule {
        /// Logical id of the function.
        function: String,
        /// As written.
        expression: String,
    },
    /// The queue refused.
    #[error("queue")]
    Sqs(#[from] SqsError),
    /// The role of a function could not be read.
    #[error("role")]
    Role(#[from] AwsError),
    /// The destination on failure is none that the function's role may write to.
    #[error("function {function}: its destination on failure wants {action}")]
    Unwritable {
        /// Logical id of the function.
        function: String,
        /// What is missing.
        action: String,
    },
}

impl Wiring {
    /// Wires `functions`, by logical id, as the template of `aws` says. What
    /// starts a function that is not given is left alone.
    pub fn new(
        aws: &Aws,
        functions: impl IntoIterator<Item = (String, Function)>,
        crashes: CrashPlan,
    ) -> Result<Self, WiringError> {
        let mut wires = Wires {
            clock: aws.clock().clone(),
            crashes,
            functions: BTreeMap::new(),
            ids: Ids::new(aws.clock().now()),
            invocations: aws.invocations.clone(),
            listeners: BTreeMap::new(),
            mappings: Vec::new(),
            routes: Vec::new(),
            schedules: Vec::new(),
            sqs: aws.sqs.clone(),
        };
        for (id, function) in functions {
            let declared = aws.template().functions.get(&id);
            let declared = declared.ok_or_else(|| WiringError::NoFunction(id.clone()))?;
            for event in declared.events.values() {
                wires.connect(aws, &id, event)?;
            }
            let timeout = SignedDuration::from_secs(declared.timeout_s.into());
            wires.functions.insert(id, Wired { function, timeout });
        }
        Ok(Self(Arc::new(wires)))
    }

    /// Delivers at most one batch of what is visible in `queue` now.
    pub async fn step(&self, queue: &str) -> Result<Delivered, WiringError> {
        let mut mappings = self.0.mappings.iter();
        let mapping = mappings.find(|mapping| mapping.queue == queue);
        let mapping = mapping.ok_or_else(|| WiringError::NoMapping(queue.to_owned()))?;
        let messages = self.0.sqs.receive(queue, mapping.batch_size, None)?;
        Ok(self.deliver(mapping, messages, Deadline::Open).await)
    }

    /// Delivers until no event waits that is due now, and no queue holds a message
    /// that is visible now.
    pub async fn run_until_idle(&self) -> Result<Delivered, WiringError> {
        let mut total = Delivered::default();
        loop {
            let mut round = Delivered::default();
            for function in self.0.listeners.keys() {
                round += self.hear(function).await?;
            }
            for mapping in &self.0.mappings {
                round += self.step(&mapping.queue).await?;
            }
            if round.messages == 0 {
                return Ok(total);
            }
            total += round;
        }
    }

    /// What each function was asked to do so far, by logical id.
    pub fn usage(&self) -> BTreeMap<String, Usage> {
        let functions = self.0.functions.iter();
        functions
            .map(|(id, wired)| (id.clone(), wired.function.usage()))
            .collect()
    }

    /// When the next event or message that starts a function becomes due, or did.
    pub fn next_due(&self) -> Result<Option<jiff::Timestamp>, WiringError> {
        let listeners = self.0.listeners.keys();
        let events = listeners.filter_map(|function| self.0.invocations.next_due(function));
        let mut next = events.min();
        for mapping in &self.0.mappings {
            let due = self.0.sqs.next_due(&mapping.queue)?;
            next = next.into_iter().chain(due).min();
        }
        Ok(next)
    }

    /// Starts the scheduled `function` as its timer would.
    pub async fn tick(
        &self,
        function: &str,
    ) -> Result<Result<Value, InvocationError>, WiringError> {
        let mut schedules = self.0.schedules.iter();
        let schedule = schedules.find(|schedule| schedule.function == function);
        let schedule = schedule.ok_or_else(|| WiringError::NoSchedule(function.to_owned()))?;
        let event = schedule.event(&self.0.ids, self.0.clock.now());
        Ok(self.invoke(function, event, Deadline::Open).await)
    }

    /// Hands `messages` to the function and settles them by its answer. What
    /// is not finished becomes visible again by itself.
    async fn deliver(
        &self,
        mapping: &Mapping,
        messages: Vec<Received>,
        deadline: Deadline,
    ) -> Delivered {
        if messages.is_empty() {
            return Delivered::default();
        }
        let event = batch::event(&mapping.queue, &messages);
        let verdict = match self.invoke(&mapping.function, event, deadline).await {
            Ok(answer) => Verdict::of(&answer, mapping.partial, &messages),
            Err(_) => Verdict::AllFailed,
        };
        let mut delivered = Delivered {
            messages: messages.len(),
            failed: 0,
        };
        for message in &messages {
            // A queue that was removed meanwhile keeps nothing, either way.
            let kept = !verdict.finished(message)
                || self.0.sqs.delete(&mapping.queue, &message.receipt).is_err();
            delivered.failed += usize::from(kept);
        }
        let batches = |messages: usize| messages.div_ceil(POLLER_BATCH) as u64;
        let requests = batches(messages.len()) + batches(messages.len() - delivered.failed);
        let wired = self.0.functions.get(&mapping.function);
        let wired = wired.expect("only wired functions are started");
        wired.function.count_queue_requests(requests);
        delivered
    }

    async fn invoke(
        &self,
        id: &str,
        event: Value,
        deadline: Deadline,
    ) -> Result<Value, InvocationError> {
        let wired = self
            .0
            .functions
            .get(id)
            .expect("only wired functions are started");
        let begins = self.0.clock.now();
        let ends = begins.saturating_add(wired.timeout);
        let ends = ends.expect("a signed duration is no calendar span");
        let invocation = Invocation {
            request_id: self.0.ids.mint(),
            deadline: ends,
            function: id.to_owned(),
        };
        let environment = wired.function.take();
        let run = self.run_once(environment.as_ref(), event, invocation);
        let outcome = match deadline {
            Deadline::Open => run.await,
            Deadline::Enforced => tokio::select! {
                outcome = run => outcome,
                () = self.0.clock.sleep_until(ends) => Err(InvocationError::TimedOut),
            },
        };
        let busy = self.0.clock.now().duration_since(begins);
        wired.function.give_back(environment, &outcome, busy);
        outcome
    }

    /// Runs code as a process that may panic, or be killed by the crash plan.
    async fn run_once<C, A>(
        &self,
        code: &C,
        event: Value,
        invocation: Invocation,
    ) -> Result<Value, InvocationError>
    where
        C: Fn(Value, Invocation) -> A + ?Sized,
        A: Future<Output = Result<Value, InvocationError>>,
    {
        let work = async {
            self.0.crashes.after_effect("lambda.receive").await;
            let answer = code(event, invocation).await?;
            self.0.crashes.after_effect("lambda.respond").await;
            Ok(answer)
        };
        match self
            .0
            .crashes
            .guard(AssertUnwindSafe(work).catch_unwind())
            .await
        {
            Ok(Ok(answer)) => answer,
            Ok(Err(_panic)) => Err(InvocationError::Panicked),
            Err(killed) => Err(InvocationError::Killed(killed.effect)),
        }
    }
}

/// Whether a function that runs over its time is stopped.
#[derive(Clone, Copy, Debug)]
enum Deadline {
    Enforced,
    /// For manual clocks, which jump.
    Open,
}

impl Wires {
    fn connect(&mut self, aws: &Aws, id: &str, event: &Event) -> Result<(), WiringError> {
        let function = id.to_owned();
        match event {
            Event::HttpApi { method, path } => {
                self.routes.push(Route::new(function, method, path));
            }
            Event::Schedule { expression } => {
                self.schedules.push(Schedule::new(function, expression)?);
            }
            Event::Sns { .. } => {
                let listener = Listener::new(aws, id)?;
                self.listeners.insert(function, listener);
            }
            Event::Sqs {
                queue,
                batch_size,
                window_s,
                report_batch_item_failures,
                maximum_concurrency,
            } => self.mappings.push(Mapping {
                queue: queue.clone(),
                function,
                batch_size: *batch_size as usize,
                window: SignedDuration::from_secs((*window_s).into()),
                partial: *report_batch_item_failures,
                concurrency: maximum_concurrency.unwrap_or(run::FIRST_CONCURRENCY),
            }),
            Event::Other(_) => (),
        }
        Ok(())
    }
}
