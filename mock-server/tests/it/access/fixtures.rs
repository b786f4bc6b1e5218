//! Keys and machines for these tests, some written straight to the database.

use std::time::Duration;

use mock_server::domain::key::material::{Material, sha256};
use mock_server::domain::machine::Status;
use mock_server::store::auth_keys::{self, NewAuthKey};
use mock_server::store::machines;
use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, TestServer};

impl TestServer {
    /// The request body that stores an API key which the client generated.
    pub(crate) fn client_key(&self, name: &str, secret: &str) -> Value {
        let expires_at = self.state.clock.now().plus(Duration::from_secs(30 * 86_400)).to_string();
        json!({
            "org_id": ACME, "name": name, "key_hash": sha256(secret), "key_prefix": "ztna_0a1b2c3d...",
            "expires_at": expires_at,
        })
    }

    /// Creates an API key in Acme; returns the key and its row.
    pub(crate) async fn api_key(&self, scopes: Value, rate_limit_rpm: i64) -> (String, Value) {
        let secret = format!("ztna_{}", hex::encode(self.state.random.bytes::<32>()));
        let mut body = self.client_key("made by a test", &secret);
        body["scopes"] = scopes;
        body["rate_limit_rpm"] = rate_limit_rpm.into();
        let rows = self.post("/api/db/api_keys", &self.token(ADMIN).await, &body).await.into_data();
        (secret, rows[0].clone())
    }

    /// Stores an auth key and returns its id.
    pub(crate) async fn stored_auth_key(
        &self,
        org_id: &'static str,
        name: &'static str,
        reusable: bool,
    ) -> String {
        let now = self.state.clock.now();
        let id = self.state.random.id(now);
        let material = Material::auth_key(self.state.random.bytes());
        let stored = id.clone();
        self.in_store(move |tx| {
            let tags = ["server".to_owned(), "production".to_owned()];
            let key = NewAuthKey {
                id: &stored,
                org_id,
                name,
                key_hash: &material.hash,
                key_prefix: &material.prefix,
                reusable,
                ephemeral: false,
                expires_at: now.plus(Duration::from_secs(86_400)),
                allowed_tags: reusable.then_some(&tags[..]),
                allowed_cidrs: None,
                tags: None,
                description: None,
                created_by: "a test",
                api_key_id: None,
            };
            Ok(auth_keys::insert(tx, &key, now)?)
        })
        .await;
        id
    }

    /// Stores an online machine and returns its token.
    pub(crate) async fn stored_machine(
        &self,
        org_id: &'static str,
        name: &'static str,
        address: &'static str,
    ) -> String {
        let now = self.state.clock.now();
        let id = self.state.random.id(now);
        let Material { secret: token, hash: token_hash, .. } =
            Material::machine_token(&id, self.state.random.bytes()).unwrap();
        self.in_store(move |tx| {
            let machine = machines::Machine {
                id: id.clone(),
                org_id: org_id.to_owned(),
                name: name.to_owned(),
                tailnet_ip: address.to_owned(),
                status: Status::Online,
                tags: vec!["web".to_owned()],
                ephemeral: false,
                public_key: "key".to_owned(),
                endpoints: Vec::new(),
                relay: None,
                logged_in: true,
                auth_key_id: None,
                enrolled_by: None,
                os: None,
                version: None,
                created_at: now,
                last_seen: now,
            };
            Ok(machines::insert(tx, &machine, &token_hash, None)?)
        })
        .await;
        token
    }
}
