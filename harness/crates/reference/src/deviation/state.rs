//! What a proxy has learned from the traffic: the reference's responses, before a deviation changed them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness_model::scenario::model::Identity;
use serde_json::Value;

use crate::front_proxy::Sessions;

use super::message::{ProxyRequest, ProxyResponse};

const DAY: u64 = 86_400;

/// The state of one proxy, kept from one request to the next.
#[derive(Debug, Default)]
pub struct ProxyState {
    /// How far the reference's clock was advanced since the proxy started.
    pub now: Duration,
    /// In the order in which they were issued.
    pub keys: Vec<IssuedKey>,
    /// Every successful registration with an auth key, in order; a machine that registers again appears again.
    pub registrations: Vec<Registration>,
    /// Refused registrations, by auth key.
    pub refused_registrations: BTreeMap<String, u64>,
    /// Ids of machines that were deleted.
    pub deleted_machines: BTreeSet<String>,
    /// Keys, tokens, ids or names that the active deviation must recognise again.
    pub marks: BTreeSet<String>,
    /// What the active deviation must remember of a key, a token, an id or a name.
    pub notes: BTreeMap<String, Value>,
    in_flight: BTreeMap<RequestTopic, u64>,
    sessions: Sessions,
}

/// A key of either kind.
#[derive(Debug, Clone)]
pub struct IssuedKey {
    pub id: String,
    pub kind: KeyKind,
    /// The whole key.
    pub key: String,
    pub name: String,
    /// The organisation, as it was sent.
    pub org_id: Value,
    /// The body of the request that created it, as the client sent it.
    pub requested: Value,
    /// The data of the reference's response.
    pub answered: Value,
    /// On the reference's clock, as [`ProxyState::now`].
    pub expires_at: Duration,
    pub is_revoked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    Auth,
    Api,
}

/// One successful registration with an auth key.
#[derive(Debug, Clone)]
pub struct Registration {
    pub machine_id: String,
    pub name: String,
    /// The whole auth key.
    pub key: String,
    pub token: String,
    /// The last registration or heartbeat, on the reference's clock.
    pub last_seen: Duration,
    /// The public half of the node key, as it was sent.
    pub public_key: String,
    /// Whether a heartbeat arrived since.
    pub has_heartbeat: bool,
}

/// What simultaneous requests have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RequestTopic {
    path: String,
    auth_key: String,
}

impl ProxyState {
    pub(crate) fn new(sessions: Sessions) -> Self {
        Self { sessions, ..Self::default() }
    }

    pub(crate) fn advance_clock(&mut self, by: Duration, sessions: Sessions) {
        self.now += by;
        self.sessions = sessions;
    }

    /// A valid session of that person.
    pub fn session(&self, identity: Identity) -> Option<&String> {
        self.sessions.get(&identity)
    }

    /// Whether the request carries a session of that person, valid or not.
    pub fn is_by(&self, request: &ProxyRequest, identity: Identity) -> bool {
        self.identity_of(request.token.as_ref()) == Some(identity)
    }

    /// The person that a token names; its signature and expiry are not checked.
    pub fn identity_of(&self, token: Option<&String>) -> Option<Identity> {
        let email = token.and_then(|token| email_claim(token))?;
        self.sessions
            .iter()
            .find(|(_, session)| email_claim(session).as_ref() == Some(&email))
            .map(|(identity, _)| *identity)
    }

    pub fn key(&self, key: &str) -> Option<&IssuedKey> {
        self.keys.iter().find(|issued| issued.key == key)
    }

    pub fn key_by_id(&self, id: &Value) -> Option<&IssuedKey> {
        self.keys.iter().find(|issued| id == issued.id.as_str())
    }

    /// How often machines registered with that key.
    pub fn uses(&self, key: &str) -> usize {
        self.registrations_with(key).count()
    }

    pub fn registrations_with<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Registration> {
        self.registrations.iter().filter(move |registration| registration.key == key)
    }

