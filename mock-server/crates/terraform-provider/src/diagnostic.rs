//! What Terraform shows to its user: what is wrong, at which attribute, and the way out.

use crate::plugin::message::{AttributePath, Diagnostic, PathStep, Severity};

pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Diagnostic {
    of(Severity::Error, summary.into(), detail.into(), None)
}

pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Diagnostic {
    of(Severity::Warning, summary.into(), detail.into(), None)
}

/// An error whose place in the configuration Terraform shows with its line.
pub fn error_at(attribute: &str, summary: impl Into<String>, detail: impl Into<String>) -> Diagnostic {
    of(Severity::Error, summary.into(), detail.into(), Some(path(attribute)))
}

pub fn path(attribute: &str) -> AttributePath {
    AttributePath { steps: vec![PathStep { attribute_name: attribute.to_owned() }] }
}

fn of(severity: Severity, summary: String, detail: String, attribute: Option<AttributePath>) -> Diagnostic {
    Diagnostic { severity: severity.into(), summary, detail, attribute }
}
