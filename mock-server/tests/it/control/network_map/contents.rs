//! What the map says.

use std::time::Duration;

use mock_server::store::Location;
use serde_json::json;

use super::{Known, Node, administer, reusable_key};
use crate::control::reference::{ACME, ADMIN, MEMBER, Reference, public_key};

#[tokio::test]
async fn the_whole_map_first_then_changes_alone() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    let a = Node::register(&reference, &key, "a", 1).await;
    let b = Node::register(&reference, &key, "b", 2).await;
    b.beat(&reference, json!({ "endpoints": ["203.0.113.7:51820"] })).await;

    let first = a.map(&reference, 0, 50).await;
    let data = first.data();
    let version = data["version"].as_i64().unwrap();
    assert_eq!(
        data,
        &json!({
            "version": version,
            "full": true,
            "self": { "id": a.id, "name": "a", "tailnet_ip": "100.64.0.1", "status": "online" },
            "peers": [{
                "id": b.id, "name": "b", "tailnet_ip": "100.64.0.2", "public_key": public_key(2),
                "endpoints": ["203.0.113.7:51820"], "relay": null, "online": true,
            }],
            "removed": [],
            "relays": [{ "region": "blr1", "name": "Bangalore", "url": null }],
        })
    );

    let c = Node::register(&reference, &key, "c", 3).await;
    let second = a.map(&reference, version, 50).await;
    let data = second.data();
    assert_eq!((&data["full"], &data["version"]), (&json!(false), &json!(version + 1)));
    assert_eq!(data["peers"].as_array().unwrap().len(), 1);
    assert_eq!((&data["peers"][0]["id"], &data["removed"]), (&json!(c.id), &json!([])));

    let ahead = a.map(&reference, version + 1000, 50).await;
    assert_eq!(ahead.data()["full"], json!(true), "a version of another database");
}

#[tokio::test]
async fn who_is_cut_off_is_removed_at_every_peer_and_comes_back() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    let ephemeral = reference.auth_key(json!({ "reusable": true, "ephemeral": true })).await.1;
    let watchers =
        [Node::register(&reference, &key, "w1", 1).await, Node::register(&reference, &key, "w2", 2).await];
    for (way, key, comes_back) in [
        ("delete", &key, false),
        ("quarantine", &key, true),
        ("logout", &key, false),
        ("logout of an ephemeral one", &ephemeral, false),
    ] {
        let node = Node::register(&reference, key, "x", 9).await;
        let mut known = Vec::new();
        for watcher in &watchers {
            known.push(watcher.full(&reference).await);
        }
        assert!(known.iter().all(|known| known.peer("x").is_some()), "{way}");
        match way {
            "delete" | "quarantine" => assert_eq!(administer(&reference, way, &node.id).await.status, 200),
            _ => assert_eq!(node.logout(&reference).await.status, 200),
        }
        for (watcher, known) in watchers.iter().zip(&mut known) {
            let told = watcher.map(&reference, known.version, 50).await;
            let data = told.data();
            assert_eq!((&data["removed"], &data["peers"]), (&json!([node.id]), &json!([])), "{way}");
            known.learn(data);
            assert_eq!(*known, watcher.full(&reference).await, "{way}");
        }
        if comes_back {
            administer(&reference, "release", &node.id).await;
            let told = watchers[0].map(&reference, known[0].version, 50).await;
            known[0].learn(told.data());
            assert_eq!(
                known[0].peer("x").unwrap()["online"],
                json!(false),
                "{way}: it has yet to be heard of"
            );
            administer(&reference, "delete", &node.id).await;
        }
    }
}

#[tokio::test]
async fn who_is_deleted_in_quarantine_stays_removed_for_those_who_had_not_asked_yet() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    let watcher = Node::register(&reference, &key, "w", 1).await;
    let node = Node::register(&reference, &key, "x", 9).await;
    let before = watcher.full(&reference).await;
    administer(&reference, "quarantine", &node.id).await;
    let between = watcher.full(&reference).await;
    administer(&reference, "delete", &node.id).await;
    assert_eq!(
        watcher.map(&reference, before.version, 0).await.data()["removed"],
        json!([node.id]),
        "told though the row is gone"
    );
    let told = watcher.map(&reference, between.version, 0).await;
    assert_eq!((&told.data()["removed"], &told.data()["version"]), (&json!([]), &json!(between.version)));
}

