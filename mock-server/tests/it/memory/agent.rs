//! The agent with a network map of sixty thousand machines.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, ResponseTemplate};

use super::MIB;
use super::cgroup::Cgroup;
use crate::agent::machine::{AUTH_KEY, Machine, done};
use crate::test_server::key_of;
use crate::wait::DEADLINE;

const LIMIT: u64 = 512 * MIB;
const PEERS: u32 = 60_000;

/// Ended when dropped, before its group is removed.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn peer(number: u32) -> Value {
    let address = std::net::Ipv4Addr::from_bits(u32::from_be_bytes([100, 64, 1, 0]) + number);
    json!({
        "id": format!("0b6f4c5e-8a53-4f0c-9d64-{number:012}"), "name": format!("peer-{number}"),
        "tailnet_ip": address.to_string(), "public_key": key_of(&number.to_string()),
        "endpoints": ["127.0.0.1:9", "[::1]:9"], "relay": null, "online": true,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_of_sixty_thousand_machines_fits() {
    let Some(group) = Cgroup::new(LIMIT) else { return };
    let machine = Machine::fresh().await;
    let map = |peers: Vec<Value>, full: bool| {
        done(json!({ "version": 7, "full": full, "peers": peers, "removed": [] }))
    };
    let later = ResponseTemplate::new(200).set_body_json(map(Vec::new(), false)).set_delay(DEADLINE);
    let asked_again = Mock::given(method("GET")).and(path("/api/network-map")).and(query_param("since", "7"));
    asked_again.respond_with(later).mount(&machine.control).await;
    machine.answers("GET", "/api/network-map", 200, map((0..PEERS).map(peer).collect(), true)).await;
    machine.accepts("online").await;

    let mut command = machine.ztna(&["up", "--userspace", "--hostname", "Linux-C"]);
    command.env("ZTNA_AUTH_KEY", AUTH_KEY);
    let mut command = group.limited(&command);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut agent = Agent(command.spawn().unwrap());

    let started = std::time::Instant::now();
    let listed = loop {
        assert!(started.elapsed() < DEADLINE * 3, "no map after {:?}", started.elapsed());
        assert_eq!(agent.0.try_wait().unwrap(), None, "killed {} times", group.killed());
        let status = machine.run(&["status", "--json"]);
        let status: Value = serde_json::from_str(&status.stdout).unwrap_or_default();
        match status["peers"].as_array().map(Vec::len) {
            Some(peers) if peers > 0 => break peers,
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    };
    assert_eq!(listed, usize::try_from(PEERS).unwrap());
    assert_eq!(group.killed(), 0);
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.0.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    assert!(peak * 1024 < 400 * MIB, "{} MiB", peak / 1024);
}
