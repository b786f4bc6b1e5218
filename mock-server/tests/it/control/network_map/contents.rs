//! The contents of the network map.

use std::time::Duration;

use mock_server::store::Location;
use serde_json::json;

use super::{Node, ReplayedMap, reusable_key};
use crate::test_server::{ACME, ADMIN, MEMBER, TestServer, public_key};

#[tokio::test]
async fn first_map_is_full_and_later_ones_incremental() {
    let server = TestServer::start().await;
    let key = reusable_key(&server).await;
    let a = Node::register(&server, &key, "a", 1).await;
    let b = Node::register(&server, &key, "b", 2).await;
    b.heartbeat(&server, json!({ "endpoints": ["203.0.113.7:51820"] })).await;

    let first = a.map(&server, 0, 50).await;
    let data = first.data();
    let version = data["version"].as_i64().unwrap();
    assert_eq!(
        data,
        &json!({
            "version": version,
            "full": true,
            "self": { "id": a.id, "name": "a", "tailnet_ip": "100.64.0.1", "status": "online", "tags": [] },
            "peers": [{
                "id": b.id, "name": "b", "tailnet_ip": "100.64.0.2", "public_key": public_key(2),
                "endpoints": ["203.0.113.7:51820"], "relay": null, "online": true,
                "tags": [],
            }],
            "removed": [],
            "access_rules": [],
            "relays": [{ "region": "blr1", "name": "Bangalore", "url": null }],
        })
    );

    let c = Node::register(&server, &key, "c", 3).await;
    let second = a.map(&server, version, 50).await;
    let data = second.data();
    assert_eq!((&data["full"], &data["version"]), (&json!(false), &json!(version + 1)));
    assert_eq!(data["peers"].as_array().unwrap().len(), 1);
    assert_eq!((&data["peers"][0]["id"], &data["removed"]), (&json!(c.id), &json!([])));

    let ahead = a.map(&server, version + 1000, 50).await;
    assert_eq!(ahead.data()["full"], json!(true), "a version from another database");
}

#[tokio::test]
async fn cut_off_machine_is_removed_from_every_map() {
    let server = TestServer::start().await;
    let key = reusable_key(&server).await;
    let ephemeral = server.auth_key(json!({ "reusable": true, "ephemeral": true })).await.1;
    let watchers =
        [Node::register(&server, &key, "w1", 1).await, Node::register(&server, &key, "w2", 2).await];
    for (way, key, comes_back) in [
        ("delete", &key, false),
        ("quarantine", &key, true),
        ("logout", &key, false),
        ("logout of an ephemeral one", &ephemeral, false),
    ] {
        let node = Node::register(&server, key, "x", 9).await;
        let mut known = Vec::new();
        for watcher in &watchers {
            known.push(watcher.full(&server).await);
        }
        assert!(known.iter().all(|known| known.peer("x").is_some()), "{way}");
        match way {
            "delete" | "quarantine" => assert_eq!(server.administer(way, &node.id).await.status, 200),
            _ => assert_eq!(node.logout(&server).await.status, 200),
        }
        for (watcher, known) in watchers.iter().zip(&mut known) {
            let told = watcher.map(&server, known.version, 50).await;
            let data = told.data();
            assert_eq!((&data["removed"], &data["peers"]), (&json!([node.id]), &json!([])), "{way}");
            known.apply(data);
            assert_eq!(*known, watcher.full(&server).await, "{way}");
        }
        if comes_back {
            server.administer("release", &node.id).await;
            let told = watchers[0].map(&server, known[0].version, 50).await;
            known[0].apply(told.data());
            assert_eq!(
                known[0].peer("x").unwrap()["online"],
                json!(false),
                "{way}: offline until its next heartbeat"
            );
            server.administer("delete", &node.id).await;
        }
    }
}

#[tokio::test]
async fn machine_deleted_in_quarantine_stays_removed() {
    let server = TestServer::start().await;
    let key = reusable_key(&server).await;
    let watcher = Node::register(&server, &key, "w", 1).await;
    let node = Node::register(&server, &key, "x", 9).await;
    let before = watcher.full(&server).await;
    server.administer("quarantine", &node.id).await;
    let between = watcher.full(&server).await;
    server.administer("delete", &node.id).await;
    assert_eq!(
        watcher.map(&server, before.version, 0).await.data()["removed"],
        json!([node.id]),
        "told although the row is gone"
    );
    let told = watcher.map(&server, between.version, 0).await;
    assert_eq!((&told.data()["removed"], &told.data()["version"]), (&json!([]), &json!(between.version)));
}

#[tokio::test]
async fn reregistration_shows_the_new_key_and_clears_endpoints() {
    let server = TestServer::start().await;
    let key = reusable_key(&server).await;
    let watcher = Node::register(&server, &key, "w", 1).await;
    let old = Node::register(&server, &key, "x", 2).await;
    old.heartbeat(&server, json!({ "endpoints": ["203.0.113.7:51820"] })).await;
    let known = watcher.full(&server).await;
    let new = Node::register(&server, &key, "x", 3).await;
    let told = watcher.map(&server, known.version, 50).await;
    let peers = told.data()["peers"].as_array().unwrap();
    assert_eq!((peers.len(), &peers[0]["id"], &new.id), (1, &json!(old.id), &old.id));
    assert_eq!((&peers[0]["public_key"], &peers[0]["endpoints"]), (&json!(public_key(3)), &json!([])));
    assert_eq!(old.map(&server, 0, 0).await.code(), "UNAUTHORIZED");
}

