//! The organisations and users a fresh database starts with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{fmt, thread};

use serde::Deserialize;

use super::StartError;
use crate::control::{Random, password};
use crate::domain::site::Site;
use crate::domain::{Role, Timestamp};
use crate::store::{StoreError, Tx, organisations, users};

const BUILT_IN: &str = include_str!("../../../fixtures/organisations.toml");

/// Organisations and users, read and checked; clones share it, so the passwords are hashed once.
#[derive(Clone)]
pub struct Fixture {
    seed: Arc<Seed>,
}

pub(super) struct Seed {
    pub(super) organisations: Vec<Organisation>,
    pub(super) users: Vec<User>,
    pub(super) session: Session,
    pub(super) regions: Vec<Site>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    organisation: Vec<Organisation>,
    user: Vec<UserEntry>,
    session: SessionEntry,
    #[serde(default)]
    region: Vec<RegionEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organisation {
    pub(super) id: String,
    name: String,
    machine_limit: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    email: String,
    name: String,
    password: String,
    roles: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionEntry {
    lifetime: String,
    device_code_lifetime: String,
    device_poll_interval: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionEntry {
    code: String,
    name: String,
    url: Option<String>,
}

pub(super) struct User {
    pub(super) email: String,
    name: String,
    pub(super) password: String,
    password_hash: String,
    pub(super) roles: Vec<(String, Role)>,
}

pub(super) struct Session {
    pub(super) lifetime: Duration,
    pub(super) device_code_lifetime: Duration,
    pub(super) device_poll_interval: Duration,
}

impl Fixture {
    /// `fixtures/organisations.toml` as it was when the program was built; read once a process.
    pub fn built_in() -> Result<Self, StartError> {
        static FIXTURE: OnceLock<Fixture> = OnceLock::new();
        if let Some(fixture) = FIXTURE.get() {
            return Ok(fixture.clone());
        }
        let fixture = Self::parse(BUILT_IN, "the built-in fixture")?;
        Ok(FIXTURE.get_or_init(|| fixture).clone())
    }

    /// Reads a fixture file.
    pub fn load(path: &Path) -> Result<Self, StartError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| StartError::FixtureFile { path: path.into(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads a fixture; `origin` is what messages call it.
    pub fn parse(text: &str, origin: &str) -> Result<Self, StartError> {
        let wrong = |reason: String| StartError::Fixture { origin: origin.to_owned(), reason };
        let file: File = toml::from_str(text).map_err(|error| wrong(unreadable(text, &error)))?;
        let span = |name: &str, text: &str| {
            humantime::parse_duration(text)
                .map_err(|error| wrong(format!("session.{name} is {text:?}, which is no duration ({error})")))
        };
        let session = Session {
            lifetime: span("lifetime", &file.session.lifetime)?,
            device_code_lifetime: span("device_code_lifetime", &file.session.device_code_lifetime)?,
            device_poll_interval: span("device_poll_interval", &file.session.device_poll_interval)?,
        };
        if file.organisation.is_empty() {
            return Err(wrong("there must be at least one [[organisation]]".to_owned()));
        }
        if let Some(id) = repeated(file.organisation.iter().map(|organisation| organisation.id.clone())) {
            return Err(wrong(format!("there is more than one [[organisation]] with the id {id}")));
        }
        if let Some(email) = repeated(file.user.iter().map(|user| user.email.to_lowercase())) {
            return Err(wrong(format!("there is more than one [[user]] with the email {email}")));
        }
        let hashes = hash_all(&file.user).map_err(wrong)?;
        let mut users = Vec::with_capacity(file.user.len());
        for (entry, password_hash) in file.user.into_iter().zip(hashes) {
            let roles = roles(&entry, &file.organisation).map_err(wrong)?;
            let UserEntry { email, name, password, .. } = entry;
            users.push(User { email: email.to_lowercase(), name, password, password_hash, roles });
        }
        let regions = regions(file.region).map_err(wrong)?;
        let seed = Seed { organisations: file.organisation, users, session, regions };
        Ok(Self { seed: Arc::new(seed) })
    }

    pub(super) fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Fills a database that has no organisation yet; leaves any other as it is.
    pub fn apply(&self, tx: &mut Tx<'_>, random: &Random, now: Timestamp) -> Result<(), StoreError> {
        if organisations::count(tx)? > 0 {
            return Ok(());
        }
        for organisation in &self.seed.organisations {
            let limit = i64::from(organisation.machine_limit);
            organisations::insert(tx, &organisation.id, &organisation.name, limit, now)?;
        }
        for user in &self.seed.users {
            let id = random.id(now);
            users::insert(tx, &id, &user.email, &user.name, &user.password_hash, now)?;
            for (org_id, role) in &user.roles {
                users::join(tx, &id, org_id, *role)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").field("users", &self.seed.users.len()).finish_non_exhaustive()
    }
}

/// What is wrong with the text, with the line that is; a line with a password in it is named only.
fn unreadable(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let number = before.matches('\n').count();
    match text.lines().nth(number) {
        Some(line) if line.contains("password") => format!("line {}: {}", number + 1, error.message()),
        _ => error.to_string(),
    }
}

fn repeated(names: impl Iterator<Item = String>) -> Option<String> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(name.clone()))
}

fn regions(entries: Vec<RegionEntry>) -> Result<Vec<Site>, String> {
    if let Some(code) = repeated(entries.iter().map(|entry| entry.code.clone())) {
        return Err(format!("there is more than one [[region]] with the code {code}"));
    }
    if entries.iter().filter(|entry| entry.url.is_none()).count() > 1 {
        return Err(
            "more than one [[region]] has no url, and this server can be the relay of one only".to_owned()
        );
    }
    let site = |entry: RegionEntry| {
        let region = entry.code.parse().map_err(|error| format!("{error}"))?;
        let url = entry.url.map(|url| url.trim_end_matches('/').to_owned());
        match &url {
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => Err(format!(
                "the url of the region {region} is {url:?}; it has to begin with https:// or http://"
            )),
            _ => Ok(Site { region, name: entry.name, url }),
        }
    };
    entries.into_iter().map(site).collect()
}

fn roles(user: &UserEntry, organisations: &[Organisation]) -> Result<Vec<(String, Role)>, String> {
    let mut roles = Vec::with_capacity(user.roles.len());
    for (org_id, name) in &user.roles {
        if !organisations.iter().any(|organisation| organisation.id == *org_id) {
            return Err(format!("{} has a role in {org_id}, which is no [[organisation]]", user.email));
        }
        let role = Role::parse(name).ok_or_else(|| {
            format!("{} is {name:?} in {org_id}; expected \"owner\", \"admin\" or \"member\"", user.email)
        })?;
        roles.push((org_id.clone(), role));
    }
    Ok(roles)
}

// Hashing is slow on purpose, so all at once.
fn hash_all(users: &[UserEntry]) -> Result<Vec<String>, String> {
    let random = &Random::system();
    thread::scope(|scope| {
        let hashing: Vec<_> = users
            .iter()
            .map(|user| scope.spawn(move || password::hash(&user.password, random.bytes())))
            .collect();
        hashing
            .into_iter()
            .map(|thread| match thread.join() {
                Ok(hash) => hash.map_err(|error| format!("a password cannot be hashed: {error}")),
                Err(_) => Err("hashing a password broke off".to_owned()),
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_fixture_can_be_read_and_is_read_once() {
        let fixture = Fixture::built_in().unwrap();
        assert_eq!(fixture.seed().organisations.len(), 2);
        assert!(Arc::ptr_eq(&fixture.seed, &Fixture::built_in().unwrap().seed));
    }

    #[test]
    fn mistakes_are_named() {
        let session =
            "[session]\nlifetime = \"1h\"\ndevice_code_lifetime = \"1m\"\ndevice_poll_interval = \"1s\"\n";
        let organisation = "[[organisation]]\nid = \"o\"\nname = \"O\"\nmachine_limit = 1\n";
        let user = |roles: &str| {
            format!("[[user]]\nemail = \"a@b\"\nname = \"A\"\npassword = \"p\"\nroles = {{ {roles} }}\n")
        };
        for (text, expected) in [
            (format!("{session}{organisation}{}", user("x = \"admin\"")), "no [[organisation]]"),
            (format!("{session}{organisation}{}", user("o = \"boss\"")), "expected \"owner\""),
            (
                format!("{session}{organisation}{}[[region]]\ncode = \"BLR\"\nname = \"B\"\n", user("")),
                "such as blr1",
            ),
            (
                format!(
                    "{session}{organisation}{}[[region]]\ncode = \"a\"\nname = \"A\"\nurl = \"a\"\n",
                    user("")
                ),
                "has to begin with https://",
            ),
            (format!("{session}{organisation}{}colour = 1\n", user("")), "unknown field `colour`"),
            (
                format!("{}{organisation}{}", session.replace("1h", "soon"), user("")),
                "session.lifetime is \"soon\"",
            ),
            (
                format!("{session}{organisation}{organisation}{}", user("")),
                "more than one [[organisation]] with the id o",
            ),
            (
                format!("{session}{organisation}{}{}", user(""), user("").replace("a@b", "A@b")),
                "more than one [[user]] with the email a@b",
            ),
            (
                format!("{session}{organisation}{}", user("").replace("\"p\"", "\"s3cret")),
                "f.toml: line 12: ",
            ),
        ] {
            let message = Fixture::parse(&text, "f.toml").unwrap_err().to_string();
            assert!(message.starts_with("f.toml: ") && message.contains(expected), "{message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }
}
