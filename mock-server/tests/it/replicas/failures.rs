//! Replicas that are killed or paused, and a database that goes away.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mock_server::store::{Address, Location, Store};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::cluster::{self, Cluster};
use crate::server_process::ServerProcess;
use crate::test_server::{ACME, key_of};
use crate::wait::DEADLINE;

struct Client {
    http: reqwest::Client,
    admin: String,
}

impl Client {
    fn of(server: &ServerProcess) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, admin: server.text("/admin/token").to_owned() }
    }

    async fn post(&self, base_url: &str, path: &str, body: Value) -> Option<(u16, Value)> {
        let request = self.http.post(format!("{base_url}{path}")).bearer_auth(&self.admin);
        let response = request.body(body.to_string()).send().await.ok()?;
        Some((response.status().as_u16(), response.json().await.ok()?))
    }

    async fn auth_key(&self, base_url: &str) -> String {
        let body = json!({ "action": "create_auth_key", "org_id": ACME, "name": "k", "reusable": true });
        let (_, made) = self.post(base_url, "/api/key-management", body).await.unwrap();
        made["data"]["key"].as_str().unwrap().to_owned()
    }

    async fn register(&self, base_url: &str, key: &str, name: &str) -> Option<(u16, Value)> {
        let body = json!({ "auth_key": key, "name": name, "public_key": key_of(name) });
        self.post(base_url, "/api/register-machine", body).await
    }
}

fn start(folder: &std::path::Path, name: &str, url: &str) -> ServerProcess {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    ServerProcess::start(&folder, &[&format!("--database={url}")])
}

/// Registrations at two replicas, one of which is killed in the middle of them, again and again: none that was
/// acknowledged is lost, and every machine, use and address is counted once.
#[tokio::test(flavor = "multi_thread")]
async fn killed_replicas_lose_no_acknowledged_registration() {
    kill_replicas(3).await;
}

mod slow {
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "takes minutes"]
    async fn fifty_killed_replicas_lose_no_acknowledged_registration() {
        super::kill_replicas(50).await;
    }
}

