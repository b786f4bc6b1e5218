//! A control plane without a socket: requests go straight into the router.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use mock_server::api::{self, Settings};
use mock_server::app::{self, AgentProgram, Config, Fixture};
use mock_server::control::Failure;
use mock_server::domain::Timestamp;
use mock_server::domain::key::material::{Material, sha256};
use mock_server::domain::machine::Status;
use mock_server::store::auth_keys::{self, NewAuthKey};
use mock_server::store::{Tx, machines, users};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const ACME: &str = "org_9fX2kR";
pub(crate) const GLOBEX: &str = "org_b71LqT";
pub(crate) const ADMIN: &str = "admin@acme.example";
pub(crate) const MEMBER: &str = "member@acme.example";
pub(crate) const OUTSIDER: &str = "admin@globex.example";

pub(crate) struct Plane {
    pub(crate) state: api::State,
    pub(crate) router: Router,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn data(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        self.json()["data"].clone()
    }

    /// Status and code of a refusal, which must be in the envelope and say something.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let json = self.json();
        assert_eq!(json["success"], json!(false), "{json}");
        assert!(!json["error"]["message"].as_str().expect("a message").is_empty());
        (self.status.as_u16(), json["error"]["code"].as_str().expect("a code").to_owned())
    }

    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().expect("a message").to_owned()
    }
}

impl Plane {
    pub(crate) async fn start() -> Self {
        let mut config = Config::embedded(Fixture::built_in().expect("fixture"));
        // Any file will do where nobody runs it.
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into();
        config.agent_program = Some(AgentProgram { file, arguments: Vec::new() });
        let state = app::state(&config, "http://plane.test".to_owned()).await.expect("state");
        Self { router: api::router(state.clone()), state }
    }

    /// One whose devices have to wait that long between two questions.
    pub(crate) async fn polled_every(interval: Duration) -> Self {
        let mut state = Self::start().await.state;
        state.settings = Arc::new(Settings {
            session: state.settings.session.clone(),
            base_url: state.settings.base_url.clone(),
            trusted_proxies: Vec::new(),
            agent_program: None,
            relays: state.settings.relays.clone(),
            relay_secret_hash: None,
            device_code_lifetime: state.settings.device_code_lifetime,
            device_poll_interval: interval,
        });
        Self { router: api::router(state.clone()), state }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.state.clock.now()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.state.clock.advance(Duration::from_secs(seconds));
    }

    /// A fresh access token.
    pub(crate) async fn token(&self, email: &'static str) -> String {
        let id = self.in_store(move |tx| Ok(users::id_by_email(tx, email)?.expect("a user"))).await;
        self.state.settings.session.issue(&id, email, self.now())
    }

    pub(crate) async fn send(&self, method: &str, path: &str, bearer: &str, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !bearer.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 22).await.expect("a body");
        Answer { status, headers, text: String::from_utf8(bytes.to_vec()).expect("text") }
    }

    pub(crate) async fn get(&self, path: &str, bearer: &str) -> Answer {
        self.send("GET", path, bearer, "").await
    }

    pub(crate) async fn post(&self, path: &str, bearer: &str, body: &Value) -> Answer {
        self.send("POST", path, bearer, &body.to_string()).await
    }

    pub(crate) async fn in_store<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> T {
        self.state.store.write(job).await.expect("stored")
    }

    /// The body that adds an API key made by the client.
    pub(crate) fn client_key(&self, name: &str, secret: &str) -> Value {
        let expires_at = self.now().plus(Duration::from_secs(30 * 86_400)).to_string();
        json!({
            "org_id": ACME, "name": name, "key_hash": sha256(secret), "key_prefix": "ztna_0a1b2c3d...",
            "expires_at": expires_at,
        })
    }

    /// Adds an API key in Acme with these scopes and that limit; its secret and its row.
    pub(crate) async fn api_key(&self, scopes: Value, rate_limit_rpm: i64) -> (String, Value) {
        let secret = format!("ztna_{}", hex::encode(self.state.random.bytes::<32>()));
        let mut body = self.client_key("made by a test", &secret);
        body["scopes"] = scopes;
        body["rate_limit_rpm"] = rate_limit_rpm.into();
        let rows = self.post("/api/db/api_keys", &self.token(ADMIN).await, &body).await.data();
        (secret, rows[0].clone())
    }

    /// Adds an auth key; its id.
    pub(crate) async fn auth_key(&self, org_id: &'static str, name: &'static str, reusable: bool) -> String {
        let now = self.now();
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
            };
            Ok(auth_keys::insert(tx, &key, now)?)
        })
        .await;
        id
    }

    /// Adds an online machine that was heard of just now; its token.
    pub(crate) async fn machine(
        &self,
        org_id: &'static str,
        name: &'static str,
        address: &'static str,
    ) -> String {
        let now = self.now();
        let id = self.state.random.id(now);
        let token = format!("ztm_{id}");
        let token_hash = sha256(&token);
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
            Ok(machines::insert(tx, &machine, &token_hash)?)
        })
        .await;
        token
    }
}
