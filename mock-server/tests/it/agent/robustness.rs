//! Tunnels and agents under adverse conditions: the control plane restarts or is absent, strangers send noise, keys are
//! renewed.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use boringtun::noise::{Tunn, TunnResult};
use boringtun::x25519::{PublicKey, StaticSecret};
use mock_server::app::{Config, Fixture};
use mock_server::store::Location;
use serde_json::Value;
use tempfile::TempDir;

use crate::agent::machine::{AUTH_KEY, Machine, Running};
use crate::test_server::TestServer;
use crate::unused_port::unused_address;
use crate::wait::eventually;

fn up(machine: &Machine, key: &str, name: &str) -> Running {
    let words = ["up", "--userspace", "--hostname", name, "--heartbeat-interval", "1s"];
    Running::start(machine.ztna(&words).env("ZTNA_AUTH_KEY", key))
}

fn reaches(machine: &Machine, name: &str) -> bool {
    machine.run(&["ping", name, "--timeout", "300ms"]).code == Some(0)
}

/// Whether a machine reaches another one without the relay, which is part of the control plane.
fn reaches_directly(machine: &Machine, name: &str) -> bool {
    let pong = machine.run(&["ping", name, "--timeout", "300ms"]);
    pong.code == Some(0) && pong.stdout.contains(" via DIRECT ")
}

/// A control plane that can be stopped and started again with the same port and database.
struct Restartable {
    folder: TempDir,
    listen: SocketAddr,
}

