//! `ztna up --userspace`, from the reference's control plane to a ping through the tunnel.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::agent::machine::{AUTH_KEY, Machine, Running, done, refused};
use crate::test_server::TestServer;
use crate::wait::{DEADLINE, eventually};

/// A control plane, a key for it, and two machines that are up.
struct Pair {
    server: TestServer,
    one: Machine,
    other: Machine,
    /// `ztna up` of the second.
    up: Running,
    _first: Running,
}

impl Pair {
    async fn meet() -> Self {
        let server = TestServer::listen().await;
        let (one, other) = (server.machine().await, server.machine().await);
        let key = server.create_key(&one, &["--name", "fleet", "--reusable"]);
        let first = up(&one, &key, "Linux-C").ready();
        let up = up(&other, &key, "Win-A").ready();
        let pong = one.ping(&["Win-A"]);
        assert_eq!(pong.code, Some(0), "{}", pong.stderr);
        Self { server, one, other, up, _first: first }
    }

    /// Sends an admin order about the second machine, and checks that the first no longer reaches it.
    fn cut_off(&self, action: &str) {
        let ended = self.server.admin(&self.one, &["machine-admin", action, "Win-A"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let ping = || self.one.run(&["ping", "Win-A", "--timeout", "100ms"]);
        eventually(|| ping().stderr.contains("no machine named 'Win-A'"));
    }
}

fn up(machine: &Machine, key: &str, name: &str) -> Running {
    Running::start(machine.ztna(&["up", "--userspace", "--hostname", name]).env("ZTNA_AUTH_KEY", key))
}

fn status(machine: &Machine) -> Value {
    serde_json::from_str(&machine.run(&["status", "--json"]).stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_ping_each_other_by_name_and_address() {
    let pair = Pair::meet().await;
    let address = status(&pair.other)["machine"]["tailnet_ip"].as_str().unwrap().to_owned();
    assert_eq!(
        pair.up.lines[..4],
        [
            "Starting QuickZTNA...",
            &format!("Registered: Win-A ({address})"),
            &format!("Connected as Win-A ({address}) [userspace]"),
            "VPN started!",
        ]
    );
    assert!(pair.up.lines[4].starts_with("Node key: "), "{:?}", pair.up.lines);

    let pongs = pair.one.run(&["ping", &address, "-c", "3", "--interval", "1ms"]);
    assert_eq!(pongs.stdout.lines().count(), 3);
    for line in pongs.stdout.lines() {
        let rest = line.strip_prefix(&format!("pong from Win-A ({address}) via DIRECT ")).unwrap();
        assert!(rest.ends_with(" ms"), "{line}");
    }
    assert_eq!(pair.other.run(&["ping", "Linux-C"]).code, Some(0), "and the other way round");

    assert!(pair.one.run(&["status"]).stdout.contains("\nMode:          userspace\n"));
    let status = status(&pair.one);
    let peer = &status["peers"][0];
    assert_eq!(
        (&status["mode"], &peer["name"], &peer["ip"]),
        (&"userspace".into(), &"Win-A".into(), &address.into())
    );
    assert!(peer["endpoint"].is_string() && peer["last_handshake_seconds"].is_u64(), "{peer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn quarantined_machine_is_cut_off_until_released() {
    let pair = Pair::meet().await;
    pair.cut_off("quarantine");
    let refused = || pair.other.run(&["ping", "Linux-C", "--timeout", "100ms"]).stderr;
    eventually(|| refused().contains("no machine named 'Linux-C'"));
    let released = pair.server.admin(&pair.one, &["machine-admin", "release", "Win-A"]);
    assert_eq!(released.code, Some(0), "{}", released.stderr);
    eventually(|| pair.one.run(&["ping", "Win-A", "--timeout", "200ms"]).code == Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_machine_is_cut_off() {
    Pair::meet().await.cut_off("delete");
}

#[tokio::test(flavor = "multi_thread")]
async fn logged_out_machine_is_cut_off() {
    let pair = Pair::meet().await;
    assert_eq!(pair.other.run(&["logout"]).code, Some(0));
    eventually(|| pair.one.run(&["ping", "Win-A", "--timeout", "100ms"]).stderr.contains("no machine named"));
}

#[tokio::test(flavor = "multi_thread")]
async fn restarted_machine_is_reached_at_its_new_port() {
    let pair = Pair::meet().await;
    pair.other.run(&["down"]);
    let stopped = || pair.one.run(&["ping", "Win-A", "--timeout", "100ms"]).stderr;
    eventually(|| stopped().contains("cannot be reached: it is not connected"));
    let again = up(&pair.other, AUTH_KEY, "Win-A").ready();
    assert!(again.lines[1].starts_with("Already registered: Win-A (IP: 100."), "{:?}", again.lines);
    assert!(again.lines[2].ends_with("[userspace]") && again.lines[3] == "VPN started!", "{:?}", again.lines);
    let pong = pair.one.ping(&["Win-A"]);
    assert_eq!(pong.code, Some(0), "{}", pong.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnel_survives_the_control_plane() {
    let Pair { server, one, other, up: _up, _first } = Pair::meet().await;
    // The relay ends with the control plane.
    let directions = [(&one, "Win-A"), (&other, "Linux-C")];
    eventually(|| {
        directions.iter().all(|(from, to)| from.run(&["ping", to]).stdout.contains(" via DIRECT "))
    });
    server.stop().await;
    for (from, to) in directions {
        let pong = from.run(&["ping", to]);
        assert_eq!(pong.code, Some(0), "{}", pong.stderr);
    }
}

#[tokio::test]
async fn map_is_asked_for_since_the_known_version_after_an_outage() {
    let machine = Machine::registered().await;
    let map = |version: i64, full: bool| done(json!({ "version": version, "full": full, "peers": [] }));
    let path = "/api/network-map";
    machine.answers_next("GET", path, 200, map(7, true), 1).await;
    machine.answers_next("GET", path, 503, refused("UNAVAILABLE", "the database is gone"), 2).await;
    machine.answers_next("GET", path, 200, map(8, false), 1).await;
    // As of a control plane that was restored from an older copy.
    machine.answers_next("GET", path, 200, map(3, true), 1).await;
    machine.answers_next("GET", path, 403, refused("QUARANTINED", "Machine is quarantined"), 1).await;
    machine.accepts("online").await;
    let _up = machine.up(&[]).ready();
    let mut since = Vec::new();
    let known = async {
        while since.len() < 7 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let received = machine.control.received_requests().await.unwrap();
            let asked = received.iter().filter(|request| request.url.path() == path);
            let query =
                |request: &wiremock::Request| request.url.query_pairs().next().unwrap().1.into_owned();
            since = asked.map(query).collect();
        }
    };
    tokio::time::timeout(DEADLINE, known).await.expect("seven requests");
    assert_eq!(since[..7], ["0", "7", "7", "7", "8", "3", "0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn trace_log_contains_no_keys() {
    let server = TestServer::listen().await;
    let machine = server.machine().await;
    let key = server.create_key(&machine, &["--name", "fleet", "--reusable"]);
    let mut command = machine.ztna(&["up", "--userspace", "--hostname", "Linux-C", "--log", "trace"]);
    let up = Running::start(command.env("ZTNA_AUTH_KEY", &key)).ready();
    let state = machine.state();
    machine.run(&["down"]);
    let (_, log) = up.end();
    assert!(log.contains("/api/network-map"), "{log}");
    let private = state["node_key"].as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.decode(private).unwrap();
    for secret in [private, &hex::encode(bytes), state["machine"]["token"].as_str().unwrap(), &key[11..]] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_pings_say_why() {
    let server = TestServer::listen().await;
    let (one, other) = (server.machine().await, server.machine().await);
    let key = server.create_key(&one, &["--name", "fleet", "--reusable"]);
    let refused = one.run(&["ping", "anybody"]);
    assert_eq!(refused.stderr, "QuickZTNA is not running. Run 'ztna up' first\n");
    assert_eq!(refused.code, Some(1));

    let _up = up(&one, &key, "Linux-C").ready();
    let stopped = up(&other, &key, "Stopped").ready();
    other.run(&["down"]);
    stopped.end();
    // The first machine hears of it by its next network map.
    let ping = || one.run(&["ping", "Stopped", "--timeout", "500ms"]).stderr;
    eventually(|| ping().contains("it is not connected"));
    for (machine, target, reason) in [
        (&one, "nobody", "no machine named 'nobody' in this network"),
        (&one, "100.99.1.2", "no machine named '100.99.1.2' in this network"),
        (&one, "Linux-C", "Linux-C is this machine itself"),
        (&one, "Stopped", "cannot be reached: it is not connected. Run 'ztna up' there"),
        (&other, "Linux-C", "QuickZTNA is not running"),
    ] {
        let refused = machine.run(&["ping", target, "--timeout", "500ms"]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{target}");
        assert!(refused.stderr.contains(reason), "{target}: {}", refused.stderr);
    }
}