#[tokio::test]
async fn registering_again_shows_the_new_key_and_no_old_endpoint() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    let watcher = Node::register(&reference, &key, "w", 1).await;
    let old = Node::register(&reference, &key, "x", 2).await;
    old.beat(&reference, json!({ "endpoints": ["203.0.113.7:51820"] })).await;
    let known = watcher.full(&reference).await;
    let new = Node::register(&reference, &key, "x", 3).await;
    let told = watcher.map(&reference, known.version, 50).await;
    let peers = told.data()["peers"].as_array().unwrap();
    assert_eq!((peers.len(), &peers[0]["id"], &new.id), (1, &json!(old.id), &old.id));
    assert_eq!((&peers[0]["public_key"], &peers[0]["endpoints"]), (&json!(public_key(3)), &json!([])));
    assert_eq!(old.map(&reference, 0, 0).await.code(), "UNAUTHORIZED");
}

#[tokio::test]
async fn endpoints_are_replaced_kept_and_cleared_as_heartbeats_say() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    let watcher = Node::register(&reference, &key, "w", 1).await;
    let node = Node::register(&reference, &key, "x", 2).await;
    let mut known = watcher.full(&reference).await;
    for (body, endpoints, online, changes) in [
        (json!({}), json!([]), true, 0),
        (
            json!({ "endpoints": ["10.0.0.1:1", "10.0.0.1:1", "[2001:DB8::1]:2"] }),
            json!(["10.0.0.1:1", "[2001:db8::1]:2"]),
            true,
            1,
        ),
        (json!({ "version": "9" }), json!(["10.0.0.1:1", "[2001:db8::1]:2"]), true, 0),
        (
            json!({ "endpoints": ["10.0.0.1:1", "[2001:db8::1]:2"] }),
            json!(["10.0.0.1:1", "[2001:db8::1]:2"]),
            true,
            0,
        ),
        (json!({ "endpoints": ["10.0.0.2:1"] }), json!(["10.0.0.2:1"]), true, 1),
        (json!({ "endpoints": null }), json!(["10.0.0.2:1"]), true, 0),
        (json!({ "endpoints": [] }), json!([]), true, 1),
        (json!({ "endpoints": ["10.0.0.3:1"] }), json!(["10.0.0.3:1"]), true, 1),
        (json!({ "status": "offline", "endpoints": ["10.0.0.4:1"] }), json!([]), false, 1),
        (json!({ "status": "offline" }), json!([]), false, 0),
        (json!({}), json!([]), true, 1),
    ] {
        let before = known.version;
        assert_eq!(node.beat(&reference, body.clone()).await.status, 200, "{body}");
        known.learn(watcher.map(&reference, before, 0).await.data());
        let peer = known.peer("x").unwrap();
        assert_eq!((&peer["endpoints"], &peer["online"]), (&endpoints, &json!(online)), "{body}");
        assert_eq!(known.version - before, changes, "{body}");
    }
    for bad in [
        json!(["0.0.0.0:1"]),
        json!(["10.0.0.1"]),
        json!("10.0.0.1:1"),
        json!([7]),
        json!(vec!["10.0.0.1:1"; 17]),
    ] {
        let refused = node.beat(&reference, json!({ "endpoints": bad })).await;
        let (status, code, message) = refused.refusal();
        assert_eq!((status, code), (400, "INVALID_INPUT"), "{bad}");
        assert!(message.contains("endpoints"), "{message}");
    }
    assert_eq!(watcher.full(&reference).await, known, "what is refused changes nothing");
}

