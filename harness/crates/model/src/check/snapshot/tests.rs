//! SnapshotSettings in a temporary folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;
use crate::check::evidence::{Exchange, ProcessResult};
use crate::requirement::Registry;
use crate::secret::Secrets;
use crate::target::RefusalPointers;

struct SnapshotFolder {
    _root: tempfile::TempDir,
    path: PathBuf,
}

fn snapshot_folder() -> SnapshotFolder {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("scenarios/auth-keys/used-count/ST4.snap");
    SnapshotFolder { _root: root, path }
}

fn exchange(json: &Value) -> Exchange {
    Exchange { method: "GET".to_owned(), status: 201, body: json.to_string(), ..Exchange::default() }
}

fn judged(folder: &SnapshotFolder, mode: SnapshotMode, json: &Value) -> Finding {
    let variables: BTreeMap<String, Value> = [("org".to_owned(), json!("org_1"))].into();
    let snapshots = SnapshotSettings { folder: &folder.path, mode, strict: false, run_prefix: "r1-" };
    let registry = Registry::default();
    let context = CheckContext {
        variables: &variables,
        registry: &registry,
        judges_ours: true,
        refusal: &RefusalPointers::default(),
        snapshots,
        secrets: &Secrets::default(),
    };
    judge("created", View::Http(&exchange(json)), &context)
}

fn message(finding: &Finding) -> String {
    finding.words(&Secrets::default()).message
}

fn exists(folder: &SnapshotFolder, file: &str) -> bool {
    folder.path.join(file).exists()
}

#[test]
fn a_snapshot_is_proposed_accepted_and_compared() {
    let folder = snapshot_folder();
    let answer = json!({"data": {"name": "r1-key", "org_id": "org_1", "at": "2026-03-17T10:00:00Z"}});

    let missing = judged(&folder, SnapshotMode::Compare, &answer);
    assert_eq!(missing.judgement, Judgement::Unmet);
    assert_eq!(message(&missing), "snapshot `created` does not exist");
    assert!(!folder.path.exists(), "comparing writes nothing");

    let proposed = judged(&folder, SnapshotMode::New, &answer);
    assert_eq!(proposed.judgement, Judgement::Unmet);
    assert_eq!(message(&proposed), message(&missing), "the mode does not change what is judged");
    assert!(exists(&folder, "created.snap.new") && !exists(&folder, "created.snap"));

    assert_eq!(judged(&folder, SnapshotMode::Accept, &answer).judgement, Judgement::Met);
    assert!(!exists(&folder, "created.snap.new") && exists(&folder, "created.snap"));
    insta::assert_snapshot!(fs::read_to_string(folder.path.join("created.snap")).unwrap());

    assert_eq!(judged(&folder, SnapshotMode::Compare, &answer).judgement, Judgement::Met);
    let other = judged(
        &folder,
        SnapshotMode::New,
        &json!({"data": {"name": "r1-kye", "org_id": "org_1", "at": "2027-01-01T00:00:00Z"}}),
    );
    assert_eq!(other.judgement, Judgement::Unmet);
    assert!(message(&other).contains("`/data/name`: expected \"key\", got \"kye\""), "{}", message(&other));
    assert!(
        other.actual.contains("-    \"name\": \"key\"") && other.actual.contains("+    \"name\": \"kye\""),
        "{}",
        other.actual
    );
    assert!(exists(&folder, "created.snap.new"));
    judged(&folder, SnapshotMode::New, &answer);
    assert!(!exists(&folder, "created.snap.new"), "a matching response removes the proposal");
}

#[test]
fn insta_can_read_written_snapshots() {
    let folder = snapshot_folder();
    judged(&folder, SnapshotMode::Accept, &json!({"a": "--- \\ \" ü"}));
    let snapshot = insta::Snapshot::from_file(&folder.path.join("created.snap")).unwrap();
    assert_eq!(snapshot.metadata().source(), Some("scenarios/auth-keys/used-count/ST4.toml"));
    assert_eq!(snapshot.metadata().expression(), Some("created"));
    assert!(snapshot.as_text().unwrap().to_string().starts_with("HTTP 201\n{"));
}

