//! `mock-server serve` as a program: its ready file, its end, and a restart after a kill during writes.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::server_process::ServerProcess;
use crate::test_server::key_of;
use crate::wait::DEADLINE;

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn post(client: &reqwest::Client, url: String, token: &str, body: Value) -> Option<(u16, Value)> {
    let request = client.post(url).bearer_auth(token).body(body.to_string());
    let response = request.send().await.ok()?;
    Some((response.status().as_u16(), response.json().await.ok()?))
}

async fn reusable_key(program: &ServerProcess, client: &reqwest::Client) -> (String, String) {
    let body = json!({ "action": "create_auth_key", "org_id": program.text("/org_id"), "name": "k", "reusable": true });
    let url = format!("{}/api/key-management", program.text("/base_url"));
    let (status, answer) = post(client, url, program.text("/admin/token"), body).await.unwrap();
    assert_eq!(status, 201, "{answer}");
    let text = |pointer: &str| answer.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    (text("/data/id"), text("/data/key"))
}

fn registration(key: &str, name: &str) -> Value {
    json!({ "auth_key": key, "name": name, "public_key": key_of(name) })
}

#[tokio::test]
async fn kill_loses_no_acknowledged_registration() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("plane.db").display());
    let arguments = ["--database", database.as_str()];
    let mut program = ServerProcess::start(folder.path(), &arguments);
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
        assert!(started.elapsed() < DEADLINE, "too few registrations before the kill");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    program.signal(Signal::KILL);
    program.wait();
    let acknowledged: Vec<_> =
        join_all(clients).await.into_iter().flat_map(|worker| worker.unwrap()).collect();

    let old_token = program.text("/admin/token").to_owned();
    let program = ServerProcess::start(folder.path(), &arguments);
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
async fn sigterm_stops_despite_open_connections() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = ServerProcess::start(folder.path(), &[]);
    let client = client();
    reusable_key(&program, &client).await;
    let address = program.text("/base_url").trim_start_matches("http://").to_owned();
    let _half_a_request = {
        use std::io::Write;
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(b"POST /api/heartbeat HTTP/1.1\r\n").unwrap();
        stream
    };
    program.signal(Signal::TERM);
    assert!(program.wait().success());
}

#[tokio::test]
async fn sigterm_answers_waiting_network_map_requests() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = ServerProcess::start(folder.path(), &[]);
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
    let held = tokio::time::timeout(Duration::from_secs(1), &mut waiting).await;
    assert!(held.is_err(), "answered although nothing changed");
    program.signal(Signal::TERM);
    let answer = waiting.await;
    assert_eq!((&answer["data"]["version"], &answer["data"]["peers"]), (&version, &json!([])));
    assert!(program.wait().success());
}

