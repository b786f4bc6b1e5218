//! Control planes that share a schema, and reusable keys of it.

use std::time::Duration;

use futures::future::join_all;
use mock_server::app::{self, Config, Fixture, Server};

use crate::clients::{Client, Load};
use crate::database::Schema;
use crate::organisation::{FIXTURE, ORGANISATION};

/// How many connections create the keys.
const ISSUERS: usize = 16;

pub(crate) struct Replicas {
    servers: Vec<Server>,
    keys: Vec<String>,
}

impl Replicas {
    pub(crate) async fn start(schema: &Schema, replicas: usize, keys: usize) -> Self {
        let mut servers = Vec::new();
        for _ in 0..replicas {
            let mut config = Config::embedded(Fixture::parse(FIXTURE, "the bench").unwrap());
            config.database = schema.location.clone();
            servers.push(app::start(config).await.unwrap());
        }
        let issuers =
            (0..ISSUERS.min(keys)).map(|issuer| issue(&servers[0], (issuer..keys).step_by(ISSUERS)));
        let keys = join_all(issuers).await.into_iter().flatten().collect();
        Self { servers, keys }
    }

    /// Registrations a second of that many clients, each of which stays with one replica. Each `prefix` may be used once.
    pub(crate) async fn rate(&self, clients: usize, prefix: &str, span: Duration) -> f64 {
        let addresses = self.servers.iter().map(Server::address).collect();
        Load { addresses, path: "/api/register-machine".to_owned(), keys: self.keys.clone(), clients, span }
            .run(prefix)
            .await
    }

    pub(crate) async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
    }
}

async fn issue(server: &Server, numbers: impl Iterator<Item = usize>) -> Vec<String> {
    let token = &server.ready().admin.as_ref().unwrap().token;
    let mut client = Client::connect(server.address()).await;
    let mut keys = Vec::new();
    for number in numbers {
        let body = format!(
            r#"{{"action":"create_auth_key","org_id":"{ORGANISATION}","name":"k{number}","reusable":true}}"#
        );
        let answer = client.post("/api/key-management", token, &body).await;
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        keys.push(answer["data"]["key"].as_str().unwrap().to_owned());
    }
    keys
}
