//! The control plane that tests talk to, in this process.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use mock_server::api::State;
use mock_server::app::{self, AgentProgram, Config, Fixture, Ready, Server};
use mock_server::control::{Clock, ControlError, Random, upkeep};
use mock_server::store::{Location, Tx, users};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const ACME: &str = "org_9fX2kR";
pub(crate) const GLOBEX: &str = "org_b71LqT";
pub(crate) const ADMIN: &str = "admin@acme.example";
pub(crate) const OWNER: &str = "owner@acme.example";
pub(crate) const MEMBER: &str = "member@acme.example";
pub(crate) const OUTSIDER: &str = "admin@globex.example";

/// The base URL of a server that does not listen.
pub(crate) const BASE_URL: &str = "http://control.test";

/// A control plane with the built-in organisations. Requests go straight into its router; one that listens can be
/// reached by agents and other programs as well. Several replicas can stand for one control plane.
pub(crate) struct TestServer {
    /// The first replica's.
    pub(crate) state: State,
    /// Of which each request goes to the next.
    routers: Vec<Router>,
    requests: AtomicUsize,
    listening: Option<Server>,
}

impl TestServer {
    /// In memory, without a socket.
    pub(crate) async fn start() -> Self {
        Self::with(Self::config()).await
    }

    /// On that database. Servers that share one, even one after the other, need different seeds.
    pub(crate) async fn open(database: Location, seed: u64) -> Self {
        Self::with(Config { database, random: Random::seeded(seed), ..Self::config() }).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self::of(app::state(&config, BASE_URL.to_owned()).await.unwrap())
    }

    /// Replicas on one database with one clock, which requests reach in turn.
    pub(crate) async fn replicas(database: Location, count: u64, clock: Clock) -> Self {
        let mut config = Config { database, clock, ..Self::config() };
        let first = app::state(&config, BASE_URL.to_owned()).await.unwrap();
        let mut server = Self::of(first);
        for seed in 1..count {
            config.random = Random::seeded(100 + seed);
            let state = app::state(&config, BASE_URL.to_owned()).await.unwrap();
            server.routers.push(app::router(state));
        }
        server
    }

    pub(crate) fn of(state: State) -> Self {
        let routers = vec![app::router(state.clone())];
        Self { state, routers, requests: AtomicUsize::new(0), listening: None }
    }

    /// As [`TestServer::start`], except that requests for the network map wait for notifications alone.
    pub(crate) async fn notifying() -> Self {
        let mut state = app::state(&Self::config(), BASE_URL.to_owned()).await.unwrap();
        state.settings_mut().unwrap().map_poll_interval = Duration::from_secs(3600);
        Self::of(state)
    }

    /// In memory, listening on loopback.
    pub(crate) async fn listen() -> Self {
        Self::listen_with(Config::embedded(Fixture::built_in().unwrap())).await
    }

    pub(crate) async fn listen_with(config: Config) -> Self {
        let server = app::start(config).await.unwrap();
        let state = server.state().clone();
        Self { listening: Some(server), ..Self::of(state) }
    }

    /// The configuration of [`TestServer::start`]: the same keys and ids each time, and a trusted proxy network.
    pub(crate) fn config() -> Config {
        // Any file will do where nobody runs it.
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into();
        Config {
            random: Random::seeded(7),
            trusted_proxies: vec!["10.9.0.0/16".parse().unwrap()],
            agent_program: Some(AgentProgram { file, arguments: Vec::new() }),
            ..Config::embedded(Fixture::built_in().unwrap())
        }
    }

    /// Where one that listens answers, and who may use it.
    pub(crate) fn ready(&self) -> &Ready {
        self.listening.as_ref().expect("a server that listens").ready()
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.state.settings.base_url
    }

    /// Ends one that listens, as SIGTERM does.
    pub(crate) async fn stop(self) {
        self.listening.expect("a server that listens").stop().await;
    }

    /// Moves the clock and does what became due by it.
    pub(crate) async fn advance(&self, by: Duration) {
        self.advance_clock(by);
        upkeep::due(&self.state.store, self.state.clock.now(), &self.state.random).await.unwrap();
    }

    /// Moves the clock alone, as if upkeep had not run yet.
    pub(crate) fn advance_clock(&self, by: Duration) {
        self.state.clock.advance(by);
    }

    /// A fresh access token of that user.
    pub(crate) async fn token(&self, email: &'static str) -> String {
        let user_id = self.state.store.read(move |tx| users::id_by_email(tx, email)).await.unwrap().unwrap();
        let now = self.state.clock.now();
        self.state.settings.session.issue(&self.state.random.id(now), &user_id, email, now)
    }

    pub(crate) async fn get(&self, path: &str, bearer: &str) -> Answer {
        self.send("GET", path, bearer, "").await
    }

    pub(crate) async fn post(&self, path: &str, bearer: &str, body: &Value) -> Answer {
        self.send("POST", path, bearer, &body.to_string()).await
    }

