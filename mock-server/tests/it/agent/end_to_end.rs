//! The agent against the reference's own control plane: the documents' flows from the first to the last step.

use serde_json::{Value, json};

use crate::agent::house::House;
use crate::agent::machine::{Machine, Running};

fn up(machine: &Machine, key: &str, name: &str) -> Running {
    Running::start(machine.ztna(&["up", "--userspace", "--hostname", name]).env("ZTNA_AUTH_KEY", key))
}

fn identity(machine: &Machine) -> (Value, Value, Value) {
    let mut status: Value = serde_json::from_str(&machine.run(&["status", "--json"]).stdout).unwrap();
    (status["machine"]["id"].take(), status["machine"]["tailnet_ip"].take(), status["node_key"].take())
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_are_counted_and_the_machine_stays_itself() {
    let house = House::open().await;
    let machine = house.machine().await;
    let key = house.create_key(&machine, &["--name", "usage-tracking-key", "--reusable", "--tags", "server"]);
    assert_eq!(house.uses(&machine, "usage-tracking-key"), 0);

    let first = up(&machine, &key, "Linux-C").ready();
    let (id, address, node_key) = identity(&machine);
    assert_eq!(first.lines[1], format!("Registered: Linux-C ({})", address.as_str().unwrap()));
    assert_eq!(house.uses(&machine, "usage-tracking-key"), 1);
    let set = machine.run(&["set", "--tags", "tag:later"]);
    assert_eq!(set.stdout, "✓ Linux-C has the tags tag:server, tag:later\n", "{}", set.stderr);

    machine.run(&["down"]);
    let skipped = up(&machine, &key, "Linux-C").ready();
    assert_eq!(skipped.lines[1], format!("Already registered: Linux-C (IP: {})", address.as_str().unwrap()));
    assert_eq!(house.uses(&machine, "usage-tracking-key"), 1, "no registration, no use");

    machine.run(&["down"]);
    assert_eq!(machine.run(&["logout"]).stderr, "");
    let _again = up(&machine, &key, "Linux-C").ready();
    assert_eq!(house.uses(&machine, "usage-tracking-key"), 2);
    let (same_id, same_address, new_key) = identity(&machine);
    assert_eq!((same_id, same_address), (id, address));
    assert_ne!(new_key, node_key);

    let list = house.admin(&machine, &["auth-keys", "list"]);
    let row: Vec<&str> = list.stdout.lines().nth(2).unwrap().split_whitespace().collect();
    assert_eq!(row[..5], [&key[..13], "usage-tracking-key", "true", "false", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_use_key_and_a_revoked_one() {
    let house = House::open().await;
    let machine = house.machine().await;
    let key = house.create_key(&machine, &["--name", "single-use-key", "--expiry", "7d"]);
    let first = up(&machine, &key, "Linux-C").ready();
    machine.run(&["down"]);
    machine.run(&["logout"]);
    first.end();
    let (status, stderr) = up(&machine, &key, "Linux-C").end();
    assert_eq!(status.code(), Some(1));
    assert_eq!(stderr, "auth key registration failed: KEY_USED: Auth key already used\n");

    let key = house.create_key(&machine, &["--description", "a fleet", "--reusable"]);
    let revoked = house.admin(&machine, &["auth-keys", "revoke", &key[..17]]);
    assert_eq!(
        revoked.stdout, "✓ Revoked — future enrolments with this key will fail\n",
        "{}",
        revoked.stderr
    );
    let (_, stderr) = up(&machine, &key, "Linux-C").end();
    assert!(stderr.starts_with("auth key registration failed: INVALID_KEY: "), "{stderr}");
    let mut shown = house.admin(&machine, &["auth-keys", "list"]).stdout;
    shown.retain(|c| c != ' ');
    assert!(shown.contains("(revoked)"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_logs_in_is_approved_quarantined_released_and_deleted() {
    let house = House::open().await;
    let machine = house.machine().await;
    let member = house.ready.member.as_ref().unwrap();
    let login = Running::start(&mut machine.ztna(&["login"])).until("and enter the code: ");
    let user_code = login.lines[2].strip_prefix("and enter the code: ").unwrap().to_owned();
    approve(&house, &member.token, &user_code).await;
    let login = login.until(&format!("Logged in as {}.", member.email));
    assert_eq!(login.end().0.code(), Some(0));

    let mut command =
        machine.ztna(&["up", "--userspace", "--hostname", "Max", "--heartbeat-interval", "50ms"]);
    let running = Running::start(&mut command).until("Waiting for approval by an administrator…");
    let list = machine.run(&["auth-keys", "list"]);
    assert_eq!(list.stderr, "auth key listing requires admin role (your role: member)\n");
    let act = |action: &str| {
        let ended = house.admin(&machine, &["machine-admin", action, "Max"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    };
    act("approve");
    let running = running.until("Approved by an administrator.");
    act("quarantine");
    let status = || machine.run(&["status", "--json"]).stdout;
    crate::agent::machine::eventually(|| status().contains("\"phase\": \"quarantined\""));
    act("release");
    crate::agent::machine::eventually(|| status().contains("\"phase\": \"online\""));
    act("delete");
    let (ended, stderr) = running.end();
    assert_eq!(ended.code(), Some(1));
    assert!(stderr.ends_with("Run 'ztna up' to register it again\n"), "{stderr}");
    assert!(status().contains("\"machine\": null"));
}

async fn approve(house: &House, token: &str, user_code: &str) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let approval = client
        .post(format!("{}/api/auth/device/approve", house.ready.base_url))
        .bearer_auth(token)
        .json(&json!({ "user_code": user_code }));
    assert!(approval.send().await.unwrap().status().is_success());
}
