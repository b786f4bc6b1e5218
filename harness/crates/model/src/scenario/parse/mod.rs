use std::sync::Arc;

use crate::requirement::Registry;

use super::decode::{self, Decoder};
use super::model::{Scenario, Source};
use super::path::ScenarioPath;
use crate::source::diagnostic::Diagnostic;
use crate::source::document::{self, Diagnostics};
use crate::source::spelling;

/// The result of parsing a file.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// `None` if there are errors.
    pub scenario: Option<Scenario>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses one scenario and runs all validation that does not need other files.
pub fn parse(source: &Arc<Source>, path: &ScenarioPath, registry: &Registry) -> Parsed {
    let mut report = Diagnostics::new(&source.path);
    check_path(path, registry, &mut report);
    let root = document::parse(&source.text, &mut report);
    let mut decoder = Decoder::new(report, registry);
    let scenario = root.and_then(|root| decode::file::file(&mut decoder, &root, source, path));
    let scenario = scenario.filter(|_| !decoder.report.has_errors());
    Parsed { scenario, diagnostics: decoder.report.into_diagnostics() }
}

fn check_path(path: &ScenarioPath, registry: &Registry, report: &mut Diagnostics) {
    let file = report.path().to_owned();
    match registry.chapter(&path.chapter).and_then(|chapter| Some((chapter, chapter.suite.as_deref()?))) {
        Some((chapter, suite)) if suite != path.suite => {
            let message = format!("chapter `{}` belongs to suite `{suite}`", chapter.id);
            let help = format!("move the file to {suite}/{}", chapter.id);
            report.push(Diagnostic::of_file(&file, message).help(help));
        }
        Some(_) => {}
        None => {
            let known: Vec<&str> = registry.chapters().iter().map(|chapter| chapter.id.as_str()).collect();
            let message = format!("unknown chapter `{}`: it is not in requirements.toml", path.chapter);
            report.push(Diagnostic::of_file(&file, message).help(spelling::help_for(&path.chapter, &known)));
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
