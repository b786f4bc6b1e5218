//! The program itself: its ready file, its end, its restart after a kill in the midst of writes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

/// A running `mock-server serve`, killed when the test ends.
struct Program {
    child: Child,
    ready: Value,
}

impl Program {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let file = folder.join("ready.json");
        let _ = std::fs::remove_file(&file);
        let child = Command::new(env!("CARGO_BIN_EXE_mock-server"))
            .arg("serve")
            .arg("--ready-file")
            .arg(&file)
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while !file.exists() {
            assert!(started.elapsed() < PATIENCE, "the server did not get ready");
            std::thread::sleep(Duration::from_millis(2));
        }
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the ready file holds tokens");
        Self { child, ready: serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap() }
    }

    fn text(&self, pointer: &str) -> &str {
        self.ready.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer}"))
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn post(client: &reqwest::Client, url: String, token: &str, body: Value) -> Option<(u16, Value)> {
    let request = client.post(url).bearer_auth(token).body(body.to_string());
    let response = request.send().await.ok()?;
    Some((response.status().as_u16(), response.json().await.ok()?))
}

async fn reusable_key(program: &Program, client: &reqwest::Client) -> (String, String) {
    let body = json!({ "action": "create_auth_key", "org_id": program.text("/org_id"), "name": "k", "reusable": true });
    let url = format!("{}/api/key-management", program.text("/base_url"));
    let (status, answer) = post(client, url, program.text("/admin/token"), body).await.unwrap();
    assert_eq!(status, 201, "{answer}");
    let text = |pointer: &str| answer.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    (text("/data/id"), text("/data/key"))
}

fn registration(key: &str, name: &str) -> Value {
    json!({ "auth_key": key, "name": name, "public_key": BASE64_STANDARD.encode([1; 32]) })
}

#[tokio::test]
async fn no_acknowledged_registration_is_lost_by_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("plane.db").display());
    let arguments = ["--database", database.as_str()];
    let mut program = Program::start(folder.path(), &arguments);
    let client = client();
    let (_, key) = reusable_key(&program, &client).await;
    let url = format!("{}/api/register-machine", program.text("/base_url"));

    let count = Arc::new(AtomicUsize::new(0));
    let clients = (0..16).map(|worker| {
        let (client, url, key, count) = (client.clone(), url.clone(), key.clone(), Arc::clone(&count));
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0.. {
                let name = format!("w{worker}-{n}");
                match post(&client, url.clone(), "", registration(&key, &name)).await {
                    Some((201, answer)) => {
                        acknowledged.push((name, answer));
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    Some(other) => panic!("{other:?}"),
                    None => break,
                }
            }
            acknowledged
        })
    });
    let clients: Vec<_> = clients.collect();
    let started = Instant::now();
    while count.load(Ordering::Relaxed) < 200 {
        assert!(started.elapsed() < PATIENCE, "too few registrations to kill in the midst of");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    program.signal(Signal::KILL);
    program.child.wait().unwrap();
    let acknowledged: Vec<_> =
        join_all(clients).await.into_iter().flat_map(|worker| worker.unwrap()).collect();

    let old_token = program.text("/admin/token").to_owned();
    let program = Program::start(folder.path(), &arguments);
    let url = format!("{}/api/register-machine", program.text("/base_url"));
    for (name, before) in &acknowledged {
        let (status, after) = post(&client, url.clone(), "", registration(&key, name)).await.unwrap();
        assert_eq!(status, 200, "{name} was acknowledged and is gone");
        for field in ["id", "tailnet_ip"] {
            assert_eq!(after["data"]["machine"][field], before["data"]["machine"][field], "{name}");
        }
    }
    let revoke = json!({ "action": "revoke_auth_key", "org_id": program.text("/org_id"), "key_id": "none" });
    let url = format!("{}/api/key-management", program.text("/base_url"));
    let (status, _) = post(&client, url, &old_token, revoke).await.unwrap();
    assert_eq!(status, 404, "sessions outlive a restart");
}

#[tokio::test]
async fn sigterm_ends_it_quickly_whatever_connections_are_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), &[]);
    let client = client();
    reusable_key(&program, &client).await;
    let address = program.text("/base_url").trim_start_matches("http://").to_owned();
    let _half_a_request = {
        use std::io::Write;
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(b"POST /api/heartbeat HTTP/1.1\r\n").unwrap();
        stream
    };
    let asked = Instant::now();
    program.signal(Signal::TERM);
    assert!(program.child.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn sigterm_answers_those_who_wait_for_the_network_map() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), &[]);
    let client = client();
    let (_, key) = reusable_key(&program, &client).await;
    let base_url = program.text("/base_url");
    let url = format!("{base_url}/api/register-machine");
    let (_, answer) = post(&client, url, "", registration(&key, "m")).await.unwrap();
    let token = answer["data"]["machine_token"].as_str().unwrap();
    let ask = async |since: &Value| {
        let url = format!("{base_url}/api/network-map?since={since}&wait=50");
        client.get(url).bearer_auth(token).send().await.unwrap().json::<Value>().await.unwrap()
    };
    let version = ask(&json!(0)).await["data"]["version"].clone();
    let mut waiting = Box::pin(ask(&version));
    let held = tokio::time::timeout(Duration::from_millis(300), &mut waiting).await;
    assert!(held.is_err(), "nothing changed and yet it is answered");
    let asked = Instant::now();
    program.signal(Signal::TERM);
    let answer = waiting.await;
    assert_eq!((&answer["data"]["version"], &answer["data"]["peers"]), (&version, &json!([])));
    assert!(program.child.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn the_clock_is_moved_through_the_control_url_only() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--test-control"]);
    let client = client();
    let (_, key) = reusable_key(&program, &client).await;
    let clock = format!("{}/clock", program.text("/control_url"));
    assert_ne!(program.text("/control_url"), program.text("/base_url"));
    let (status, _) = post(&client, clock.clone(), "", json!({ "advance_seconds": -1 })).await.unwrap();
    assert_eq!(status, 400);
    let (status, _) =
        post(&client, clock, "", json!({ "advance_seconds": 90 * 24 * 60 * 60 })).await.unwrap();
    assert_eq!(status, 200);
    let url = format!("{}/api/register-machine", program.text("/base_url"));
    let (status, answer) = post(&client, url, "", registration(&key, "m")).await.unwrap();
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("INVALID_KEY")));

    let plain = Program::start(folder.path(), &[]);
    assert!(plain.ready.get("control_url").is_none());
    for person in ["admin", "owner", "member", "outsider"] {
        for field in ["email", "password", "token"] {
            assert!(!plain.text(&format!("/{person}/{field}")).is_empty());
        }
    }
}

#[test]
fn what_cannot_be_started_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let no_database = format!("sqlite:{}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
    for (arguments, code, words) in [
        (vec!["--listen", &address], 1, "Stop the program that uses the port"),
        (vec!["--database", "postgres://localhost/x"], 2, "not supported yet"),
        (vec!["--database", "nonsense"], 2, "expected sqlite::memory:"),
        (vec!["--database", "sqlite:/no/such/folder/x.db"], 1, "/no/such/folder/x.db"),
        (vec!["--database", &no_database], 1, "Move the file away"),
        (vec!["--fixture", "/no/such/fixture.toml"], 1, "/no/such/fixture.toml"),
        (vec!["--listen", "nowhere"], 2, "invalid"),
        (vec!["--relay", "fra1=https://fra1.relay.example"], 2, "ZTNA_RELAY_SECRET is not set"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_mock-server"))
            .arg("serve")
            .args(&arguments)
            .env_remove("ZTNA_RELAY_SECRET")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}
