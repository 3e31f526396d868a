//! What a person sees while it runs: on standard error, so that JSON on
//! standard output stays alone.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Args;

/// The screen; silent when asked to be.
pub(super) struct Screen {
    bar: ProgressBar,
    quiet: bool,
}

impl Screen {
    pub(super) fn new(args: &Args) -> Self {
        let target = if args.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(8)
        };
        Self {
            bar: ProgressBar::with_draw_target(Some(0), target),
            quiet: args.quiet,
        }
    }

    /// One line that stays.
    #[expect(clippy::print_stderr, reason = "the demo speaks to whoever watches")]
    pub(super) fn say(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("{line}"));
        }
    }

    /// Begins a bar of `length` messages.
    pub(super) fn begin(&self, length: u64) {
        let style = ProgressStyle::with_template("  sending {bar:32} {pos}/{len} {msg}")
            .expect("the template is well-formed");
        self.bar.set_style(style);
        self.bar.set_length(length);
        self.bar.enable_steady_tick(Duration::from_millis(250));
    }

    /// Moves the bar.
    pub(super) fn advance(&self, position: u64, message: String) {
        self.bar.set_position(position);
        self.bar.set_message(message);
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
