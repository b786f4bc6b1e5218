//! The control plane in 256 MiB, where 512 once did not do.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::MIB;
use super::cgroup::Cgroup;
use crate::server_process::ServerProcess;
use crate::strangers::raise_limit_of_this_process;
use crate::test_server::key_of;

const LIMIT: u64 = 256 * MIB;
/// The agents that ask, and other machines, with which the map of 9 MB is larger than what the system takes of an answer
/// that nobody reads: up to 4 MB.
const AGENTS: usize = 150;
const OTHERS: usize = 8000;

/// A server in a group of its own.
struct Limited {
    // Dropped before its group.
    program: ServerProcess,
    group: Cgroup,
    folder: tempfile::TempDir,
}

impl Limited {
    /// `None` where there are no control groups.
    fn start(arguments: &[&str]) -> Option<Self> {
        let group = Cgroup::new(LIMIT)?;
        let folder = tempfile::tempdir().unwrap();
        let mut command = group.limited(&ServerProcess::command(arguments));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let program = ServerProcess::spawn(folder.path(), command);
        Some(Self { program, group, folder })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.program.text("/base_url"))
    }

    fn address(&self) -> SocketAddr {
        self.program.text("/base_url").trim_start_matches("http://").parse().unwrap()
    }

    /// Fails if the server was killed, or took nearly all that it may.
    async fn assert_survived(&self, client: &reqwest::Client) {
        let health = client.get(self.url("/healthz")).send().await;
        let (killed, peak) = (self.group.killed(), self.group.peak().map(|bytes| bytes / MIB));
        assert!(
            health.is_ok_and(|health| health.status() == 200) && killed == 0,
            "{killed} killed, {peak:?} MiB"
        );
        let resident = self.program.memory("VmHWM:") / MIB;
        assert!(resident < 200, "{resident} MiB");
    }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(120)).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_take_a_fixed_amount_of_memory() {
    let Some(server) = Limited::start(&[]) else { return };
    let client = client();
    let clients = (0..4).map(|_| async {
        for n in 0..10 {
            let body = json!({ "email": "owner@acme.example", "password": "olive-owns-acme" });
            let login = client.post(server.url("/api/auth/login")).body(body.to_string()).send().await;
            assert_eq!(login.expect("an answer").status().as_u16(), 200, "login {n}");
        }
    });
    join_all(clients).await;
    server.assert_survived(&client).await;
}

/// A fixture whose organisation has room for that many machines.
fn fixture(folder: &std::path::Path) -> std::path::PathBuf {
    let built_in = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/organisations.toml");
    let text = std::fs::read_to_string(built_in).unwrap();
    let path = folder.join("fixture.toml");
    std::fs::write(&path, text.replacen("machine_limit = 1000", "machine_limit = 100000", 1)).unwrap();
    path
}

/// Adds the other machines to the organisation that has some already.
fn add_others(database: &std::path::Path, org_id: &str) {
    let endpoints: Vec<String> =
        (0..16).map(|n| format!("[2001:db8:1111:2222:3333:4444:5555:{n}]:51820")).collect();
    let endpoints = json!(endpoints).to_string();
    let mut connection = rusqlite::Connection::open(database).unwrap();
    let transaction = connection.transaction().unwrap();
    for n in 0..OTHERS {
        let (name, key) = (format!("other-{n}"), key_of(&n.to_string()));
        let (others, third) = (n / 250, n % 250);
        let address = format!("100.65.{others}.{third}");
        let sql = "INSERT INTO machines (id, org_id, name, name_key, tailnet_ip, status, tags, ephemeral, public_key,
                       token_hash, created_at, last_seen, map_version, endpoints)
                   SELECT ?2, org_id, ?2, ?2, ?3, status, tags, ephemeral, ?4, ?2, created_at, last_seen, map_version, ?5
                   FROM machines WHERE org_id = ?1 LIMIT 1";
        let added =
            transaction.execute(sql, rusqlite::params![org_id, name, address, key, endpoints]).unwrap();
        assert_eq!(added, 1);
    }
    transaction.commit().unwrap();
}

async fn post(client: &reqwest::Client, url: String, token: &str, body: Value) -> Value {
    let answer = client.post(url).bearer_auth(token).body(body.to_string()).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["success"], true, "{answer}");
    answer
}

/// As much as is needed of a map.
#[derive(Deserialize)]
struct Map {
    data: MapData,
}

#[derive(Deserialize)]
struct MapData {
    version: i64,
    peers: Vec<IgnoredAny>,
}

