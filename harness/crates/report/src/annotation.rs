//! GitHub Actions annotations at the scenario's line.

use std::path::Path;

use crate::headline;
use crate::results::{CheckResult, Results, SubtestResult};
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;

/// GitHub shows at most ten errors and ten warnings per step and silently drops the rest.
const MAX_ANNOTATIONS: usize = 10;

/// Returns one workflow command per sub-test that did not pass, at its first failed check, and one per gap, stale
/// waiver or regression. `root` is the checkout; the scenarios' paths are relative to `here`.
pub fn annotations(results: &Results, root: &Path, here: &Path) -> Vec<String> {
    let results = &results.shown();
    let of = |verdicts: &[SubtestVerdict], kind: &str| {
        let bad = results.subtests.iter().filter(|subtest| verdicts.contains(&subtest.verdict));
        bad.map(|subtest| annotation(subtest, kind, root, here)).collect::<Vec<_>>()
    };
    let mut errors = of(&[SubtestVerdict::Fail, SubtestVerdict::Error], "error");
    errors.extend(
        headline::troubles(results)
            .iter()
            .map(|trouble| command("error", &[("title", "conformance")], trouble)),
    );
    let mut annotations = bounded(errors, "error");
    annotations.extend(bounded(of(&[SubtestVerdict::Waived], "warning"), "warning"));
    annotations
}

fn annotation(subtest: &SubtestResult, kind: &str, root: &Path, here: &Path) -> String {
    let is_waived = subtest.verdict == SubtestVerdict::Waived;
    let bad = |check: &&CheckResult| match check.verdict {
        CheckVerdict::Pass | CheckVerdict::Skip => false,
        CheckVerdict::Waived => is_waived,
        CheckVerdict::Fail | CheckVerdict::Error => true,
    };
    let mut checks = subtest.checks.iter().filter(bad);
    let Some(check) = checks.next() else {
        return command(kind, &[("title", &subtest.id)], subtest.reason.as_deref().unwrap_or_default());
    };
    let file = here.join(&check.location.file);
    let line = check.location.line.to_string();
    let file = file.strip_prefix(root).unwrap_or(&file).display().to_string();
    let title = format!("{} {}", subtest.id, check.requirements.join(", "));
    let more = match checks.count() {
        0 => String::new(),
        more => format!("\n… and {more} more in this sub-test"),
    };
    let message = format!("{}: {}{more}", check.step, check.message);
    command(kind, &[("file", &file), ("line", &line), ("title", title.trim_end())], &message)
}

fn bounded(mut commands: Vec<String>, kind: &str) -> Vec<String> {
    if commands.len() > MAX_ANNOTATIONS {
        let more = commands.len() - (MAX_ANNOTATIONS - 1);
        commands.truncate(MAX_ANNOTATIONS - 1);
        commands.push(command(
            kind,
            &[("title", "conformance")],
            &format!("… and {more} more; see the reports for all of them"),
        ));
    }
    commands
}

fn command(kind: &str, properties: &[(&str, &str)], message: &str) -> String {
    let properties: Vec<String> =
        properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    format!("::{kind} {}::{}", properties.join(","), data(message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
