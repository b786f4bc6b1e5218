//! Runs write snapshots only if they are asked to, and only answers of the plain reference.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::harness;
use crate::small_target::SmallTarget;

const SNAPSHOT: &str = "auth-keys/used-count/ST2.snap/table.snap";
const PROPOSAL: &str = "auth-keys/used-count/ST2.snap/table.snap.new";

/// Copies the kit's own scenarios.
fn copied() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/.");
    assert!(Command::new("cp").arg("-r").arg(scenarios).arg(copy.path()).status().unwrap().success());
    copy
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut open = vec![folder.to_owned()];
    let mut files = BTreeMap::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    files
}

fn run(scenarios: &Path, arguments: &[&str], insta_update: Option<&str>) -> (Option<i32>, String) {
    let mut command = harness();
    command.args(arguments).arg("--scenarios").arg(scenarios);
    command.envs(insta_update.map(|value| ("INSTA_UPDATE", value)));
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_run_with_differing_answers_writes_nothing() {
    let copy = copied();
    let before = contents(copy.path());
    let deviating = ["--deviation", "count-frozen", "--filter", "used-count/ST2"];
    for insta_update in [None, Some("auto"), Some("always")] {
        let (code, text) = run(copy.path(), &deviating, insta_update);
        assert_eq!(code, Some(1), "{text}");
        assert!(!text.contains("--accept") && !text.contains("insta review"), "{text}");
    }
    assert!(contents(copy.path()) == before, "a run with a deviation wrote into the scenarios");
    // The reference's own answer differs: still nothing is written, and the run says how.
    std::fs::remove_file(copy.path().join(SNAPSHOT)).unwrap();
    let before = contents(copy.path());
    let (code, text) = run(copy.path(), &["--filter", "used-count/ST2"], None);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("snapshot `table` does not exist") && text.contains("`harness review`"), "{text}");
    assert!(contents(copy.path()) == before, "a run wrote into the scenarios");
}

#[test]
fn review_and_insta_propose_what_accept_stores() {
    let copy = copied();
    let (snapshot, proposal) = (copy.path().join(SNAPSHOT), copy.path().join(PROPOSAL));
    std::fs::remove_file(&snapshot).unwrap();
    let some = ["--filter", "used-count/ST2"];
    for (command, insta_update) in [(&["review"][..], None), (&[][..], Some("auto"))] {
        let (code, text) = run(copy.path(), &[command, &some].concat(), insta_update);
        assert_eq!(code, Some(1), "{text}");
        assert!(proposal.exists() && !snapshot.exists(), "{command:?}");
        std::fs::remove_file(&proposal).unwrap();
    }
    let (code, text) = run(copy.path(), &[&some[..], &["--accept"]].concat(), None);
    assert_eq!((code, snapshot.exists(), proposal.exists()), (Some(0), true, false), "{text}");
}

#[test]
fn answers_of_others_are_never_accepted() {
    let foreign = SmallTarget::start(&[]).judge(&["--accept"]);
    assert_eq!(foreign.code, 2, "{foreign}");
    let cases: [&[&str]; 4] = [
        &["--accept", "--deviation", "count-frozen"],
        &["review", "--deviation", "count-frozen"],
        &["review", "--target", "acme.toml"],
        &["review", "--accept"],
    ];
    for arguments in cases {
        let output = harness().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
}
