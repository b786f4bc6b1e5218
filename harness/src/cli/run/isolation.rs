//! `--prove-isolation`: the same sub-tests one by one, side by side and shuffled must find the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cli::console::Console;
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::Listener;
use harness_model::plan::{Plan, Selection};
use harness_report::diagnosis::observed::Observed;
use harness_runner::run::{Setting, Stop, new_id};

use super::judgement::{Audience, judge};

/// What a pass found: a line each that stands for a check or a sub-test, and its verdict.
type Found = BTreeMap<String, &'static str>;

/// Runs the plan in three ways; the lines tell where they differ.
pub(super) async fn prove(
    setting: Arc<Setting>,
    plan: &Arc<Plan>,
    stop: Stop,
    terminal: &mut dyn Listener,
    heard: &mut Audience<'_>,
    console: &Console,
) -> Vec<String> {
    let seed = plan.selection.shuffle.unwrap_or_else(rand::random);
    let ways = [
        ("one by one", 1, None),
        ("side by side", setting.jobs, None),
        ("side by side, shuffled", setting.jobs, Some(seed)),
    ];
    let mut passes: Vec<(&str, Found)> = Vec::new();
    for (way, jobs, shuffle) in ways {
        if stop.end().is_some() {
            break;
        }
        let seed = shuffle.map(|seed| format!(" (--shuffle {seed})")).unwrap_or_default();
        console.say(&format!("\n{way}{seed}: "));
        // On a shared target the names of one pass are none of the next one's.
        let setting = Arc::new(Setting { jobs, id: new_id(), ..(*setting).clone() });
        let selection = Selection { shuffle, ..plan.selection.clone() };
        let plan = Arc::new(Plan { selection, ..(**plan).clone() });
        let mut observed = Observed::default();
        let mut silent = Audience(vec![&mut observed, &mut *heard]);
        judge(setting, plan, stop.clone(), terminal, &mut silent, console).await;
        passes.push((way, found(&observed)));
    }
    differences(&passes)
}

fn found(observed: &Observed) -> Found {
    let cells = observed.cells.iter().map(|(cell, found)| {
        let verdict = match found.verdict {
            CheckVerdict::Pass => "passes",
            CheckVerdict::Fail | CheckVerdict::Waived => "fails",
            CheckVerdict::Error => "cannot be judged",
            CheckVerdict::Skip => "is skipped",
        };
        (format!("{}, {}", cell.subtest, cell.check), verdict)
    });
    let erred = observed.erred.iter().map(|(subtest, _)| (subtest.clone(), "comes to no verdict"));
    cells.chain(erred).collect()
}

fn differences(passes: &[(&str, Found)]) -> Vec<String> {
    let all: BTreeSet<&String> = passes.iter().flat_map(|(_, found)| found.keys()).collect();
    let told = |of: &String, found: &Found| found.get(of).copied().unwrap_or("is not there");
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
    fn only_what_differs_is_told_and_in_which_way() {
        let found = |of: &[(&str, &'static str)]| -> Found {
            of.iter().map(|(check, verdict)| ((*check).to_owned(), *verdict)).collect()
        };
        let passes = [
            ("one by one", found(&[("a/ST1, x", "passes"), ("a/ST2, y", "fails")])),
            (
                "side by side",
                found(&[("a/ST1, x", "fails"), ("a/ST2, y", "fails"), ("a/ST3", "comes to no verdict")]),
            ),
        ];
        assert_eq!(
            differences(&passes),
            [
                "a/ST1, x: passes one by one; fails side by side",
                "a/ST3: is not there one by one; comes to no verdict side by side",
            ]
        );
        assert_eq!(differences(&passes[..1]), Vec::<String>::new());
    }
}