async fn kill_replicas(kills: usize) {
    let Some(url) = tokio::task::spawn_blocking(new_database).await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let staying = start(folder.path(), "staying", &url);
    let client = Arc::new(Client::of(&staying));
    let key = client.auth_key(staying.text("/base_url")).await;
    let mut acknowledged = BTreeSet::new();
    for round in 0..kills {
        let mut killed = start(folder.path(), "killed", &url);
        let count = Arc::new(AtomicUsize::new(0));
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..8 {
            let base_url = [&staying, &killed][worker % 2].text("/base_url").to_owned();
            let (client, key, count) = (Arc::clone(&client), key.clone(), Arc::clone(&count));
            workers.spawn(async move {
                let mut names = Vec::new();
                for number in 0..25 {
                    let name = format!("r{round}-{worker}-{number}");
                    match client.register(&base_url, &key, &name).await {
                        Some((201, _)) => names.push(name),
                        Some((503, _)) => {}
                        Some(other) => panic!("{other:?}"),
                        None => break,
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
                names
            });
        }
        let began = Instant::now();
        while count.load(Ordering::Relaxed) < 20 {
            assert!(began.elapsed() < DEADLINE, "too few answers");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        killed.signal(Signal::KILL);
        killed.wait();
        while let Some(names) = workers.join_next().await {
            acknowledged.extend(names.unwrap());
        }
    }
    drop(staying);
    check(&url, &acknowledged).await;
}

/// PostgreSQL is stopped as by a crash: requests are refused with a way out, `/readyz` says so, and the service is back as
/// soon as the database is.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_is_told_and_comes_back() {
    let Some(mut cluster) = tokio::task::spawn_blocking(Cluster::start).await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), "server", cluster.url());
    let (client, base_url) = (Client::of(&server), server.text("/base_url").to_owned());
    let key = client.auth_key(&base_url).await;
    let mut acknowledged = BTreeSet::new();
    let probe = async |path: &str| {
        let answer = client.http.get(format!("{base_url}{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
    };
    for round in 0..3 {
        let name = format!("before-{round}");
        assert_eq!(client.register(&base_url, &key, &name).await.unwrap().0, 201);
        acknowledged.insert(name);
        cluster.order("stop");
        let (status, answer) = client.register(&base_url, &key, &format!("during-{round}")).await.unwrap();
        assert_eq!((status, &answer["error"]["code"]), (503, &json!("UNAVAILABLE")), "{answer}");
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_eq!((probe("/readyz").await, probe("/healthz").await), ((503, true), (200, false)));
        cluster.order("start");
        let back = Instant::now();
        loop {
            let name = format!("after-{round}");
            if client.register(&base_url, &key, &name).await.unwrap().0 == 201 {
                acknowledged.insert(name);
                break;
            }
            assert!(back.elapsed() < Duration::from_secs(2), "no service after the database's return");
        }
    }
    drop(server);
    check(cluster.url(), &acknowledged).await;
}

/// A replica that is paused in the middle of its work does not hold up the others, and goes on when it is continued.
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_replica_holds_up_nobody_for_long() {
    let Some(url) = tokio::task::spawn_blocking(new_database).await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (paused, other) = (start(folder.path(), "paused", &url), start(folder.path(), "other", &url));
    let client = Arc::new(Client::of(&other));
    let key = client.auth_key(other.text("/base_url")).await;
    let mut storm = tokio::task::JoinSet::new();
    for worker in 0..4 {
        let (client, key, base_url) = (Arc::clone(&client), key.clone(), paused.text("/base_url").to_owned());
        storm.spawn(async move {
            for number in 0..1000 {
                if client.register(&base_url, &key, &format!("p{worker}-{number}")).await.is_none() {
                    return;
                }
            }
        });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    paused.signal(Signal::STOP);
    let began = Instant::now();
    let mut answered = false;
    while !answered {
        assert!(began.elapsed() < Duration::from_secs(15), "the paused replica holds the lock");
        let name = format!("o-{}", began.elapsed().as_millis());
        answered = client.register(other.text("/base_url"), &key, &name).await.unwrap().0 == 201;
    }
    storm.abort_all();
    paused.signal(Signal::CONT);
    let answer = client.register(paused.text("/base_url"), &key, "continued").await.unwrap();
    assert!(matches!(answer.0, 201 | 503), "{answer:?}");
    let again = client.register(paused.text("/base_url"), &key, "continued-again").await.unwrap();
    assert_eq!(again.0, 201, "{again:?}");
}

/// Creates a database of its own, so that its URL needs no options.
fn new_database() -> Option<String> {
    let url = cluster::url()?;
    let name = format!("replicas_{}", cluster::number());
    let host = url.split("host=").nth(1)?.split('&').next()?;
    let created = std::process::Command::new("psql")
        .args(["-h", host, "-U", "postgres", "-qc", &format!("CREATE DATABASE {name}"), "postgres"])
        .status()
        .unwrap();
    assert!(created.success());
    Some(url.replace("/postgres?", &format!("/{name}?")))
}

/// Compares the database with what was acknowledged.
async fn check(url: &str, acknowledged: &BTreeSet<String>) {
    let location = Location::Postgres(Box::new(Address::parse(url).unwrap()));
    let store = tokio::task::spawn_blocking(move || Store::open(&location)).await.unwrap().unwrap();
    let number = |sql: &'static str| {
        let store = store.clone();
        async move {
            let found = store.read(move |tx| tx.optional(sql, &[], |row| row.integer(0))).await;
            found.unwrap_or_else(|error: mock_server::store::StoreError| panic!("{error}")).unwrap()
        }
    };
    let names: Vec<String> = store
        .read(|tx| tx.all("SELECT name FROM machines", &[], |row| row.text(0)))
        .await
        .unwrap_or_else(|error: mock_server::store::StoreError| panic!("{error}"));
    let names: BTreeSet<String> = names.into_iter().collect();
    let lost: Vec<_> = acknowledged.difference(&names).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let machines = i64::try_from(names.len()).unwrap();
    for sql in [
        "SELECT count(DISTINCT tailnet_ip) FROM machines",
        "SELECT sum(machines)::bigint FROM address_pools",
        "SELECT sum(used_count)::bigint FROM auth_keys",
        "SELECT count(*) FROM audit_logs WHERE action = 'register_machine'",
    ] {
        assert_eq!(number(sql).await, machines, "{sql}");
    }
}