    /// Sends a request from loopback, without a Content-Type. An empty `bearer` sends no credential.
    pub(crate) async fn send(&self, method: &str, path: &str, bearer: &str, body: &str) -> Answer {
        self.send_request(request(method, path, bearer, body)).await
    }

    pub(crate) async fn send_request(&self, request: Request<Body>) -> Answer {
        let request_number = self.requests.fetch_add(1, Ordering::Relaxed);
        let router = &self.routers[request_number % self.routers.len()];
        let response = router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Answer { status, headers, text, body }
    }

    /// Sends the admin's key-management request.
    pub(crate) async fn manage(&self, body: &Value) -> Answer {
        self.post("/api/key-management", &self.token(ADMIN).await, body).await
    }

    /// Creates an auth key in Acme; its id and the key.
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

    /// Registers a machine with these fields besides, or instead; `<absent>` leaves a field out.
    pub(crate) async fn register_with(&self, key: &str, name: &str, fields: Value) -> Answer {
        let mut body = json!({ "auth_key": key, "name": name, "public_key": key_of(name) });
        merge(&mut body, fields);
        self.post("/api/register-machine", "", &body).await
    }

    /// Sends the admin's order about a machine of Acme.
    pub(crate) async fn administer(&self, action: &str, machine_id: &str) -> Answer {
        let body = json!({ "action": action, "org_id": ACME, "machine_id": machine_id });
        self.post("/api/machine-admin", &self.token(ADMIN).await, &body).await
    }

    pub(crate) async fn in_store<T: Send + 'static>(
        &self,
        job: impl Fn(&mut Tx<'_>) -> Result<T, ControlError> + Send + 'static,
    ) -> T {
        self.state.store.write(job).await.unwrap()
    }

    /// How often the auth key was used, how many machines Acme has, and how many its address pool counts.
    pub(crate) async fn counts(&self, key_id: &str) -> (i64, i64, i64) {
        let key_id = key_id.to_owned();
        self.in_store(move |tx| {
            let mut count = |sql: &str, values: &[mock_server::store::Value<'_>]| {
                Ok::<_, ControlError>(tx.optional(sql, values, |row| row.integer(0))?.unwrap_or(-1))
            };
            Ok((
                count("SELECT used_count FROM auth_keys WHERE id = ?1", mock_server::values![&key_id])?,
                count("SELECT count(*) FROM machines WHERE org_id = ?1", mock_server::values![ACME])?,
                count("SELECT machines FROM address_pools WHERE org_id = ?1", mock_server::values![ACME])?,
            ))
        })
        .await
    }

    /// How many rows a table has.
    pub(crate) async fn rows(&self, table: &'static str) -> i64 {
        let counted = self.in_store(move |tx| {
            Ok(tx.optional(&format!("SELECT count(*) FROM {table}"), &[], |row| row.integer(0))?)
        });
        counted.await.unwrap()
    }
}

/// A response, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The text as JSON, null if it is not JSON.
    pub(crate) body: Value,
}

impl Answer {
    /// The data of a success in the envelope.
    pub(crate) fn data(&self) -> &Value {
        assert!(self.status.is_success() && self.body["success"] == true, "{self:?}");
        &self.body["data"]
    }

    pub(crate) fn into_data(mut self) -> Value {
        self.data();
        self.body["data"].take()
    }

    /// Status, code and message of a refusal in the envelope.
    pub(crate) fn refusal(&self) -> (u16, &str, &str) {
        assert_eq!(self.body["success"], false, "{self:?}");
        let text = |field: &str| self.body["error"][field].as_str().unwrap();
        assert!(!text("message").is_empty(), "{self:?}");
        (self.status.as_u16(), text("code"), text("message"))
    }

    /// Status and code of a refusal.
    pub(crate) fn status_and_code(&self) -> (u16, &str) {
        let (status, code, _) = self.refusal();
        (status, code)
    }

    pub(crate) fn code(&self) -> &str {
        self.refusal().1
    }

    pub(crate) fn message(&self) -> &str {
        self.refusal().2
    }
}

/// A request from loopback, without a Content-Type. An empty `bearer` sends no credential.
pub(crate) fn request(method: &str, path: &str, bearer: &str, body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !bearer.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
    }
    let peer: SocketAddr = "127.0.0.1:40000".parse().unwrap();
    request.extension(ConnectInfo(peer)).body(Body::from(body.to_owned())).unwrap()
}

/// A WireGuard public key, base64.
pub(crate) fn public_key(byte: u8) -> String {
    BASE64_STANDARD.encode([byte; 32])
}

/// A public key of the machine with this name: machines of one organisation never share a key.
pub(crate) fn key_of(name: &str) -> String {
    let hash = mock_server::domain::key::material::sha256(name);
    BASE64_STANDARD.encode(hex::decode(hash).unwrap())
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
