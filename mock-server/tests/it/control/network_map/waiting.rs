//! Long polling: a request for an unchanged map waits until something changes.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures::future::join_all;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use mock_server::store::Location;
use serde_json::json;
use tokio::time::timeout;

use super::{Node, ReplayedMap, reusable_key};
use crate::test_server::{Answer, GLOBEX, OUTSIDER, TestServer, public_key};
use crate::wait::DEADLINE;

/// Long enough for a request to be waiting.
const HELD: Duration = Duration::from_millis(100);

type Poll<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// A request that waits for a change, and the version that it asked since.
async fn waiting_request<'a>(server: &'a TestServer, node: &'a Node) -> (i64, Poll<'a>) {
    let version = node.full(server).await.version;
    let mut poll: Poll<'a> = Box::pin(node.map(server, version, 50));
    assert!(timeout(HELD, &mut poll).await.is_err(), "answered although nothing changed");
    (version, poll)
}

async fn woken(what: &str, poll: Poll<'_>) -> Answer {
    timeout(DEADLINE, poll).await.unwrap_or_else(|_| panic!("{what} woke no request"))
}

#[tokio::test]
async fn every_change_wakes_waiting_requests() {
    let server = TestServer::notifying().await;
    let key = reusable_key(&server).await;
    let watcher = Node::register(&server, &key, "w", 1).await;
    let mut subject = None;
    for (change, online) in [
        ("register", Some(true)),
        ("register again", Some(true)),
        ("endpoints", Some(true)),
        ("offline", Some(false)),
        ("online", Some(true)),
        ("silence", Some(false)),
        ("quarantine", None),
        ("release", Some(false)),
        ("logout", None),
        ("register again", Some(true)),
        ("delete", None),
    ] {
        watcher.heartbeat(&server, json!({})).await;
        let (version, poll) = waiting_request(&server, &watcher).await;
        let is: Option<Node> = subject.clone();
        match (change, &is) {
            ("register", _) => subject = Some(Node::register(&server, &key, "x", 2).await),
            ("register again", _) => subject = Some(Node::register(&server, &key, "x", 3).await),
            ("endpoints", Some(node)) => {
                drop(node.heartbeat(&server, json!({ "endpoints": ["10.0.0.1:1"] })).await);
            }
            ("offline", Some(node)) => drop(node.heartbeat(&server, json!({ "status": "offline" })).await),
            ("online", Some(node)) => drop(node.heartbeat(&server, json!({})).await),
            ("silence", Some(_)) => server.advance(Duration::from_secs(90)).await,
            ("logout", Some(node)) => drop(node.logout(&server).await),
            (measure, Some(node)) => drop(server.administer(measure, &node.id).await),
            (_, None) => unreachable!(),
        }
        let told = woken(change, poll).await;
        let data = told.data();
        assert!(data["version"].as_i64().unwrap() > version && data["full"] == json!(false), "{change}");
        match online {
            Some(online) => assert_eq!(data["peers"][0]["online"], json!(online), "{change}"),
            None => assert_eq!(data["removed"], json!([is.unwrap().id]), "{change}"),
        }
    }
}

#[tokio::test]
async fn waiting_machine_is_told_when_it_is_cut_off() {
    let server = TestServer::notifying().await;
    let key = reusable_key(&server).await;
    for (change, key_byte, refusal) in [
        ("quarantine", 1, "QUARANTINED"),
        ("delete", 3, "UNAUTHORIZED"),
        ("logout", 5, "UNAUTHORIZED"),
        ("takeover", 7, "UNAUTHORIZED"),
    ] {
        let node = Node::register(&server, &key, change, key_byte).await;
        let (_, poll) = waiting_request(&server, &node).await;
        match change {
            "logout" => drop(node.logout(&server).await),
            "takeover" => drop(Node::register(&server, &key, change, key_byte + 1).await),
            measure => drop(server.administer(measure, &node.id).await),
        }
        assert_eq!(woken(change, poll).await.code(), refusal, "{change}");
    }
}

#[tokio::test]
async fn other_organisations_wake_no_waiting_request() {
    let server = TestServer::notifying().await;
    let key = reusable_key(&server).await;
    let watcher = Node::register(&server, &key, "w", 1).await;
    let (version, mut poll) = waiting_request(&server, &watcher).await;
    let outsider = server.token(OUTSIDER).await;
    let body = json!({ "org_id": GLOBEX, "name": "theirs", "public_key": public_key(2) });
    let theirs = server.post("/api/register-machine", &outsider, &body).await;
    assert!(timeout(HELD, &mut poll).await.is_err(), "woken by another organisation");
    assert_eq!(watcher.full(&server).await.version, version);
    let token = theirs.data()["machine_token"].as_str().unwrap();
    assert_eq!(server.get("/api/network-map", token).await.data()["peers"], json!([]));
    let ours = Node::register(&server, &key, "ours", 3).await;
    assert_eq!(woken("ours", poll).await.data()["peers"][0]["id"], json!(ours.id));
}

