//! Snapshots on a disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::check::evidence::{Exchange, ProcessResult};
use crate::requirement::Registry;

struct Place {
    _root: tempfile::TempDir,
    folder: PathBuf,
}

fn place() -> Place {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("scenarios/auth-keys/used-count/ST4.snap");
    Place { _root: root, folder }
}

fn exchange(json: Value) -> Exchange {
    Exchange {
        method: "GET".to_owned(),
        url: String::new(),
        request_headers: Vec::new(),
        request_body: None,
        status: 201,
        headers: Vec::new(),
        body: json.to_string(),
        json: Some(json),
        took: Duration::ZERO,
    }
}

fn judged(place: &Place, mode: Mode, json: Value) -> Finding {
    let variables: BTreeMap<String, Value> = [("org".to_owned(), json!("org_1"))].into();
    let snapshots = Snapshots { folder: &place.folder, mode, strict: false, run_prefix: "r1-" };
    let registry = Registry::default();
    let context = Context { variables: &variables, registry: &registry, judges_ours: true, snapshots };
    judge("created", View::Http(&exchange(json)), &context)
}

fn exists(place: &Place, file: &str) -> bool {
    place.folder.join(file).exists()
}

#[test]
fn a_snapshot_is_proposed_accepted_and_compared() {
    let place = place();
    let answer = json!({"data": {"name": "r1-key", "org_id": "org_1", "at": "2026-03-17T10:00:00Z"}});

    let missing = judged(&place, Mode::Compare, answer.clone());
    assert_eq!(missing.held, Held::No);
    assert!(missing.message.contains("does not exist yet"), "{}", missing.message);
    assert!(!place.folder.exists(), "looking writes nothing");

    let proposed = judged(&place, Mode::New, answer.clone());
    assert_eq!(proposed.held, Held::No);
    assert!(proposed.message.contains("cargo insta review"), "{}", proposed.message);
    assert!(exists(&place, "created.snap.new") && !exists(&place, "created.snap"));

    assert_eq!(judged(&place, Mode::Accept, answer.clone()).held, Held::Yes);
    assert!(!exists(&place, "created.snap.new") && exists(&place, "created.snap"));
    insta::assert_snapshot!(fs::read_to_string(place.folder.join("created.snap")).unwrap());

    assert_eq!(judged(&place, Mode::Compare, answer.clone()).held, Held::Yes);
    let other = judged(
        &place,
        Mode::New,
        json!({"data": {"name": "r1-kye", "org_id": "org_1", "at": "2027-01-01T00:00:00Z"}}),
    );
    assert_eq!(other.held, Held::No);
    assert!(other.message.contains("`/data/name` was \"key\" and is \"kye\""), "{}", other.message);
    assert!(
        other.actual.contains("-    \"name\": \"key\"") && other.actual.contains("+    \"name\": \"kye\""),
        "{}",
        other.actual
    );
    assert!(exists(&place, "created.snap.new"));
    judged(&place, Mode::New, answer);
    assert!(!exists(&place, "created.snap.new"), "what holds again needs no review");
}

#[test]
fn insta_reads_what_is_written_here() {
    let place = place();
    judged(&place, Mode::Accept, json!({"a": "--- \\ \" ü"}));
    let snapshot = insta::Snapshot::from_file(&place.folder.join("created.snap")).unwrap();
    assert_eq!(snapshot.metadata().source(), Some("scenarios/auth-keys/used-count/ST4.toml"));
    assert_eq!(snapshot.metadata().expression(), Some("created"));
    assert!(snapshot.as_text().unwrap().to_string().starts_with("HTTP 201\n{"));
}

#[test]
fn accepting_leaves_what_holds_as_it_is() {
    let place = place();
    judged(&place, Mode::Accept, json!({"a": 1}));
    let more = judged(&place, Mode::Accept, json!({"a": 1, "b": 2}));
    assert_eq!((more.held, more.notes), (Held::Yes, vec!["`/b` is not documented".to_owned()]));
    assert!(!fs::read_to_string(place.folder.join("created.snap")).unwrap().contains("\"b\""));
}

#[test]
fn what_cannot_be_read_or_written_is_said() {
    let place = place();
    fs::create_dir_all(&place.folder).unwrap();
    fs::write(place.folder.join("created.snap"), "expression: x\n\nold").unwrap();
    let old = judged(&place, Mode::Accept, json!({}));
    assert_eq!(old.held, Held::Unknown);
    assert!(old.message.contains("not a snapshot in insta's format"), "{}", old.message);

    // A file where the folder should be.
    let hidden = Place { folder: place.folder.join("created.snap/x"), ..place };
    for mode in [Mode::Accept, Mode::New, Mode::Compare] {
        let finding = judged(&hidden, mode, json!({}));
        assert_eq!(finding.held, Held::Unknown);
        assert!(finding.message.contains("cannot be read"), "{}", finding.message);
    }
    // A folder that leads nowhere: even root cannot write there.
    let blocked = self::place();
    fs::create_dir_all(blocked.folder.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/nonexistent/folder", &blocked.folder).unwrap();
    for (mode, held) in [(Mode::Accept, Held::Unknown), (Mode::New, Held::No)] {
        let finding = judged(&blocked, mode, json!({}));
        assert_eq!(finding.held, held);
        assert!(finding.message.contains("cannot be written"), "{}", finding.message);
    }
}

/// Where names have a prefix, a table's columns are as wide as they make them; without one, columns count.
#[test]
fn columns_count_unless_the_run_has_a_prefix() {
    let printed = |place: &Place, run_prefix, mode, stdout: &str| {
        let variables: BTreeMap<String, Value> = BTreeMap::new();
        let snapshots = Snapshots { folder: &place.folder, mode, strict: false, run_prefix };
        let registry = Registry::default();
        let context = Context { variables: &variables, registry: &registry, judges_ours: true, snapshots };
        let process = ProcessResult { stdout: stdout.to_owned(), ..ProcessResult::default() };
        judge("table", View::Process(&process), &context).held
    };
    let place = place();
    printed(&place, "", Mode::Accept, "NAME    USES\nkey     1\n");
    assert_eq!(printed(&place, "", Mode::Compare, "NAME       USES\nkey        1\n"), Held::No);
    assert_eq!(printed(&place, "r1-", Mode::Compare, "NAME       USES\nr1-key     1\n"), Held::Yes);
    assert_eq!(printed(&place, "r1-", Mode::Compare, "NAME       USES\nr1-key     2\n"), Held::No);
}

#[test]
fn many_threads_compare_at_once() {
    let place = place();
    judged(&place, Mode::Accept, json!({"a": 1}));
    std::thread::scope(|scope| {
        for n in 0..8 {
            let place = &place;
            scope.spawn(move || {
                for _ in 0..20 {
                    let value = if n % 2 == 0 { 1 } else { 2 };
                    let held = judged(place, Mode::New, json!({"a": value})).held;
                    assert_eq!(held == Held::Yes, value == 1);
                }
            });
        }
    });
}
