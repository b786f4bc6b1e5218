//! The flags that can have defaults.

/// A flag that can have a default.
#[derive(Debug)]
pub(super) struct Key {
    /// The flag's name, which is its key in the file.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The commands that have it; empty for all of them, and "" for a run.
    commands: &'static [&'static str],
    /// The flags that it cannot be combined with, which are given on purpose.
    pub(super) yields_to: &'static [&'static str],
}

/// What a flag takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Path,
    Text,
    Texts,
    /// A whole number from 1 on.
    Count,
    /// Nothing.
    Switch,
    /// FORMAT=PATH, any number of times.
    Reports,
    /// A folder, or nothing for a new one.
    Folder,
    /// When to use colours.
    Color,
}

const RUNS: &[&str] = &["", "watch"];
const REVIEWS: &[&str] = &["", "watch", "review"];

pub(super) const KEYS: [Key; 16] = [
    Key::new("target", Kind::Path, &["", "watch", "doctor"]).yielding(&[
        "runtime",
        "deviation",
        "database",
        "replicas",
        "accept",
    ]),
    Key::new("suite", Kind::Texts, REVIEWS),
    Key::new("filter", Kind::Text, REVIEWS),
    Key::new("jobs", Kind::Count, REVIEWS),
    Key::new("max-fail", Kind::Count, RUNS),
    Key::new("waivers", Kind::Path, RUNS),
    Key::new("baseline", Kind::Path, RUNS),
    Key::new("no-waits", Kind::Switch, RUNS).yielding(&["long-waits"]),
    Key::new("long-waits", Kind::Switch, RUNS).yielding(&["no-waits"]),
    Key::new("strict", Kind::Switch, RUNS),
    Key::new("report", Kind::Reports, RUNS),
    Key::new("report-dir", Kind::Folder, RUNS),
    Key::new("webdriver", Kind::Text, RUNS),
    Key::new("sign-with", Kind::Path, RUNS),
    Key::new("color", Kind::Color, &[]),
    Key::new("scenarios", Kind::Path, &[]),
];

impl Key {
    const fn new(name: &'static str, kind: Kind, commands: &'static [&'static str]) -> Self {
        Self { name, kind, commands, yields_to: &[] }
    }

    const fn yielding(self, yields_to: &'static [&'static str]) -> Self {
        Self { yields_to, ..self }
    }

    pub(super) fn is_of(&self, command: &str) -> bool {
        self.commands.is_empty() || self.commands.contains(&command)
    }

    /// Returns the environment variable, such as HARNESS_NO_WAITS.
    pub(super) fn variable(&self) -> String {
        format!("HARNESS_{}", self.name.replace('-', "_").to_uppercase())
    }

    /// Returns the flag as a word, with its value.
    pub(super) fn word(&self, value: &str) -> std::ffi::OsString {
        format!("--{}={value}", self.name).into()
    }

    /// Returns the flag as a word, without a value.
    pub(super) fn switch(&self) -> std::ffi::OsString {
        format!("--{}", self.name).into()
    }
}
