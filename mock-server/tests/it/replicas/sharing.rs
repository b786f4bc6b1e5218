//! What one replica knows, the others know.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use mock_server::app::Config;

use super::{database, replicas, text};
use crate::test_server::{ACME, ADMIN, TestServer, key_of};
use crate::wait::DEADLINE;

/// Migrations, the initial content and the key of sessions are made once, whichever of three starts first.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_start_at_once_share_one_initial_database_and_their_sessions() {
    for _ in 0..10 {
        let Some(database) = database().await else { return };
        let starting = (1..=3).map(|seed| tokio::spawn(TestServer::open(database.clone(), seed)));
        let replicas: Vec<_> =
            join_all(starting).await.into_iter().map(|replica| replica.expect("it starts")).collect();
        let token = replicas[0].token(ADMIN).await;
        for replica in &replicas {
            assert_eq!(replica.get("/api/user-orgs", &token).await.status, 200);
        }
        assert_eq!(replicas[0].rows("schema_version").await, 1);
        let alone = TestServer::start().await;
        for table in ["organisations", "users", "memberships"] {
            assert_eq!(replicas[0].rows(table).await, alone.rows(table).await, "{table}");
        }
        assert_eq!(replicas[1].post("/api/auth/logout", &token, &json!({})).await.status, 200);
        for replica in &replicas {
            let answer = replica.get("/api/user-orgs", &token).await;
            assert_eq!(answer.status, 401, "the session ended everywhere");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_counts_the_uses_at_all_replicas() {
    let Some(replicas) = replicas::<3>().await else { return };
    let admin = replicas[0].token(ADMIN).await;
    let body = json!({ "action": "create_api_key", "org_id": ACME, "name": "limited", "rate_limit_rpm": 10 });
    let made = replicas[0].post("/api/key-management", &admin, &body).await;
    let key = text(&made, "/data/key");
    let answers = join_all((0..30).map(|n| replicas[n % 3].get("/api/user-orgs", &key))).await;
    let admitted = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(admitted, 10, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_machine_hears_at_once_of_another_replicas_change() {
    let Some(database) = database().await else { return };
    let mut config = TestServer::config();
    config.database = database.clone();
    // It looks at the database by itself once an hour.
    let mut state = mock_server::app::state(&config, "http://control.test".to_owned()).await.unwrap();
    state.settings_mut().unwrap().map_poll_interval = Duration::from_secs(3600);
    let (waiting, other) = (TestServer::of(state), TestServer::open(database, 9).await);
    let body = json!({ "action": "create_auth_key", "org_id": ACME, "name": "a key", "reusable": true });
    let made = waiting.post("/api/key-management", &waiting.token(ADMIN).await, &body).await;
    let register = |name: &str| json!({ "auth_key": text(&made, "/data/key"), "name": name, "public_key": key_of(name) });
    let machine = waiting.post("/api/register-machine", "", &register("waits")).await;
    let token = text(&machine, "/data/machine_token");
    let map = waiting.get("/api/network-map", &token).await;
    let version = map.body["data"]["version"].as_i64().unwrap();
    let path = format!("/api/network-map?since={version}&wait=30");
    let change = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.post("/api/register-machine", "", &register("joins")).await
    };
    let (map, joined) =
        tokio::join!(tokio::time::timeout(Duration::from_secs(10), waiting.get(&path, &token)), change);
    assert_eq!(joined.status, 201);
    let peers = map.expect("it was told").body["data"]["peers"].clone();
    assert_eq!(peers[0]["name"], "joins", "{peers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_hear_at_once_of_access_rules_that_were_set_at_another_replica() {
    let Some(database) = database().await else { return };
    let config = Config { database: database.clone(), ..TestServer::config() };
    let mut state = mock_server::app::state(&config, "http://control.test".to_owned()).await.unwrap();
    state.settings_mut().unwrap().map_poll_interval = Duration::from_secs(3600);
    let (waiting, other) = (TestServer::of(state), TestServer::open(database, 9).await);
    let admin = other.token(ADMIN).await;
    let body = json!({ "action": "create_auth_key", "org_id": ACME, "name": "a key", "reusable": true });
    let key = text(&other.post("/api/key-management", &admin, &body).await, "/data/key");
    let mut tokens = Vec::new();
    for name in ["one", "two"] {
        let registration = json!({ "auth_key": key, "name": name, "public_key": key_of(name) });
        let machine = other.post("/api/register-machine", "", &registration).await;
        tokens.push(text(&machine, "/data/machine_token"));
    }
    let map = |since: i64, wait: u8| format!("/api/network-map?since={since}&wait={wait}&access_rules=true");
    let mut known = waiting.get(&map(0, 0), &tokens[0]).await.body["data"]["version"].as_i64().unwrap();
    // The rules, other rules, and no rules any more.
    let ssh = json!([{ "src": ["tag:laptop"], "dst": ["tag:prod:22"], "proto": "tcp" }]);
    let page = json!([{ "src": ["tag:laptop"], "dst": ["tag:prod:80"], "proto": "tcp" }]);
    for rules in [ssh, page, json!([])] {
        let path = map(known, 50);
        let polls = join_all(tokens.iter().map(|token| waiting.get(&path, token)));
        let change = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let body = json!({ "org_id": ACME, "rules": rules }).to_string();
            other.send("PUT", "/api/acl", &admin, &body).await
        };
        let both = tokio::time::timeout(DEADLINE, async { tokio::join!(polls, change) });
        let (told, changed) = both.await.expect("all were told");
        assert_eq!(changed.status, 200, "{changed:?}");
        for map in &told {
            assert_eq!(map.body["data"]["access_rules"], rules, "{map:?}");
        }
        known = told[0].body["data"]["version"].as_i64().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_read_once_for_all_that_wait_at_another_replica() {
    const AGENTS: usize = 40;
    let Some(database) = database().await else { return };
    let config = TestServer::config();
    let config = mock_server::app::Config { database: database.clone(), ..config };
    let mut state = mock_server::app::state(&config, "http://control.test".to_owned()).await.unwrap();
    state.settings_mut().unwrap().map_poll_interval = Duration::from_secs(3600);
    let (waiting, other) = (TestServer::of(state), TestServer::open(database, 9).await);
    let body = json!({ "action": "create_auth_key", "org_id": ACME, "name": "a key", "reusable": true });
    let made = other.post("/api/key-management", &other.token(ADMIN).await, &body).await;
    let register = |name: String| json!({ "auth_key": text(&made, "/data/key"), "name": name, "public_key": key_of(&name) });
    let mut tokens = Vec::new();
    for number in 0..AGENTS {
        let machine = other.post("/api/register-machine", "", &register(format!("w{number}"))).await;
        tokens.push(text(&machine, "/data/machine_token"));
    }
    let known = waiting.get("/api/network-map", &tokens[0]).await.body["data"]["version"].as_i64().unwrap();
    let path = format!("/api/network-map?since={known}&wait=30");
    let maps = &waiting.state.maps;
    let before = maps.work();
    let change = async {
        // Each has been admitted, and the look at the beginning is over.
        let admitted = before.reads + u64::try_from(AGENTS).unwrap() + 1;
        while maps.work().reads < admitted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let at_rest = maps.work();
        let joined = other.post("/api/register-machine", "", &register("joins".to_owned())).await;
        assert_eq!(joined.status, 201);
        at_rest
    };
    let polls = join_all(tokens.iter().map(|token| waiting.get(&path, token)));
    let both = tokio::time::timeout(crate::wait::DEADLINE, async { tokio::join!(polls, change) });
    let (told, at_rest) = both.await.expect("all were told");
    assert!(told.iter().all(|map| map.body["data"]["peers"][0]["name"] == "joins"));
    let after = maps.work();
    assert_eq!((after.reads - at_rest.reads, after.serialised - at_rest.serialised), (1, 1));
}
