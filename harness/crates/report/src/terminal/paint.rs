//! Colours, where they are wanted.

use anstyle::{AnsiColor, Style};

use harness_model::event::SubtestVerdict;

/// Paints texts, or leaves them as they are.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    color: bool,
}

impl Paint {
    /// Whether to use escape codes.
    pub fn new(color: bool) -> Self {
        Self { color }
    }

    /// Whether it does.
    pub fn is_colored(self) -> bool {
        self.color
    }

    /// The text in a style.
    pub fn with(self, style: Style, text: &str) -> String {
        if self.color && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Names of things.
    pub fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// What matters less.
    pub fn faint(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// What is wrong.
    pub fn red(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default(), text)
    }

    /// What is right.
    pub fn green(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }
}

/// A sub-test's verdict as a word and its style.
pub(super) fn verdict(verdict: SubtestVerdict) -> (&'static str, Style) {
    let bold = |color: AnsiColor| color.on_default().bold();
    match verdict {
        SubtestVerdict::Pass => ("PASS", bold(AnsiColor::Green)),
        SubtestVerdict::Fail => ("FAIL", bold(AnsiColor::Red)),
        SubtestVerdict::Skip => ("SKIP", bold(AnsiColor::Yellow)),
        SubtestVerdict::Error => ("ERROR", bold(AnsiColor::Magenta)),
        SubtestVerdict::Waived => ("WAIVED", bold(AnsiColor::Yellow)),
    }
}
