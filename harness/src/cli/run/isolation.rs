//! `--prove-isolation`: running sequentially, concurrently and shuffled must give the same verdicts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cli::console::Console;
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::{Listener, Listeners};
use harness_model::plan::{Plan, Selection};
use harness_report::diagnosis::observed::Observed;
use harness_runner::run::{RunSettings, Stop, new_id, preflight_key};
use harness_runner::targets::{PreflightScope, ProfileNeeds, TargetError};

use super::judgement::{judge, make_ready};

/// The verdicts of a pass by check or sub-test.
type Found = BTreeMap<String, &'static str>;

/// Runs the plan in three ways and returns the differences, one line each.
pub(super) async fn prove(
    setting: Arc<RunSettings>,
    plan: &Arc<Plan>,
    ready: Result<(), TargetError>,
    stop: Stop,
    terminal: &mut dyn Listener,
    listeners: &mut Listeners<'_>,
    console: &Console,
) -> Vec<String> {
    let seed = plan.selection.shuffle.unwrap_or_else(rand::random);
    let ways = [
        ("sequentially", 1, None),
        ("concurrently", setting.jobs, None),
        ("concurrently, shuffled", setting.jobs, Some(seed)),
    ];
    let mut passes: Vec<(&str, Found)> = Vec::new();
    let mut ready = Some(ready);
    for (way, jobs, shuffle) in ways {
        if stop.end().is_some() {
            break;
        }
        let seed = shuffle.map(|seed| format!(" (--shuffle {seed})")).unwrap_or_default();
        console.print(&format!("\n{way}{seed}: "));
        // On a shared target, the names created by the passes must not collide.
        let setting = Arc::new(RunSettings { jobs, id: new_id(), ..(*setting).clone() });
        let selection = Selection { shuffle, ..plan.selection.clone() };
        let plan = Arc::new(Plan { selection, ..(**plan).clone() });
        let mut observed = Observed::default();
        let mut silent = Listeners(vec![&mut observed, &mut *listeners]);
        let ready = match ready.take() {
            Some(ready) => ready,
            None => {
                let needs = ProfileNeeds::of(&plan, &setting.registry);
                let scope = PreflightScope { needs, key_name: preflight_key(&setting.id) };
                make_ready(&setting.target, &scope, stop.clone(), console).await
            }
        };
        judge(setting, plan, ready, stop.clone(), terminal, &mut silent, console).await;
        passes.push((way, found(&observed)));
    }
    differences(&passes)
}

fn found(observed: &Observed) -> Found {
    let cells = observed.cells.iter().map(|(cell, found)| {
        let verdict = match found.verdict {
            CheckVerdict::Pass => "passes",
            CheckVerdict::Fail | CheckVerdict::Waived => "fails",
            CheckVerdict::Error => "is not evaluated",
            CheckVerdict::Skip => "is skipped",
        };
        (format!("{}, {}", cell.subtest, cell.check), verdict)
    });
    let erred = observed.erred.iter().map(|subtest| (subtest.id.clone(), "ends in an error"));
    cells.chain(erred).collect()
}

fn differences(passes: &[(&str, Found)]) -> Vec<String> {
    let all: BTreeSet<&String> = passes.iter().flat_map(|(_, found)| found.keys()).collect();
    let told = |of: &String, found: &Found| found.get(of).copied().unwrap_or("is missing");
    let differs = |of: &&String| {
        let verdicts: BTreeSet<&str> = passes.iter().map(|(_, found)| told(of, found)).collect();
        verdicts.len() > 1
    };
    let line = |of: &String| {
        let ways: Vec<String> =
            passes.iter().map(|(way, found)| format!("{} {way}", told(of, found))).collect();
        format!("{of}: {}", ways.join("; "))
    };
    all.into_iter().filter(differs).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_differing_verdicts_are_listed() {
        let found = |of: &[(&str, &'static str)]| -> Found {
            of.iter().map(|(check, verdict)| ((*check).to_owned(), *verdict)).collect()
        };
        let passes = [
            ("sequentially", found(&[("a/ST1, x", "passes"), ("a/ST2, y", "fails")])),
            (
                "concurrently",
                found(&[("a/ST1, x", "fails"), ("a/ST2, y", "fails"), ("a/ST3", "ends in an error")]),
            ),
        ];
        assert_eq!(
            differences(&passes),
            [
                "a/ST1, x: passes sequentially; fails concurrently",
                "a/ST3: is missing sequentially; ends in an error concurrently",
            ]
        );
        assert_eq!(differences(&passes[..1]), Vec::<String>::new());
    }
}
