//! Wiring only: see the library.

use api::{Config, Deps};
use platform::aws::Clients;
use platform::clock::SharedClock;
use platform::config::Env;
use platform::ids::Ids;
use platform::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let config = Config::from_env(&Env::process())?;
    let clients = Clients::from_environment().await;
    let deps = Deps::new(&config, &clients, SharedClock::system(), Ids::random());
    lambda_http::run(api::router(deps)).await
}
