//! `--write-matrix` and `--check-matrix`: updating and checking the kill matrix.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::console::Console;
use crate::cli::error::CliError;
use harness_model::scenario::model::Scenario;
use harness_reference::self_test::{DeviationOutcome, Scope, SelfTest};
use harness_report::diagnosis::catalogue::Declared;
use harness_report::diagnosis::matrix::Matrix;
use harness_report::exit_code::ExitCode;

/// Decides what to run: all sub-tests for explicitly chosen deviations, otherwise only the changed sub-tests.
pub(super) fn prepare(self_test: &mut SelfTest, chosen: &mut Vec<&Declared>, is_chosen: bool) {
    if is_chosen {
        for declared in chosen.iter() {
            self_test.matrix.patterns.remove(&declared.id);
        }
        self_test.scope = Scope::Unlearned(BTreeSet::new());
        return;
    }
    let unknown = self_test.matrix.unknown(scenarios(self_test));
    if unknown.is_empty() {
        chosen.retain(|declared| !self_test.matrix.patterns.contains_key(&declared.id));
    }
    self_test.scope = Scope::Unlearned(unknown);
}

/// Writes the new results together with those that are still valid.
pub(super) fn write(
    to: Option<&Path>,
    outcomes: &[DeviationOutcome],
    self_test: &SelfTest,
    console: &Console,
) -> Result<ExitCode, CliError> {
    let failed: Vec<&DeviationOutcome> =
        outcomes.iter().filter(|outcome| !outcome.missed.is_empty()).collect();
    for outcome in &failed {
        console.error(&format!("{}: {}", outcome.deviation, outcome.missed.join("; ")));
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/kill-matrix.json");
    let path = to.map_or(checkout, Path::to_owned);
    let text = learnt(outcomes, self_test).render().map_err(std::io::Error::from);
    text.and_then(|text| std::fs::write(&path, text))
        .map_err(|cause| CliError::WriteFile { path: path.clone(), cause })?;
    let idle = outcomes.iter().filter(|outcome| outcome.missed.is_empty() && outcome.tried_nothing()).count();
    let kept = match idle {
        0 => String::new(),
        _ => format!(", of which {idle} affect no changed sub-test and keep their rows"),
    };
    console.print(&format!(
        "\n{} deviations tried{kept}; matrix written to {}\nrebuild the kit to use it\n",
        outcomes.len(),
        path.display()
    ));
    Ok(exit_code(&failed))
}

/// Prints the runs that differ from the matrix and returns the exit code.
pub(super) fn report(outcomes: &[DeviationOutcome], console: &Console) -> ExitCode {
    let differing: Vec<&DeviationOutcome> =
        outcomes.iter().filter(|outcome| !outcome.missed.is_empty()).collect();
    let mut text = "\n".to_owned();
    for outcome in &differing {
        text.push_str(&format!("{}:\n", outcome.deviation));
        outcome.missed.iter().for_each(|line| text.push_str(&format!("  - {line}\n")));
    }
    let alike = outcomes.len() - differing.len();
    text.push_str(&format!(
        "matrix: {alike} of {} deviations fail the expected checks and are diagnosed correctly\n",
        outcomes.len()
    ));
    console.print(&text);
    exit_code(&differing)
}

fn exit_code(missed: &[&DeviationOutcome]) -> ExitCode {
    if missed.is_empty() { ExitCode::Conformant } else { ExitCode::NonConformant }
}

fn learnt(outcomes: &[DeviationOutcome], self_test: &SelfTest) -> Matrix {
    let mut matrix = Matrix::built_in().unwrap_or_default();
    let Scope::Unlearned(unknown) = &self_test.scope else { return matrix };
    for outcome in outcomes {
        let is_known = self_test.matrix.patterns.contains_key(&outcome.deviation);
        matrix.learn(&outcome.deviation, &outcome.observed, |subtest| !is_known || unknown.contains(subtest));
    }
    let skipped: BTreeSet<&str> = outcomes
        .iter()
        .flat_map(|outcome| &outcome.observed.skipped)
        .map(|subtest| subtest.id.as_str())
        .collect();
    let tried =
        |scenario: &&Scenario| unknown.contains(&scenario.id) && !skipped.contains(scenario.id.as_str());
    matrix.know(scenarios(self_test).filter(tried));
    matrix.keep(
        |deviation| self_test.catalogue.find(deviation).is_some(),
        |subtest| scenarios(self_test).any(|scenario| scenario.id == subtest),
    );
    matrix
}

fn scenarios(self_test: &SelfTest) -> impl Iterator<Item = &Scenario> {
    self_test.library.scenarios.iter().map(AsRef::as_ref)
}