    /// The newest registration under that name.
    pub fn registration_named(&self, name: &str) -> Option<&Registration> {
        self.registrations.iter().rev().find(|registration| registration.name == name)
    }

    /// The first registration that was given the request's token as its credential.
    pub fn sender(&self, request: &ProxyRequest) -> Option<&Registration> {
        self.registrations.iter().find(|registration| Some(&registration.token) == request.token.as_ref())
    }

    /// Whether another request to the same path with the same auth key is being forwarded.
    pub fn is_contended(&self, request: &ProxyRequest) -> bool {
        self.in_flight.get(&RequestTopic::of(request)).is_some_and(|count| *count > 1)
    }

    pub(crate) fn request_forwarded(&mut self, request: &ProxyRequest) {
        *self.in_flight.entry(RequestTopic::of(request)).or_default() += 1;
    }

    pub(crate) fn request_answered(&mut self, request: &ProxyRequest) {
        if let Some(count) = self.in_flight.get_mut(&RequestTopic::of(request)) {
            *count -= 1;
        }
    }

    /// Learns from an exchange, as the reference answered it.
    pub(crate) fn learn(&mut self, request: &ProxyRequest, response: &ProxyResponse) {
        let data = &response.json["data"];
        match request.path.as_str() {
            "/api/register-machine" if response.is_success() && request.registers() => {
                self.registrations.push(Registration {
                    machine_id: text(&data["machine"]["id"]),
                    name: text(&request.json["name"]),
                    key: text(&request.json["auth_key"]),
                    token: text(&data["machine_token"]),
                    last_seen: self.now,
                    public_key: text(&request.json["public_key"]),
                    has_heartbeat: false,
                });
            }
            "/api/register-machine" if request.registers() => {
                *self.refused_registrations.entry(text(&request.json["auth_key"])).or_default() += 1;
            }
            "/api/heartbeat" if response.is_success() => {
                let is_sender = |known: &&mut Registration| Some(&known.token) == request.token.as_ref();
                if let Some(sender) = self.registrations.iter_mut().find(is_sender) {
                    sender.last_seen = self.now;
                    sender.has_heartbeat = true;
                }
            }
            "/api/machine-admin" if response.is_success() && request.json["action"] == "delete" => {
                self.deleted_machines.insert(text(&request.json["machine_id"]));
            }
            "/api/key-management" | "/api/api-keys" if response.is_success() => self.learn_key(request, data),
            _ => {}
        }
    }

    fn learn_key(&mut self, request: &ProxyRequest, data: &Value) {
        if request.creates_key() {
            let days = data["expiry_days"].as_u64().map(|days| days * DAY);
            let seconds = days.or(request.json["expires_in"].as_u64()).unwrap_or_default();
            self.keys.push(IssuedKey {
                id: text(&data["id"]),
                kind: if request.creates_auth_key() { KeyKind::Auth } else { KeyKind::Api },
                key: text(&data["key"]),
                name: text(&data["name"]),
                org_id: request.json["org_id"].clone(),
                requested: request.json.clone(),
                answered: data.clone(),
                expires_at: self.now + Duration::from_secs(seconds),
                is_revoked: false,
            });
        } else if let Some(known) = self.keys.iter_mut().find(|known| request.json["key_id"] == *known.id) {
            known.is_revoked = true;
        }
    }
}

impl IssuedKey {
    pub fn is_single_use(&self) -> bool {
        self.answered["reusable"] == false
    }

    pub fn is_ephemeral(&self) -> bool {
        self.answered["ephemeral"] == true
    }
}

impl RequestTopic {
    fn of(request: &ProxyRequest) -> Self {
        Self { path: request.path.clone(), auth_key: request.text("auth_key").to_owned() }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The `email` claim of a JSON Web Token (RFC 7519).
fn email_claim(token: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims["email"].as_str().map(str::to_owned)
}
