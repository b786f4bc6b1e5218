//! People, their sessions, and who sends a request.

use serde_json::json;
use uuid::Uuid;

use super::answer::Answer;
use super::api_key::{ApiKey, hash};
use super::departure::Departure;
use super::moment::{DAY, MINUTE};
use super::request::Request;
use super::session::Session;
use super::world::World;
use crate::independent::choices::Choice;

/// Email, role and organisation. Passwords are the addresses reversed.
const PEOPLE: [(&str, &str, &str); 4] = [
    ("ada@north.example", "admin", "north"),
    ("olga@north.example", "owner", "north"),
    ("mo@north.example", "member", "north"),
    ("zoe@south.example", "admin", "south"),
];

/// The sender of a request.
#[derive(Clone)]
pub(super) enum Caller {
    Person { role: &'static str, org: &'static str },
    Program(ApiKey),
}

impl Caller {
    pub(super) fn is_of(&self, org: &str) -> bool {
        self.membership().0 == org
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

    /// The organisation, and the role in it.
    pub(super) fn membership(&self) -> (&str, &str) {
        match self {
            Self::Person { role, org } => (org, role),
            Self::Program(key) => (&key.org, "admin"),
        }
    }
}

pub(super) fn log_in(world: &mut World, request: &Request) -> Answer {
    let email = request.text("email").unwrap_or_default();
    let password: String = email.chars().rev().collect();
    let known = PEOPLE.iter().position(|(known, _, _)| *known == email);
    match known {
        Some(person) if request.text("password") == Some(&password) => {
            let token = begin_session(world, person);
            match world.nature.chooses(Choice::SessionElsewhere) {
                true => Answer::json(201, json!({ "session": { "jwt": token } })),
                false => Answer::json(200, json!({ "access_token": token, "token_type": "Bearer" })),
            }
        }
        _ => Answer::refusal(403, "WRONG_PASSWORD", "Wrong password"),
    }
}

/// Begins another session of the person whose session this is.
pub(super) fn second_session(world: &mut World, token: &str) -> Option<String> {
    let session = *world.sessions.get(token).filter(|session| session.expires > world.now())?;
    Some(begin_session(world, session.person))
}

fn begin_session(world: &mut World, person: usize) -> String {
    let life = if world.nature.chooses(Choice::ShortSessions) { 15 * MINUTE } else { 180 * DAY };
    let token = format!("north.{}.{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let expires = world.now() + life;
    world.sessions.insert(token.clone(), Session { person, expires });
    token
}

/// Returns the sender of a request, if it is known, and counts the use of an API key.
pub(super) fn caller(world: &mut World, request: &Request) -> Result<Caller, Answer> {
    let nobody = || Answer::refusal(401, "UNAUTHORIZED", "Please log in");
    let bearer = request.bearer.as_deref().ok_or_else(nobody)?;
    let now = world.now();
    if let Some(session) = world.sessions.get(bearer) {
        let Some((_, role, org)) = PEOPLE.get(session.person).filter(|_| session.expires > now) else {
            return Err(nobody());
        };
        return Ok(Caller::Person { role, org });
    }
    let (nature, at) = (world.nature.clone(), world.milliseconds());
    let is_credential = !nature.departs(Departure::ApiKeysAreNoCredentials);
    let known = world.api_keys.iter_mut().find(|key| key.hash == hash(bearer) && is_credential);
    let key = known.ok_or_else(nobody)?;
    if key.revoked || key.expires <= now {
        return Err(match nature.chooses(Choice::SpentApiKeysAreUnknown) {
            true => nobody(),
            false => Answer::refusal(403, "API_KEY_OVER", "This API key is over"),
        });
    }
    if !key.has_room(at, &nature) && !nature.departs(Departure::RateUnchecked) {
        let status = if nature.chooses(Choice::TooManyRequests) { 429 } else { 503 };
        return Err(Answer::refusal(status, "SLOW_DOWN", "Too many requests"));
    }
    key.lately.push(at);
    if !nature.chooses(Choice::UsesCountedLater) {
        key.uses += 1;
    }
    Ok(Caller::Program(key.clone()))
}
