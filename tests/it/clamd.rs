//! A real clamd, for as long as a story lasts.

pub(crate) use platform::clamd::daemon::{Daemon, KNOWN_BAD, test_virus};

/// An address where a clamd will listen; `None`, said aloud, where there is no
/// clamd on this machine.
pub(crate) fn asleep(story: &str) -> Option<Daemon> {
    let daemon = Daemon::asleep().unwrap();
    if daemon.is_none() {
        crate::skip::skipped(story, "apt-get install clamav-daemon");
    }
    daemon
}