#[tokio::test]
async fn only_the_control_url_moves_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let program = ServerProcess::start(folder.path(), &["--test-control"]);
    let client = client();
    let (_, key) = reusable_key(&program, &client).await;
    let clock = format!("{}/clock", program.text("/control_url"));
    assert_ne!(program.text("/control_url"), program.text("/base_url"));
    let advance = async |url: &str, headers: &[(&str, &str)], body: Value| {
        let request = client.post(url).header("content-type", "application/json").body(body.to_string());
        let request = headers.iter().fold(request, |request, (name, value)| {
            let mut one = reqwest::header::HeaderMap::new();
            one.insert(
                reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
            request.headers(one)
        });
        request.send().await.unwrap().status().as_u16()
    };
    let quarter = json!({ "advance_seconds": 90 * 24 * 60 * 60 });
    let (listener, token) = program.text("/control_url").rsplit_once('/').unwrap();
    let port = listener.rsplit_once(':').unwrap().1;
    let own = format!("http://127.0.0.1:{port}");
    for (url, headers, status) in [
        (format!("{listener}/clock"), vec![], 404),
        (format!("{listener}/{}/clock", "0".repeat(token.len())), vec![], 401),
        (format!("{clock}x"), vec![], 404),
        (clock.clone(), vec![("content-type", "text/plain")], 400),
        (clock.clone(), vec![("content-type", "application/x-www-form-urlencoded")], 400),
        (clock.clone(), vec![("content-type", "application/jsonx")], 400),
        (clock.clone(), vec![("content-type", "")], 400),
        (clock.clone(), vec![("host", "evil.example")], 403),
        (clock.clone(), vec![("host", "127.0.0.1.evil.example")], 403),
        (clock.clone(), vec![("host", "192.0.2.1")], 403),
        (clock.clone(), vec![("origin", "https://evil.example")], 403),
        (clock.clone(), vec![("origin", "null")], 403),
        (clock.clone(), vec![("origin", "http://127.0.0.1:1")], 403),
        (clock.clone(), vec![("sec-fetch-site", "cross-site")], 403),
    ] {
        assert_eq!(advance(&url, &headers, quarter.clone()).await, status, "{url} {headers:?}");
    }
    for (bad, status) in
        [(json!(-1), 400), (json!("1"), 400), (json!(1.5), 400), (json!(1e30), 400), (json!(null), 400)]
    {
        assert_eq!(advance(&clock, &[], json!({ "advance_seconds": bad })).await, status, "{bad}");
    }
    let url = format!("{}/api/register-machine", program.text("/base_url"));
    let (status, _) = post(&client, url.clone(), "", registration(&key, "m")).await.unwrap();
    assert_eq!(status, 201, "none of these moved the clock");
    for headers in [
        vec![("origin", own.as_str())],
        vec![("host", "localhost")],
        vec![("content-type", "application/json; charset=utf-8")],
    ] {
        assert_eq!(advance(&clock, &headers, json!({ "advance_seconds": 0 })).await, 200, "{headers:?}");
    }
    assert_eq!(advance(&clock, &[], quarter).await, 200);
    let (status, answer) = post(&client, url, "", registration(&key, "m")).await.unwrap();
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("INVALID_KEY")));

    let plain = ServerProcess::start(folder.path(), &[]);
    assert!(plain.ready().get("control_url").is_none());
    for person in ["admin", "owner", "member", "outsider"] {
        for field in ["email", "password", "token"] {
            assert!(!plain.text(&format!("/{person}/{field}")).is_empty());
        }
    }
}

#[tokio::test]
async fn the_public_url_is_in_the_ready_file_and_told_to_devices() {
    let folder = tempfile::tempdir().unwrap();
    let program =
        ServerProcess::start(folder.path(), &["--listen", "0.0.0.0:0", "--public-url", "https://a.example/"]);
    assert_eq!(program.text("/public_url"), "https://a.example");
    assert!(program.text("/base_url").starts_with("http://127.0.0.1:"));
    let url = format!("{}/api/auth/device/code", program.text("/base_url"));
    let (_, code) = post(&client(), url, "", json!({})).await.unwrap();
    assert_eq!(code["verification_uri"], "https://a.example/device");
    for bad in [
        "a.example",
        "ftp://a.example",
        "https://",
        "https://a b",
        "https://a'b",
        "https://$(id)",
        "https://a/?x",
        "https://u@a",
    ] {
        let output = ServerProcess::command(&["--public-url", bad]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{bad}: {told}");
        assert!(told.contains("expected https://HOST"), "{bad}: {told}");
    }
}

#[test]
fn failed_start_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let no_database = format!("sqlite:{}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
    for (arguments, code, words) in [
        (vec!["--listen", &address], 1, "Stop the program that uses the port"),
        (vec!["--database", "postgres://u:s3cret@127.0.0.1:1/x"], 1, "Start PostgreSQL"),
        (vec!["--database", "postgres://u:s3cret@db.example/x?sslmode=require"], 2, "sslmode=verify-full"),
        (vec!["--database", "nonsense"], 2, "expected sqlite::memory:"),
        (vec!["--database", "sqlite:/no/such/folder/x.db"], 1, "/no/such/folder/x.db"),
        (vec!["--database", &no_database], 1, "Move the file away"),
        (vec!["--fixture", "/no/such/fixture.toml"], 1, "/no/such/fixture.toml"),
        (vec!["--listen", "nowhere"], 2, "invalid"),
        (vec!["--relay", "fra1=https://fra1.relay.example"], 2, "ZTNA_RELAY_SECRET is not set"),
    ] {
        let output = ServerProcess::command(&arguments).env_remove("ZTNA_RELAY_SECRET").output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(words) && !told.contains("s3cret"), "{arguments:?}: {told}");
    }
}

