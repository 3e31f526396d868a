//! The workers: `send` as Lambda would run it, a thread and a runtime each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use emulator::client::{layered, plain};
use futures_util::StreamExt as _;
use jiff::SignedDuration;
use platform::aws::Clients;
use platform::clock::{SetClock, SharedClock};
use platform::config::Env;
use platform::ids::Ids;
use platform::invocation::Invocation;
use platform::queue::SendTask;
use tokio::sync::watch;

use super::Args;
use super::leases::{Leases, Losses};
use super::town::Town;

/// The workers, at work.
pub(super) struct Crew {
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
    work: Arc<Work>,
    losses: Arc<Losses>,
}

/// What the workers did, over all their lives.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) leases: AtomicU64,
    pub(super) slots: AtomicU64,
    pub(super) forfeited: AtomicU64,
    /// Leases that died with their worker.
    pub(super) crashed: AtomicU64,
}

/// How many more workers send single messages.
const SINGLE_WORKERS: u8 = 2;

/// How many single messages one of them has in hand at most: a batch of SQS.
const SINGLE_AT_ONCE: usize = 10;

/// How long a killed worker takes to be there again.
const COLD_START: Duration = Duration::from_millis(100);

/// Starts them.
pub(super) fn start(town: &Arc<Town>, args: &Args) -> anyhow::Result<Crew> {
    let (stop, stopped) = watch::channel(false);
    let work = Arc::new(Work::default());
    let losses = Arc::new(Losses::new(args.crash_rate));
    let spared = Arc::new(Losses::new(0.0));
    let single_messages = if args.triggered > 0 {
        SINGLE_WORKERS
    } else {
        0
    };
    let threads = (0..args.workers + single_messages)
        .map(|nth| {
            let is_single = nth >= args.workers;
            let worker = Worker {
                nth,
                is_single,
                losses: Arc::clone(if is_single { &spared } else { &losses }),
                town: Arc::clone(town),
                args: args.clone(),
                work: Arc::clone(&work),
                stopped: stopped.clone(),
            };
            std::thread::Builder::new()
                .name(format!("worker {nth}"))
                .spawn(move || worker.run())
        })
        .collect::<Result<_, _>>()?;
    Ok(Crew {
        stop,
        threads,
        work,
        losses,
    })
}

impl Crew {
    /// Stops them where they are.
    pub(super) async fn stop(self) -> anyhow::Result<Arc<Work>> {
        self.stop.send_replace(true);
        tokio::task::spawn_blocking(move || {
            for thread in self.threads {
                match thread.join() {
                    Ok(ended) => ended?,
                    Err(_) => anyhow::bail!("a worker panicked"),
                }
            }
            self.work
                .crashed
                .store(self.losses.lost(), Ordering::Relaxed);
            Ok(self.work)
        })
        .await
        .context("the workers came to no end")?
    }
}

struct Worker {
    nth: u8,
    /// Whether it sends single messages instead of blocks.
    is_single: bool,
    losses: Arc<Losses>,
    town: Arc<Town>,
    args: Args,
    work: Arc<Work>,
    stopped: watch::Receiver<bool>,
}

impl Worker {
    fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let seed = self.args.seed * 1_000 + u64::from(self.nth);
            let leases = Leases::new(Arc::clone(&self.losses));
            let mut life = 0;
            let mut stopped = self.stopped.clone();
            loop {
                let deps = self.process(&leases, seed * 1_000 + life)?;
                let tally = deps.tally();
                let alive = tokio::select! {
                    biased;
                    _ = stopped.wait_for(|stop| *stop) => false,
                    () = leases.death() => true,
                    () = self.work_off(&deps) => false,
                };
                let work = &self.work;
                work.leases.fetch_add(tally.leases(), Ordering::Relaxed);
                work.slots.fetch_add(tally.slots(), Ordering::Relaxed);
                work.forfeited
                    .fetch_add(tally.forfeited(), Ordering::Relaxed);
                if !alive {
                    return Ok(());
                }
                life += 1;
                self.town.wait(COLD_START).await;
            }
        })
    }

    /// A process as it is after a cold start.
    fn process(&self, leases: &Leases, seed: u64) -> anyhow::Result<send::Deps> {
        const ID: &str = "SendFunction";
        let aws = &self.town.house.aws;
        let mut variables = aws.environment(ID)?;
        for (name, value) in [
            ("IZIN_GRAPH_URL", self.town.simulator.base_url().to_owned()),
            ("IZIN_TRANSIT_MS", self.args.transit_ms.to_string()),
        ] {
            variables.insert(name.to_owned(), value);
        }
        let config = send::Config::from_env(&Env::given(variables))?;
        let http = aws.access(ID)?.over(layered(leases.clone(), plain()));
        let clients = Clients::new(&aws.sdk_config_over(http));
        let wrong = match self.nth {
            0 => SignedDuration::from_millis(self.args.skew_ms.into()),
            _ => SignedDuration::ZERO,
        };
        let clock = if wrong.is_zero() {
            self.town.clock.clone()
        } else {
            SharedClock::new(SetClock::starting_at(self.town.clock.now() + wrong))
        };
        Ok(send::Deps::new(
            &config,
            &clients,
            clock,
            Ids::seeded(seed),
        )?)
    }

    async fn work_off(&self, deps: &send::Deps) {
        if self.is_single {
            let tasks = futures_util::stream::unfold((), async |()| {
                Some((self.town.next_single().await?, ()))
            });
            tasks
                .for_each_concurrent(SINGLE_AT_ONCE, |task| self.handle(task, deps))
                .await;
        } else {
            while let Some(task) = self.town.next_task() {
                self.handle(task, deps).await;
            }
        }
    }

    async fn handle(&self, task: SendTask, deps: &send::Deps) {
        let mut message = SqsMessage::default();
        message.message_id = Some("1".to_owned());
        message.body = Some(serde_json::to_string(&task).expect("a task is plain JSON"));
        let mut event = SqsEvent::default();
        event.records.push(message);
        let deadline = self.town.clock.now() + SignedDuration::from_mins(10);
        send::handle(event, Invocation { deadline }, deps).await;
    }
}
