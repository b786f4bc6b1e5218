//! What a registration costs, as ratios measured in one run: to a bare commit of one row at the same
//! durability, and between an organisation of 100 machines and one of 100,000.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, reason = "the table is the result")]

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::join_all;
use mock_server::app::{self, Config, Fixture, Server};
use mock_server::control::clock::Clock;
use mock_server::control::enrol::{self, Candidate};
use mock_server::control::random::Random;
use mock_server::domain::key::material::Material;
use mock_server::store::{Location, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const FIXTURE: &str = r#"
[[organisation]]
id = "org_bench"
name = "Bench"
machine_limit = 1000000
[[user]]
email = "admin@bench.example"
name = "B"
password = "b"
roles = { org_bench = "admin" }
[session]
lifetime = "12h"
device_code_lifetime = "10m"
device_poll_interval = "1s"
"#;
const SPAN: Duration = Duration::from_millis(700);
const ROUNDS: usize = 11;
const ROUND: usize = 300;
const STARTS: usize = 50;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let rate = Plane::start(&folder.path().join("rate.db")).await;
    let (mut bare, mut one, mut many) = (Vec::new(), Vec::new(), Vec::new());
    // Interleaved, so that whatever else the machine does meets all three alike.
    for round in 0..ROUNDS {
        bare.push(bare_commits(&folder.path().join(format!("bare{round}.db"))));
        one.push(rate.registrations(1, &format!("one{round}")).await);
        many.push(rate.registrations(64, &format!("many{round}")).await);
    }
    let (bare, one, many) = (median(bare), median(one), median(many));

    let small = Plane::start(&folder.path().join("small.db")).await;
    small.fill(100).await;
    let large = Plane::start(&folder.path().join("large.db")).await;
    large.fill(100_000).await;
    let (mut at_small, mut at_large) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        at_small.push(small.cost(&format!("r{round}")).await);
        at_large.push(large.cost(&format!("r{round}")).await);
    }
    let (at_small, at_large) = (median(at_small), median(at_large));

    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let starting = Instant::now();
        let server = app::start(Config::embedded(Fixture::built_in().unwrap())).await.unwrap();
        starts.push(starting.elapsed().as_secs_f64() * 1e3);
        server.stop().await;
    }
    let start = median(starts);

    println!("| measured | value | ratio | aim |");
    println!("|-|-|-|-|");
    println!("| bare one-row commits | {bare:.0}/s | 1 | |");
    println!("| registrations, 1 client | {one:.0}/s | {:.2} | at least 0.5 |", one / bare);
    println!("| registrations, 64 clients | {many:.0}/s | {:.2} | at least 2 |", many / bare);
    println!("| a registration at 100 machines | {at_small:.0} µs | 1 | |");
    println!(
        "| a registration at 100,000 machines | {at_large:.0} µs | {:.2} | at most 1.2 |",
        at_large / at_small
    );
    println!("| an embedded server's start | {start:.1} ms | | less than 3 ms |");
}

/// Commits of one row a second: WAL, synchronous FULL, a file, prepared.
fn bare_commits(path: &Path) -> f64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL)").unwrap();
    let mut insert = connection.prepare("INSERT INTO t (v) VALUES (?1)").unwrap();
    let started = Instant::now();
    let mut count = 0.0;
    while started.elapsed() < SPAN {
        insert.execute(["a row"]).unwrap();
        count += 1.0;
    }
    count / started.elapsed().as_secs_f64()
}

/// A control plane on a file, and a reusable key of it.
struct Plane {
    server: Server,
    store: Store,
    key: String,
}

impl Plane {
    async fn start(path: &Path) -> Self {
        let mut config = Config::embedded(Fixture::parse(FIXTURE, "the bench").unwrap());
        config.database = Location::File(path.into());
        let server = app::start(config).await.unwrap();
        let store = Store::open(&Location::File(path.into())).unwrap();
        let token = &server.ready().admin.as_ref().unwrap().token;
        let body = r#"{"action":"create_auth_key","org_id":"org_bench","name":"k","reusable":true}"#;
        let mut client = Client::connect(server.address()).await;
        let answer = client.post("/api/key-management", token, body).await;
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let key = answer["data"]["key"].as_str().unwrap().to_owned();
        Self { server, store, key }
    }

    /// Registrations a second of that many keep-alive clients.
    async fn registrations(&self, clients: usize, prefix: &str) -> f64 {
        let (address, started) = (self.server.address(), Instant::now());
        let running = (0..clients).map(|client| {
            let (key, prefix) = (self.key.clone(), prefix.to_owned());
            tokio::spawn(async move {
                let mut connection = Client::connect(address).await;
                let mut count = 0.0;
                while started.elapsed() < SPAN {
                    connection.register(&key, &format!("{prefix}-{client}-{count}")).await;
                    count += 1.0;
                }
                count
            })
        });
        let counts = join_all(running.collect::<Vec<_>>()).await;
        counts.into_iter().map(Result::unwrap).sum::<f64>() / started.elapsed().as_secs_f64()
    }

    /// Microseconds a registration of one client; the machines made are removed afterwards.
    async fn cost(&self, prefix: &str) -> f64 {
        let mut client = Client::connect(self.server.address()).await;
        let started = Instant::now();
        for n in 0..ROUND {
            client.register(&self.key, &format!("{prefix}-{n}")).await;
        }
        let cost = started.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(ROUND).unwrap());
        let pattern = format!("{prefix}-%");
        let removed = self.store.write(move |tx| {
            tx.execute("DELETE FROM machines WHERE name LIKE ?1", mock_server::values![&pattern])
        });
        removed.await.unwrap();
        cost
    }

    /// Registers machines without HTTP, many a commit.
    async fn fill(&self, machines: usize) {
        let (random, clock) = (Random::system(), Clock::system());
        for from in (0..machines).step_by(1000) {
            let (key, random, now) = (self.key.clone(), random.repeatable(), clock.now());
            let filled = self.store.write(move |tx| {
                let random = random.draws();
                for n in from..machines.min(from + 1000) {
                    let candidate = Candidate {
                        attempt_hash: None,
                        name: format!("m{n}"),
                        public_key: BASE64_STANDARD.encode([1; 32]),
                        os: Some("linux".to_owned()),
                        version: None,
                        tags: Vec::new(),
                        address: Some([127, 0, 0, 1].into()),
                    };
                    let token = Material::machine_token(random.bytes());
                    enrol::with_key(tx, &key, &candidate, &token, &random, now)?;
                }
                Ok::<_, mock_server::control::ControlError>(())
            });
            filled.await.unwrap();
        }
    }
}

/// HTTP/1.1 over one connection, with as little work as can be: the server is what is measured.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    async fn register(&mut self, key: &str, name: &str) {
        let public_key = BASE64_STANDARD.encode([1; 32]);
        let body = format!(r#"{{"auth_key":"{key}","name":"{name}","public_key":"{public_key}"}}"#);
        let answer = self.post("/api/register-machine", "", &body).await;
        assert!(answer.contains("\"success\":true"), "{answer}");
    }

    async fn post(&mut self, path: &str, token: &str, body: &str) -> String {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        loop {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0, "the server hung up");
            let text = String::from_utf8_lossy(&self.buffer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return body.to_owned();
            }
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
