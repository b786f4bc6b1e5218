//! Any modification, removal or addition is detected and named.

use std::io::Cursor;

use harness_evidence::archive::Archive;
use harness_evidence::verify::{Options, verify_integrity};

use crate::evidence::bundle::{files, made, packed, read, verified};

/// The bundle with one file replaced; none: left out.
fn with(files: &[(String, Vec<u8>)], name: &str, content: Option<Vec<u8>>) -> Vec<u8> {
    let mut files = files.to_vec();
    match content {
        Some(content) => {
            files.iter_mut().filter(|(known, _)| known == name).for_each(|file| file.1.clone_from(&content));
        }
        None => files.retain(|(known, _)| known != name),
    }
    packed(&files)
}

#[test]
fn modified_files_are_named() {
    let (folder, run) = made(&[]);
    assert_eq!(run.code, 0, "{run:?}");
    let bytes = read(&folder);
    let files = files(&bytes);
    assert_eq!(packed(&files), bytes, "packing the same again is the same");
    let content = |name: &str| files.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let exchanges = content("exchanges.jsonl");
    let lines: Vec<String> = String::from_utf8_lossy(&exchanges).lines().map(str::to_owned).collect();
    let joined = |lines: &[String]| Some((lines.join("\n") + "\n").into_bytes());
    let refused = lines.iter().position(|line| line.contains("KEY_USED")).unwrap();
    let mut changed = lines.clone();
    changed[refused] = changed[refused].replace("KEY_USED", "KEY_OKAY");
    let mut dropped = lines.clone();
    dropped.remove(refused);
    let mut twice = lines.clone();
    twice.insert(refused, lines[refused].clone());
    let mut swapped = lines.clone();
    swapped.swap(refused, refused - 1);
    let scenario = "scenarios/probe/keys/ST1.toml";
    let results = String::from_utf8(content("results.json")).unwrap();
    let statement = String::from_utf8(content("statement.json")).unwrap();
    let cases = [
        (
            "exchanges.jsonl",
            joined(&changed),
            vec!["exchanges.jsonl was modified", "re-evaluated as `fail`", "breaks the chain"],
        ),
        ("exchanges.jsonl", joined(&dropped), vec!["breaks the chain", "expected step"]),
        ("exchanges.jsonl", joined(&twice), vec!["breaks the chain", "expected step"]),
        ("exchanges.jsonl", joined(&swapped), vec!["breaks the chain", "expected step"]),
        ("exchanges.jsonl", joined(&lines[..refused]), vec!["the end of the run is missing"]),
        ("exchanges.jsonl", None, vec!["exchanges.jsonl is missing"]),
        (
            "results.json",
            Some(results.replace("\"passed\"", "\"non-conformant\"").into_bytes()),
            vec!["results.json was modified", "/verdict is recorded as \"non-conformant\""],
        ),
        (
            "statement.json",
            Some(statement.replace("WARNED", "FAILED").into_bytes()),
            vec!["does not match results.json"],
        ),
        ("profile.toml", Some(Vec::new()), vec!["profile.toml was modified"]),
        (
            scenario,
            Some(String::from_utf8(content(scenario)).unwrap().replace("exit = 1", "exit = 0").into_bytes()),
            vec!["ST1.toml was modified", "re-evaluated as `fail`"],
        ),
        ("README.md", None, vec!["README.md is missing"]),
    ];
    for (name, content, wanted) in cases {
        let ended = verified(&with(&files, name, content), &["--accept-scenarios"]);
        assert_eq!(ended.code, 1, "{name}: {ended:?}");
        for wanted in wanted {
            assert!(ended.stdout.contains(wanted), "{name}: {wanted} is not in\n{}", ended.stdout);
        }
    }
    let mut more = files.clone();
    more.insert(0, ("more.txt".to_owned(), Vec::new()));
    let added = verified(&packed(&more), &["--accept-scenarios"]);
    assert!(added.code == 1 && added.stdout.contains("was added"), "{added:?}");
}

/// Whether the bundle is found complete and unmodified, without re-evaluating its checks.
fn is_intact(bytes: &[u8], options: &Options) -> bool {
    let Ok(mut archive) = Archive::open(Cursor::new(bytes)) else { return false };
    verify_integrity(&mut archive, options)
        .is_ok_and(|(report, manifest)| report.is_good() && manifest.is_some())
}

#[test]
fn any_modified_removed_or_added_byte_is_detected() {
    let (folder, run) = made(&[]);
    assert_eq!(run.code, 0, "{run:?}");
    let whole = read(&folder);
    let options = Options { accepts_scenarios: true, ..Options::default() };
    assert!(is_intact(&whole, &options));
    for at in 0..whole.len() {
        let mut other = whole.clone();
        other[at] ^= 1 << (at % 8);
        assert!(!is_intact(&other, &options), "byte {at} of {} may be changed", whole.len());
    }
    for length in 0..whole.len() {
        assert!(!is_intact(&whole[..length], &options), "it may be cut off after {length} bytes");
    }
    for at in (0..=whole.len()).step_by(7) {
        let mut longer = whole.clone();
        longer.insert(at, b'x');
        assert!(!is_intact(&longer, &options), "a byte may be put in at {at}");
    }
}
