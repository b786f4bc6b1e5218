//! The state: people, sessions, keys, machines and the time.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::{Answer, Departure, Request};

/// Seconds since 1970.
pub(super) type Seconds = i64;

pub(super) const DAY: Seconds = 86_400;
const SESSION: Seconds = 180 * DAY;
/// How long a machine may send no heartbeat before it counts as offline; the documents leave this open.
pub(super) const SILENCE: Seconds = 5 * 60;
const EPHEMERAL: Seconds = 30 * 60;

/// Email, role and organisation. Passwords are the addresses reversed.
const PEOPLE: [(&str, &str, &str); 4] = [
    ("ada@north.example", "admin", "north"),
    ("olga@north.example", "owner", "north"),
    ("mo@north.example", "member", "north"),
    ("zoe@south.example", "admin", "south"),
];

#[derive(Clone)]
pub(super) struct AuthKey {
    pub(super) id: Uuid,
    pub(super) org: String,
    pub(super) name: String,
    /// The 64 characters after the prefix.
    pub(super) secret: String,
    pub(super) reusable: bool,
    pub(super) ephemeral: bool,
    pub(super) created: Seconds,
    pub(super) expires: Seconds,
    pub(super) allowed_tags: Option<Vec<String>>,
    pub(super) allowed_cidrs: Option<Vec<String>>,
    pub(super) tags: Vec<String>,
    pub(super) used: i64,
    pub(super) revoked: bool,
}

#[derive(Clone)]
pub(super) struct ApiKey {
    pub(super) id: Uuid,
    pub(super) org: String,
    pub(super) name: String,
    /// The SHA-256 of the whole key, in hex.
    pub(super) hash: String,
    /// What lists show of the key.
    pub(super) prefix: String,
    pub(super) scopes: Vec<String>,
    pub(super) rate: usize,
    pub(super) created: Seconds,
    pub(super) expires: Seconds,
    pub(super) revoked: bool,
    pub(super) uses: u64,
    /// The times of recent requests: a sliding log rather than fixed windows.
    pub(super) lately: Vec<Seconds>,
}

pub(super) struct Machine {
    pub(super) id: Uuid,
    pub(super) org: String,
    pub(super) name: String,
    pub(super) address: Ipv4Addr,
    pub(super) tags: Vec<String>,
    pub(super) ephemeral: bool,
    pub(super) quarantined: bool,
    pub(super) seen: Seconds,
    pub(super) created: Seconds,
    pub(super) tokens: Vec<String>,
}

/// The sender of a request.
#[derive(Clone)]
pub(super) enum Caller {
    Person { role: &'static str, org: &'static str },
    Program(ApiKey),
}

pub(super) struct World {
    departure: Option<Departure>,
    ahead: Seconds,
    sessions: HashMap<String, (usize, Seconds)>,
    pub(super) auth_keys: Vec<AuthKey>,
    pub(super) api_keys: Vec<ApiKey>,
    pub(super) machines: Vec<Machine>,
    pub(super) registering: HashSet<String>,
    machines_ever: u32,
}

impl World {
    pub(super) fn new(departure: Option<Departure>) -> Self {
        Self {
            departure,
            ahead: 0,
            sessions: HashMap::new(),
            auth_keys: Vec::new(),
            api_keys: Vec::new(),
            machines: Vec::new(),
            registering: HashSet::new(),
            machines_ever: 0,
        }
    }

    pub(super) fn departs(&self, departure: Departure) -> bool {
        self.departure == Some(departure)
    }

    pub(super) fn now(&self) -> Seconds {
        let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        Seconds::try_from(passed).unwrap() + self.ahead
    }

    /// Returns the next free address of the tailnet.
    pub(super) fn next_address(&mut self) -> Ipv4Addr {
        self.machines_ever += 1;
        Ipv4Addr::from(u32::from(Ipv4Addr::new(100, 99, 0, 0)) + self.machines_ever)
    }

