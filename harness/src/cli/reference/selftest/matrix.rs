//! `--write-matrix` and `--check-matrix`: updating and checking the kill matrix.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::console::Console;
use harness_model::scenario::model::Scenario;
use harness_reference::proof::{Bench, Proof, Reach};
use harness_report::diagnosis::catalogue::Declared;
use harness_report::diagnosis::matrix::Matrix;
use harness_report::exit_code::ENVIRONMENT;

/// Decides what to run: all sub-tests for explicitly chosen deviations, otherwise only the changed sub-tests.
pub(super) fn prepare(bench: &mut Bench, chosen: &mut Vec<&Declared>, is_chosen: bool) {
    if is_chosen {
        for declared in chosen.iter() {
            bench.matrix.patterns.remove(&declared.id);
        }
        bench.reach = Reach::Learning(BTreeSet::new());
        return;
    }
    let unknown = bench.matrix.unknown(scenarios(bench));
    if unknown.is_empty() {
        chosen.retain(|declared| !bench.matrix.patterns.contains_key(&declared.id));
    }
    bench.reach = Reach::Learning(unknown);
}

/// Writes the new results together with those that are still valid.
pub(super) fn write(to: Option<&Path>, proofs: &[Proof], bench: &Bench, console: &Console) -> Result<u8, u8> {
    let failed: Vec<&Proof> = proofs.iter().filter(|proof| !proof.missed.is_empty()).collect();
    for proof in &failed {
        console.complain(&format!("{}: {}", proof.deviation, proof.missed.join("; ")));
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/kill-matrix.json");
    let path = to.map_or(checkout, Path::to_owned);
    let text = learnt(proofs, bench).render().map_err(std::io::Error::from);
    text.and_then(|text| std::fs::write(&path, text)).map_err(|error| {
        console.complain(&format!("writing {} failed: {error}", path.display()));
        ENVIRONMENT
    })?;
    console.say(&format!(
        "\n{} deviations tried; matrix written to {}\nrebuild the kit to use it\n",
        proofs.len(),
        path.display()
    ));
    Ok(u8::from(!failed.is_empty()))
}

/// Prints the runs that differ from the matrix and returns the exit code.
pub(super) fn tell(proofs: &[Proof], console: &Console) -> u8 {
    let differing: Vec<&Proof> = proofs.iter().filter(|proof| !proof.missed.is_empty()).collect();
    let mut text = "\n".to_owned();
    for proof in &differing {
        text.push_str(&format!("{}:\n", proof.deviation));
        proof.missed.iter().for_each(|line| text.push_str(&format!("  - {line}\n")));
    }
    let alike = proofs.len() - differing.len();
    text.push_str(&format!(
        "matrix: {alike} of {} deviations fail the expected checks and are diagnosed correctly\n",
        proofs.len()
    ));
    console.say(&text);
    u8::from(!differing.is_empty())
}

fn learnt(proofs: &[Proof], bench: &Bench) -> Matrix {
    let mut matrix = Matrix::built_in().unwrap_or_default();
    let Reach::Learning(unknown) = &bench.reach else { return matrix };
    for proof in proofs {
        let is_known = bench.matrix.patterns.contains_key(&proof.deviation);
        matrix.learn(&proof.deviation, &proof.observed, |subtest| !is_known || unknown.contains(subtest));
    }
    let skipped: BTreeSet<&str> = proofs
        .iter()
        .flat_map(|proof| &proof.observed.skipped)
        .map(|(subtest, _)| subtest.as_str())
        .collect();
    let tried =
        |scenario: &&Scenario| unknown.contains(&scenario.id) && !skipped.contains(scenario.id.as_str());
    matrix.know(scenarios(bench).filter(tried));
    matrix.keep(
        |deviation| bench.catalogue.find(deviation).is_some(),
        |subtest| scenarios(bench).any(|scenario| scenario.id == subtest),
    );
    matrix
}

fn scenarios(bench: &Bench) -> impl Iterator<Item = &Scenario> {
    bench.library.scenarios.iter().map(AsRef::as_ref)
}
