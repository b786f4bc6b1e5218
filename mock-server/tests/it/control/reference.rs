//! A control plane in memory, called through its router.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, StatusCode, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mock_server::api::{self, State};
use mock_server::app::{self, AgentProgram, Config, Fixture};
use mock_server::control::{Random, upkeep};
use mock_server::store::{Location, StoreError, users};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const ACME: &str = "org_9fX2kR";
pub(crate) const GLOBEX: &str = "org_b71LqT";
pub(crate) const ADMIN: &str = "admin@acme.example";
pub(crate) const OWNER: &str = "owner@acme.example";
pub(crate) const MEMBER: &str = "member@acme.example";
pub(crate) const OUTSIDER: &str = "admin@globex.example";

pub(crate) struct Reference {
    pub(crate) state: State,
    router: Router,
}

/// An answer: its status and its body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    /// Status, code and message of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str, &str) {
        assert_eq!(self.body["success"], json!(false), "{self:?}");
        let text = |field: &str| self.body["error"][field].as_str().unwrap();
        (self.status.as_u16(), text("code"), text("message"))
    }

    pub(crate) fn code(&self) -> &str {
        self.refusal().1
    }

    /// The data of a good answer.
    pub(crate) fn data(&self) -> &Value {
        assert_eq!(self.body["success"], json!(true), "{self:?}");
        &self.body["data"]
    }
}

fn config(database: Location, seed: u64) -> Config {
    let mut config = Config::embedded(Fixture::built_in().unwrap());
    config.database = database;
    config.random = Random::seeded(seed);
    config.trusted_proxies = vec!["10.9.0.0/16".parse().unwrap()];
    config.agent_program =
        Some(AgentProgram { file: "/nowhere/ztna".into(), arguments: vec!["it's".to_owned()] });
    config
}

impl Reference {
    pub(crate) async fn start() -> Self {
        Self::open(Location::Memory, 7).await
    }

    /// One that relays elsewhere may ask, who show this secret.
    pub(crate) async fn with_relay_secret(secret: &str) -> Self {
        let config = Config { relay_secret: Some(secret.to_owned()), ..config(Location::Memory, 7) };
        Self::of(&config).await
    }

    /// One on that database; those that share one, be it one after the other, need different seeds.
    pub(crate) async fn open(database: Location, seed: u64) -> Self {
        Self::of(&config(database, seed)).await
    }

    async fn of(config: &Config) -> Self {
        let state = app::state(config, "http://reference.test".to_owned()).await.unwrap();
        Self { router: api::router(state.clone()), state }
    }

    pub(crate) async fn token(&self, email: &'static str) -> String {
        let user_id = self.state.store.read(move |tx| users::id_by_email(tx, email)).await.unwrap().unwrap();
        self.state.settings.session.issue(&user_id, email, self.state.clock.now())
    }

    pub(crate) async fn advance(&self, by: Duration) {
        self.state.clock.advance(by);
        upkeep::due(&self.state.store, self.state.clock.now(), &self.state.random).await.unwrap();
    }

    /// An answer as it stands: status, Content-Type and text.
    pub(crate) async fn fetch(&self, request: Request<Body>) -> (StatusCode, String, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, kind, String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| panic!("{status}: not JSON: {}", String::from_utf8_lossy(&bytes)));
        Answer { status, body }
    }

    /// A POST of raw bytes without Content-Type, from loopback.
    pub(crate) async fn post_raw(&self, path: &str, token: Option<&str>, body: impl Into<Body>) -> Answer {
        self.send(request(path, token, body)).await
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        self.post_raw(path, token, body.to_string()).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        let request = Request::builder().uri(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A key-management call of Acme's admin.
    pub(crate) async fn manage(&self, body: &Value) -> Answer {
        let token = self.token(ADMIN).await;
        self.post("/api/key-management", Some(&token), body).await
    }

    /// A new auth key of Acme: its id and the key.
    pub(crate) async fn auth_key(&self, fields: Value) -> (String, String) {
        let mut body = json!({ "action": "create_auth_key", "org_id": ACME, "name": "test" });
        merge(&mut body, fields);
        let answer = self.manage(&body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let text = |field: &str| answer.data()[field].as_str().unwrap().to_owned();
        (text("id"), text("key"))
    }

    pub(crate) async fn register(&self, key: &str, name: &str) -> Answer {
        self.register_with(key, name, json!({})).await
    }

    pub(crate) async fn register_with(&self, key: &str, name: &str, fields: Value) -> Answer {
        let mut body = json!({ "auth_key": key, "name": name, "public_key": public_key(1) });
        merge(&mut body, fields);
        self.post("/api/register-machine", None, &body).await
    }

    /// How often the auth key was used, how many machines there are and what the pool counts.
    pub(crate) async fn counts(&self, key_id: &str) -> (i64, i64, i64) {
        let key_id = key_id.to_owned();
        let counted = self.state.store.read(move |tx| {
            let mut count = |sql: &str, values: &[mock_server::store::Value<'_>]| {
                Ok::<_, StoreError>(tx.optional(sql, values, |row| row.integer(0))?.unwrap_or(-1))
            };
            Ok::<_, StoreError>((
                count("SELECT used_count FROM auth_keys WHERE id = ?1", mock_server::values![&key_id])?,
                count("SELECT count(*) FROM machines WHERE org_id = ?1", mock_server::values![ACME])?,
                count("SELECT machines FROM address_pools WHERE org_id = ?1", mock_server::values![ACME])?,
            ))
        });
        counted.await.unwrap()
    }

    /// How many rows a table has.
    pub(crate) async fn rows(&self, table: &'static str) -> i64 {
        let counted = self
            .state
            .store
            .read(move |tx| tx.optional(&format!("SELECT count(*) FROM {table}"), &[], |row| row.integer(0)));
        counted.await.unwrap().unwrap()
    }
}

pub(crate) fn request(path: &str, token: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(Method::POST).uri(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let peer: SocketAddr = "127.0.0.1:40000".parse().unwrap();
    request.extension(ConnectInfo(peer)).body(body.into()).unwrap()
}

pub(crate) fn public_key(byte: u8) -> String {
    BASE64_STANDARD.encode([byte; 32])
}

fn merge(body: &mut Value, fields: Value) {
    let Value::Object(fields) = fields else { panic!("not fields: {fields}") };
    for (name, value) in fields {
        if value == json!("<absent>") {
            body.as_object_mut().unwrap().remove(&name);
        } else {
            body[&name] = value;
        }
    }
}
