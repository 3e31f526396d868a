//! Wiring only: see the library.

use lambda_http::Error;
use platform::aws::Clients;
use platform::clock::SharedClock;
use platform::config::Env;
use platform::telemetry;
use webhook::{Config, Deps};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let config = Config::from_env(&Env::process())?;
    let clients = Clients::from_environment().await;
    let deps = Deps::new(&config, &clients, SharedClock::system());
    lambda_http::run(webhook::router(deps)).await
}
