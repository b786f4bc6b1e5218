//! Registrations whose answer is lost, or whose result cannot be stored.

use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::agent::machine::{AUTH_KEY, MACHINE_TOKEN, Machine, Running, done, refused};
use crate::test_server::TestServer;

/// A proxy that passes requests on and loses the answers to the first `losses` registrations.
async fn lossy_proxy(server: &TestServer, losses: u32) -> (String, Arc<AtomicU32>) {
    let target = server.base_url().trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let registrations = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&registrations);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_on(client, target.clone(), counted.clone(), losses));
        }
    });
    (address, registrations)
}

async fn pass_on(mut client: TcpStream, target: String, counted: Arc<AtomicU32>, losses: u32) {
    let mut server = TcpStream::connect(target).await.unwrap();
    let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut is_lost = false;
    loop {
        tokio::select! {
            Ok(length @ 1..) = client.read(&mut request) => {
                if request.starts_with(b"POST /api/register-machine") {
                    is_lost = counted.fetch_add(1, Ordering::Relaxed) < losses;
                }
                server.write_all(&request[..length]).await.unwrap();
            }
            Ok(length @ 1..) = server.read(&mut answer) => {
                if is_lost || client.write_all(&answer[..length]).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answer_costs_no_second_use() {
    let server = TestServer::listen().await;
    let (address, registrations) = lossy_proxy(&server, 2).await;
    let mut machine = server.machine().await;
    let key = server.create_key(&machine, &["--name", "single"]);
    machine.server = address;
    let mut command = machine.ztna(&["up", "--userspace", "--hostname", "Linux-C"]);
    let up = Running::start(command.env("ZTNA_AUTH_KEY", &key)).ready();
    assert_eq!(registrations.load(Ordering::Relaxed), 3);
    assert_eq!(up.lines[1], "Registered: Linux-C (100.64.0.1)");
    machine.run(&["down"]);
    up.end();
    server.base_url().clone_into(&mut machine.server);
    assert_eq!(server.uses(&machine, "single"), 1);
    assert_eq!(machine.state().get("pending"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_registration_is_completed_by_the_next_up() {
    let server = TestServer::listen().await;
    let (address, registrations) = lossy_proxy(&server, u32::MAX).await;
    let mut machine = server.machine().await;
    let key = server.create_key(&machine, &["--name", "single"]);
    machine.server = address;
    let up = |machine: &Machine| {
        let mut command = machine.ztna(&["up", "--userspace", "--hostname", "Linux-C"]);
        Running::start(command.env("ZTNA_AUTH_KEY", &key))
    };
    let killed = up(&machine);
    crate::wait::eventually(|| registrations.load(Ordering::Relaxed) > 0);
    killed.signal(rustix::process::Signal::KILL);
    killed.end();
    assert!(machine.state()["pending"]["node_key"].is_string());
    let stored = std::fs::read_to_string(machine.state_file()).unwrap();
    assert!(!stored.contains(&key), "the key is not stored");

    server.base_url().clone_into(&mut machine.server);
    // As the state has it, the control plane is another one; so it is the same that is asked.
    let mut state = machine.state();
    state["pending"]["server"] = json!(machine.server);
    machine.write_state(&state);
    let completed = up(&machine).ready();
    assert_eq!(completed.lines[1], "Registered: Linux-C (100.64.0.1)");
    machine.run(&["down"]);
    completed.end();
    assert_eq!(server.uses(&machine, "single"), 1);
}

#[tokio::test]
async fn control_plane_without_repetitions_is_explained() {
    let machine = Machine::fresh().await;
    let gateway = json!({ "message": "upstream timed out" });
    machine.answers_next("POST", "/api/register-machine", 504, gateway, 1).await;
    let used = refused("KEY_USED", "Auth key already used");
    machine.answers("POST", "/api/register-machine", 401, used).await;
    let up = machine.run(&["up", "--userspace", "--hostname", "Linux-C", "--auth-key", AUTH_KEY]);
    assert_eq!(up.code, Some(1));
    let lines: Vec<&str> = up.stderr.lines().rev().collect();
    assert_eq!(lines[1], "auth key registration failed: KEY_USED: Auth key already used");
    assert!(lines[0].starts_with("An earlier attempt to register Linux-C was not answered"), "{lines:?}");
    let keys = |sent: Vec<(Value, Option<String>)>| -> Vec<Value> {
        sent.into_iter().map(|(body, _)| body["public_key"].clone()).collect()
    };
    let sent = keys(machine.sent_to("/api/register-machine").await);
    assert_eq!((sent.len(), &sent[0]), (2, &sent[1]), "one machine, one key");
}

/// Every write to a file fails, as on a full disk.
fn without_space(machine: &Machine, words: &[&str]) -> Command {
    let plain = machine.ztna(words);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]);
    command.arg(plain.get_program()).args(plain.get_args()).env_clear().stdin(std::process::Stdio::null());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

#[tokio::test]
async fn no_key_is_used_without_space_for_the_result() {
    for is_new in [true, false] {
        let machine = Machine::fresh().await;
        if !is_new {
            machine.write_state(&json!({ "server": machine.control.uri() }));
        }
        machine.accepts("online").await;
        let words = ["up", "--userspace", "--hostname", "Linux-C", "--auth-key", AUTH_KEY];
        let up = without_space(&machine, &words).output().unwrap();
        let stderr = String::from_utf8(up.stderr).unwrap();
        assert_eq!(up.status.code(), Some(1), "{stderr}");
        assert!(stderr.lines().last().unwrap().starts_with("cannot write "), "{stderr}");
        assert_eq!(machine.requests().await, [""; 0]);
        let left = std::fs::read_dir(&machine.state_dir).unwrap().map(|file| file.unwrap().file_name());
        assert!(left.into_iter().all(|name| !name.to_str().unwrap().starts_with(".state-")));
    }
}

/// Runs `script` with the state folder on a file system of 64 KiB; `$0` and `$@` are the command. Needs root.
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn on_small_disk(machine: &Machine, words: &[&str], script: &str) -> Option<Output> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: mounting a small file system needs root");
        return None;
    }
    std::fs::create_dir(&machine.state_dir).unwrap();
    let plain = machine.ztna(words);
    let mount = "mount -t tmpfs -o size=64k,mode=700 tmpfs \"$ZTNA_STATE_DIR\" || exit 99";
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &format!("{mount}\n{script}")]).stdin(std::process::Stdio::null());
    command.arg(plain.get_program()).args(plain.get_args()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap();
    if output.status.code() == Some(99) {
        eprintln!("skipped: mounting is not allowed: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(output)
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_before_the_registration_costs_no_key() {
    let machine = Machine::fresh().await;
    machine.accepts("online").await;
    let words = ["up", "--userspace", "--hostname", "Linux-C", "--auth-key", AUTH_KEY];
    let script = r#"dd if=/dev/zero of="$ZTNA_STATE_DIR/lost+found" bs=1k 2>/dev/null; exec "$0" "$@""#;
    let Some(up) = on_small_disk(&machine, &words, script) else { return };
    let stderr = String::from_utf8(up.stderr).unwrap();
    let last = stderr.lines().last().unwrap_or_default();
    assert!(last.contains("No space left on device") && last.contains("Free some space"), "{stderr}");
    assert_eq!(machine.requests().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_that_fills_up_during_the_registration_loses_nothing() {
    let machine = Machine::fresh().await;
    let answer = json!({
        "machine": { "id": "m1", "name": "Linux-C", "tailnet_ip": "100.64.0.3", "status": "online" },
        "machine_token": MACHINE_TOKEN, "org_id": "org_1",
    });
    let slow = ResponseTemplate::new(201).set_body_json(done(answer)).set_delay(Duration::from_secs(2));
    Mock::given(matchers::path("/api/register-machine")).respond_with(slow).mount(&machine.control).await;
    machine.accepts("online").await;
    let words = ["up", "--userspace", "--hostname", "Linux-C", "--auth-key", AUTH_KEY];
    let script = r#"
        "$0" "$@" & up=$!
        until grep -q attempt "$ZTNA_STATE_DIR/state.json" 2>/dev/null; do sleep 0.05; done
        dd if=/dev/zero of="$ZTNA_STATE_DIR/fill" bs=1k 2>/dev/null
        until grep -q tailnet_ip "$ZTNA_STATE_DIR/state.json" || ! kill -0 $up; do sleep 0.05; done
        kill $up; wait $up
        cat "$ZTNA_STATE_DIR/state.json""#;
    let Some(up) = on_small_disk(&machine, &words, script) else { return };
    let (stdout, stderr) = (String::from_utf8(up.stdout).unwrap(), String::from_utf8(up.stderr).unwrap());
    assert!(stdout.contains("Registered: Linux-C (100.64.0.3)"), "{stdout} {stderr}");
    let state: Value = serde_json::from_str(&stdout[stdout.find('{').unwrap()..]).unwrap();
    assert_eq!((&state["machine"]["id"], state.get("pending")), (&json!("m1"), None));
}

#[tokio::test]
async fn login_without_space_says_so() {
    let machine = Machine::fresh().await;
    let code = json!({ "device_code": "d", "user_code": "u", "verification_uri": "https://a.example", "expires_in": 600, "interval": 0 });
    machine.answers("POST", "/api/auth/device/code", 200, code).await;
    machine.answers("POST", "/api/auth/device/token", 200, json!({ "access_token": "t" })).await;
    let login = without_space(&machine, &["login"]).output().unwrap();
    assert_eq!(login.status.code(), Some(1));
    assert!(String::from_utf8(login.stderr).unwrap().starts_with("cannot write "));
}
