//! Annotations that GitHub Actions shows beside the scenario's line.

use crate::report::record::{Record, is_bad};
use crate::scenario::diagnostic::line;

/// One workflow command a failed check.
pub fn annotations(record: &Record) -> Vec<String> {
    let mut annotations = Vec::new();
    for (planned, subtest) in record.subtests() {
        let source = &planned.scenario.source;
        for outcome in subtest.outcomes.iter().filter(|outcome| is_bad(outcome)) {
            annotations.push(format!(
                "::error file={},line={},title={}::{}",
                property(&source.path.display().to_string()),
                line(source, &outcome.span),
                property(&format!("{} {}", planned.scenario.id, outcome.statements.join(", "))),
                data(&outcome.message),
            ));
        }
        let unexplained = subtest.fault.is_some() && !subtest.outcomes.iter().any(is_bad);
        if let (true, Some(reason)) = (unexplained, &subtest.reason) {
            let title = property(&planned.scenario.id);
            annotations.push(format!("::error title={title}::{}", data(reason)));
        }
    }
    annotations
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
