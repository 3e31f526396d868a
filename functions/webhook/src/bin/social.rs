//! Wiring only: see the library.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use platform::aws::Clients;
use platform::clock::SharedClock;
use platform::config::Env;
use platform::telemetry;
use webhook::social::{self, Config, Deps};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let config = Config::from_env(&Env::process())?;
    let clients = Clients::from_environment().await;
    let deps = &Deps::new(&config, &clients, SharedClock::system());
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| async move {
        social::handle(event.payload, deps)
            .await
            .map_err(Error::from)
    }))
    .await
}