#[tokio::test]
async fn heartbeats_replace_keep_or_clear_endpoints() {
    let server = TestServer::start().await;
    let key = reusable_key(&server).await;
    let watcher = Node::register(&server, &key, "w", 1).await;
    let node = Node::register(&server, &key, "x", 2).await;
    let mut known = watcher.full(&server).await;
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
        assert_eq!(node.heartbeat(&server, body.clone()).await.status, 200, "{body}");
        known.apply(watcher.map(&server, before, 0).await.data());
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
        let refused = node.heartbeat(&server, json!({ "endpoints": bad })).await;
        let (status, code, message) = refused.refusal();
        assert_eq!((status, code), (400, "INVALID_INPUT"), "{bad}");
        assert!(message.contains("endpoints"), "{message}");
    }
    assert_eq!(watcher.full(&server).await, known, "a refused heartbeat changes nothing");
}

#[tokio::test]
async fn silent_machine_is_offline_and_pruned_removals_need_a_full_map() {
    let server = TestServer::start().await;
    let key = reusable_key(&server).await;
    let watcher = Node::register(&server, &key, "w", 1).await;
    let silent = Node::register(&server, &key, "x", 2).await;
    let deleted = Node::register(&server, &key, "y", 3).await;
    let mut known = watcher.full(&server).await;
    server.administer("delete", &deleted.id).await;
    let start = known.clone();

    server.advance(Duration::from_secs(89)).await;
    known.apply(watcher.map(&server, known.version, 0).await.data());
    assert_eq!(known.peer("x").unwrap()["online"], json!(true));
    server.advance(Duration::from_secs(1)).await;
    known.apply(watcher.map(&server, known.version, 0).await.data());
    assert_eq!(known.peer("x").unwrap()["online"], json!(false));
    silent.heartbeat(&server, json!({})).await;
    known.apply(watcher.map(&server, known.version, 0).await.data());
    assert_eq!(known.peer("x").unwrap()["online"], json!(true));

    server.advance(Duration::from_secs(24 * 60 * 60)).await;
    assert_eq!(server.rows("removed_machines").await, 0);
    let told = watcher.map(&server, start.version, 0).await;
    assert_eq!(told.data()["full"], json!(true), "the removal has been pruned");
    let mut late = start;
    late.apply(told.data());
    assert!(late.peer("x").is_some() && late.peer("y").is_none());
    let told = watcher.map(&server, known.version, 0).await;
    assert_eq!(told.data()["full"], json!(false), "this watcher has seen the removal");
}

#[tokio::test]
async fn map_is_limited_to_admitted_machines() {
    let server = TestServer::start().await;
    let key = reusable_key(&server).await;
    let watcher = Node::register(&server, &key, "w", 1).await;
    let before = watcher.full(&server).await;
    let member = server.token(MEMBER).await;
    let body = json!({ "org_id": ACME, "name": "pending", "public_key": public_key(2) });
    let answer = server.post("/api/register-machine", &member, &body).await;
    let token = answer.data()["machine_token"].as_str().unwrap();
    let id = answer.data()["machine"]["id"].as_str().unwrap();
    assert_eq!(watcher.full(&server).await, before, "a pending machine is not a peer");
    let refused = server.get("/api/network-map", token).await;
    assert_eq!(refused.refusal(), (403, "FORBIDDEN", "The machine awaits an admin's approval"));
    server.administer("approve", id).await;
    assert_eq!(server.get("/api/network-map", token).await.data()["peers"].as_array().unwrap().len(), 1);
    let mut known = before;
    known.apply(watcher.map(&server, known.version, 0).await.data());
    assert!(known.peer("pending").is_some());
    server.administer("quarantine", id).await;
    assert_eq!(server.get("/api/network-map", token).await.code(), "QUARANTINED");

    let admin = server.token(ADMIN).await;
    for wrong in [admin.as_str(), "ztm_00", "x"] {
        assert_eq!(server.get("/api/network-map", wrong).await.code(), "UNAUTHORIZED");
    }
    for wrong in ["since=-1", "since=x", "wait=51", "wait=-1", "since=1&wait=x"] {
        let refused = server.get(&format!("/api/network-map?{wrong}"), &watcher.token).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "INVALID_INPUT"), "{wrong}");
    }
}

#[tokio::test]
async fn versions_continue_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let database = Location::File(folder.path().join("plane.db"));
    let server = TestServer::open(database.clone(), 1).await;
    let key = reusable_key(&server).await;
    let watcher = Node::register(&server, &key, "w", 1).await;
    let gone = Node::register(&server, &key, "gone", 2).await;
    let mut known: ReplayedMap = watcher.full(&server).await;
    server.administer("delete", &gone.id).await;
    drop(server);

    let server = TestServer::open(database, 2).await;
    Node::register(&server, &key, "new", 3).await;
    let told = watcher.map(&server, known.version, 0).await;
    assert_eq!((&told.data()["full"], &told.data()["version"]), (&json!(false), &json!(known.version + 2)));
    known.apply(told.data());
    assert!(known.peer("new").is_some() && known.peer("gone").is_none());
    assert_eq!(known, watcher.full(&server).await);
}
