//! Access rules in the network map: who receives them, when, and what machines that do not apply them see.

use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Node, reusable_key};
use crate::test_server::{ACME, ADMIN, Answer, TestServer};
use crate::wait::DEADLINE;

async fn set(server: &TestServer, rules: Value) {
    let body = json!({ "org_id": ACME, "rules": rules }).to_string();
    let answer = server.send("PUT", "/api/acl", &server.token(ADMIN).await, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn ssh() -> Value {
    json!([{ "src": ["tag:laptop"], "dst": ["tag:prod:22"], "proto": "tcp" }])
}

/// The map as a machine receives it that knows no access rules.
async fn old_map(server: &TestServer, node: &Node, since: i64, wait: u32) -> Answer {
    server.get(&format!("/api/network-map?since={since}&wait={wait}"), &node.token).await
}

fn version(answer: &Answer) -> i64 {
    answer.data()["version"].as_i64().unwrap()
}

#[tokio::test]
async fn rules_and_tags_are_in_the_map_and_a_change_wakes_all_at_once() {
    let server = TestServer::notifying().await;
    let key = server.auth_key(json!({ "reusable": true, "tags": ["tag:prod"] })).await.1;
    let one = Node::register(&server, &key, "one", 1).await;
    let two = Node::register(&server, &key, "two", 2).await;
    let full = one.map(&server, 0, 0).await;
    assert_eq!(full.data()["access_rules"], json!([]));
    assert_eq!(
        (&full.data()["self"]["tags"], &full.data()["peers"][0]["tags"]),
        (&json!(["prod"]), &json!(["prod"]))
    );

    let since = version(&full);
    let waiting = async { tokio::join!(one.map(&server, since, 50), two.map(&server, since, 50)) };
    let (told, ()) = tokio::join!(timeout(DEADLINE, waiting), async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        set(&server, ssh()).await;
    });
    let (first, second) = told.expect("the rules wake those that wait");
    for told in [&first, &second] {
        let data = told.data();
        assert_eq!(
            (&data["access_rules"], &data["full"], &data["peers"]),
            (&ssh(), &json!(false), &json!([]))
        );
    }
    let later = one.map(&server, version(&first), 0).await;
    assert_eq!(later.data().get("access_rules"), None, "unchanged");
    assert_eq!(one.map(&server, 0, 0).await.data()["access_rules"], ssh(), "the whole map");
}

#[tokio::test]
async fn a_machine_and_its_peers_hear_of_its_new_tags() {
    let server = TestServer::notifying().await;
    let key = reusable_key(&server).await;
    let one = Node::register(&server, &key, "one", 1).await;
    let two = Node::register(&server, &key, "two", 2).await;
    let since = version(&one.map(&server, 0, 0).await);
    let waiting = async { tokio::join!(one.map(&server, since, 50), two.map(&server, since, 50)) };
    let (told, answer) = tokio::join!(timeout(DEADLINE, waiting), async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        server.post("/api/machine-tags", &one.token, &json!({ "tags": ["prod"] })).await
    });
    assert_eq!(answer.status, 200);
    let (own, other) = told.expect("tags wake those that wait");
    assert_eq!((&own.data()["self"]["tags"], &own.data()["peers"]), (&json!(["prod"]), &json!([])));
    assert_eq!(other.data()["peers"][0]["tags"], json!(["prod"]));
    let asks_late = one.map(&server, since, 0).await;
    assert_eq!((version(&asks_late), &asks_late.data()["self"]["tags"]), (version(&own), &json!(["prod"])));
}

#[tokio::test]
async fn machines_that_apply_no_rules_have_no_peers_while_there_are_some() {
    let server = TestServer::notifying().await;
    let key = reusable_key(&server).await;
    let old = Node::register(&server, &key, "old", 1).await;
    let new = Node::register(&server, &key, "new", 2).await;
    let before = old_map(&server, &old, 0, 0).await;
    assert_eq!(before.data()["peers"].as_array().unwrap().len(), 1);

    let (told, ()) = tokio::join!(timeout(DEADLINE, old_map(&server, &old, version(&before), 50)), async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        set(&server, ssh()).await;
    });
    let cut = told.expect("the rules wake it");
    assert_eq!((&cut.data()["full"], &cut.data()["peers"]), (&json!(true), &json!([])));
    for since in [0, version(&before), version(&cut)] {
        let answer = old_map(&server, &old, since, 0).await;
        assert_eq!(answer.data()["peers"], json!([]), "since {since}");
    }
    assert_eq!(new.map(&server, 0, 0).await.data()["peers"].as_array().unwrap().len(), 1);

    let since = version(&old_map(&server, &old, 0, 0).await);
    let (told, ()) = tokio::join!(timeout(DEADLINE, old_map(&server, &old, since, 50)), async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        set(&server, json!([])).await;
    });
    let back = told.expect("the end of the rules wakes it");
    let peers = back.data()["peers"].as_array().unwrap();
    assert_eq!((&back.data()["full"], peers.len()), (&json!(true), 1), "{back:?}");
}
