//! The direction of imports, as the design draws it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may end like this")]

use std::path::{Path, PathBuf};

/// Files of a folder, all levels, as (path relative to the workspace, text).
fn sources(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let mut found = Vec::new();
    let mut open = vec![root.join(folder)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let shown = PathBuf::from(path.strip_prefix(&root).unwrap()).display().to_string();
            found.push((shown, code_of(&std::fs::read_to_string(&path).unwrap())));
        }
    }
    assert!(!found.is_empty(), "{folder} has no sources");
    found
}

/// Without comments and without the tests at the end: both may name anything.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Every mention of a forbidden word in a folder.
fn breaches(folder: &str, forbidden: &[&str], allowed: &[&str]) -> Vec<String> {
    sources(folder)
        .into_iter()
        .filter(|(path, _)| !is_test(path) && !allowed.iter().any(|allowed| path.starts_with(allowed)))
        .flat_map(|(path, code)| {
            let words = forbidden.iter().filter(|word| code.contains(**word));
            words.map(|word| format!("{path} uses {word}")).collect::<Vec<_>>()
        })
        .collect()
}

const IMPURE: [&str; 11] = [
    "tokio::",
    "reqwest::",
    "axum::",
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "std::process",
    "SystemTime::now",
    "Instant::now",
    "rand::",
];

#[test]
fn the_kit_knows_the_reference_in_one_place() {
    let allowed = ["harness/src/target/embedded.rs", "harness/src/selftest/"];
    assert_eq!(breaches("harness/src", &["mock_server"], &allowed), Vec::<String>::new());
    for folder in ["mock-server/src", "mock-server/crates"] {
        assert_eq!(breaches(folder, &["harness::", "scenarios::"], &[]), Vec::<String>::new());
    }
    // Its program is built beside the control plane, which knows nothing of it.
    let programs = ["mock-server/src/bin/"];
    assert_eq!(breaches("mock-server/src", &["ztna_agent"], &programs), Vec::<String>::new());
}

#[test]
fn pure_modules_touch_nothing_outside() {
    // Reading and writing files has a place of its own in two of them.
    let with_files = ["harness/src/scenario/load.rs", "harness/src/check/snapshot/"];
    for folder in ["requirement", "scenario", "plan", "check"] {
        let found = breaches(&format!("harness/src/{folder}"), &IMPURE, &with_files);
        assert_eq!(found, Vec::<String>::new());
    }
    for folder in ["mock-server/src/domain", "mock-server/crates/protocol/src"] {
        assert_eq!(
            breaches(folder, &IMPURE, &["mock-server/crates/protocol/src/fuzzing.rs"]),
            Vec::<String>::new()
        );
    }
}

#[test]
fn imports_go_one_way() {
    // What the pure modules below a plan must not know.
    let above = [
        "crate::plan",
        "crate::step",
        "crate::run",
        "crate::target",
        "crate::report",
        "crate::evidence",
        "crate::cli",
        "crate::selftest",
    ];
    let rules: [(&str, &[&str]); 11] = [
        ("harness/src/requirement", &above),
        ("harness/src/scenario", &above),
        ("harness/src/check", &above),
        ("harness/src/plan", &above[1..]),
        (
            "harness/src/step",
            &["crate::run", "crate::report", "crate::evidence", "crate::cli", "crate::selftest"],
        ),
        (
            "harness/src/target",
            &["crate::run", "crate::report", "crate::evidence", "crate::cli", "crate::selftest"],
        ),
        ("harness/src/run", &["crate::report", "crate::evidence", "crate::cli", "crate::selftest"]),
        ("harness/src/evidence", &["crate::cli", "crate::selftest", "crate::step", "crate::target"]),
        (
            "harness/src/report",
            &["crate::evidence", "crate::cli", "crate::selftest", "crate::step", "crate::target"],
        ),
        ("harness/src/selftest", &["crate::evidence", "crate::cli"]),
        (
            "mock-server/src/domain",
            &["crate::store", "crate::control", "crate::api", "crate::app", "rusqlite"],
        ),
    ];
    for (folder, forbidden) in rules {
        assert_eq!(breaches(folder, forbidden, &[]), Vec::<String>::new());
    }
}

#[test]
fn sql_stays_in_the_store() {
    let sql = ["rusqlite", "\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE "];
    assert_eq!(breaches("mock-server/src", &sql, &["mock-server/src/store/"]), Vec::<String>::new());
}
