//! The functions as the wiring takes them: JSON in, JSON out.

use std::collections::BTreeMap;

use anyhow::Context as _;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use emulator::access::Access;
use emulator::aws::Aws;
use emulator::crash::CrashPlan;
use emulator::wiring::{Function, Invocation as Given, InvocationError};
use futures_util::future::BoxFuture;
use lambda_http::Adapter;
use lambda_http::request::LambdaRequest;
use lambda_runtime::{Context, LambdaEvent};
use platform::aws::Clients;
use platform::campaigns::Campaigns;
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::contacts::Contacts;
use platform::expansion::Expander;
use platform::ids::Ids;
use platform::invocation::Invocation;
use platform::poster::Poster;
use platform::tier::Tiers;
use platform::whatsapp::{self, social};
use serde_json::Value;
use tower::Service as _;

use super::Network;

/// What the functions are built from.
pub(super) struct Functions<'a> {
    pub(super) aws: &'a Aws,
    pub(super) clock: SharedClock,
    pub(super) ids: Ids,
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) crashes: CrashPlan,
    pub(super) network: Network,
    pub(super) expander: Option<Expander>,
    pub(super) poster: Poster,
}

impl Functions<'_> {
    /// All that the template has, by logical id. Each has clients of its own, which its role
    /// bounds, and starts anew in every environment, as on Lambda.
    pub(super) fn all(&self) -> anyhow::Result<Vec<(String, Function)>> {
        let ids = &self.ids;
        let mut functions = vec![
            self.http("ApiFunction", api::Config::from_env, {
                let ids = ids.clone();
                move |config, clients, clock| {
                    api::router(api::Deps::new(config, clients, clock, ids.clone()))
                }
            })?,
            self.sqs(
                "ConsentFunction",
                consent::Config::from_env,
                {
                    let expander = self.expander.clone();
                    move |config: &_, clients: &_, clock| {
                        let deps = consent::Deps::new(config, clients, clock)
                            .expect("an HTTP client can be built");
                        match &expander {
                            Some(expander) => deps.following(expander.clone()),
                            None => deps,
                        }
                    }
                },
                |event, given, deps| {
                    Box::pin(async move { consent::handle(event, given, &deps).await })
                },
            )?,
            self.sqs(
                "FanoutFunction",
                fanout::Config::from_env,
                fanout::Deps::new,
                |event, given, deps| {
                    Box::pin(async move { fanout::handle(event, given, &deps).await })
                },
            )?,
            self.sqs(
                "IngestFunction",
                ingest::Config::from_env,
                ingest::Deps::new,
                |event, given, deps| {
                    Box::pin(async move { ingest::handle(event, given, &deps).await })
                },
            )?,
            self.sqs(
                "NotifyFunction",
                notify::Config::from_env,
                {
                    let poster = self.poster.clone();
                    move |config: &_, clients: &_, clock| {
                        notify::Deps::new(config, clients, clock)
                            .expect("an HTTP client can be built")
                            .through(poster.clone())
                    }
                },
                |event, _, deps| Box::pin(async move { notify::handle(event, &deps).await }),
            )?,
            self.sqs(
                "ReceiptsFunction",
                receipts::Config::from_env,
                receipts::Deps::new,
                |event, given, deps| {
                    Box::pin(async move { receipts::handle(event, given, &deps).await })
                },
            )?,
            self.sqs(
                "ScanFunction",
                scan::Config::from_env,
                scan::Deps::new,
                |event, _, deps| Box::pin(async move { scan::handle(event, &deps).await }),
            )?,
            self.sqs(
                "SendFunction",
                send::Config::from_env,
                self.sender()?,
                |event, given, deps| {
                    Box::pin(async move { send::handle(event, given, &deps).await })
                },
            )?,
            self.sweep()?,
            self.http(
                "WebhookFunction",
                webhook::Config::from_env,
                |config, clients, clock| {
                    webhook::router(webhook::Deps::new(config, clients, clock))
                },
            )?,
        ];
        if self.aws.template().functions.contains_key(SECOND_DOOR) {
            functions.push(self.second_door()?);
        }
        Ok(functions)
    }

    /// A function behind a queue.
    fn sqs<C, D>(
        &self,
        id: &str,
        configure: fn(&Env) -> Result<C, ConfigError>,
        build: impl Fn(&C, &Clients, SharedClock) -> D + Send + Sync + 'static,
        handle: fn(SqsEvent, Invocation, D) -> BoxFuture<'static, SqsBatchResponse>,
    ) -> anyhow::Result<(String, Function)>
    where
        C: Send + Sync + 'static,
        D: Clone + Send + Sync + 'static,
    {
        let config = configure(&self.env(id)?)?;
        let (clients, clock) = (self.clients(id)?, self.clock.clone());
        let function = Function::starting(move || {
            let deps = build(&config, &clients, clock.clone());
            move |event, given| {
                let deps = deps.clone();
                async move {
                    let event: SqsEvent =
                        serde_json::from_value(event).map_err(InvocationError::failed)?;
                    let response = handle(event, invocation(&given), deps).await;
                    serde_json::to_value(response).map_err(InvocationError::failed)
                }
            }
        });
        Ok((id.to_owned(), function))
    }

    /// A function behind the HTTP API: the same translation from and to JSON
    /// that `lambda_http::run` makes.
    fn http<C: Send + Sync + 'static>(
        &self,
        id: &str,
        configure: fn(&Env) -> Result<C, ConfigError>,
        build: impl Fn(&C, &Clients, SharedClock) -> axum::Router + Send + Sync + 'static,
    ) -> anyhow::Result<(String, Function)> {
        let config = configure(&self.env(id)?)?;
        let (clients, clock) = (self.clients(id)?, self.clock.clone());
        let function = Function::starting(move || {
            let router = build(&config, &clients, clock.clone());
            move |event: Value, given| answer(router.clone(), event, given)
        });
        Ok((id.to_owned(), function))
    }

    /// The timer's function.
    fn sweep(&self) -> anyhow::Result<(String, Function)> {
        const ID: &str = "SweepFunction";
        let config = sweep::Config::from_env(&self.env(ID)?)?;
        let (clients, clock) = (self.clients(ID)?, self.clock.clone());
        let access = self.aws.access(ID)?;
        let function = Function::starting(move || {
            let deps = sweep::Deps::new(&config, &clients, clock.clone())
                .expect("an HTTP client can be built")
                .through_social(social(config.social.as_ref(), &clients, &access));
            move |_, given| {
                let deps = deps.clone();
                async move {
                    let swept = sweep::handle(invocation(&given), &deps).await;
                    swept.map(|()| Value::Null).map_err(InvocationError::failed)
                }
            }
        });
        Ok((ID.to_owned(), function))
    }

    /// The function behind the topic, and behind the queue of what failed there.
    fn second_door(&self) -> anyhow::Result<(String, Function)> {
        use webhook::social;
        let config = social::Config::from_env(&self.env(SECOND_DOOR)?)?;
        let (clients, clock) = (self.clients(SECOND_DOOR)?, self.clock.clone());
        let function = Function::starting(move || {
            let deps = social::Deps::new(&config, &clients, clock.clone());
            move |event, _| {
                let deps = deps.clone();
                async move {
                    let event = social::Event::read(event).map_err(InvocationError::failed)?;
                    let answer = social::handle(event, &deps).await;
                    let answer = answer.map_err(InvocationError::failed)?;
                    serde_json::to_value(answer).map_err(InvocationError::failed)
                }
            }
        });
        Ok((SECOND_DOOR.to_owned(), function))
    }

    /// Builds the sender; each request that it makes to WhatsApp is an effect.
    fn sender(
        &self,
    ) -> anyhow::Result<
        impl Fn(&send::Config, &Clients, SharedClock) -> send::Deps + Send + Sync + 'static,
    > {
        let (crashes, ids) = (self.crashes.clone(), self.ids.clone());
        let access = self.aws.access("SendFunction")?;
        Ok(move |config: &send::Config, clients: &Clients, clock| {
            let crashes = crashes.clone();
            let by_amazon = social(config.social.as_ref(), clients, &access).map(|client| {
                let crashes = crashes.clone();
                client.witnessed(move || {
                    let crashes = crashes.clone();
                    Box::pin(async move { crashes.after_effect("whatsapp.send").await })
                })
            });
            let client = whatsapp::Client::new(&config.graph_url, &config.graph_version)
                .expect("an HTTP client can be built")
                .witnessed(move || {
                    let crashes = crashes.clone();
                    Box::pin(async move { crashes.after_effect("whatsapp.send").await })
                });
            send::Deps::new(config, clients, clock, ids.clone())
                .expect("an HTTP client can be built")
                .through(client)
                .through_social(by_amazon)
        })
    }

    /// AWS as the role of a function lets it see it; each request is an effect.
    fn clients(&self, id: &str) -> anyhow::Result<Clients> {
        let network = self.crashes.over(self.network.client(id));
        let http = self.aws.access(id)?.over(network);
        Ok(Clients::new(&self.aws.sdk_config_over(http)))
    }

    /// The template's environment of a function, with the house's own on top.
    fn env(&self, id: &str) -> anyhow::Result<Env> {
        let mut variables: BTreeMap<String, String> = self.aws.environment(id)?;
        for (name, value) in &self.variables {
            variables.insert((*name).to_owned(), value.clone());
        }
        Ok(Env::given(variables))
    }
}

