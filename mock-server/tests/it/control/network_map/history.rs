//! Random histories: whoever replays the changes, asking often or seldom, knows the same as who asks for the whole
//! map; and that is what the machines' own words and the admins' measures make it.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Known, Node, reusable_key};
use crate::test_server::{ACME, ADMIN, MEMBER, TestServer, public_key};

const MINUTE: u64 = 60;
const NAMES: u8 = 4;

#[derive(Debug, Clone)]
enum Deed {
    Register { name: u8, ephemeral: bool, key_byte: u8 },
    AskToJoin { name: u8 },
    Beat { name: u8, online: bool, endpoint: Option<u8> },
    Logout { name: u8 },
    Measure { name: u8, measure: &'static str },
    Advance { seconds: u64 },
    Ask,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let name = 0..NAMES;
    let measures = prop::sample::select(vec!["quarantine", "release", "approve", "delete"]);
    let seconds = prop::sample::select(vec![30, 90, 31 * MINUTE, 25 * 60 * MINUTE]);
    let deed = prop_oneof![
        6 => (name.clone(), any::<bool>(), 1_u8..3)
            .prop_map(|(name, ephemeral, key_byte)| Deed::Register { name, ephemeral, key_byte }),
        1 => name.clone().prop_map(|name| Deed::AskToJoin { name }),
        5 => (name.clone(), prop::bool::weighted(0.7), prop::option::of(1_u8..3))
            .prop_map(|(name, online, endpoint)| Deed::Beat { name, online, endpoint }),
        1 => name.clone().prop_map(|name| Deed::Logout { name }),
        5 => (name, measures).prop_map(|(name, measure)| Deed::Measure { name, measure }),
        2 => seconds.prop_map(|seconds| Deed::Advance { seconds }),
        2 => Just(Deed::Ask),
    ];
    prop::collection::vec(deed, 1..40)
}

/// What the history made of the machine of one name, as far as the list of machines does not tell it.
struct Life {
    node: Node,
    endpoints: Vec<String>,
    logged_in: bool,
}

struct History {
    server: TestServer,
    keys: [String; 2],
    lives: BTreeMap<u8, Life>,
}

impl History {
    async fn follow(&mut self, deed: &Deed) {
        let server = &self.server;
        match *deed {
            Deed::Register { name, ephemeral, key_byte } => {
                let key = &self.keys[usize::from(ephemeral)];
                let body = json!({ "auth_key": key, "name": format!("m{name}"), "public_key": public_key(key_byte) });
                let answer = server.post("/api/register-machine", "", &body).await;
                self.joined(name, &answer.body);
            }
            Deed::AskToJoin { name } => {
                let member = server.token(MEMBER).await;
                let body = json!({ "org_id": ACME, "name": format!("m{name}"), "public_key": public_key(3) });
                let answer = server.post("/api/register-machine", &member, &body).await;
                self.joined(name, &answer.body);
            }
            Deed::Beat { name, online, endpoint } => {
                let Some(life) = self.lives.get_mut(&name) else { return };
                let endpoints = endpoint.map(|n| vec![format!("10.0.0.{n}:51820")]);
                let status = if online { "online" } else { "offline" };
                let body = json!({ "status": status, "endpoints": endpoints });
                if life.node.beat(server, body).await.status == 200 {
                    life.endpoints = match endpoints {
                        _ if !online => Vec::new(),
                        Some(endpoints) => endpoints,
                        None => std::mem::take(&mut life.endpoints),
                    };
                }
            }
            Deed::Logout { name } => {
                let Some(life) = self.lives.get_mut(&name) else { return };
                if life.node.logout(server).await.status == 200 {
                    (life.logged_in, life.endpoints) = (false, Vec::new());
                }
            }
            Deed::Measure { name, measure } => {
                let Some(life) = self.lives.get(&name) else { return };
                server.administer(measure, &life.node.id).await;
            }
            Deed::Advance { seconds } => server.advance(Duration::from_secs(seconds)).await,
            Deed::Ask => {}
        }
    }

    fn joined(&mut self, name: u8, answer: &Value) {
        let Some(token) = answer["data"]["machine_token"].as_str() else { return };
        let id = answer["data"]["machine"]["id"].as_str().unwrap().to_owned();
        let node = Node { id, name: format!("m{name}"), token: token.to_owned() };
        self.lives.insert(name, Life { node, endpoints: Vec::new(), logged_in: true });
    }

    /// What the map of the watcher must hold, from the list of machines and what is known of their lives.
    async fn expected(&self) -> Vec<Value> {
        let admin = self.server.token(ADMIN).await;
        let path = format!("/api/db/machines?org_id=eq.{ACME}&name=neq.watcher&order=name");
        let rows = self.server.get(&path, &admin).await;
        let peers = rows.data().as_array().unwrap().iter().filter_map(|row| {
            let life = self.lives.values().find(|life| row["name"] == json!(life.node.name)).unwrap();
            let status = row["status"].as_str().unwrap();
            (life.logged_in && ["online", "offline"].contains(&status)).then(|| {
                json!({
                    "id": row["id"], "name": row["name"], "tailnet_ip": row["tailnet_ip"],
                    "public_key": row["public_key"], "endpoints": life.endpoints, "relay": null,
                    "online": status == "online",
                })
            })
        });
        peers.collect()
    }
}

async fn check(deeds: Vec<Deed>) {
    let server = TestServer::start().await;
    let ephemeral = server.auth_key(json!({ "reusable": true, "ephemeral": true })).await.1;
    let keys = [reusable_key(&server).await, ephemeral];
    let watcher = Node::register(&server, &keys[0], "watcher", 9).await;
    let (mut often, mut seldom) = (Known::default(), Known::default());
    let mut history = History { server, keys, lives: BTreeMap::new() };
    let last = deeds.len() - 1;
    for (place, deed) in deeds.iter().enumerate() {
        history.follow(deed).await;
        let full = watcher.full(&history.server).await;
        let mut by_name: Vec<_> = full.peers.values().cloned().collect();
        by_name.sort_by_key(|peer| peer["name"].to_string());
        assert_eq!(by_name, history.expected().await, "the whole map after {deed:?}");
        let asking: &mut [&mut Known] = match deed {
            Deed::Ask => &mut [&mut often, &mut seldom],
            _ if place == last => &mut [&mut often, &mut seldom],
            _ => &mut [&mut often],
        };
        for known in asking {
            let told = watcher.map(&history.server, known.version, 0).await;
            known.learn(told.data());
            assert_eq!(**known, full, "the changes up to {deed:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn replayed_changes_equal_the_full_map(deeds in deeds()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(check(deeds));
    }
}
