use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

fn folder() -> (tempfile::TempDir, StateFolder) {
    let parent = tempfile::tempdir().unwrap();
    let folder = StateFolder::new(&parent.path().join("deep").join("state"));
    (parent, folder)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn set_server(state: &mut State) {
    state.server = Some("http://a".into());
}

#[test]
fn files_are_private_to_the_owner() {
    let (_parent, folder) = folder();
    assert!(folder.load().unwrap().server.is_none());
    assert!(!folder.path().exists(), "reading creates nothing");
    folder.update(set_server).unwrap();
    let _lock = folder.lock_up().unwrap();
    assert_eq!(mode(folder.path()), 0o700);
    for file in fs::read_dir(folder.path()).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    assert_eq!(folder.load().unwrap().server.as_deref(), Some("http://a"));
    folder.update(|state| state.server = None).unwrap();
    assert!(!folder.path().join(STATE_FILE).exists(), "an empty state has no file");
}

#[test]
fn no_command_changes_the_mode_of_a_folder() {
    let (_parent, folder) = folder();
    folder.update(set_server).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o770)).unwrap();
    assert!(matches!(folder.load(), Err(StateError::Writable { mode: 0o770, .. })));
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder.load().unwrap();
    folder.update(set_server).unwrap();
    drop(folder.lock_up().unwrap());
    assert_eq!(mode(folder.path()), 0o755);
}

#[test]
fn folder_of_another_purpose_is_refused_untouched() {
    for content in ["passwd", "state.json", ".bashrc", "notes/", "catalog", "up.log.gz"] {
        let parent = tempfile::tempdir().unwrap();
        let entry = parent.path().join(content);
        if content.ends_with('/') { fs::create_dir(&entry) } else { fs::write(&entry, "{\"a\": 1}") }
            .unwrap();
        fs::set_permissions(parent.path(), Permissions::from_mode(0o755)).unwrap();
        let folder = StateFolder::new(parent.path());
        for refused in [
            folder.load().map(drop),
            folder.check(),
            folder.lock_up().map(drop),
            folder.update(set_server),
            folder.reset(&State::default()),
        ] {
            assert!(matches!(refused, Err(StateError::OtherPurpose { .. })), "{content}: {refused:?}");
        }
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1, "{content}");
        assert_eq!(mode(parent.path()), 0o755);
    }
}

#[test]
fn new_volume_and_folder_with_a_log_are_accepted() {
    for content in
        [&[][..], &["lost+found"], &["up.log"], &["up.log", "lost+found"], &["ztna.log", "pid", "stderr"]]
    {
        let parent = tempfile::tempdir().unwrap();
        content.iter().for_each(|name| fs::write(parent.path().join(name), "").unwrap());
        StateFolder::new(parent.path()).update(set_server).unwrap();
    }
}

#[test]
fn links_are_never_followed() {
    let (parent, folder) = folder();
    folder.update(set_server).unwrap();
    let link = parent.path().join("link");
    symlink(folder.path(), &link).unwrap();
    for path in [link.clone(), link.join(""), link.join(".")] {
        let linked = StateFolder::new(&path);
        assert!(matches!(linked.load(), Err(StateError::Link { .. })), "{}", path.display());
        assert!(matches!(linked.lock_up(), Err(StateError::Link { .. })));
        assert!(matches!(linked.update(set_server), Err(StateError::Link { .. })));
    }
    let dangling = parent.path().join("dangling");
    symlink(parent.path().join("nowhere"), &dangling).unwrap();
    assert!(matches!(StateFolder::new(&dangling).update(set_server), Err(StateError::Link { .. })));
    assert!(!parent.path().join("nowhere").exists());

    let victim = parent.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    for file in ["state.json", "state.lock", "up.lock"] {
        let path = folder.path().join(file);
        let _ = fs::remove_file(&path);
        symlink(&victim, &path).unwrap();
        let refused = if file == "up.lock" { folder.lock_up().map(drop) } else { folder.update(set_server) };
        assert!(matches!(refused, Err(StateError::NotAFile { .. })), "{file}: {refused:?}");
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
}

#[test]
fn state_file_must_be_a_regular_file_of_sane_size() {
    let (_parent, folder) = folder();
    folder.update(set_server).unwrap();
    let path = folder.path().join(STATE_FILE);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(folder.load(), Err(StateError::NotAFile { .. })));
    fs::remove_dir(&path).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .unwrap();
    assert!(matches!(folder.load(), Err(StateError::NotAFile { .. })));
    fs::remove_file(&path).unwrap();
    fs::write(&path, vec![b' '; 2 << 20]).unwrap();
    assert!(matches!(folder.load(), Err(StateError::Corrupt { .. })));
}

#[test]
fn corrupt_state_is_reported_and_can_be_reset() {
    let (_parent, folder) = folder();
    folder.update(set_server).unwrap();
    fs::write(folder.path().join(STATE_FILE), "{\"server\": ").unwrap();
    let message = folder.load().unwrap_err().to_string();
    assert!(message.contains("state.json") && message.contains("ztna logout"), "{message}");
    assert!(matches!(folder.update(|_| ()), Err(StateError::Corrupt { .. })));
    folder.reset(&State::default()).unwrap();
    folder.load().unwrap();
}

#[test]
fn registration_is_completed_in_the_reserved_space() {
    let (_parent, folder) = folder();
    let reservation = folder.begin(set_server).unwrap();
    assert_eq!(folder.load().unwrap().server.as_deref(), Some("http://a"), "stored before the request");
    folder.complete(reservation, |state| state.org_id = Some("org_1".into())).unwrap();
    assert_eq!(folder.load().unwrap().org_id.as_deref(), Some("org_1"));

    drop(folder.begin(|_| ()).unwrap());
    fs::write(folder.path().join(".state-of-a-killed-process"), "").unwrap();
    drop(folder.begin(|_| ()).unwrap());
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["state.json", "state.lock"], "no temporary file stays");
}

#[test]
fn state_kept_aside_stays_until_it_is_reset() {
    let (_parent, folder) = folder();
    folder.update(set_server).unwrap();
    let kept = folder.keep_aside(&folder.load().unwrap(), OffsetDateTime::UNIX_EPOCH).unwrap();
    assert_eq!(kept.file_name().unwrap(), "state-removed-19700101T000000Z.json");
    assert_eq!(mode(&kept), 0o600);
    let state: State = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
    assert_eq!(state.server.as_deref(), Some("http://a"));
    folder.reset(&State::default()).unwrap();
    assert!(!kept.exists());
}

#[test]
fn only_one_process_holds_the_up_lock() {
    let (_parent, folder) = folder();
    let held = folder.lock_up().unwrap();
    assert!(matches!(folder.lock_up(), Err(StateError::InUse { .. })));
    drop(held);
    folder.lock_up().unwrap();
}

#[test]
fn path_of_a_file_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let folder = StateFolder::new(file.path());
    assert!(matches!(folder.load(), Err(StateError::NotAFolder { .. })));
    assert!(matches!(folder.lock_up(), Err(StateError::NotAFolder { .. })));
    let below = StateFolder::new(&file.path().join("state"));
    assert!(matches!(below.load(), Err(StateError::NotAFolder { .. })));
}