impl Restartable {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), listen: unused_address() }
    }

    async fn start(&self) -> TestServer {
        let config = Config {
            listen: self.listen,
            database: Location::File(self.folder.path().join("plane.db")),
            ..Config::embedded(Fixture::built_in().unwrap())
        };
        TestServer::listen_with(config).await
    }

    async fn machine(&self) -> Machine {
        let mut machine = Machine::fresh().await;
        machine.server = format!("http://{}", self.listen);
        machine
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_survive_a_control_plane_restart() {
    let control = Restartable::new();
    let server = control.start().await;
    let (one, other, third) = (control.machine().await, control.machine().await, control.machine().await);
    let key = server.create_key(&one, &["--name", "fleet", "--reusable"]);
    let _ups = [up(&one, &key, "Linux-C").ready(), up(&other, &key, "Win-A").ready()];
    eventually(|| reaches_directly(&one, "Win-A") && reaches_directly(&other, "Linux-C"));

    server.stop().await;
    let pings = other.run(&["ping", "Linux-C", "-c", "20", "--interval", "50ms", "--timeout", "10s"]);
    assert_eq!((pings.stdout.lines().count(), pings.stderr.as_str()), (20, ""), "no ping is lost meanwhile");

    let server = control.start().await;
    let _third = up(&third, &key, "Third").ready();
    eventually(|| reaches(&one, "Third") && reaches(&other, "Third"));
    let list = server.admin(&one, &["auth-keys", "list"]);
    assert!(list.stdout.contains("fleet"), "{}", list.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_machine_waits_for_the_control_plane() {
    let control = Restartable::new();
    let server = control.start().await;
    let machine = control.machine().await;
    let key = server.create_key(&machine, &["--name", "fleet", "--reusable"]);
    up(&machine, &key, "Linux-C").ready();
    machine.run(&["down"]);
    server.stop().await;

    let begun = Instant::now();
    let given_up = machine.run(&["up", "--userspace", "--timeout", "2s"]);
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(given_up.code, Some(1));
    let lines: Vec<&str> = given_up.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "one notice, and the reason for the end: {lines:?}");
    assert!(
        lines[0].starts_with("heartbeat failed: cannot reach the control plane at <server>"),
        "{lines:?}"
    );
    let words = "not connected within 2s: no answer from the control plane at <server>";
    assert!(lines[1].starts_with(words), "{lines:?}");

    let waiting = up(&machine, AUTH_KEY, "Linux-C").until("Already registered: Linux-C");
    eventually(|| machine.run(&["status", "--json"]).stdout.contains("\"phase\": \"unreachable\""));
    let _server = control.start().await;
    let _up = waiting.until("Connected as Linux-C").ready();
}

/// A control plane that accepts connections and, if `drips`, answers each with a byte now and then, without end.
fn silent_control_plane(drips: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut connections = Vec::new();
        for connection in listener.incoming().flatten() {
            if !drips {
                connections.push(connection);
                continue;
            }
            std::thread::spawn(move || {
                let mut connection = connection;
                let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{");
                while connection.write_all(b" ").is_ok() {
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn up_timeout_holds_with_a_silent_control_plane() {
    let runs: Vec<_> = [false, true]
        .into_iter()
        .flat_map(|drips| {
            [(drips, "new", &[][..]), (drips, "registered", &[]), (drips, "registered", &["--tags", "a"])]
        })
        .map(|(drips, kind, words)| async move {
            let mut machine =
                if kind == "new" { Machine::fresh().await } else { Machine::registered().await };
            machine.server = silent_control_plane(drips);
            if kind != "new" {
                let mut state = machine.state();
                state["server"] = Value::from(machine.server.as_str());
                machine.write_state(&state);
            }
            let mut command = machine.ztna(&["up", "--userspace", "--hostname", "a", "--timeout", "1s"]);
            command.args(words).env("ZTNA_AUTH_KEY", AUTH_KEY);
            let begun = Instant::now();
            let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
            let (took, stderr) = (begun.elapsed(), String::from_utf8(output.stderr).unwrap());
            assert_eq!(output.status.code(), Some(1), "{kind} {drips}");
            let expected = if kind == "new" {
                "not registered within 1s: "
            } else {
                "not connected within 1s: no answer from"
            };
            assert!(stderr.contains(expected), "{kind} {drips}: {stderr}");
            // It took 4 s while the last request waited for the control plane, too.
            assert!(took < Duration::from_secs(3), "{kind} {drips}: {took:?}");
        })
        .collect();
    futures::future::join_all(runs).await;
}

/// Resident memory, in KiB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The datagrams of one hostile sender: noise, truncated messages, and the same messages repeatedly.
fn hostile_datagrams(number: u32, target: PublicKey) -> Vec<Vec<u8>> {
    let mut private = [7; 32];
    private[..4].copy_from_slice(&number.to_le_bytes());
    let mut stranger = Tunn::new(StaticSecret::from(private), target, None, None, number, None);
    let mut buffer = [0; 148];
    let TunnResult::WriteToNetwork(initiation) = stranger.format_handshake_initiation(&mut buffer, false)
    else {
        panic!("no initiation")
    };
    let initiation = initiation.to_vec();
    let noise = |kind: u8, length: usize| {
        let word = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(u64::from(kind));
        let mut bytes: Vec<u8> = word.to_le_bytes().into_iter().cycle().take(length).collect();
        bytes[..8].copy_from_slice(&[kind, 0, 0, 0, number.to_le_bytes()[0], 1, 0, 0]);
        bytes
    };
    let mut datagrams = vec![Vec::new(), vec![0xff; 1400], noise(0, 64), noise(200, 9000)];
    datagrams.extend([noise(2, 92), noise(3, 64), noise(4, 32), noise(4, 1400), noise(1, 148)]);
    datagrams.extend([4, 32, 100, 147, 148].map(|length| initiation[..length].to_vec()));
    datagrams
}

#[allow(clippy::print_stderr, reason = "a figure for whoever runs it with --nocapture")]
#[tokio::test(flavor = "multi_thread")]
async fn flood_neither_grows_memory_nor_blocks_pings() {
    const SENDERS: u32 = 200;
    const FLOOD: u64 = 100_000;
    let server = TestServer::listen().await;
    let (one, other) = (server.machine().await, server.machine().await);
    let key = server.create_key(&one, &["--name", "fleet", "--reusable"]);
    let ups = [up(&one, &key, "Linux-C").ready(), up(&other, &key, "Win-A").ready()];
    eventually(|| reaches(&one, "Win-A"));
    let status: Value = serde_json::from_str(&other.run(&["status", "--json"]).stdout).unwrap();
    let target: SocketAddr = status["peers"][0]["endpoint"].as_str().unwrap().parse().unwrap();
    let public = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        one.state()["node_key"].as_str().unwrap(),
    );
    let private: [u8; 32] = public.unwrap().try_into().unwrap();
    let target_key = PublicKey::from(&StaticSecret::from(private));
    let process = ups[0].child.id();
    let before = resident(process);

    let (over, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let pings = std::thread::scope(|scope| {
        let (over, sent) = (&over, &sent);
        scope.spawn(move || {
            let socket = || UdpSocket::bind("127.0.0.1:0").unwrap();
            let senders: Vec<(UdpSocket, Vec<Vec<u8>>)> =
                (0..SENDERS).map(|number| (socket(), hostile_datagrams(number, target_key))).collect();
            while !over.load(Ordering::Relaxed) {
                for (socket, datagrams) in &senders {
                    let went = datagrams.iter().filter(|bytes| socket.send_to(bytes, target).is_ok());
                    sent.fetch_add(went.count().try_into().unwrap(), Ordering::Relaxed);
                }
            }
        });
        let words = ["ping", "Linux-C", "-c", "10", "--interval", "20ms", "--timeout", "1s"];
        let pings = other.run(&words);
        eventually(|| sent.load(Ordering::Relaxed) > FLOOD);
        over.store(true, Ordering::Relaxed);
        pings
    });
    let (after, sent) = (resident(process), sent.into_inner());
    let answered = pings.stdout.lines().count();
    eprintln!("{sent} hostile datagrams; {answered} of 10 pings; {before} KiB before, {after} KiB after");
    assert!(answered >= 1 && pings.code == Some(0), "{}", pings.stderr);
    assert!(after < before + 8 * 1024, "{before} KiB before, {after} KiB after");
    // What the flood left in the socket's queue may cost one ping; after that everything works again.
    eventually(|| reaches(&other, "Linux-C") && reaches(&one, "Win-A"));
}

mod slow {
    use super::*;

    /// Keys are renewed after two minutes of real time: boringtun reads its own clock, and the feature that replaces the
    /// clock would also freeze the agents of other tests.
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "takes 135 seconds"]
    async fn key_renewal_loses_no_packet() {
        let server = TestServer::listen().await;
        let (one, other) = (server.machine().await, server.machine().await);
        let key = server.create_key(&one, &["--name", "fleet", "--reusable"]);
        let _ups = [up(&one, &key, "Linux-C").ready(), up(&other, &key, "Win-A").ready()];
        eventually(|| reaches(&one, "Win-A"));
        let words = ["ping", "Win-A", "-c", "2700", "--interval", "50ms", "--timeout", "2s"];
        let pings = one.run(&words);
        assert_eq!((pings.stdout.lines().count(), pings.stderr.as_str()), (2700, ""));
        for machine in [&one, &other] {
            let status: Value = serde_json::from_str(&machine.run(&["status", "--json"]).stdout).unwrap();
            let age = status["peers"][0]["last_handshake_seconds"].as_u64().unwrap();
            assert!(age < 60, "no handshake for {age} s, and yet the keys are older than 120 s");
        }
    }
}
