//! Colours and the verdicts' styles.

use anstyle::{AnsiColor, Style};

use harness_model::event::SubtestVerdict;

/// Applies styles to text, or none if colours are off.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    color: bool,
}

impl Paint {
    pub fn new(color: bool) -> Self {
        Self { color }
    }

    pub fn is_colored(self) -> bool {
        self.color
    }

    pub fn with(self, style: Style, text: &str) -> String {
        if self.color && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    pub fn faint(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    pub fn red(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default(), text)
    }

    pub fn yellow(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub fn green(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }
}

/// Returns a verdict's label and style.
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
