//! Registrations over HTTP at three replicas on one PostgreSQL, against pgbench's row-at-a-time transaction on the same
//! server: `BENCH_DATABASE=postgres://… cargo bench -p mock-server --bench replicas`.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for developers, whose output is its result"
)]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use mock_server::app::{self, Config, Fixture, Server};
use mock_server::domain::key::material::sha256;
use mock_server::store::{Address, Location, ScratchSchemas};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const CLIENTS: usize = 64;
const REPLICAS: usize = 3;
const SPREAD_KEYS: usize = 1000;
const DURATION: Duration = Duration::from_secs(5);

const FIXTURE: &str = r#"
[[organisation]]
id = "bench"
name = "Bench"
machine_limit = 1000000

[[user]]
email = "admin@bench.example"
name = "Ada"
password = "a password"
roles = { bench = "admin" }

[session]
lifetime = "12h"
device_code_lifetime = "10m"
device_poll_interval = "1s"
"#;

const TABLES: &str = "DROP TABLE IF EXISTS bench_keys, bench_machines;
    CREATE TABLE bench_keys (id BIGINT PRIMARY KEY, used BIGINT NOT NULL);
    CREATE TABLE bench_machines (id BIGSERIAL PRIMARY KEY, key BIGINT NOT NULL, name TEXT NOT NULL);
    INSERT INTO bench_keys SELECT n, 0 FROM generate_series(1, 1000) n";

fn main() {
    let Ok(url) = std::env::var("BENCH_DATABASE") else {
        println!("skipped: BENCH_DATABASE names no PostgreSQL database");
        return;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (name, keys) in [("one hot key", 1), ("spread keys", SPREAD_KEYS)] {
        let alone = pgbench(&url, keys);
        let replicas = runtime.block_on(registrations(&url, keys));
        println!(
            "{name}: pgbench {alone:.0}/s, {REPLICAS} replicas {replicas:.0}/s, ratio {:.2}",
            replicas / alone
        );
    }
}

/// Transactions a second of an UPDATE and an INSERT.
fn pgbench(url: &str, keys: usize) -> f64 {
    assert!(Command::new("psql").args([url, "-qc", TABLES]).status().unwrap().success());
    let script = format!(
        "\\set key random(1, {keys})\nBEGIN;\nUPDATE bench_keys SET used = used + 1 WHERE id = :key;\n\
         INSERT INTO bench_machines (key, name) VALUES (:key, 'a machine');\nEND;\n"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script).unwrap();
    let clients = CLIENTS.to_string();
    let seconds = DURATION.as_secs().to_string();
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-c", &clients, "-j", "2", "-T", &seconds, "-f"])
        .arg(file.path())
        .arg(url)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// Registrations a second.
async fn registrations(url: &str, keys: usize) -> f64 {
    let address = Address::parse(url).unwrap();
    let run = std::process::id().to_string();
    let schemas = ScratchSchemas::open(&address, "bench", &run).await.unwrap();
    let (name, address) = schemas.create(keys).await.unwrap();
    let fixture = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(fixture.path(), FIXTURE).unwrap();
    let fixture = Fixture::load(fixture.path()).unwrap();
    let mut servers = Vec::new();
    for _ in 0..REPLICAS {
        let database = Location::Postgres(Box::new(address.clone()));
        servers.push(app::start(Config { database, ..Config::embedded(fixture.clone()) }).await.unwrap());
    }
    let auth_keys = Arc::new(auth_keys(&servers[0], keys).await);
    let registered = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let url = format!("{}/api/register-machine", servers[client % REPLICAS].base_url());
        let (auth_keys, registered) = (Arc::clone(&auth_keys), Arc::clone(&registered));
        clients.spawn(async move {
            let http = reqwest::Client::new();
            let mut number = 0;
            while began.elapsed() < DURATION {
                let name = format!("m-{client}-{number}");
                let public_key = BASE64_STANDARD.encode(hex::decode(sha256(&name)).unwrap());
                let key = &auth_keys[(client + number * CLIENTS) % auth_keys.len()];
                let body = json!({ "auth_key": key, "name": name, "public_key": public_key }).to_string();
                let answer = http.post(&url).body(body).send().await.unwrap();
                assert_eq!(answer.status(), 201);
                answer.bytes().await.unwrap();
                registered.fetch_add(1, Ordering::Relaxed);
                number += 1;
            }
        });
    }
    clients.join_all().await;
    let rate =
        f64::from(u32::try_from(registered.load(Ordering::Relaxed)).unwrap()) / began.elapsed().as_secs_f64();
    for server in servers {
        server.stop().await;
    }
    schemas.drop(&name).await.unwrap();
    rate
}

async fn auth_keys(server: &Server, keys: usize) -> Vec<String> {
    let http = reqwest::Client::new();
    let admin = &server.ready().admin.as_ref().unwrap().token;
    let mut made = Vec::new();
    for number in 0..keys {
        let body = json!({ "action": "create_auth_key", "org_id": "bench", "name": format!("k{number}"), "reusable": true });
        let request = http.post(format!("{}/api/key-management", server.base_url())).bearer_auth(admin);
        let answer: Value = request.body(body.to_string()).send().await.unwrap().json().await.unwrap();
        made.push(answer["data"]["key"].as_str().unwrap().to_owned());
    }
    made
}
