//! The eight functions as the wiring takes them: JSON in, JSON out.

use std::collections::BTreeMap;

use anyhow::Context as _;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use emulator::aws::Aws;
use emulator::crash::CrashPlan;
use emulator::wiring::{Function, Invocation as Given, InvocationError};
use futures_util::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::Adapter;
use lambda_runtime::{Context, LambdaEvent};
use platform::aws::Clients;
use platform::campaigns::Campaigns;
use platform::clock::SharedClock;
use platform::config::Env;
use platform::contacts::Contacts;
use platform::ids::Ids;
use platform::invocation::Invocation;
use platform::whatsapp;
use serde_json::Value;
use tower::Service as _;

/// What the functions are built from.
pub(super) struct Functions<'a> {
    pub(super) aws: &'a Aws,
    pub(super) clients: Clients,
    pub(super) clock: SharedClock,
    pub(super) ids: Ids,
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) crashes: CrashPlan,
}

impl Functions<'_> {
    /// All eight, by logical id.
    pub(super) fn all(&self) -> anyhow::Result<Vec<(String, Function)>> {
        let clients = &self.clients;
        let clock = || self.clock.clone();
        let functions = [
            ("ApiFunction", {
                let config = api::Config::from_env(&self.env("ApiFunction")?)?;
                let deps = api::Deps::new(&config, clients, clock(), self.ids.clone());
                http(api::router(deps))
            }),
            ("ConsentFunction", {
                let config = consent::Config::from_env(&self.env("ConsentFunction")?)?;
                let deps = consent::Deps::new(&config, clients, clock());
                sqs(deps, |event, given, deps| {
                    Box::pin(async move { consent::handle(event, given, &deps).await })
                })
            }),
            ("FanoutFunction", {
                let config = fanout::Config::from_env(&self.env("FanoutFunction")?)?;
                let deps = fanout::Deps::new(&config, clients, clock());
                sqs(deps, |event, given, deps| {
                    Box::pin(async move { fanout::handle(event, given, &deps).await })
                })
            }),
            ("IngestFunction", {
                let config = ingest::Config::from_env(&self.env("IngestFunction")?)?;
                let deps = ingest::Deps::new(&config, clients, clock());
                sqs(deps, |event, given, deps| {
                    Box::pin(async move { ingest::handle(event, given, &deps).await })
                })
            }),
            ("ReceiptsFunction", {
                let config = receipts::Config::from_env(&self.env("ReceiptsFunction")?)?;
                let deps = receipts::Deps::new(&config, clients, clock());
                sqs(deps, |event, given, deps| {
                    Box::pin(async move { receipts::handle(event, given, &deps).await })
                })
            }),
            ("SendFunction", {
                let config = send::Config::from_env(&self.env("SendFunction")?)?;
                let deps = send::Deps::new(&config, clients, clock(), self.ids.clone())?;
                let deps = deps.without_metrics().through(self.whatsapp(&config)?);
                sqs(deps, |event, given, deps| {
                    Box::pin(async move { send::handle(event, given, &deps).await })
                })
            }),
            ("SweepFunction", {
                let config = sweep::Config::from_env(&self.env("SweepFunction")?)?;
                let deps = sweep::Deps::new(&config, clients, clock())?.without_metrics();
                Function::new(move |_, given| {
                    let deps = deps.clone();
                    async move {
                        let swept = sweep::handle(invocation(&given), &deps).await;
                        swept.map(|()| Value::Null).map_err(InvocationError::failed)
                    }
                })
            }),
            ("WebhookFunction", {
                let config = webhook::Config::from_env(&self.env("WebhookFunction")?)?;
                let deps = webhook::Deps::new(&config, clients, clock(), self.ids.clone());
                http(webhook::router(deps))
            }),
        ];
        Ok(functions
            .into_iter()
            .map(|(id, function)| (id.to_owned(), function))
            .collect())
    }

    /// The template's environment of a function, with the house's own on top.
    fn env(&self, id: &str) -> anyhow::Result<Env> {
        let mut variables: BTreeMap<String, String> = self.aws.environment(id)?;
        for (name, value) in &self.variables {
            variables.insert((*name).to_owned(), value.clone());
        }
        Ok(Env::given(variables))
    }

    /// The WhatsApp client, each of whose requests is an effect.
    fn whatsapp(&self, config: &send::Config) -> anyhow::Result<whatsapp::Client> {
        let crashes = self.crashes.clone();
        let client = whatsapp::Client::new(&config.graph_url, &config.graph_version)?;
        Ok(client.witnessed(move || {
            let crashes = crashes.clone();
            Box::pin(async move { crashes.after_effect("whatsapp.send").await })
        }))
    }
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

/// A function behind a queue.
fn sqs<D, H>(deps: D, handle: H) -> Function
where
    D: Clone + Send + Sync + 'static,
    H: Fn(SqsEvent, Invocation, D) -> BoxFuture<'static, SqsBatchResponse>
        + Clone
        + Send
        + Sync
        + 'static,
{
    Function::new(move |event, given| {
        let (deps, handle) = (deps.clone(), handle.clone());
        async move {
            let event: SqsEvent = serde_json::from_value(event).map_err(InvocationError::failed)?;
            let response = handle(event, invocation(&given), deps).await;
            serde_json::to_value(response).map_err(InvocationError::failed)
        }
    })
}

/// A function behind the HTTP API: the same translation from and to JSON that
/// `lambda_http::run` makes.
fn http(router: axum::Router) -> Function {
    Function::new(move |event, given| {
        let router = router.clone();
        async move {
            let request: LambdaRequest =
                serde_json::from_str(&event.to_string()).map_err(InvocationError::failed)?;
            let mut context = Context::default();
            context.deadline = u64::try_from(given.deadline.as_millisecond()).unwrap_or(0);
            let mut adapter = Adapter::from(router);
            let answer = adapter.call(LambdaEvent::new(request, context)).await;
            let response = answer.map_err(InvocationError::failed)?;
            serde_json::to_value(response).map_err(InvocationError::failed)
        }
    })
}
