//! What a verification found, a line each.

use serde::Serialize;

use crate::manifest::Manifest;
use harness_report::exit_code::Verdict;

/// Of one kind more are counted, not listed.
const MOST_OF_A_KIND: usize = 20;

/// Everything that was found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// What the bundle says about itself; none if its manifest cannot be read.
    pub bundle: Option<Summary>,
    /// What was looked at, and what was found there.
    pub findings: Vec<Finding>,
}

/// A bundle in short.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The kit that made it.
    pub kit: String,
    /// What was judged.
    pub target: String,
    /// When the run began.
    pub started_at: String,
    /// The verdict that is recorded.
    pub verdict: Verdict,
    /// The exit code that is recorded.
    pub exit_code: u8,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What: `archive`, `files`, `chain`, ….
    pub area: &'static str,
    /// Whether it is as it should be.
    pub state: State,
    /// What was found.
    pub text: String,
}

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is.
    Good,
    /// It is no fault, and somebody should know of it.
    Warning,
    /// It is not.
    Bad,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.count(State::Bad) == 0
    }

    /// How many findings are of that state.
    pub fn count(&self, state: State) -> usize {
        self.findings.iter().filter(|finding| finding.state == state).count()
    }

    pub(super) fn of(&mut self, manifest: &Manifest) {
        let named = |name: &str, version: Option<&str>| match version {
            Some(version) => format!("{name} {version}").escape_debug().to_string(),
            None => name.escape_debug().to_string(),
        };
        self.bundle = Some(Summary {
            kit: named(&manifest.kit.name, Some(&manifest.kit.version)),
            target: named(&manifest.target.name, manifest.target.version.as_deref()),
            started_at: manifest.started_at.escape_debug().to_string(),
            verdict: manifest.verdict,
            exit_code: manifest.exit_code,
        });
    }

    pub(super) fn good(&mut self, area: &'static str, text: String) {
        self.findings.push(Finding { area, state: State::Good, text });
    }

    pub(super) fn warn(&mut self, area: &'static str, text: String) {
        self.findings.push(Finding { area, state: State::Warning, text });
    }

    pub(super) fn bad(&mut self, area: &'static str, text: String) {
        self.findings.push(Finding { area, state: State::Bad, text });
    }

    /// All of them, or as many as somebody will read.
    pub(super) fn bad_all(&mut self, area: &'static str, texts: Vec<String>) {
        let more = texts.len().saturating_sub(MOST_OF_A_KIND);
        texts.into_iter().take(MOST_OF_A_KIND).for_each(|text| self.bad(area, text));
        if more > 0 {
            self.bad(area, format!("… and {more} more"));
        }
    }
}