    /// Removes ephemeral machines that have been offline for too long.
    pub(super) fn tidy(&mut self) {
        let now = self.now();
        let forever = self.departs(Departure::EphemeralStays);
        self.machines
            .retain(|machine| forever || !machine.ephemeral || now - machine.seen < SILENCE + EPHEMERAL);
    }

    pub(super) fn log_in(&mut self, request: &Request) -> Answer {
        let email = request.text("email").unwrap_or_default();
        let password: String = email.chars().rev().collect();
        let known = PEOPLE.iter().position(|(known, _, _)| *known == email);
        match known {
            Some(person) if request.text("password") == Some(&password) => {
                let token = format!("north.{}.{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
                self.sessions.insert(token.clone(), (person, self.now() + SESSION));
                Answer::json(
                    200,
                    json!({ "access_token": token, "token_type": "Bearer", "expires_in": SESSION }),
                )
            }
            _ => Answer::refusal(403, "WRONG_PASSWORD", "Wrong password"),
        }
    }

    pub(super) fn advance(&mut self, request: &Request) -> Answer {
        match request.field("advance_seconds").and_then(serde_json::Value::as_i64) {
            Some(seconds) => {
                self.ahead += seconds;
                Answer::empty(204)
            }
            None => Answer::refusal(400, "SECONDS", "advance_seconds is a number"),
        }
    }

    /// Returns the sender of a request, if it is known, and counts the use of an API key.
    pub(super) fn caller(&mut self, request: &Request) -> Result<Caller, Answer> {
        let nobody = || Answer::refusal(401, "UNAUTHORIZED", "Please log in");
        let bearer = request.bearer.as_deref().ok_or_else(nobody)?;
        let now = self.now();
        if let Some((person, expires)) = self.sessions.get(bearer) {
            let Some((_, role, org)) = PEOPLE.get(*person).filter(|_| *expires > now) else {
                return Err(nobody());
            };
            return Ok(Caller::Person { role, org });
        }
        let (no_credential, unlimited) =
            (self.departs(Departure::ApiKeysAreNoCredentials), self.departs(Departure::RateUnchecked));
        let key = self
            .api_keys
            .iter_mut()
            .find(|key| key.hash == hash(bearer) && !no_credential)
            .ok_or_else(nobody)?;
        if key.revoked || key.expires <= now {
            return Err(Answer::refusal(403, "API_KEY_OVER", "This API key is over"));
        }
        key.lately.retain(|use_| now - use_ < 60);
        if key.lately.len() >= key.rate && !unlimited {
            return Err(Answer::refusal(503, "SLOW_DOWN", "Too many requests"));
        }
        key.lately.push(now);
        key.uses += 1;
        Ok(Caller::Program(key.clone()))
    }
}

impl Caller {
    pub(super) fn is_of(&self, org: &str) -> bool {
        match self {
            Self::Person { org: own, .. } => *own == org,
            Self::Program(key) => key.org == org,
        }
    }

    /// Whether the caller is an admin, or an API key whose scopes allow it.
    pub(super) fn is_admin(&self) -> bool {
        !matches!(self, Self::Person { role: "member", .. })
    }

    /// Whether the caller has one of these scopes. People, and keys without scopes, have all.
    pub(super) fn has_one_of(&self, scopes: &[&str]) -> bool {
        match self {
            Self::Person { .. } => true,
            Self::Program(key) => {
                key.scopes.is_empty() || key.scopes.iter().any(|scope| scopes.contains(&scope.as_str()))
            }
        }
    }

    pub(super) fn membership(&self) -> (&str, &str) {
        match self {
            Self::Person { role, org } => (org, role),
            Self::Program(key) => (&key.org, "admin"),
        }
    }
}

/// 32 random bytes in hexadecimal.
pub(super) fn secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// The SHA-256 of a key, in hex.
pub(super) fn hash(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A moment that was written as the tables show it.
pub(super) fn seconds(moment: &str) -> Option<Seconds> {
    OffsetDateTime::parse(moment, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

/// A time as lists show it.
pub(super) fn moment(at: Seconds) -> String {
    OffsetDateTime::from_unix_timestamp(at).unwrap().format(&Rfc3339).unwrap()
}
