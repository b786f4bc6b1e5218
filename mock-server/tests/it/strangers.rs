//! What strangers can do to a server without any credential.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::server_process::ServerProcess;
use crate::test_server::key_of;
use crate::wait::DEADLINE;

/// The strangers' connections are this process's as well.
pub(crate) fn raise_limit_of_this_process() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    assert!(limit.maximum.is_none_or(|maximum| maximum >= 4096), "too few open files: {limit:?}");
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap()
}

fn address(program: &ServerProcess) -> SocketAddr {
    program.text("/base_url").trim_start_matches("http://").parse().unwrap()
}

/// Opens connections from 127.0.0.`host`.
async fn open(host: u8, address: SocketAddr, number: usize, sent: &str) -> Vec<TcpStream> {
    let mut streams = Vec::with_capacity(number);
    for _ in 0..number {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, host], 0).into()).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        // The server may have closed it already.
        let _ = stream.write_all(sent.as_bytes()).await;
        streams.push(stream);
    }
    streams
}

/// Registers a machine; returns its token.
async fn machine(program: &ServerProcess, client: &reqwest::Client) -> String {
    let base_url = program.text("/base_url");
    let body = json!({ "action": "create_auth_key", "org_id": program.text("/org_id"), "name": "k" });
    let created = client.post(format!("{base_url}/api/key-management"));
    let created = created.bearer_auth(program.text("/admin/token")).body(body.to_string()).send().await;
    let created: serde_json::Value = created.unwrap().json().await.unwrap();
    let body = json!({ "auth_key": created["data"]["key"], "name": "agent", "public_key": key_of("agent") });
    let registered = client.post(format!("{base_url}/api/register-machine")).body(body.to_string()).send();
    let registered: serde_json::Value = registered.await.unwrap().json().await.unwrap();
    registered["data"]["machine_token"].as_str().unwrap_or_else(|| panic!("{registered}")).to_owned()
}

async fn heartbeat(program: &ServerProcess, client: &reqwest::Client, token: &str) -> u16 {
    let url = format!("{}/api/heartbeat", program.text("/base_url"));
    client.post(url).bearer_auth(token).body("{\"online\":true}").send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_served_while_strangers_hold_a_thousand_connections() {
    raise_limit_of_this_process();
    let folder = tempfile::tempdir().unwrap();
    // Fewer descriptors than strangers.
    let mut command = Command::new("sh");
    let script = "ulimit -S -n 256 && ulimit -H -n 512 && exec \"$0\" serve \"$@\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_mock-server")]);
    let log = folder.path().join("log");
    let file = std::fs::File::create(&log).unwrap();
    command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
    let program = ServerProcess::spawn(folder.path(), command);
    let client = client();
    let token = machine(&program, &client).await;
    let address = address(&program);

    let mut strangers = Vec::new();
    // From the agent's own address as well.
    let halves = ["", "G", "GET / HTTP/1.1\r\n", "POST /api/auth/login HTTP/1.1\r\nhost: x\r\n"];
    for (host, sent) in (1..).zip(halves) {
        strangers.extend(open(host, address, 250, sent).await);
        let started = Instant::now();
        assert_eq!(heartbeat(&program, &client, &token).await, 200, "{} strangers", strangers.len());
        // Without a connection of its own, such as an agent that starts.
        assert_eq!(heartbeat(&program, &self::client(), &token).await, 200);
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("the limit of open connections is near").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_do_not_read_cost_little_memory() {
    raise_limit_of_this_process();
    let folder = tempfile::tempdir().unwrap();
    let agent = folder.path().join("agent");
    std::fs::write(&agent, vec![0x5a; 32 << 20]).unwrap();
    let program = ServerProcess::start(folder.path(), &["--agent", agent.to_str().unwrap()]);
    let address = address(&program);
    let before = program.memory("VmRSS:");
    let mut readers = Vec::new();
    for path in ["/install/ztna", "/api/openapi.json", "/install.sh"] {
        readers.extend(open(1, address, 1000, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await);
    }
    // The first ones are being answered, the others wait.
    let mut begun = [0; 16];
    readers[0].read_exact(&mut begun).await.unwrap();
    let client = client();
    let health = client.get(format!("{}/healthz", program.text("/base_url"))).send().await.unwrap();
    assert_eq!(health.status().as_u16(), 200);
    let grown = program.memory("VmHWM:") - before;
    // One copy of the program, and some tens of kilobytes for each connection.
    assert!(grown < 200 << 20, "{} MiB", grown >> 20);

    // A download from elsewhere is not in their way.
    let elsewhere = reqwest::Client::builder().no_proxy().local_address(Some([127, 0, 0, 2].into()));
    let url = format!("{}/install/ztna", program.text("/base_url"));
    let downloaded = elsewhere.build().unwrap().get(url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(downloaded.len(), 32 << 20);
}
