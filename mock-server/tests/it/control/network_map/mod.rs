//! The network map: what a machine learns about its peers, and when.

mod access_rules;
mod contents;
pub(crate) mod history;
mod waiting;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::test_server::{Answer, TestServer, public_key};

#[derive(Debug, Clone)]
struct Node {
    id: String,
    name: String,
    token: String,
}

/// What a machine knows of its peers after applying the answers so far.
#[derive(Debug, Clone, Default, PartialEq)]
struct ReplayedMap {
    version: i64,
    peers: BTreeMap<String, Value>,
}

impl Node {
    async fn register(server: &TestServer, key: &str, name: &str, key_byte: u8) -> Self {
        let answer = server.register_with(key, name, json!({ "public_key": public_key(key_byte) })).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            id: text(&answer.data()["machine"]["id"]),
            name: name.to_owned(),
            token: text(&answer.data()["machine_token"]),
        }
    }

    async fn map(&self, server: &TestServer, since: i64, wait: u32) -> Answer {
        server
            .get(&format!("/api/network-map?since={since}&wait={wait}&access_rules=true"), &self.token)
            .await
    }

    async fn full(&self, server: &TestServer) -> ReplayedMap {
        let mut known = ReplayedMap::default();
        known.apply(self.map(server, 0, 0).await.data());
        known
    }

    async fn heartbeat(&self, server: &TestServer, body: Value) -> Answer {
        server.post("/api/heartbeat", &self.token, &body).await
    }

    async fn logout(&self, server: &TestServer) -> Answer {
        server.post("/api/machine-logout", &self.token, &json!({})).await
    }
}

impl ReplayedMap {
    /// Applies an answer as its documentation says.
    fn apply(&mut self, data: &Value) {
        let version = data["version"].as_i64().unwrap();
        assert!(version >= self.version && version > 0, "from {} to {version}", self.version);
        if data["full"] == json!(true) {
            assert_eq!(data["removed"], json!([]));
            self.peers.clear();
        }
        for id in data["removed"].as_array().unwrap() {
            self.peers.remove(id.as_str().unwrap());
        }
        for peer in data["peers"].as_array().unwrap() {
            self.peers.insert(peer["id"].as_str().unwrap().to_owned(), peer.clone());
        }
        self.version = version;
    }

    fn peer(&self, name: &str) -> Option<&Value> {
        self.peers.values().find(|peer| peer["name"] == json!(name))
    }
}

async fn reusable_key(server: &TestServer) -> String {
    server.auth_key(json!({ "reusable": true })).await.1
}
