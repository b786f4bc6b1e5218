//! The findings of a verification.

use std::fmt;

use harness_report::exit_code::Verdict;
use serde::Serialize;

use crate::manifest::Manifest;

use super::escape::escaped;

/// Problems listed per area; further ones are counted.
const MAX_PER_AREA: usize = 20;

/// The findings of a verification.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The bundle's own description; `None` if its manifest is invalid.
    pub bundle: Option<BundleSummary>,
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, Serialize)]
pub struct BundleSummary {
    pub kit: String,
    pub target: String,
    pub started_at: String,
    pub verdict: Verdict,
    pub exit_code: u8,
}

/// A finding of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub area: Area,
    pub state: State,
    pub text: String,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    Archive,
    Manifest,
    Files,
    Signature,
    Kit,
    Scenarios,
    Chain,
    Checks,
    Results,
}

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Good,
    /// Not wrong, but worth knowing.
    Warning,
    /// Wrong: the bundle is not verified.
    Bad,
}

impl Report {
    pub fn is_good(&self) -> bool {
        self.count(State::Bad) == 0
    }

    /// Returns how many findings have this state.
    pub fn count(&self, state: State) -> usize {
        self.findings.iter().filter(|finding| finding.state == state).count()
    }

    pub(super) fn describe(&mut self, manifest: &Manifest) {
        let named = |name: &str, version: Option<&str>| match version {
            Some(version) => escaped(&format!("{name} {version}")),
            None => escaped(name),
        };
        self.bundle = Some(BundleSummary {
            kit: named(&manifest.kit.name, Some(&manifest.kit.version)),
            target: named(&manifest.target.name, manifest.target.version.as_deref()),
            started_at: escaped(&manifest.started_at),
            verdict: manifest.verdict,
            exit_code: manifest.exit_code,
        });
    }

    pub(super) fn good(&mut self, area: Area, text: String) {
        self.findings.push(Finding { area, state: State::Good, text });
    }

    pub(super) fn warn(&mut self, area: Area, text: String) {
        self.findings.push(Finding { area, state: State::Warning, text });
    }

    pub(super) fn bad(&mut self, area: Area, text: String) {
        self.findings.push(Finding { area, state: State::Bad, text });
    }

    /// Adds up to [`MAX_PER_AREA`] problems and counts the rest.
    pub(super) fn bad_all(&mut self, area: Area, texts: Vec<String>) {
        let more = texts.len().saturating_sub(MAX_PER_AREA);
        texts.into_iter().take(MAX_PER_AREA).for_each(|text| self.bad(area, text));
        if more > 0 {
            self.bad(area, format!("… and {more} more"));
        }
    }
}

impl fmt::Display for Area {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Archive => "archive",
            Self::Manifest => "manifest",
            Self::Files => "files",
            Self::Signature => "signature",
            Self::Kit => "kit",
            Self::Scenarios => "scenarios",
            Self::Chain => "chain",
            Self::Checks => "checks",
            Self::Results => "results",
        })
    }
}
