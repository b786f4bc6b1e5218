//! Replicas that are killed or paused, and a database that goes away.
//!
//! Tests begin in the order of their names: those that wait the longest do it while the others run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mock_server::store::{Address, Location, Store, StoreError};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::replicas::cluster::{self, Cluster};
use crate::server_process::ServerProcess;
use crate::test_server::{ACME, key_of};
use crate::wait::DEADLINE;

/// How long a replica is paused: longer than the time limits of jobs and of connections, and than the leases.
const PAUSE: Duration = Duration::from_secs(20);

/// How long a replica may hold up the others: as long as a job may take, and the next attempt of those that wait.
const LONGEST_HOLD: Duration = Duration::from_secs(15);

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

    async fn heartbeat(&self, base_url: &str, token: &str) -> u16 {
        let request = self.http.post(format!("{base_url}/api/heartbeat")).bearer_auth(token).body("{}");
        request.send().await.unwrap().status().as_u16()
    }
}

fn start(folder: &std::path::Path, name: &str, url: &str) -> ServerProcess {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    ServerProcess::start(&folder, &[&format!("--database={url}")])
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
    Books::of(cluster.url()).await.check(&acknowledged).await;
}

/// A replica that is paused in the middle of its work, and while it does the upkeep, does not hold up the others. When it is
/// continued, it goes on without what the others have taken over, and without a lie about what it did.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_paused_for_twenty_seconds_holds_up_nobody() {
    let Some(url) = tokio::task::spawn_blocking(new_database).await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let paused = start(folder.path(), "paused", &url);
    let books = Books::of(&url).await;
    let holder = books.upkeep_holder(|_| true).await;
    let other = start(folder.path(), "other", &url);
    let client = Arc::new(Client::of(&other));
    let key = client.auth_key(other.text("/base_url")).await;
    let beating = client.register(other.text("/base_url"), &key, "beating").await.unwrap();
    let token = beating.1["data"]["machine_token"].as_str().unwrap().to_owned();
    let (mut storm, stop) = (tokio::task::JoinSet::new(), Arc::new(AtomicBool::new(false)));
    for worker in 0..4 {
        let (client, key, stop) = (Arc::clone(&client), key.clone(), Arc::clone(&stop));
        let base_url = paused.text("/base_url").to_owned();
        storm.spawn(async move {
            let mut acknowledged = Vec::new();
            for number in 0.. {
                let name = format!("p{worker}-{number}");
                match client.register(&base_url, &key, &name).await {
                    Some((201, _)) => acknowledged.push(name),
                    Some((503, _)) => {}
                    other => panic!("{other:?}"),
                }
                if stop.load(Ordering::Relaxed) {
                    return acknowledged;
                }
            }
            acknowledged
        });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    paused.signal(Signal::STOP);
    let began = Instant::now();
    let (mut acknowledged, mut longest, mut last) =
        (BTreeSet::from(["beating".to_owned()]), Duration::ZERO, began);
    while began.elapsed() < PAUSE {
        let name = format!("o-{}", began.elapsed().as_millis());
        if client.register(other.text("/base_url"), &key, &name).await.unwrap().0 == 201 {
            acknowledged.insert(name);
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        let beat = client.heartbeat(other.text("/base_url"), &token).await;
        assert!(matches!(beat, 200 | 503), "{beat}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Also if nothing was registered any more.
    longest = longest.max(last.elapsed());
    assert!(longest < LONGEST_HOLD, "the paused replica held the lock for {longest:?}");
    let successor = books.upkeep_holder(|current| current != holder).await;
    paused.signal(Signal::CONT);
    stop.store(true, Ordering::Relaxed);
    while let Some(names) = storm.join_next().await {
        acknowledged.extend(names.unwrap());
    }
    let continued = Instant::now();
    while continued.elapsed() < Duration::from_secs(5) {
        assert_eq!(books.upkeep_holder(|_| true).await, successor, "the paused replica claims the upkeep");
        assert_eq!(books.text("SELECT status FROM machines WHERE name = 'beating'").await.unwrap(), "online");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (server, name) in [(&paused, "continued"), (&other, "as-before")] {
        assert_eq!(client.register(server.text("/base_url"), &key, name).await.unwrap().0, 201);
        acknowledged.insert(name.to_owned());
    }
    books.check(&acknowledged).await;
}

/// What became due at a replica that is killed is done by another one.
#[tokio::test(flavor = "multi_thread")]
async fn upkeep_is_taken_over_within_ten_seconds() {
    let Some(url) = tokio::task::spawn_blocking(new_database).await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut holder = start(folder.path(), "holder", &url);
    let books = Books::of(&url).await;
    let first = books.upkeep_holder(|_| true).await;
    let others = ["second", "third"].map(|name| start(folder.path(), name, &url));
    let client = Client::of(&others[0]);
    let key = client.auth_key(others[0].text("/base_url")).await;
    assert_eq!(client.register(others[0].text("/base_url"), &key, "silent").await.unwrap().0, 201);
    assert_eq!(books.upkeep_holder(|_| true).await, first, "the others leave it alone");
    holder.signal(Signal::KILL);
    let killed = Instant::now();
    holder.wait();
    books.execute("UPDATE machines SET last_seen = 0").await;
    while books.text("SELECT status FROM machines WHERE name = 'silent'").await.unwrap() != "offline" {
        assert!(killed.elapsed() < Duration::from_secs(10), "nobody does the upkeep");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_ne!(books.upkeep_holder(|_| true).await, first);
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

/// A database, looked into beside its servers.
struct Books(Store);

impl Books {
    async fn of(url: &str) -> Self {
        let location = Location::Postgres(Box::new(Address::parse(url).unwrap()));
        Self(tokio::task::spawn_blocking(move || Store::open(&location)).await.unwrap().unwrap())
    }

    /// Compares the machines with those that were acknowledged.
    async fn check(&self, acknowledged: &BTreeSet<String>) {
        let read = self.0.read(|tx| tx.all("SELECT name FROM machines", &[], |row| row.text(0)));
        let names = read.await.unwrap_or_else(|error: StoreError| panic!("{error}"));
        let names: BTreeSet<String> = names.into_iter().collect();
        let lost: Vec<_> = acknowledged.difference(&names).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let machines = names.len().to_string();
        for sql in [
            "SELECT count(DISTINCT tailnet_ip)::text FROM machines",
            "SELECT sum(machines)::text FROM address_pools",
            "SELECT sum(used_count)::text FROM auth_keys",
            "SELECT count(*)::text FROM audit_logs WHERE action = 'register_machine'",
        ] {
            assert_eq!(self.text(sql).await.unwrap(), machines, "{sql}");
        }
    }

    /// Waits for a replica that does the upkeep and fits; returns its name.
    async fn upkeep_holder(&self, fits: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let lease = self.text("SELECT value FROM settings WHERE name = 'upkeep_lease'").await;
            match lease.as_deref().and_then(|lease| lease.split(' ').next()) {
                Some(holder) if fits(holder) => return holder.to_owned(),
                _ => assert!(began.elapsed() < DEADLINE, "no such holder: {lease:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn text(&self, sql: &'static str) -> Option<String> {
        let read = self.0.read(move |tx| tx.optional(sql, &[], |row| row.text(0)));
        read.await.unwrap_or_else(|error: StoreError| panic!("{error}"))
    }

    async fn execute(&self, sql: &'static str) {
        let done = self.0.write(move |tx| tx.execute(sql, &[])).await;
        assert!(done.unwrap_or_else(|error: StoreError| panic!("{error}")) > 0);
    }
}