#[tokio::test]
async fn silence_shows_as_offline_and_old_removals_are_told_by_the_whole_map() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    let watcher = Node::register(&reference, &key, "w", 1).await;
    let silent = Node::register(&reference, &key, "x", 2).await;
    let deleted = Node::register(&reference, &key, "y", 3).await;
    let mut known = watcher.full(&reference).await;
    administer(&reference, "delete", &deleted.id).await;
    let start = known.clone();

    reference.advance(Duration::from_secs(89)).await;
    known.learn(watcher.map(&reference, known.version, 0).await.data());
    assert_eq!(known.peer("x").unwrap()["online"], json!(true));
    reference.advance(Duration::from_secs(1)).await;
    known.learn(watcher.map(&reference, known.version, 0).await.data());
    assert_eq!(known.peer("x").unwrap()["online"], json!(false));
    silent.beat(&reference, json!({})).await;
    known.learn(watcher.map(&reference, known.version, 0).await.data());
    assert_eq!(known.peer("x").unwrap()["online"], json!(true));

    reference.advance(Duration::from_secs(24 * 60 * 60)).await;
    assert_eq!(reference.rows("removed_machines").await, 0);
    let told = watcher.map(&reference, start.version, 0).await;
    assert_eq!(told.data()["full"], json!(true), "the removal is no longer known");
    let mut late = start;
    late.learn(told.data());
    assert!(late.peer("x").is_some() && late.peer("y").is_none());
    let told = watcher.map(&reference, known.version, 0).await;
    assert_eq!(told.data()["full"], json!(false), "this one had heard of it");
}

#[tokio::test]
async fn the_map_is_for_admitted_machines_and_shows_no_others() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    let watcher = Node::register(&reference, &key, "w", 1).await;
    let before = watcher.full(&reference).await;
    let member = reference.token(MEMBER).await;
    let body = json!({ "org_id": ACME, "name": "pending", "public_key": public_key(2) });
    let answer = reference.post("/api/register-machine", Some(&member), &body).await;
    let token = answer.data()["machine_token"].as_str().unwrap();
    let id = answer.data()["machine"]["id"].as_str().unwrap();
    assert_eq!(watcher.full(&reference).await, before, "nobody sees who waits for approval");
    let refused = reference.get("/api/network-map", token).await;
    assert_eq!(refused.refusal(), (403, "FORBIDDEN", "The machine awaits an admin's approval"));
    administer(&reference, "approve", id).await;
    assert_eq!(reference.get("/api/network-map", token).await.data()["peers"].as_array().unwrap().len(), 1);
    let mut known = before;
    known.learn(watcher.map(&reference, known.version, 0).await.data());
    assert!(known.peer("pending").is_some());
    administer(&reference, "quarantine", id).await;
    assert_eq!(reference.get("/api/network-map", token).await.code(), "QUARANTINED");

    let admin = reference.token(ADMIN).await;
    for wrong in [admin.as_str(), "ztm_00", "x"] {
        assert_eq!(reference.get("/api/network-map", wrong).await.code(), "UNAUTHORIZED");
    }
    for wrong in ["since=-1", "since=x", "wait=51", "wait=-1", "since=1&wait=x"] {
        let refused = reference.get(&format!("/api/network-map?{wrong}"), &watcher.token).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "INVALID_INPUT"), "{wrong}");
    }
}

#[tokio::test]
async fn versions_go_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let database = Location::File(folder.path().join("plane.db"));
    let reference = Reference::open(database.clone(), 1).await;
    let key = reusable_key(&reference).await;
    let watcher = Node::register(&reference, &key, "w", 1).await;
    let gone = Node::register(&reference, &key, "gone", 2).await;
    let mut known: Known = watcher.full(&reference).await;
    administer(&reference, "delete", &gone.id).await;
    drop(reference);

    let reference = Reference::open(database, 2).await;
    Node::register(&reference, &key, "new", 3).await;
    let told = watcher.map(&reference, known.version, 0).await;
    assert_eq!((&told.data()["full"], &told.data()["version"]), (&json!(false), &json!(known.version + 2)));
    known.learn(told.data());
    assert!(known.peer("new").is_some() && known.peer("gone").is_none());
    assert_eq!(known, watcher.full(&reference).await);
}
