//! A control plane on a file, and a reusable key of it.

use std::path::Path;

use mock_server::app::{self, Config, Fixture, Server};
use mock_server::store::Location;

use crate::clients::{Client, Load};
use crate::organisation::{FIXTURE, ORGANISATION};

pub(crate) struct Plane {
    server: Server,
    pub(crate) key: String,
}

impl Plane {
    pub(crate) async fn start(path: &Path) -> Self {
        let mut config = Config::embedded(Fixture::parse(FIXTURE, "the bench").unwrap());
        config.database = Location::File(path.into());
        let server = app::start(config).await.unwrap();
        let token = &server.ready().admin.as_ref().unwrap().token;
        let body =
            format!(r#"{{"action":"create_auth_key","org_id":"{ORGANISATION}","name":"k","reusable":true}}"#);
        let mut client = Client::connect(server.address()).await;
        let answer = client.post("/api/key-management", token, &body).await;
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let key = answer["data"]["key"].as_str().unwrap().to_owned();
        Self { server, key }
    }

    /// That many clients that register machines.
    pub(crate) fn load(&self, clients: usize) -> Load {
        Load::new(self.server.address(), "/api/register-machine", &self.key, clients)
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }
}
