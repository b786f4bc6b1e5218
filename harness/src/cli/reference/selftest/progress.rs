use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::console::Console;
use harness_reference::report::terminal;
use harness_reference::self_test::{DeviationOutcome, Scope};
use harness_report::terminal::Paint;

/// Prints one line per deviation, and on a terminal a progress line at the bottom.
pub(super) struct Progress<'a> {
    console: &'a Console,
    scope: &'a Scope,
    bar: ProgressBar,
}

impl<'a> Progress<'a> {
    pub(super) fn new(console: &'a Console, scope: &'a Scope, whole: u64) -> Self {
        if !console.terminal_options().live {
            return Self { console, scope, bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::with_draw_target(Some(whole), ProgressDrawTarget::stderr_with_hz(10));
        let style = ProgressStyle::with_template("{spinner} {pos}/{len} [{elapsed}] {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { console, scope, bar }
    }

    pub(super) fn tell(&self, outcome: &DeviationOutcome) {
        let options = self.console.terminal_options();
        let line =
            terminal::line(outcome, self.scope, Paint::new(options.color), terminal::width(options.width));
        self.bar.suspend(|| self.console.print(&line));
        self.bar.inc(1);
        self.bar.set_message(outcome.deviation.clone());
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