#[tokio::test]
async fn unchanged_map_is_returned_after_the_wait() {
    let server = TestServer::notifying().await;
    let key = reusable_key(&server).await;
    let node = Node::register(&server, &key, "w", 1).await;
    let known = node.full(&server).await;
    for wait in [0, 1] {
        let asked = Instant::now();
        let told = node.map(&server, known.version, wait).await;
        assert!(asked.elapsed() >= Duration::from_secs(wait.into()), "{:?}", asked.elapsed());
        let data = told.data();
        assert_eq!((&data["version"], &data["full"]), (&json!(known.version), &json!(false)));
        assert_eq!((&data["peers"], &data["removed"]), (&json!([]), &json!([])));
    }
}

#[tokio::test]
async fn stopping_answers_waiting_requests() {
    let server = TestServer::notifying().await;
    let key = reusable_key(&server).await;
    let node = Node::register(&server, &key, "w", 1).await;
    let (version, poll) = waiting_request(&server, &node).await;
    server.state.stopping.send_replace(true);
    assert_eq!(woken("a stop", poll).await.data()["version"], json!(version));
}

#[tokio::test]
async fn changes_of_another_replica_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let database = Location::File(folder.path().join("plane.db"));
    let (here, there) = (TestServer::open(database.clone(), 1).await, TestServer::open(database, 2).await);
    let key = reusable_key(&here).await;
    let watcher = Node::register(&here, &key, "w", 1).await;
    let (_, poll) = waiting_request(&here, &watcher).await;
    let node = Node::register(&there, &key, "x", 2).await;
    let told = timeout(DEADLINE, poll).await.expect("a waiting request polls the database");
    assert_eq!(told.data()["peers"][0]["id"], json!(node.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_registrations_reach_every_watcher() {
    const MANY: i64 = 32;
    let folder = tempfile::tempdir().unwrap();
    for database in [Location::Memory, Location::File(folder.path().join("plane.db"))] {
        let server = TestServer::open(database, 1).await;
        let key = reusable_key(&server).await;
        let watchers =
            [Node::register(&server, &key, "w1", 1).await, Node::register(&server, &key, "w2", 2).await];
        let names: Vec<_> = (0..MANY).map(|n| format!("m{n}")).collect();
        let before = join_all(watchers.iter().map(|watcher| watcher.full(&server))).await;
        let follow = async |(watcher, mut known): (&Node, ReplayedMap)| {
            let last = known.version + MANY;
            while known.peers.len() <= names.len() {
                let told = watcher.map(&server, known.version, 50).await;
                assert_eq!(told.data()["full"], json!(false));
                known.apply(told.data());
            }
            assert_eq!(known.version, last, "one version per registration");
            known
        };
        let registrations =
            join_all(names.iter().zip(3..).map(|(name, byte)| Node::register(&server, &key, name, byte)));
        let followed = timeout(DEADLINE, join_all(watchers.iter().zip(before).map(follow)));
        let (followed, registered) = futures::future::join(followed, registrations).await;
        assert_eq!(registered.len(), names.len());
        for (watcher, known) in watchers.iter().zip(followed.expect("every watcher sees all registrations")) {
            assert_eq!(known, watcher.full(&server).await);
        }
    }
}

#[tokio::test]
async fn excess_waiting_requests_of_a_machine_are_answered() {
    let server = TestServer::notifying().await;
    let key = reusable_key(&server).await;
    let (node, quiet) =
        (Node::register(&server, &key, "w", 1).await, Node::register(&server, &key, "q", 2).await);
    let (_, quiet_poll) = waiting_request(&server, &quiet).await;
    let version = node.full(&server).await.version;
    let mut polls = FuturesUnordered::new();
    for _ in 0..20 {
        let mut poll: Poll<'_> = Box::pin(node.map(&server, version, 50));
        assert!(timeout(HELD, &mut poll).await.is_err(), "the newest request waits");
        polls.push(poll);
    }
    for _ in 0..16 {
        let displaced = timeout(DEADLINE, polls.next()).await.expect("an excess request is answered");
        assert_eq!(displaced.unwrap().data()["peers"], json!([]));
    }
    assert!(timeout(HELD, polls.next()).await.is_err(), "the newest four wait");
    // The remaining requests, and those of other machines, are still woken by changes.
    let joined = Node::register(&server, &key, "x", 3).await;
    polls.push(quiet_poll);
    for _ in 0..5 {
        let told = woken("a registration", Box::pin(polls.next().map(Option::unwrap))).await;
        assert_eq!(told.data()["peers"][0]["id"], json!(joined.id));
    }
}
