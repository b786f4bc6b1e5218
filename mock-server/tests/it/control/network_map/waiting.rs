//! When the map is told: a request that nothing has changed for is held until something does.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures::future::join_all;
use mock_server::store::Location;
use serde_json::json;
use tokio::time::timeout;

use super::{Node, administer, reusable_key};
use crate::control::reference::{Answer, GLOBEX, OUTSIDER, Reference, public_key};

/// Long enough for a request to be waiting.
const HELD: Duration = Duration::from_millis(100);
/// Less than the interval at which one who waits looks again by itself.
const AT_ONCE: Duration = Duration::from_secs(1);

type Poll<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// A request that has been found waiting.
async fn held<'a>(reference: &'a Reference, node: &'a Node) -> (i64, Poll<'a>) {
    let version = node.full(reference).await.version;
    let mut poll: Poll<'a> = Box::pin(node.map(reference, version, 50));
    assert!(timeout(HELD, &mut poll).await.is_err(), "nothing changed and yet it is answered");
    (version, poll)
}

async fn at_once(what: &str, poll: Poll<'_>) -> Answer {
    timeout(AT_ONCE, poll).await.unwrap_or_else(|_| panic!("{what} woke nobody"))
}

#[tokio::test]
async fn every_change_wakes_those_who_wait() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    let watcher = Node::register(&reference, &key, "w", 1).await;
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
        watcher.beat(&reference, json!({})).await;
        let (version, poll) = held(&reference, &watcher).await;
        let is: Option<Node> = subject.clone();
        match (change, &is) {
            ("register", _) => subject = Some(Node::register(&reference, &key, "x", 2).await),
            ("register again", _) => subject = Some(Node::register(&reference, &key, "x", 3).await),
            ("endpoints", Some(node)) => {
                drop(node.beat(&reference, json!({ "endpoints": ["10.0.0.1:1"] })).await);
            }
            ("offline", Some(node)) => drop(node.beat(&reference, json!({ "status": "offline" })).await),
            ("online", Some(node)) => drop(node.beat(&reference, json!({})).await),
            ("silence", Some(_)) => reference.advance(Duration::from_secs(90)).await,
            ("logout", Some(node)) => drop(node.logout(&reference).await),
            (measure, Some(node)) => drop(administer(&reference, measure, &node.id).await),
            (_, None) => unreachable!(),
        }
        let told = at_once(change, poll).await;
        let data = told.data();
        assert!(data["version"].as_i64().unwrap() > version && data["full"] == json!(false), "{change}");
        match online {
            Some(online) => assert_eq!(data["peers"][0]["online"], json!(online), "{change}"),
            None => assert_eq!(data["removed"], json!([is.unwrap().id]), "{change}"),
        }
    }
}

#[tokio::test]
async fn who_is_cut_off_while_it_waits_is_told_so() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    for (change, refusal) in [
        ("quarantine", "QUARANTINED"),
        ("delete", "UNAUTHORIZED"),
        ("logout", "UNAUTHORIZED"),
        ("takeover", "UNAUTHORIZED"),
    ] {
        let node = Node::register(&reference, &key, change, 1).await;
        let (_, poll) = held(&reference, &node).await;
        match change {
            "logout" => drop(node.logout(&reference).await),
            "takeover" => drop(Node::register(&reference, &key, change, 2).await),
            measure => drop(administer(&reference, measure, &node.id).await),
        }
        assert_eq!(at_once(change, poll).await.code(), refusal, "{change}");
    }
}

#[tokio::test]
async fn other_organisations_neither_show_nor_wake() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    let watcher = Node::register(&reference, &key, "w", 1).await;
    let (version, mut poll) = held(&reference, &watcher).await;
    let outsider = reference.token(OUTSIDER).await;
    let body = json!({ "org_id": GLOBEX, "name": "theirs", "public_key": public_key(2) });
    let theirs = reference.post("/api/register-machine", Some(&outsider), &body).await;
    assert!(timeout(HELD, &mut poll).await.is_err(), "woken by another organisation");
    assert_eq!(watcher.full(&reference).await.version, version);
    let token = theirs.data()["machine_token"].as_str().unwrap();
    assert_eq!(reference.get("/api/network-map", token).await.data()["peers"], json!([]));
    let ours = Node::register(&reference, &key, "ours", 3).await;
    assert_eq!(at_once("ours", poll).await.data()["peers"][0]["id"], json!(ours.id));
}

