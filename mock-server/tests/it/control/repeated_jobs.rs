//! Requests whose jobs run twice, because other jobs of their batches fail after a change: each has its effect once, and
//! what was answered is what is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::join_all;
use mock_server::control::ControlError;
use mock_server::domain::Refusal;
use mock_server::store::{Location, settings};
use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, Answer, TestServer};

const SPOILERS: usize = 6;
const MACHINES: usize = 24;

/// Adds jobs that fail after a change to every batch, until it is dropped.
struct Spoilers {
    stop: Arc<AtomicBool>,
    /// How often the jobs ran, and how many there were.
    counts: Arc<[AtomicUsize; 2]>,
}

impl Spoilers {
    fn start(server: &TestServer) -> Self {
        let spoilers = Self { stop: Arc::default(), counts: Arc::default() };
        for _ in 0..SPOILERS {
            let (store, stop, counts) =
                (server.state.store.clone(), Arc::clone(&spoilers.stop), Arc::clone(&spoilers.counts));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    counts[1].fetch_add(1, Ordering::Relaxed);
                    let counts = Arc::clone(&counts);
                    let spoilt = store.write(move |tx| {
                        counts[0].fetch_add(1, Ordering::Relaxed);
                        settings::put(tx, "spoilt", "v")?;
                        Err::<(), ControlError>(Refusal::KeyUsed.into())
                    });
                    assert!(matches!(spoilt.await, Err(ControlError::Refused(Refusal::KeyUsed))));
                }
            });
        }
        spoilers
    }
}

impl Drop for Spoilers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn text(answer: &Answer, pointer: &str) -> String {
    answer.data().pointer(pointer).and_then(Value::as_str).unwrap().to_owned()
}

async fn rows(server: &TestServer, query: &str) -> Vec<Value> {
    let answer = server.get(&format!("/api/db/{query}&org_id=eq.{ACME}"), &server.token(ADMIN).await).await;
    answer.data().as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_request_has_its_effect_once_and_answers_what_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    for database in [Location::Memory, Location::File(folder.path().join("plane.db"))] {
        let server = TestServer::open(database, 1).await;
        let spoilers = Spoilers::start(&server);
        let (key_id, key) = server.auth_key(json!({ "reusable": true })).await;
        let names: Vec<String> = (0..MACHINES).map(|n| format!("m{n}")).collect();
        let registered = join_all(names.iter().map(|name| server.register(&key, name))).await;
        let single = server.auth_key(json!({})).await.1;
        let others: Vec<String> = names.iter().map(|name| format!("single-{name}")).collect();
        let taken = join_all(others.iter().map(|name| server.register(&single, name))).await;
        assert_eq!(taken.iter().filter(|answer| answer.status == 201).count(), 1);
        assert!(taken.iter().all(|answer| answer.status == 201 || answer.code() == "KEY_USED"));

        for answer in &registered {
            let id = text(answer, "/machine/id");
            let row = rows(&server, &format!("machines?id=eq.{id}")).await;
            assert_eq!(row[0]["tailnet_ip"], answer.data()["machine"]["tailnet_ip"]);
            let token = text(answer, "/machine_token");
            let beat = server.post("/api/heartbeat", &token, &json!({ "endpoints": ["10.0.0.1:1"] })).await;
            assert_eq!(text(&beat, "/machine/id"), id);
        }
        let api_key = json!({ "action": "create_api_key", "org_id": ACME, "name": "k", "expiry_days": 7 });
        let api_key = server.manage(&api_key).await;
        let used = server.get("/api/db/auth_keys", &text(&api_key, "/key")).await;
        assert_eq!(used.status, 200, "the key in the answer is the one in the database: {used:?}");
        assert_eq!(rows(&server, "api_keys?name=eq.k").await[0]["usage_count"], json!(1));
        let first = text(&registered[0], "/machine/id");
        for action in ["quarantine", "release", "delete"] {
            assert_eq!(server.administer(action, &first).await.status, 200);
        }
        let (ran, queued) = (&spoilers.counts[0], &spoilers.counts[1]);
        assert!(ran.load(Ordering::Relaxed) > queued.load(Ordering::Relaxed), "no batch ran twice");
        drop(spoilers);

        assert_eq!(server.counts(&key_id).await, (24, 24, 24));
        let log = rows(&server, "audit_logs?select=id,action,target").await;
        let entries = |action: &str| log.iter().filter(|row| row["action"] == action).count();
        let counts = ["register_machine", "create_auth_key", "create_api_key", "delete_machine"].map(entries);
        assert_eq!(counts, [MACHINES + 1, 2, 1, 1]);
    }
}
