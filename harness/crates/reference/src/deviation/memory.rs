//! What a deviant remembers of what passed: the reference's answers, before they are bent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::front::Sessions;
use harness_model::scenario::model::Identity;

use super::exchange::{Asked, Told};

const DAY: u64 = 86_400;

/// What a deviant remembers from one request to the next.
#[derive(Debug, Default)]
pub struct Memory {
    /// How much time has passed on the reference's clock.
    pub now: Duration,
    /// The keys issued, in their order.
    pub keys: Vec<IssuedKey>,
    /// Every successful registration with an auth key, in their order.
    pub registrations: Vec<Registration>,
    /// How many registrations with a key were refused, by the whole key.
    pub refusals: BTreeMap<String, u64>,
    /// How many requests are under way now, by what they are about.
    pub under_way: BTreeMap<String, u64>,
    /// Machines that were deleted, by id.
    pub deleted: BTreeSet<String>,
    /// What a deviation keeps for itself.
    pub own: BTreeMap<String, Value>,
    sessions: Sessions,
}

/// A key of either kind.
#[derive(Debug, Clone)]
pub struct IssuedKey {
    /// Its id.
    pub id: String,
    /// The whole key.
    pub key: String,
    /// What was asked for, as the client asked.
    pub asked: Value,
    /// What was answered, as the reference answered.
    pub told: Value,
    /// When it ends on the reference's clock.
    pub ends: Duration,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// A machine that registered.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The machine's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The whole auth key.
    pub key: String,
    /// Its credential.
    pub token: String,
    /// When it was last heard of, on the reference's clock.
    pub seen: Duration,
    /// Its node key's public half, as it was sent.
    pub public_key: String,
}

impl Memory {
    /// Nothing yet, but who the people are.
    pub(crate) fn of(sessions: Sessions) -> Self {
        Self { sessions, ..Self::default() }
    }

    pub(crate) fn time_passed(&mut self, by: Duration, sessions: Sessions) {
        self.now += by;
        self.sessions = sessions;
    }

    /// A session of that person's.
    pub fn session(&self, identity: Identity) -> Option<&String> {
        self.sessions.get(&identity)
    }

    /// Whether the request comes from that person.
    pub fn is_by(&self, asked: &Asked, identity: Identity) -> bool {
        self.person(asked.token.as_ref()) == Some(identity)
    }

    /// The key of that whole text.
    pub fn key(&self, key: &str) -> Option<&IssuedKey> {
        self.keys.iter().find(|issued| issued.key == key)
    }

    /// The key of that id.
    pub fn key_by_id(&self, id: &Value) -> Option<&IssuedKey> {
        self.keys.iter().find(|issued| id == issued.id.as_str())
    }

    /// How often a machine registered with that key.
    pub fn uses(&self, key: &str) -> u64 {
        u64::try_from(self.registrations.iter().filter(|registered| registered.key == key).count())
            .unwrap_or(u64::MAX)
    }

    /// Who a token says that its holder is.
    pub fn person(&self, token: Option<&String>) -> Option<Identity> {
        let who = token.and_then(|token| email(token))?;
        self.sessions
            .iter()
            .find(|(_, session)| email(session).as_ref() == Some(&who))
            .map(|(person, _)| *person)
    }

    /// The registrations with that key.
    pub fn enrolled_with<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Registration> {
        self.registrations.iter().filter(move |registered| registered.key == key)
    }

    /// The last registration under that name.
    pub fn named(&self, name: &str) -> Option<&Registration> {
        self.registrations.iter().rev().find(|registered| registered.name == name)
    }

    /// Learns from an exchange as the reference answered it.
    pub(crate) fn learn(&mut self, asked: &Asked, told: &Told) {
        let data = &told.json["data"];
        match asked.path.as_str() {
            "/api/register-machine" if told.is_success() && asked.registers() => {
                self.registrations.push(Registration {
                    id: text(&data["machine"]["id"]),
                    name: text(&asked.json["name"]),
                    key: text(&asked.json["auth_key"]),
                    token: text(&data["machine_token"]),
                    seen: self.now,
                    public_key: text(&asked.json["public_key"]),
                });
            }
            "/api/register-machine" if asked.registers() => {
                *self.refusals.entry(text(&asked.json["auth_key"])).or_default() += 1;
            }
            "/api/heartbeat" if told.is_success() => {
                let heard = |known: &&mut Registration| Some(&known.token) == asked.token.as_ref();
                if let Some(known) = self.registrations.iter_mut().find(heard) {
                    known.seen = self.now;
                }
            }
            "/api/machine-admin" if told.is_success() && asked.json["action"] == "delete" => {
                self.deleted.insert(text(&asked.json["machine_id"]));
            }
            "/api/key-management" | "/api/api-keys" if told.is_success() => self.learn_key(asked, data),
            _ => {}
        }
    }

    fn learn_key(&mut self, asked: &Asked, data: &Value) {
        if asked.creates_key() {
            let days = data["expiry_days"].as_u64().map(|days| days * DAY);
            let seconds = days.or(asked.json["expires_in"].as_u64()).unwrap_or_default();
            self.keys.push(IssuedKey {
                id: text(&data["id"]),
                key: text(&data["key"]),
                asked: asked.json.clone(),
                told: data.clone(),
                ends: self.now + Duration::from_secs(seconds),
                revoked: false,
            });
        } else if let Some(known) = self.keys.iter_mut().find(|known| asked.json["key_id"] == *known.id) {
            known.revoked = true;
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Whose token it is, as its second part says (RFC 7519).
fn email(token: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims["email"].as_str().map(str::to_owned)
}
