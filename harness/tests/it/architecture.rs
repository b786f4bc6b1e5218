//! Rules of the architecture that the compiler does not check.

use std::path::{Path, PathBuf};

/// All source files below a folder, as (path relative to the workspace, text).
fn files(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let mut found = Vec::new();
    let mut open = vec![root.join(folder)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let shown = PathBuf::from(path.strip_prefix(&root).unwrap()).display().to_string();
            found.push((shown, std::fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(!found.is_empty(), "{folder} has no sources");
    found
}

/// The same, as code.
fn sources(folder: &str) -> Vec<(String, String)> {
    files(folder).into_iter().map(|(path, text)| (path, code_of(&text))).collect()
}

/// Removes comments and the tests at the end, which may name anything.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Whether the code has the word, and not merely at the end of a longer name.
fn mentions(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

/// Every mention of a forbidden word below a folder.
fn breaches(folder: &str, forbidden: &[&str], allowed: &[&str]) -> Vec<String> {
    sources(folder)
        .into_iter()
        .filter(|(path, _)| !is_test(path) && !allowed.iter().any(|allowed| path.starts_with(allowed)))
        .flat_map(|(path, code)| {
            let words = forbidden.iter().filter(|word| mentions(&code, word));
            words.map(|word| format!("{path} uses {word}")).collect::<Vec<_>>()
        })
        .collect()
}

/// The dependencies of a crate that are crates of the workspace.
fn dependencies(manifest: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join(manifest).join("Cargo.toml")).unwrap();
    let text = text.split("[dev-dependencies]").next().unwrap_or_default();
    let (_, text) = text.split_once("[dependencies]").unwrap();
    let names = text.lines().filter_map(|line| line.split(['.', ' ']).next());
    let ours = ["harness", "mock-server", "scenarios", "ztna"];
    let mut names: Vec<String> =
        names.filter(|name| ours.iter().any(|prefix| name.starts_with(prefix))).map(str::to_owned).collect();
    names.sort();
    names
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
fn crates_of_the_kit_depend_on_those_below() {
    let expected: [(&str, &[&str]); 5] = [
        ("model", &[]),
        ("runner", &["harness-model"]),
        ("report", &["harness-model"]),
        ("evidence", &["harness-model", "harness-report"]),
        ("reference", &["harness-model", "harness-report", "harness-runner", "mock-server", "ztna-agent"]),
    ];
    for (name, below) in expected {
        assert_eq!(dependencies(&format!("harness/crates/{name}")), below, "harness-{name}");
    }
    let kit = dependencies("harness");
    assert!(!kit.iter().any(|name| name == "mock-server" || name.starts_with("ztna")), "{kit:?}");
}

#[test]
fn the_reference_knows_nothing_of_the_kit() {
    let crates = [
        "mock-server",
        "mock-server/crates/agent",
        "mock-server/crates/protocol",
        "mock-server/crates/relay",
    ];
    for name in crates {
        let known = dependencies(name);
        assert!(
            !known.iter().any(|name| name.starts_with("harness") || name == "scenarios"),
            "{name}: {known:?}"
        );
    }
    // The package also builds the agent's program; the control plane itself must not use the agent.
    assert_eq!(breaches("mock-server/src", &["ztna_agent"], &["mock-server/src/bin/"]), Vec::<String>::new());
}

#[test]
fn pure_code_touches_nothing_outside() {
    // Two modules read and write files.
    let with_files =
        ["harness/crates/model/src/scenario/load.rs", "harness/crates/model/src/check/snapshot/"];
    assert_eq!(breaches("harness/crates/model/src", &IMPURE, &with_files), Vec::<String>::new());
    assert_eq!(breaches("harness/crates/report/src/diagnosis", &IMPURE, &[]), Vec::<String>::new());
    assert_eq!(breaches("mock-server/src/domain", &IMPURE, &[]), Vec::<String>::new());
    let fuzzing = ["mock-server/crates/protocol/src/fuzzing.rs"];
    assert_eq!(breaches("mock-server/crates/protocol/src", &IMPURE, &fuzzing), Vec::<String>::new());
}

#[test]
fn the_domain_of_the_reference_knows_nothing_above_it() {
    let above = ["crate::store", "crate::control", "crate::api", "crate::app", "rusqlite"];
    assert_eq!(breaches("mock-server/src/domain", &above, &[]), Vec::<String>::new());
}

#[test]
fn sql_stays_in_the_store() {
    let sql = ["rusqlite", "\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE "];
    assert_eq!(breaches("mock-server/src", &sql, &["mock-server/src/store/"]), Vec::<String>::new());
}

/// The libraries say `doctest = false` and the programs `test = false`: each that cargo asks in vain takes half a second.
#[test]
fn nothing_is_tested_where_cargo_does_not_look() {
    let crates = ["harness/src", "harness/crates", "mock-server/src", "mock-server/crates", "scenarios/src"];
    let untested = |path: &str, text: &str| {
        let program = path.ends_with("/main.rs") && !is_test(path) || path.contains("/bin/");
        let mut lines = text.lines().map(str::trim_start);
        lines.any(|line| line.starts_with("/// ```") || line.starts_with("//! ```"))
            || program
                && ["#[test]", "::test]", "::test(", "#[cfg(test)]"].iter().any(|test| text.contains(test))
    };
    let found = crates.iter().flat_map(|folder| files(folder)).filter(|(path, text)| untested(path, text));
    assert_eq!(found.map(|(path, _)| path).collect::<Vec<_>>(), Vec::<String>::new());
}
