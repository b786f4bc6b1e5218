use serde_json::{Value, json};

use crate::agent::machine::{MACHINE_TOKEN, Machine, done, refused};

#[tokio::test]
async fn set_tags_uses_the_machine_token() {
    let machine = Machine::registered().await;
    machine.accepts("online").await;
    let set = machine.run(&["set", "--tags", "tag:server,eng"]);
    assert_eq!((set.code, set.stdout.as_str()), (Some(0), "✓ Linux-C has the tags tag:server, tag:eng\n"));
    assert_eq!(
        machine.sent_to("/api/machine-tags").await,
        [(json!({ "tags": ["tag:server", "tag:eng"] }), Some(format!("Bearer {MACHINE_TOKEN}")))]
    );
    let fresh = Machine::fresh().await;
    assert_eq!(
        fresh.run(&["set", "--tags", "a"]).stderr,
        "this machine is not registered. Run 'ztna up' first\n"
    );
}

#[tokio::test]
async fn set_reports_refused_tags() {
    let machine = Machine::registered().await;
    machine
        .answers("POST", "/api/machine-tags", 403, refused("TAG_NOT_ALLOWED", "Tag not allowed: prod"))
        .await;
    let set = machine.run(&["set", "--tags", "prod"]);
    assert_eq!(
        (set.code, set.stderr.as_str()),
        (Some(1), "setting the tags failed: TAG_NOT_ALLOWED: Tag not allowed: prod\n")
    );
}

#[tokio::test]
async fn machine_admin_accepts_name_and_id() {
    const ID: &str = "11111111-2222-4333-8444-555555555555";
    let machine = Machine::registered().await;
    let named = json!([{ "id": ID, "name": "Win-A", "tailnet_ip": "100.64.0.4", "status": "online" }]);
    machine.answers_next("GET", "/api/db/machines", 200, done(named), 2).await;
    machine.answers("GET", "/api/db/machines", 200, done(json!([]))).await;
    machine.answers("POST", "/api/machine-admin", 200, done(json!({ "machine": {} }))).await;
    for (words, said) in [
        (
            &["quarantine", "Win-A"][..],
            "✓ Win-A is quarantined — no traffic until it is released\n".to_owned(),
        ),
        (&["--action", "release", "Win-A"], "✓ Win-A is released\n".to_owned()),
        (&["delete", ID], format!("✓ {ID} is deleted\n")),
    ] {
        let ended = machine.run(&[&["machine-admin"][..], words].concat());
        assert_eq!((ended.code, ended.stdout), (Some(0), said), "{}", ended.stderr);
    }
    let nobody = machine.run(&["machine-admin", "approve", "Nobody"]);
    assert_eq!(
        (nobody.code, nobody.stderr.as_str()),
        (Some(1), "no machine named 'Nobody' in this organization\n")
    );

    let sent: Vec<Value> =
        machine.sent_to("/api/machine-admin").await.into_iter().map(|(body, _)| body).collect();
    let order = |action| json!({ "action": action, "org_id": "org_1", "machine_id": ID });
    assert_eq!(sent, [order("quarantine"), order("release"), order("delete")]);
    assert_eq!(machine.requests().await[0], "GET /api/db/machines?org_id=org_1&name=eq.Win-A");
}
