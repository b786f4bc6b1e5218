//! Random histories: a machine that replays changes, asking often or rarely, ends up with the full map, and the full map
//! follows from what machines reported and admins ordered.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Node, ReplayedMap, reusable_key};
use crate::test_server::{ACME, ADMIN, MEMBER, TestServer, public_key};

const MINUTE: u64 = 60;
const NAMES: u8 = 4;

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Register { name: u8, ephemeral: bool, key_byte: u8 },
    RequestToJoin { name: u8 },
    Heartbeat { name: u8, online: bool, endpoint: Option<u8> },
    Logout { name: u8 },
    Administer { name: u8, order: &'static str },
    Advance { seconds: u64 },
    Ask,
}

pub(crate) fn actions() -> impl Strategy<Value = Vec<Action>> {
    let name = 0..NAMES;
    let orders = prop::sample::select(vec!["quarantine", "release", "approve", "delete"]);
    let seconds = prop::sample::select(vec![30, 90, 31 * MINUTE, 25 * 60 * MINUTE]);
    let action = prop_oneof![
        6 => (name.clone(), any::<bool>(), 1_u8..3)
            .prop_map(|(name, ephemeral, key_byte)| Action::Register { name, ephemeral, key_byte }),
        1 => name.clone().prop_map(|name| Action::RequestToJoin { name }),
        5 => (name.clone(), prop::bool::weighted(0.7), prop::option::of(1_u8..3))
            .prop_map(|(name, online, endpoint)| Action::Heartbeat { name, online, endpoint }),
        1 => name.clone().prop_map(|name| Action::Logout { name }),
        5 => (name, orders).prop_map(|(name, order)| Action::Administer { name, order }),
        2 => seconds.prop_map(|seconds| Action::Advance { seconds }),
        2 => Just(Action::Ask),
    ];
    prop::collection::vec(action, 1..40)
}

/// What the history did to the machine of one name, besides what the list of machines shows.
struct MachineHistory {
    node: Node,
    endpoints: Vec<String>,
    logged_in: bool,
}

struct History {
    server: TestServer,
    keys: [String; 2],
    machines: BTreeMap<u8, MachineHistory>,
}

impl History {
    async fn follow(&mut self, action: &Action) {
        let server = &self.server;
        match *action {
            Action::Register { name, ephemeral, key_byte } => {
                let key = &self.keys[usize::from(ephemeral)];
                let body = json!({ "auth_key": key, "name": format!("m{name}"), "public_key": public_key(20 + 10 * name + key_byte) });
                let answer = server.post("/api/register-machine", "", &body).await;
                self.register(name, &answer.body);
            }
            Action::RequestToJoin { name } => {
                let member = server.token(MEMBER).await;
                let body = json!({ "org_id": ACME, "name": format!("m{name}"), "public_key": public_key(20 + 10 * name + 3) });
                let answer = server.post("/api/register-machine", &member, &body).await;
                self.register(name, &answer.body);
            }
            Action::Heartbeat { name, online, endpoint } => {
                let Some(machine) = self.machines.get_mut(&name) else { return };
                let endpoints = endpoint.map(|n| vec![format!("10.0.0.{n}:51820")]);
                let status = if online { "online" } else { "offline" };
                let body = json!({ "status": status, "endpoints": endpoints });
                if machine.node.heartbeat(server, body).await.status == 200 {
                    machine.endpoints = match endpoints {
                        _ if !online => Vec::new(),
                        Some(endpoints) => endpoints,
                        None => std::mem::take(&mut machine.endpoints),
                    };
                }
            }
            Action::Logout { name } => {
                let Some(machine) = self.machines.get_mut(&name) else { return };
                if machine.node.logout(server).await.status == 200 {
                    (machine.logged_in, machine.endpoints) = (false, Vec::new());
                }
            }
            Action::Administer { name, order } => {
                let Some(machine) = self.machines.get(&name) else { return };
                server.administer(order, &machine.node.id).await;
            }
            Action::Advance { seconds } => server.advance(Duration::from_secs(seconds)).await,
            Action::Ask => {}
        }
    }

    fn register(&mut self, name: u8, answer: &Value) {
        let Some(token) = answer["data"]["machine_token"].as_str() else { return };
        let id = answer["data"]["machine"]["id"].as_str().unwrap().to_owned();
        let node = Node { id, name: format!("m{name}"), token: token.to_owned() };
        self.machines.insert(name, MachineHistory { node, endpoints: Vec::new(), logged_in: true });
    }

    /// The peers that the watcher's map must contain, from the list of machines and their histories.
    async fn expected(&self) -> Vec<Value> {
        let admin = self.server.token(ADMIN).await;
        let path = format!("/api/db/machines?org_id=eq.{ACME}&name=neq.watcher&order=name");
        let rows = self.server.get(&path, &admin).await;
        let peers = rows.data().as_array().unwrap().iter().filter_map(|row| {
            let machine =
                self.machines.values().find(|machine| row["name"] == json!(machine.node.name)).unwrap();
            let status = row["status"].as_str().unwrap();
            (machine.logged_in && ["online", "offline"].contains(&status)).then(|| {
                json!({
                    "id": row["id"], "name": row["name"], "tailnet_ip": row["tailnet_ip"],
                    "public_key": row["public_key"], "endpoints": machine.endpoints, "relay": null,
                    "online": status == "online", "tags": row["tags"],
                })
            })
        });
        peers.collect()
    }
}

pub(crate) async fn check(server: TestServer, actions: Vec<Action>) {
    let ephemeral = server.auth_key(json!({ "reusable": true, "ephemeral": true })).await.1;
    let keys = [reusable_key(&server).await, ephemeral];
    let watcher = Node::register(&server, &keys[0], "watcher", 9).await;
    let (mut often, mut rarely) = (ReplayedMap::default(), ReplayedMap::default());
    let mut history = History { server, keys, machines: BTreeMap::new() };
    let last = actions.len() - 1;
    for (place, action) in actions.iter().enumerate() {
        history.follow(action).await;
        let full = watcher.full(&history.server).await;
        let mut by_name: Vec<_> = full.peers.values().cloned().collect();
        by_name.sort_by_key(|peer| peer["name"].to_string());
        assert_eq!(by_name, history.expected().await, "the whole map after {action:?}");
        let asking: &mut [&mut ReplayedMap] = match action {
            Action::Ask => &mut [&mut often, &mut rarely],
            _ if place == last => &mut [&mut often, &mut rarely],
            _ => &mut [&mut often],
        };
        for known in asking {
            let told = watcher.map(&history.server, known.version, 0).await;
            known.apply(told.data());
            assert_eq!(**known, full, "the changes up to {action:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn replayed_changes_equal_the_full_map(actions in actions()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            check(TestServer::start().await, actions).await;
        });
    }
}
