//! Stands between the kit and the reference, and bends what passes.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::deviation::Deviation;

/// A request on its way to the reference.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) token: Option<String>,
    /// Null if it is no JSON.
    pub(crate) json: Value,
}

/// An answer on its way back.
pub(crate) struct Told {
    pub(crate) status: u16,
    /// Null if it is no JSON.
    pub(crate) json: Value,
}

/// What a deviant remembers from one request to the next.
#[derive(Default)]
pub(crate) struct Memory {
    /// Session tokens by e-mail address.
    pub(crate) sessions: HashMap<String, String>,
    /// Whole keys, as they were answered.
    pub(crate) keys: Vec<String>,
    /// Auth keys that enrolled a machine.
    pub(crate) used: Vec<String>,
    /// The public keys of each machine, in the order in which it registered with them.
    pub(crate) node_keys: HashMap<String, Vec<String>>,
    /// How many registrations were refused.
    pub(crate) refusals: u64,
}

#[derive(Clone)]
struct Layer {
    base_url: String,
    deviation: Deviation,
    memory: Arc<Mutex<Memory>>,
    clients: Arc<Mutex<HashMap<IpAddr, reqwest::Client>>>,
}

/// Listens in front of the reference; returns where.
pub(crate) async fn start(base_url: &str, deviation: Deviation) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = format!("http://{}", listener.local_addr().unwrap());
    let layer =
        Layer { base_url: base_url.to_owned(), deviation, memory: Arc::default(), clients: Arc::default() };
    let router = Router::new().fallback(pass).with_state(layer);
    tokio::spawn(async move {
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
    });
    here
}

async fn pass(
    State(layer): State<Layer>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1024 * 1024).await.unwrap();
    let bearer = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
    let query = parts.uri.query().unwrap_or_default();
    let asked = Asked {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        token: bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned),
        json: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let mut bent = asked.clone();
    if let Some(told) = (layer.deviation.ask)(&mut bent, &layer.memory.lock().unwrap()) {
        return answer(told.status, told.json.to_string().into());
    }
    let (status, body) = forward(&layer, peer.ip(), &asked, bent, parts.headers, body).await;
    let Ok(json) = serde_json::from_slice(&body) else { return answer(status, body) };
    let mut told = Told { status, json };
    let mut memory = layer.memory.lock().unwrap();
    memory.learn(&asked, &told);
    (layer.deviation.tell)(&asked, &mut told, &memory);
    answer(told.status, told.json.to_string().into())
}

async fn forward(
    layer: &Layer,
    peer: IpAddr,
    asked: &Asked,
    bent: Asked,
    mut headers: HeaderMap,
    body: Bytes,
) -> (u16, Bytes) {
    for name in ["host", "content-length", "connection", "transfer-encoding", "authorization"] {
        // What came as another scheme than Bearer goes on as it is.
        if name != "authorization" || asked.token.is_some() {
            headers.remove(name);
        }
    }
    let client = layer.clients.lock().unwrap().entry(peer).or_insert_with(|| client(peer)).clone();
    let mut request =
        client.request(bent.method, format!("{}{}", layer.base_url, bent.path)).headers(headers);
    if !bent.query.is_empty() {
        request = request.query(&bent.query);
    }
    if let Some(token) = &bent.token {
        request = request.bearer_auth(token);
    }
    let body = if bent.json == asked.json { body } else { bent.json.to_string().into() };
    let answer = request.body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap())
}

/// The reference sees whom the layer sees.
fn client(peer: IpAddr) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).local_address(peer).build().unwrap()
}

fn answer(status: u16, body: Bytes) -> Response {
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], body).into_response()
}

impl Memory {
    fn learn(&mut self, asked: &Asked, told: &Told) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let good = told.status < 300;
        match asked.path.as_str() {
            "/api/auth/login" if good => {
                let session = text(&asked.json["email"]).zip(text(&told.json["data"]["access_token"]));
                self.sessions.extend(session);
            }
            "/api/register-machine" if good => {
                self.used.extend(text(&asked.json["auth_key"]));
                if let Some((name, key)) = text(&asked.json["name"]).zip(text(&asked.json["public_key"])) {
                    self.node_keys.entry(name).or_default().push(key);
                }
            }
            "/api/register-machine" => self.refusals += 1,
            "/api/key-management" | "/api/api-keys" if good => {
                self.keys.extend(text(&told.json["data"]["key"]));
            }
            _ => {}
        }
    }
}
