//! `ztna up --relay-only`, and what the commands show of relays.

use std::time::Instant;

use base64::Engine as _;
use mock_server::app::Config;
use serde_json::Value;

use super::{SECRET, fixture, start_relay};
use crate::agent::machine::{Machine, Running};
use crate::test_server::TestServer;
use crate::unused_port::unused_address;
use crate::wait::{DEADLINE, eventually};

const RELAYED: &[&str] = &["--relay-only"];

fn up(machine: &Machine, key: &str, name: &str, words: &[&str]) -> Running {
    let mut command = machine.ztna(&["up", "--userspace", "--hostname", name, "--log", "trace"]);
    Running::start(command.args(words).env("ZTNA_AUTH_KEY", key)).ready()
}

/// Two machines that are up.
async fn pair(server: &TestServer, one: &[&str], other: &[&str]) -> [(Machine, Running); 2] {
    let machines = [server.machine().await, server.machine().await];
    let key = server.create_key(&machines[0], &["--name", "fleet", "--reusable"]);
    let [first, second] = machines;
    let first_up = up(&first, &key, "Linux-C", one);
    let second_up = up(&second, &key, "Win-A", other);
    [(first, first_up), (second, second_up)]
}

/// Pings until a pong comes by this way.
fn answered_via(machine: &Machine, named: &str, way: &str) {
    eventually(|| {
        let pong = machine.run(&["ping", named, "--timeout", "500ms"]);
        pong.code == Some(0) && pong.stdout.contains(&format!(" via {way} in "))
    });
}

fn status(machine: &Machine) -> Value {
    serde_json::from_str(&machine.run(&["status", "--json"]).stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_connect_through_the_built_in_relay() {
    let server = TestServer::listen().await;
    let [(one, one_up), (other, _up)] = pair(&server, RELAYED, RELAYED).await;
    answered_via(&one, "Win-A", "RELAY blr1");
    answered_via(&other, "Linux-C", "RELAY blr1");

    let shown = one.run(&["status"]).stdout;
    assert!(shown.contains("\nMode:          userspace\nDERP Region:   blr1\nState:"), "{shown}");
    let status = status(&one);
    assert_eq!((&status["derp_region"], &status["peers"][0]["relay"]), (&"blr1".into(), &"blr1".into()));
    assert_eq!(status["peers"][0]["endpoint"], Value::Null, "a relay-only machine publishes no endpoint");
    let counters: Value = reqwest_get(&format!("{}/relay/counters", server.ready().base_url)).await;
    assert_eq!(counters["data"]["connections"], 2);
    assert!(counters["data"]["frames"].as_u64().unwrap() > 4, "{counters}");

    let state = one.state();
    one.run(&["down"]);
    let (_, log) = one_up.end();
    assert!(log.contains("connected to the relay"), "{log}");
    let private = state["node_key"].as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.decode(private).unwrap();
    for secret in [private, &hex::encode(bytes), state["machine"]["token"].as_str().unwrap()] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_only_machine_reaches_a_direct_one() {
    let server = TestServer::listen().await;
    let [(one, _one), (other, _other)] = pair(&server, &[], RELAYED).await;
    answered_via(&one, "Win-A", "RELAY blr1");
    answered_via(&other, "Linux-C", "RELAY blr1");
}

#[tokio::test(flavor = "multi_thread")]
async fn direct_paths_are_preferred() {
    let server = TestServer::listen().await;
    let [(one, _one), (other, _other)] = pair(&server, &[], &[]).await;
    let relayed = |machine: &Machine| status(machine)["derp_region"] == "blr1";
    eventually(|| relayed(&one) && relayed(&other));
    for (machine, named) in [(&one, "Win-A"), (&other, "Linux-C")] {
        let pongs = machine.run(&["ping", named, "-c", "20", "--interval", "20ms"]).stdout;
        assert_eq!(pongs.matches(" via DIRECT ").count(), 20, "{pongs}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restarted_relay_is_found_again() {
    let address = unused_address();
    let url = format!("http://{address}");
    let config =
        Config { relay_secret: Some(SECRET.to_owned()), ..Config::embedded(fixture(&[("fra1", &url)])) };
    let server = TestServer::listen_with(config).await;
    let relay = start_relay(address, "fra1", &server.ready().base_url).await;
    let [(one, _one), (other, _other)] = pair(&server, RELAYED, RELAYED).await;
    answered_via(&one, "Win-A", "RELAY fra1");
    drop(relay);
    eventually(|| one.run(&["ping", "Win-A", "--timeout", "100ms"]).code == Some(1));
    let _relay = start_relay(address, "fra1", &server.ready().base_url).await;
    answered_via(&other, "Linux-C", "RELAY fra1");
}

#[tokio::test(flavor = "multi_thread")]
async fn reachable_region_becomes_home() {
    // Nothing listens at the first region.
    let away = format!("http://{}", unused_address());
    let server = TestServer::listen_with(Config::embedded(fixture(&[("nyc1", &away), ("blr1", "")]))).await;
    let [(one, _one), (_other, _up)] = pair(&server, RELAYED, RELAYED).await;
    answered_via(&one, "Win-A", "RELAY blr1");
    assert_eq!(status(&one)["derp_region"], "blr1");
}

#[tokio::test(flavor = "multi_thread")]
async fn quarantine_cuts_a_machine_off_at_a_remote_relay() {
    let address = unused_address();
    let url = format!("http://{address}");
    let config =
        Config { relay_secret: Some(SECRET.to_owned()), ..Config::embedded(fixture(&[("fra1", &url)])) };
    let server = TestServer::listen_with(config).await;
    let _relay = start_relay(address, "fra1", &server.ready().base_url).await;
    let [(one, _one), (_other, _up)] = pair(&server, RELAYED, RELAYED).await;
    answered_via(&one, "Win-A", "RELAY fra1");
    let connections = async || {
        let counters: Value = reqwest_get(&format!("{url}/relay/counters")).await;
        counters["data"]["connections"].as_u64().unwrap()
    };
    assert_eq!(connections().await, 2);
    let ended = server.admin(&one, &["machine-admin", "quarantine", "Win-A"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let start = Instant::now();
    while connections().await > 1 {
        assert!(start.elapsed() < DEADLINE, "still connected after {DEADLINE:?}");
    }
}

async fn reqwest_get(url: &str) -> Value {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    client.get(url).send().await.unwrap().json().await.unwrap()
}
