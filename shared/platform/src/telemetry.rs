//! Logs: one JSON line for each event that a person on call would ask about.
//!
//! Types keep personal data out: numbers, names and texts implement neither
//! `Display` nor a telling `Debug`. Correlate by contact token.

#[cfg(feature = "testing")]
mod captured;

use tracing_subscriber::EnvFilter;

#[cfg(feature = "testing")]
pub use self::captured::Captured;

/// Starts JSON logs on standard output; the level comes from `IZIN_LOG`, in
/// `tracing`'s filter syntax, and is `info` by default.
pub fn init() {
    let filter = EnvFilter::try_from_env("IZIN_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_target(false)
        .with_env_filter(filter)
        .finish();
    // A second start in one process keeps the first subscriber.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Starts plain logs on standard error, but only where `IZIN_LOG` asks for
/// them: for runs on one machine.
pub fn init_if_asked() {
    let Ok(filter) = EnvFilter::try_from_env("IZIN_LOG") else {
        return;
    };
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
}
