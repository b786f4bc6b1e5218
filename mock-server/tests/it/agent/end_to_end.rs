//! The agent and the reference's control plane: the documents' flows from the first step to the last.

use serde_json::{Value, json};

use crate::agent::machine::{Machine, Running};
use crate::test_server::TestServer;
use crate::wait::eventually;

fn up(machine: &Machine, key: &str, name: &str) -> Running {
    Running::start(machine.ztna(&["up", "--userspace", "--hostname", name]).env("ZTNA_AUTH_KEY", key))
}

fn identity(machine: &Machine) -> (Value, Value, Value) {
    let mut status: Value = serde_json::from_str(&machine.run(&["status", "--json"]).stdout).unwrap();
    (status["machine"]["id"].take(), status["machine"]["tailnet_ip"].take(), status["node_key"].take())
}

#[tokio::test(flavor = "multi_thread")]
async fn reregistration_counts_uses_and_keeps_the_identity() {
    let server = TestServer::listen().await;
    let machine = server.machine().await;
    let key =
        server.create_key(&machine, &["--name", "usage-tracking-key", "--reusable", "--tags", "server"]);
    assert_eq!(server.uses(&machine, "usage-tracking-key"), 0);

    let first = up(&machine, &key, "Linux-C").ready();
    let (id, address, node_key) = identity(&machine);
    assert_eq!(first.lines[1], format!("Registered: Linux-C ({})", address.as_str().unwrap()));
    assert_eq!(server.uses(&machine, "usage-tracking-key"), 1);
    let set = machine.run(&["set", "--tags", "tag:later"]);
    assert_eq!(set.stdout, "✓ Linux-C has the tags tag:server, tag:later\n", "{}", set.stderr);

    machine.run(&["down"]);
    let skipped = up(&machine, &key, "Linux-C").ready();
    assert_eq!(skipped.lines[1], format!("Already registered: Linux-C (IP: {})", address.as_str().unwrap()));
    assert_eq!(server.uses(&machine, "usage-tracking-key"), 1, "no registration, so no use");

    machine.run(&["down"]);
    assert_eq!(machine.run(&["logout"]).stderr, "");
    let _again = up(&machine, &key, "Linux-C").ready();
    assert_eq!(server.uses(&machine, "usage-tracking-key"), 2);
    let (same_id, same_address, new_key) = identity(&machine);
    assert_eq!((same_id, same_address), (id, address));
    assert_ne!(new_key, node_key);

    let list = server.admin(&machine, &["auth-keys", "list"]);
    let row: Vec<&str> = list.stdout.lines().nth(2).unwrap().split_whitespace().collect();
    assert_eq!(row[..5], [&key[..13], "usage-tracking-key", "true", "false", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn used_up_and_revoked_keys_are_refused() {
    let server = TestServer::listen().await;
    let machine = server.machine().await;
    let key = server.create_key(&machine, &["--name", "single-use-key", "--expiry", "7d"]);
    let first = up(&machine, &key, "Linux-C").ready();
    machine.run(&["down"]);
    machine.run(&["logout"]);
    first.end();
    let (status, stderr) = up(&machine, &key, "Linux-C").end();
    assert_eq!(status.code(), Some(1));
    assert_eq!(stderr, "auth key registration failed: KEY_USED: Auth key already used\n");

    let key = server.create_key(&machine, &["--description", "a fleet", "--reusable"]);
    let revoked = server.admin(&machine, &["auth-keys", "revoke", &key[..17]]);
    assert_eq!(
        revoked.stdout, "✓ Revoked — future enrolments with this key will fail\n",
        "{}",
        revoked.stderr
    );
    let (_, stderr) = up(&machine, &key, "Linux-C").end();
    assert!(stderr.starts_with("auth key registration failed: INVALID_KEY: "), "{stderr}");
    let mut shown = server.admin(&machine, &["auth-keys", "list"]).stdout;
    shown.retain(|c| c != ' ');
    assert!(shown.contains("(revoked)"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn member_machine_is_approved_quarantined_released_and_deleted() {
    let server = TestServer::listen().await;
    let machine = server.machine().await;
    let member = server.ready().member.as_ref().unwrap();
    let login = Running::start(&mut machine.ztna(&["login"])).until("and enter the code: ");
    let user_code = login.lines[2].strip_prefix("and enter the code: ").unwrap().to_owned();
    let approval = json!({ "user_code": user_code });
    server.post("/api/auth/device/approve", &member.token, &approval).await.data();
    let login = login.until(&format!("Logged in as {}.", member.email));
    assert_eq!(login.end().0.code(), Some(0));

    let mut command =
        machine.ztna(&["up", "--userspace", "--hostname", "Max", "--heartbeat-interval", "50ms"]);
    let running = Running::start(&mut command).until("Waiting for approval by an administrator…");
    let list = machine.run(&["auth-keys", "list"]);
    assert_eq!(list.stderr, "auth key listing requires admin role (your role: member)\n");
    let act = |action: &str| {
        let ended = server.admin(&machine, &["machine-admin", action, "Max"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    };
    act("approve");
    let running = running.until("Approved by an administrator.");
    act("quarantine");
    let status = || machine.run(&["status", "--json"]).stdout;
    eventually(|| status().contains("\"phase\": \"quarantined\""));
    act("release");
    eventually(|| status().contains("\"phase\": \"online\""));
    act("delete");
    let (ended, stderr) = running.end();
    assert_eq!(ended.code(), Some(1));
    assert!(stderr.ends_with("Run 'ztna up' to register it again\n"), "{stderr}");
    assert!(status().contains("\"machine\": null"));
}