/// What hears accounts that are linked to Amazon, where the stack has it.
const SECOND_DOOR: &str = "SocialFunction";

/// Amazon's way, as the role of a function lets it go.
fn social(
    config: Option<&social::Config>,
    clients: &Clients,
    access: &Access,
) -> Option<social::Client> {
    let client = social::Client::over(&clients.config, config?, |line| access.over(line));
    Some(client.expect("an HTTP client can be built"))
}

/// The table of operations as the template names it.
pub(super) fn campaigns(
    aws: &Aws,
    clients: &Clients,
    clock: SharedClock,
) -> anyhow::Result<Campaigns> {
    let table = variable(aws, "IZIN_CAMPAIGNS_TABLE")?;
    Ok(Campaigns::new(clients.dynamodb.clone(), table, clock))
}

/// The messaging limits, kept in the table of operations.
pub(super) fn tiers(aws: &Aws, clients: &Clients, clock: SharedClock) -> anyhow::Result<Tiers> {
    let table = variable(aws, "IZIN_CAMPAIGNS_TABLE")?;
    Ok(Tiers::new(clients.dynamodb.clone(), table, clock))
}

/// The table of people as the template names it.
pub(super) fn contacts(
    aws: &Aws,
    clients: &Clients,
    clock: SharedClock,
) -> anyhow::Result<Contacts> {
    let table = variable(aws, "IZIN_CONTACTS_TABLE")?;
    Ok(Contacts::new(clients.dynamodb.clone(), table, clock))
}

fn variable(aws: &Aws, name: &'static str) -> anyhow::Result<String> {
    aws.environment("ApiFunction")?
        .remove(name)
        .with_context(|| format!("the template gives the api no {name}"))
}

fn invocation(given: &Given) -> Invocation {
    Invocation {
        deadline: given.deadline,
    }
}

async fn answer(
    router: axum::Router,
    event: Value,
    given: Given,
) -> Result<Value, InvocationError> {
    let request: LambdaRequest =
        serde_json::from_str(&event.to_string()).map_err(InvocationError::failed)?;
    let mut context = Context::default();
    context.deadline = u64::try_from(given.deadline.as_millisecond()).unwrap_or(0);
    // The adapter itself may not cross an await: its future may.
    let answer = Adapter::from(router).call(LambdaEvent::new(request, context));
    let response = answer.await.map_err(InvocationError::failed)?;
    serde_json::to_value(response).map_err(InvocationError::failed)
}
