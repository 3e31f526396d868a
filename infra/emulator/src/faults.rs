//! The trouble that AWS makes on an ordinary day and that the emulated services
//! never make by themselves, by seed: throttling, answers that are lost on the
//! way back, batches that are done in part, transactions that collide.

mod partial;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::client::{Layer, Operation, layered};

/// How likely each trouble is at a request that it can befall, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Odds {
    /// A transaction is cancelled because another one is at work on its items.
    pub conflict: f64,
    /// A request is carried out, and its answer lost: the SDK asks again.
    pub lost: f64,
    /// The last item of a batch is left for later.
    pub partial: f64,
    /// A request is refused for now: the SDK asks again.
    pub throttled: f64,
}

/// One trouble that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// See [`Odds::conflict`].
    Conflict,
    /// See [`Odds::lost`].
    Lost,
    /// See [`Odds::partial`].
    Partial,
    /// See [`Odds::throttled`].
    Throttled,
}

/// Makes trouble; cheap to clone, every clone draws from the same dice.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    odds: Odds,
    made: Vec<(Trouble, Operation)>,
    rng: SmallRng,
}

impl Faults {
    /// The same troubles for the same `seed` and the same requests.
    pub fn seeded(seed: u64, odds: Odds) -> Self {
        Self(Arc::new(Mutex::new(State {
            odds,
            made: Vec::new(),
            rng: SmallRng::seed_from_u64(seed),
        })))
    }

    /// `inner`, whose requests now meet trouble.
    pub fn over(&self, inner: SharedHttpClient) -> SharedHttpClient {
        layered(self.clone(), inner)
    }

    /// The troubles so far, in order.
    pub fn made(&self) -> Vec<(Trouble, Operation)> {
        self.0
            .lock()
            .expect("no holder of the dice panics")
            .made
            .clone()
    }

    /// Throws the dice for a request.
    fn draw(&self, operation: &Operation, body: &Value) -> Option<Trouble> {
        let mut state = self.0.lock().expect("no holder of the dice panics");
        let odds = state.odds;
        let name = operation.name.as_str();
        let chances = [
            (Trouble::Throttled, odds.throttled, true),
            (
                Trouble::Conflict,
                odds.conflict,
                name == "TransactWriteItems",
            ),
            (Trouble::Partial, odds.partial, partial::befalls(name, body)),
            (Trouble::Lost, odds.lost, true),
        ];
        for (trouble, probability, possible) in chances {
            if possible && state.rng.random_bool(probability) {
                state.made.push((trouble, operation.clone()));
                return Some(trouble);
            }
        }
        None
    }
}

impl Layer for Faults {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        let operation = Operation::of(&request);
        let body = request.body().bytes().unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        match self.draw(&operation, &body) {
            None => next.call(request),
            Some(Trouble::Conflict) => HttpConnectorFuture::ready(Ok(conflict(&body))),
            Some(Trouble::Lost) => {
                let response = next.call(request);
                HttpConnectorFuture::new(async move {
                    response.await?;
                    let lost = io::Error::new(io::ErrorKind::ConnectionReset, "answer lost");
                    Err(ConnectorError::io(lost.into()))
                })
            }
            Some(Trouble::Partial) => partial::call(request, body, next),
            Some(Trouble::Throttled) => HttpConnectorFuture::ready(Ok(throttled(&operation))),
        }
    }
}

fn throttled(operation: &Operation) -> HttpResponse {
    let kind = match operation.service {
        "dynamodb" => "com.amazonaws.dynamodb.v20120810#ThrottlingException",
        "sqs" => "com.amazonaws.sqs#RequestThrottled",
        "secretsmanager" => "ThrottlingException",
        _ => {
            let body = "<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>";
            return answer(503, body.to_owned());
        }
    };
    answer(
        400,
        json!({"__type": kind, "message": "Rate exceeded"}).to_string(),
    )
}

/// A transaction cancelled for its first item.
fn conflict(body: &Value) -> HttpResponse {
    let count = body["TransactItems"].as_array().map_or(0, Vec::len);
    let reasons = (0..count).map(|n| match n {
        0 => {
            json!({"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"})
        }
        _ => json!({"Code": "None"}),
    });
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    let body = json!({
        "__type": kind,
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": reasons.collect::<Vec<_>>(),
    });
    answer(400, body.to_string())
}

fn answer(status: u16, body: String) -> HttpResponse {
    let status = status.try_into().expect("these are statuses");
    HttpResponse::new(status, SdkBody::from(body))
}
