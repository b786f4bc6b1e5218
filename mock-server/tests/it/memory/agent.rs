//! The agent with a network map of sixty thousand machines.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, ResponseTemplate};

use super::MIB;
use super::cgroup::Cgroup;
use crate::agent::machine::{AUTH_KEY, Machine};
use crate::wait::{DEADLINE, eventually};

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

/// The whole map as text: a tree of values would cost more than the agent does.
fn map() -> String {
    let mut text = r#"{"success":true,"data":{"version":7,"full":true,"removed":[],"peers":["#.to_owned();
    for number in 0..PEERS {
        let address = std::net::Ipv4Addr::from_bits(u32::from_be_bytes([100, 64, 1, 0]) + number);
        let mut key = [9; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        let (comma, key) = (if number == 0 { "" } else { "," }, BASE64_STANDARD.encode(key));
        write!(
            text,
            r#"{comma}{{"id":"0b6f4c5e-8a53-4f0c-9d64-{number:012}","name":"peer-{number}","tailnet_ip":"{address}","#
        )
        .unwrap();
        write!(
            text,
            r#""public_key":"{key}","endpoints":["127.0.0.1:9","[::1]:9"],"relay":null,"online":true}}"#
        )
        .unwrap();
    }
    text + "]}}"
}

/// As much as is needed of `ztna status --json`.
#[derive(Deserialize)]
struct Status {
    peers: Vec<IgnoredAny>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_of_sixty_thousand_machines_fits() {
    let Some(group) = Cgroup::new(LIMIT) else { return };
    let machine = Machine::fresh().await;
    let answer = |text: String| ResponseTemplate::new(200).set_body_raw(text, "application/json");
    let nothing = r#"{"success":true,"data":{"version":7,"full":false,"peers":[],"removed":[]}}"#;
    let later = answer(nothing.to_owned()).set_delay(DEADLINE);
    let request = || Mock::given(method("GET")).and(path("/api/network-map"));
    request().and(query_param("since", "7")).respond_with(later).mount(&machine.control).await;
    request().respond_with(answer(map())).mount(&machine.control).await;
    machine.accepts("online").await;

    let mut command = machine.ztna(&["up", "--userspace", "--hostname", "Linux-C"]);
    command.env("ZTNA_AUTH_KEY", AUTH_KEY);
    let mut command = group.limited(&command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut agent = Agent(command.spawn().unwrap());

    let mut lines = BufReader::new(agent.0.stdout.take().unwrap()).lines();
    let connected = tokio::task::spawn_blocking(move || {
        let connected = lines.any(|line| line.is_ok_and(|line| line.contains("VPN started!")));
        connected.then_some(lines)
    });
    let connected = tokio::time::timeout(DEADLINE * 3, connected).await.expect("a map in time").unwrap();
    assert!(connected.is_some(), "killed {} times", group.killed());
    let mut listed = 0;
    eventually(|| {
        let status = serde_json::from_str(&machine.run(&["status", "--json"]).stdout);
        listed = status.map_or(0, |status: Status| status.peers.len());
        listed > 0
    });
    assert_eq!(listed, usize::try_from(PEERS).unwrap());
    assert_eq!(group.killed(), 0);
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.0.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    assert!(peak * 1024 < 400 * MIB, "{} MiB", peak / 1024);
}