#[tokio::test]
async fn a_locked_database_changes_nothing_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plane.db");
    let program = ServerProcess::start(folder.path(), &["--database", &format!("sqlite:{}", path.display())]);
    let client = client();
    let base_url = program.text("/base_url");
    let body = json!({ "action": "create_auth_key", "org_id": program.text("/org_id"), "name": "once" });
    let (_, made) =
        post(&client, format!("{base_url}/api/key-management"), program.text("/admin/token"), body)
            .await
            .unwrap();
    let key = made["data"]["key"].as_str().unwrap();
    let probe =
        async |path: &str| client.get(format!("{base_url}{path}")).send().await.unwrap().status().as_u16();
    assert_eq!((probe("/healthz").await, probe("/readyz").await), (200, 200));

    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let register = client.post(format!("{base_url}/api/register-machine"));
    let sent = Instant::now();
    let refused = register.body(registration(key, "m").to_string()).send().await.unwrap();
    assert!(sent.elapsed() < Duration::from_secs(8), "told after {:?}", sent.elapsed());
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    let answer: Value = refused.json().await.unwrap();
    assert_eq!(answer["error"]["code"], "UNAVAILABLE");
    assert!(answer["error"]["message"].as_str().unwrap().contains("locked by another program"), "{answer}");
    let sent = Instant::now();
    assert_eq!((probe("/healthz").await, probe("/readyz").await), (200, 503));
    assert!(sent.elapsed() < Duration::from_secs(3), "the next one is told after {:?}", sent.elapsed());
    other.execute_batch("ROLLBACK").unwrap();

    let url = format!("{base_url}/api/register-machine");
    // What queued up behind another attempt to begin may still fail with it.
    let started = Instant::now();
    let mut status = 503;
    while status == 503 && started.elapsed() < DEADLINE {
        status = post(&client, url.clone(), "", registration(key, "m")).await.unwrap().0;
    }
    assert_eq!(status, 201, "the single-use key was not spent");
}

/// The file of the database is on a file system of its own, which is filled and emptied again.
#[tokio::test]
#[ignore = "needs root: it mounts a file system"]
async fn a_full_disk_changes_nothing_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    // In a mount namespace that ends with the program.
    let mut command = std::process::Command::new("unshare");
    let script = r#"mount -t tmpfs -o size=4m,mode=0700 tmpfs "$1" && shift && exec "$@""#;
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(&disk).arg(env!("CARGO_BIN_EXE_mock-server"));
    command.arg("serve").arg(format!("--database=sqlite:{}", disk.join("plane.db").display()));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let program = ServerProcess::spawn(folder.path(), command);
    let client = client();
    let (_, key) = reusable_key(&program, &client).await;
    assert_eq!(answers(&program, &key, "before").await, [200, 200, 201]);

    let filler = PathBuf::from(format!("/proc/{}/root{}/filler", program.id(), disk.display()));
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
    // What is allocated already may still take a write.
    let begun = Instant::now();
    let mut number = 0;
    let refused = loop {
        let body = registration(&key, &format!("m{number}")).to_string();
        let sent = Instant::now();
        let answer = client.post(format!("{}/api/register-machine", program.text("/base_url"))).body(body);
        let answer = answer.send().await.unwrap();
        if answer.status() != 201 {
            assert!(sent.elapsed() < Duration::from_secs(5), "told after {:?}", sent.elapsed());
            break answer;
        }
        number += 1;
        assert!(begun.elapsed() < DEADLINE, "{number} registrations on a full disk");
    };
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    let answer: Value = refused.json().await.unwrap();
    assert!(
        answer["error"]["message"].as_str().unwrap().contains("the disk of the database is full"),
        "{answer}"
    );
    // A check of readiness counts for a second.
    let begun = Instant::now();
    while answers(&program, &key, "during").await != [200, 503, 503] {
        assert!(begun.elapsed() < DEADLINE, "not told");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    std::fs::remove_file(&filler).unwrap();
    drop(file);
    let begun = Instant::now();
    while !matches!(answers(&program, &key, "during").await, [200, 200, 200 | 201]) {
        assert!(begun.elapsed() < DEADLINE, "no service after there was room again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_rotated_secret_ends_sessions_with_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plane.db");
    let database = format!("sqlite:{}", path.display());
    let program = ServerProcess::start(folder.path(), &["--database", &database]);
    let client = client();
    let token = program.text("/admin/token").to_owned();
    let status = async |program: &ServerProcess| {
        let request = client.get(format!("{}/api/user-orgs", program.text("/base_url"))).bearer_auth(&token);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(&program).await, 200);
    drop(program);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let mode = std::os::unix::fs::MetadataExt::mode(&file.as_ref().unwrap().metadata().unwrap());
        assert_eq!(mode & 0o777, 0o600, "{file:?}");
    }

    let rotated = std::process::Command::new(env!("CARGO_BIN_EXE_mock-server"))
        .args(["rotate-secret", "--database", &database])
        .output()
        .unwrap();
    assert!(rotated.status.success(), "{rotated:?}");
    let program = ServerProcess::start(folder.path(), &["--database", &database]);
    assert_eq!(status(&program).await, 401);

    let memory =
        std::process::Command::new(env!("CARGO_BIN_EXE_mock-server")).arg("rotate-secret").output().unwrap();
    assert_eq!(memory.status.code(), Some(2), "{memory:?}");
}