#[tokio::test]
async fn when_nothing_changes_the_time_decides() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    let node = Node::register(&reference, &key, "w", 1).await;
    let known = node.full(&reference).await;
    for wait in [0, 1] {
        let asked = Instant::now();
        let told = node.map(&reference, known.version, wait).await;
        assert!(asked.elapsed() >= Duration::from_secs(wait.into()), "{:?}", asked.elapsed());
        let data = told.data();
        assert_eq!((&data["version"], &data["full"]), (&json!(known.version), &json!(false)));
        assert_eq!((&data["peers"], &data["removed"]), (&json!([]), &json!([])));
    }
}

#[tokio::test]
async fn a_stop_answers_those_who_wait() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    let node = Node::register(&reference, &key, "w", 1).await;
    let (version, poll) = held(&reference, &node).await;
    reference.state.stopping.send_replace(true);
    assert_eq!(at_once("a stop", poll).await.data()["version"], json!(version));
}

#[tokio::test]
async fn what_another_replica_changes_is_seen_too() {
    let folder = tempfile::tempdir().unwrap();
    let database = Location::File(folder.path().join("plane.db"));
    let (here, there) = (Reference::open(database.clone(), 1).await, Reference::open(database, 2).await);
    let key = reusable_key(&here).await;
    let watcher = Node::register(&here, &key, "w", 1).await;
    let (_, poll) = held(&here, &watcher).await;
    let node = Node::register(&there, &key, "x", 2).await;
    let told = timeout(Duration::from_secs(10), poll).await.expect("it looks again by itself");
    assert_eq!(told.data()["peers"][0]["id"], json!(node.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_registration_is_lost_among_many_at_once() {
    const MANY: i64 = 32;
    let folder = tempfile::tempdir().unwrap();
    for database in [Location::Memory, Location::File(folder.path().join("plane.db"))] {
        let reference = Reference::open(database, 1).await;
        let key = reusable_key(&reference).await;
        let watchers = [
            Node::register(&reference, &key, "w1", 1).await,
            Node::register(&reference, &key, "w2", 2).await,
        ];
        let names: Vec<_> = (0..MANY).map(|n| format!("m{n}")).collect();
        let follow = async |watcher: &Node| {
            let mut known = watcher.full(&reference).await;
            let last = known.version + MANY;
            while known.peers.len() <= names.len() {
                let told = watcher.map(&reference, known.version, 50).await;
                assert_eq!(told.data()["full"], json!(false));
                known.learn(told.data());
            }
            assert_eq!(known.version, last, "one version a registration");
            known
        };
        let registrations = join_all(names.iter().map(|name| Node::register(&reference, &key, name, 3)));
        let followed = timeout(Duration::from_secs(30), join_all(watchers.iter().map(follow)));
        let (followed, registered) = futures::future::join(followed, registrations).await;
        assert_eq!(registered.len(), names.len());
        for (watcher, known) in watchers.iter().zip(followed.expect("all are told in the end")) {
            assert_eq!(known, watcher.full(&reference).await);
        }
    }
}

#[tokio::test]
async fn a_machine_that_asks_often_has_its_older_questions_answered() {
    let reference = Reference::start().await;
    let key = reusable_key(&reference).await;
    let (node, quiet) =
        (Node::register(&reference, &key, "w", 1).await, Node::register(&reference, &key, "q", 2).await);
    let (_, quiet_poll) = held(&reference, &quiet).await;
    let version = node.full(&reference).await.version;
    let mut polls: Vec<Poll<'_>> = Vec::new();
    let mut answered = 0;
    for _ in 0..20 {
        let mut poll: Poll<'_> = Box::pin(node.map(&reference, version, 50));
        assert!(timeout(HELD, &mut poll).await.is_err(), "the newest is held");
        polls.push(poll);
    }
    for poll in &mut polls {
        if let Ok(told) = timeout(HELD, poll).await {
            assert_eq!(told.data()["peers"], json!([]));
            answered += 1;
        }
    }
    assert_eq!(answered, 16);
    // Those that are held are told of changes as ever, and other machines' are.
    polls.drain(..16);
    let joined = Node::register(&reference, &key, "x", 3).await;
    for poll in polls.into_iter().chain([quiet_poll]) {
        assert_eq!(at_once("a registration", poll).await.data()["peers"][0]["id"], json!(joined.id));
    }
}
