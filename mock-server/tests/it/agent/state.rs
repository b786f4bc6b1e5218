//! The state folder: `status`, `logout`, and folders that are corrupt or unsafe.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use tempfile::TempDir;

use crate::agent::machine::{AUTH_KEY, MACHINE_TOKEN, Machine, refused};

#[tokio::test]
async fn status_shows_registered_and_fresh_machines() {
    let machine = Machine::registered().await;
    insta::assert_snapshot!("status", machine.run(&["status"]).shown());
    insta::assert_snapshot!("status_json", machine.run(&["status", "--json"]).shown());
    let fresh = Machine::fresh().await;
    insta::assert_snapshot!("status_fresh", fresh.run(&["status"]).shown());
    insta::assert_snapshot!("status_fresh_json", fresh.run(&["status", "--json"]).shown());
    assert!(!fresh.state_dir.exists());
    assert_eq!(
        [machine.requests().await, fresh.requests().await].concat(),
        [""; 0],
        "status sends no request"
    );
}

#[tokio::test]
async fn down_and_logout_succeed_with_nothing_running() {
    let machine = Machine::fresh().await;
    let (down, logout) = (machine.run(&["down"]), machine.run(&["logout"]));
    assert_eq!((down.code, down.stdout.as_str()), (Some(0), "QuickZTNA is not running.\n"));
    assert_eq!((logout.code, logout.stdout.as_str()), (Some(0), "Logged out.\n"));
    assert!(!machine.state_dir.exists());
}

#[tokio::test]
async fn logout_forgets_everything_but_the_server() {
    for away in [true, false] {
        let machine = Machine::registered().await;
        machine.answers("POST", "/api/machine-logout", 401, refused("UNAUTHORIZED", "Unknown machine")).await;
        let mut command = machine.ztna(&["logout"]);
        if away {
            command.env("ZTNA_SERVER", "http://127.0.0.1:9");
        }
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(
            stderr.contains("The machine Linux-C stays listed at the control plane"),
            away,
            "{stderr}"
        );
        let kept = fs::read_to_string(machine.state_file()).unwrap();
        for secret in [MACHINE_TOKEN, "session-of-ada", "dwdtCnMYpX08"] {
            assert!(!kept.contains(secret));
        }
        assert_eq!(machine.state()["server"], machine.control.uri());
    }
}

#[tokio::test]
async fn corrupt_state_is_reported_and_cleared_by_logout() {
    let machine = Machine::registered().await;
    fs::write(machine.state_file(), "{\"node_key\": \"c2VjcmV0\"}").unwrap();
    insta::assert_snapshot!("corrupt", machine.run(&["status"]).shown());
    assert_eq!(machine.run(&["logout"]).code, Some(0));
    assert_eq!(machine.run(&["status"]).code, Some(0));
}

#[tokio::test]
async fn world_writable_state_folder_is_refused() {
    let machine = Machine::registered().await;
    fs::set_permissions(&machine.state_dir, Permissions::from_mode(0o777)).unwrap();
    insta::assert_snapshot!("writable", machine.run(&["status"]).shown());
}

#[tokio::test]
async fn no_reading_command_creates_or_changes_a_folder() {
    let parent = TempDir::new().unwrap();
    let foreign = parent.path().join("etc");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("passwd"), "root").unwrap();
    let empty = parent.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let absent = parent.path().join("absent");
    for folder in [&foreign, &empty] {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    }
    for words in [
        &["status"][..],
        &["status", "--json"],
        &["down"],
        &["logout"],
        &["ping", "a"],
        &["nc", "a", "1"],
        &["auth-keys", "list"],
        &["auth-keys", "revoke", "abc"],
        &["set", "--tags", "a"],
        &["machine-admin", "delete", "a"],
    ] {
        for folder in [&foreign, &empty, &absent] {
            let mut machine = Machine::fresh().await;
            machine.state_dir.clone_from(folder);
            let ended = machine.run(words);
            if folder == &foreign {
                assert_eq!(ended.code, Some(1), "{words:?}");
                assert!(ended.stderr.contains("is not a state folder"), "{words:?}: {}", ended.stderr);
                assert_eq!(ended.stderr.lines().count(), 1);
            }
        }
        assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1, "{words:?}");
        assert_eq!(fs::read_dir(&empty).unwrap().count(), 0, "{words:?}");
        assert!(!absent.exists(), "{words:?}");
        for folder in [&foreign, &empty] {
            assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o755, "{words:?}");
        }
    }
}

#[tokio::test]
async fn no_command_creates_files_in_a_foreign_folder_or_through_a_link() {
    let parent = TempDir::new().unwrap();
    let foreign = parent.path().join("etc");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("passwd"), "root").unwrap();
    let (target, link) = (parent.path().join("target"), parent.path().join("link"));
    fs::create_dir(&target).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    for (folder, message) in [(&foreign, "is not a state folder"), (&link, "is a link")] {
        for words in [&["up", "--userspace", "--auth-key", AUTH_KEY, "--hostname", "a"][..], &["login"]] {
            let mut machine = Machine::fresh().await;
            machine.state_dir.clone_from(folder);
            let ended = machine.run(words);
            assert_eq!(ended.code, Some(1));
            assert!(ended.stderr.contains(message), "{words:?}: {}", ended.stderr);
            assert_eq!(machine.requests().await, [""; 0]);
        }
    }
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1);
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
}

#[tokio::test]
async fn credentials_are_not_sent_to_another_host() {
    let machine = Machine::registered().await;
    let mut state = machine.state();
    state["server"] = json!("https://login.example");
    machine.write_state(&state);
    insta::assert_snapshot!("other_server", machine.run(&["set", "--tags", "a"]).shown());
    assert_eq!(machine.requests().await, [""; 0]);
}