#[test]
fn exposed_files_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plane.db");
    let arguments = ["--database", &format!("sqlite:{}", path.display())];
    drop(ServerProcess::start(folder.path(), &arguments));
    for (name, words) in [("plane.db", "chmod 600"), ("plane.db.session-secret", "rotate-secret")] {
        let file = folder.path().join(name);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let output = ServerProcess::command(&arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(words) && told.contains(name), "{told}");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    drop(ServerProcess::start(folder.path(), &arguments));
}

/// What /healthz, /readyz and a registration answer.
async fn answers(program: &ServerProcess, key: &str, name: &str) -> [u16; 3] {
    let client = client();
    let base_url = program.text("/base_url");
    let get =
        async |path: &str| client.get(format!("{base_url}{path}")).send().await.unwrap().status().as_u16();
    let registered =
        post(&client, format!("{base_url}/api/register-machine"), "", registration(key, name)).await;
    [get("/healthz").await, get("/readyz").await, registered.unwrap().0]
}

#[tokio::test]
async fn a_database_that_goes_wrong_while_running_is_told() {
    use std::os::unix::fs::FileExt as _;
    use std::path::Path;
    let remove = |path: &Path| std::fs::remove_file(path).unwrap();
    let replace = |path: &Path| {
        std::fs::copy(path, path.with_extension("copy")).unwrap();
        std::fs::rename(path.with_extension("copy"), path).unwrap();
    };
    let overwrite = |path: &Path| {
        std::fs::OpenOptions::new().write(true).open(path).unwrap().write_all_at(&[0; 9000], 0).unwrap();
    };
    // Of a file that is only damaged inside, a transaction may still succeed.
    let spoils = [(&remove as &dyn Fn(&Path), false), (&replace, false), (&overwrite, true)];
    for (spoil, may_succeed) in spoils {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plane.db");
        let database = format!("sqlite:{}", path.display());
        let program = ServerProcess::start(folder.path(), &["--database", &database]);
        let (_, key) = reusable_key(&program, &client()).await;
        assert_eq!(answers(&program, &key, "before").await, [200, 200, 201]);
        spoil(&path);
        // A check of readiness counts for a second.
        let begun = Instant::now();
        let registered = loop {
            let [health, readiness, registered] = answers(&program, &key, "after").await;
            if [health, readiness] == [503, 503] {
                break registered;
            }
            assert!(begun.elapsed() < DEADLINE, "{health} {readiness}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert!(registered == 503 || may_succeed && matches!(registered, 200 | 201), "{registered}");
    }
}

#[test]
fn a_database_that_cannot_be_used_is_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plane.db");
    std::fs::create_dir(&path).unwrap();
    let output =
        ServerProcess::command(&["--database", &format!("sqlite:{}", path.display())]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "mock-server: the database {} is not a regular file\nChoose another file with --database.\n",
        path.display()
    );
    assert_eq!((output.status.code(), told), (Some(1), expected));
}
