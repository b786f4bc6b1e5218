//! A run of ten thousand checks.

use std::path::Path;
use std::time::{Duration, Instant};

use harness_report::html;
use harness_report::results::Results;

use super::formats::results;

const SUBTESTS: usize = 500;
const CHECKS: usize = 20;
/// One in this many sub-tests fails.
const FAILING: usize = 10;

/// Returns ten thousand checks in five hundred sub-tests of ten chapters, every tenth failed and replayed.
fn large() -> Results {
    let small = results();
    let mut results = small.clone();
    results.subtests.clear();
    results.requirements.clear();
    for number in 0..SUBTESTS {
        let chapter = format!("chapter-{}", number / 50);
        let mut subtest = small.subtests[usize::from(number % FAILING != 0)].clone();
        subtest.id = format!("{chapter}/ST{number}");
        subtest.chapter.clone_from(&chapter);
        subtest.duration_ms = 20 + (number as u64 * 7919) % 900;
        let check = subtest.checks[0].clone();
        subtest.checks = vec![check; CHECKS];
        for (position, check) in subtest.checks.iter_mut().enumerate() {
            check.requirements = vec![format!("{chapter}/F.{position}")];
            check.step = format!("step {}", position / 4);
        }
        let failure = subtest.failures.first().cloned();
        subtest.failures = (0..4).filter_map(|_| failure.clone()).collect();
        results.subtests.push(subtest);
    }
    for number in 0..SUBTESTS {
        let mut statement = small.requirements[0].clone();
        statement.chapter = format!("chapter-{}", number / 50);
        statement.id = format!("{}/F.{}", statement.chapter, number % 50);
        results.requirements.push(statement);
    }
    results
}

#[test]
fn html_of_ten_thousand_checks_is_rendered_in_time() {
    let results = large();
    assert_eq!(results.subtests.iter().map(|subtest| subtest.checks.len()).sum::<usize>(), 10_000);
    let begun = Instant::now();
    let page = html::render(&results);
    let took = begun.elapsed();
    // Opened by hand, and by the check in Chromium.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("large.html"), &page).unwrap();
    std::fs::write(folder.join("large.json"), serde_json::to_string(&results).unwrap()).unwrap();
    assert!(took < Duration::from_secs(20), "{took:?} for {} kB", page.len() / 1000);
}