#[test]
fn accepting_keeps_a_matching_snapshot() {
    let folder = snapshot_folder();
    judged(&folder, SnapshotMode::Accept, &json!({"a": 1}));
    let more = judged(&folder, SnapshotMode::Accept, &json!({"a": 1, "b": 2}));
    assert_eq!((more.judgement, more.notes), (Judgement::Met, vec!["undocumented field `/b`".to_owned()]));
    assert!(!fs::read_to_string(folder.path.join("created.snap")).unwrap().contains("\"b\""));
}

#[test]
fn io_errors_are_reported() {
    let folder = snapshot_folder();
    fs::create_dir_all(&folder.path).unwrap();
    fs::write(folder.path.join("created.snap"), "expression: x\n\nold").unwrap();
    let old = judged(&folder, SnapshotMode::Accept, &json!({}));
    assert_eq!(old.judgement, Judgement::Unknown);
    assert!(message(&old).contains("not a snapshot in insta's format"), "{}", message(&old));

    // A file in place of the folder.
    let hidden = SnapshotFolder { path: folder.path.join("created.snap/x"), ..folder };
    for mode in [SnapshotMode::Accept, SnapshotMode::New, SnapshotMode::Compare] {
        let finding = judged(&hidden, mode, &json!({}));
        assert_eq!(finding.judgement, Judgement::Unknown);
        assert!(message(&finding).contains("cannot read snapshot"), "{}", message(&finding));
    }
    // A dangling symlink: not even root can write there.
    let blocked = snapshot_folder();
    fs::create_dir_all(blocked.path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/nonexistent/folder", &blocked.path).unwrap();
    for (mode, judgement) in
        [(SnapshotMode::Accept, Judgement::Unknown), (SnapshotMode::New, Judgement::Unmet)]
    {
        let finding = judged(&blocked, mode, &json!({}));
        assert_eq!(finding.judgement, judgement);
        assert!(message(&finding).contains("cannot write snapshot"), "{}", message(&finding));
    }
}

#[test]
fn column_widths_are_ignored_only_with_a_run_prefix() {
    let printed = |folder: &SnapshotFolder, run_prefix, mode, stdout: &str| {
        let variables: BTreeMap<String, Value> = BTreeMap::new();
        let snapshots = SnapshotSettings { folder: &folder.path, mode, strict: false, run_prefix };
        let registry = Registry::default();
        let context = CheckContext {
            variables: &variables,
            registry: &registry,
            judges_ours: true,
            refusal: &RefusalPointers::default(),
            snapshots,
            secrets: &Secrets::default(),
        };
        let process = ProcessResult { stdout: stdout.to_owned(), ..ProcessResult::default() };
        judge("table", View::Process(&process), &context).judgement
    };
    let folder = snapshot_folder();
    printed(&folder, "", SnapshotMode::Accept, "NAME    USES\nkey     1\n");
    assert_eq!(
        printed(&folder, "", SnapshotMode::Compare, "NAME       USES\nkey        1\n"),
        Judgement::Unmet
    );
    assert_eq!(
        printed(&folder, "r1-", SnapshotMode::Compare, "NAME       USES\nr1-key     1\n"),
        Judgement::Met
    );
    assert_eq!(
        printed(&folder, "r1-", SnapshotMode::Compare, "NAME       USES\nr1-key     2\n"),
        Judgement::Unmet
    );
}

#[test]
fn snapshots_can_be_compared_concurrently() {
    let folder = snapshot_folder();
    judged(&folder, SnapshotMode::Accept, &json!({"a": 1}));
    std::thread::scope(|scope| {
        for n in 0..8 {
            let folder = &folder;
            scope.spawn(move || {
                for _ in 0..20 {
                    let value = if n % 2 == 0 { 1 } else { 2 };
                    let judgement = judged(folder, SnapshotMode::New, &json!({"a": value})).judgement;
                    assert_eq!(judgement == Judgement::Met, value == 1);
                }
            });
        }
    });
}