/// Opens a connection for a request of the map.
async fn ask(server: &Limited, token: &str, since: i64) -> TcpStream {
    let mut agent = TcpStream::connect(server.address()).await.unwrap();
    let request = format!(
        "GET /api/network-map?since={since}&wait=50 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    agent.write_all(request.as_bytes()).await.unwrap();
    agent
}

/// Lets all agents wait for a change, which costs at most 16 KiB each.
async fn wait_for_changes(server: &Limited, client: &reqwest::Client, tokens: &[&str]) {
    let map = client.get(server.url("/api/network-map?since=0&wait=0")).bearer_auth(tokens[0]).send().await;
    let map: Map = map.unwrap().json().await.unwrap();
    let version = map.data.version;
    let before = server.program.memory("VmRSS:");
    let mut waiting = Vec::new();
    for token in tokens {
        waiting.push(ask(server, token, version).await);
    }
    // All wait once nothing more is allocated.
    let mut resident = vec![before];
    while resident.last() == resident.first()
        || resident[resident.len().saturating_sub(5)..].windows(2).any(|two| two[0] != two[1])
    {
        assert!(resident.len() < 300, "{resident:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        resident.push(server.program.memory("VmRSS:"));
    }
    let grown = resident[resident.len() - 1].saturating_sub(before);
    let each = grown / u64::try_from(tokens.len()).unwrap();
    assert!(each <= 16 * 1024, "{each} bytes for each agent that waits");
    let mut answer = [0; 1];
    assert!(waiting.iter().all(|agent| agent.try_read(&mut answer).is_err()), "answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_that_wait_take_little_and_those_that_ask_at_once_share_the_map() {
    raise_limit_of_this_process();
    let folder = tempfile::tempdir().unwrap();
    let fixture = fixture(folder.path());
    let database = folder.path().join("plane.db");
    let url = format!("sqlite:{}", database.display());
    let arguments = ["--fixture", fixture.to_str().unwrap(), "--database", &url];
    let Some(server) = Limited::start(&arguments) else { return };
    let client = client();
    let body = json!({ "action": "create_auth_key", "org_id": server.program.text("/org_id"), "name": "k", "reusable": true });
    let admin = server.program.text("/admin/token");
    let created = post(&client, server.url("/api/key-management"), admin, body).await;
    let key = created["data"]["key"].as_str().unwrap();
    let registered = futures::stream::iter(0..AGENTS).map(|n| {
        let name = format!("machine-with-a-long-name-{n}");
        let body = json!({ "auth_key": key, "name": name, "public_key": key_of(&name) });
        post(&client, server.url("/api/register-machine"), "", body)
    });
    let registered: Vec<Value> = registered.buffer_unordered(32).collect().await;
    add_others(&database, server.program.text("/org_id"));

    let tokens: Vec<&str> =
        registered.iter().map(|machine| machine["data"]["machine_token"].as_str().unwrap()).collect();
    wait_for_changes(&server, &client, &tokens).await;

    let before = server.program.memory("VmHWM:");
    let mut agents = Vec::new();
    for token in &tokens {
        agents.push(ask(&server, token, 0).await);
    }
    // All are answered before any of them reads.
    let mut begun = [0; 12];
    agents.last_mut().unwrap().read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
    server.assert_survived(&client).await;
    let grown = server.program.memory("VmHWM:") - before;
    let each = grown / u64::try_from(AGENTS).unwrap();
    assert!(each <= 64 * 1024, "{each} bytes for each agent that is answered");
    for agent in &mut agents[..3] {
        let mut answer = Vec::new();
        agent.read_to_end(&mut answer).await.unwrap();
        let body = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
        let map: Map = serde_json::from_slice(&answer[body..]).unwrap();
        assert_eq!(map.data.peers.len(), AGENTS + OTHERS - 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_the_installer_share_the_program() {
    raise_limit_of_this_process();
    let folder = tempfile::tempdir().unwrap();
    let agent = folder.path().join("agent");
    std::fs::write(&agent, vec![0x5a; 32 << 20]).unwrap();
    let Some(server) = Limited::start(&["--agent", agent.to_str().unwrap()]) else { return };
    assert!(server.folder.path().exists());
    let mut readers = Vec::new();
    for _ in 0..1000 {
        let mut reader = TcpStream::connect(server.address()).await.unwrap();
        reader.write_all(b"GET /install/ztna HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        readers.push(reader);
    }
    let mut begun = [0; 12];
    readers[0].read_exact(&mut begun).await.unwrap();
    server.assert_survived(&client()).await;
}
