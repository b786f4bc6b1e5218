//! Fixtures: the initial organisations and users of an empty database.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{fmt, thread};

use serde::Deserialize;

use super::StartError;
use super::error::FixtureProblem;
use crate::control::{Random, password};
use crate::domain::site::Site;
use crate::domain::{Role, Timestamp};
use crate::store::{StoreError, Tx, organisations, users};

const BUILT_IN: &str = include_str!("../../../fixtures/organisations.toml");

/// A validated fixture, shared by its clones so that passwords are hashed only once.
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
    /// Returns `fixtures/organisations.toml` as of build time, parsed once per process.
    pub fn built_in() -> Result<Self, StartError> {
        static FIXTURE: OnceLock<Fixture> = OnceLock::new();
        if let Some(fixture) = FIXTURE.get() {
            return Ok(fixture.clone());
        }
        let fixture = Self::parse(BUILT_IN, "the built-in fixture")?;
        Ok(FIXTURE.get_or_init(|| fixture).clone())
    }

    pub fn load(path: &Path) -> Result<Self, StartError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| StartError::FixtureFile { path: path.into(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Parses a fixture; `origin` is its name in messages.
    pub fn parse(text: &str, origin: &str) -> Result<Self, StartError> {
        let seed = Seed::parse(text).map_err(|problem| StartError::Fixture {
            origin: origin.to_owned(),
            problem: Box::new(problem),
        })?;
        Ok(Self { seed: Arc::new(seed) })
    }

    pub(super) fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Initialises an empty database; leaves any other unchanged.
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
                users::add_membership(tx, &id, org_id, *role)?;
            }
        }
        Ok(())
    }
}

impl Seed {
    fn parse(text: &str) -> Result<Self, FixtureProblem> {
        let file: File = toml::from_str(text).map_err(|error| unreadable(text, &error))?;
        let duration = |field: &'static str, text: &str| {
            humantime::parse_duration(text).map_err(|source| FixtureProblem::Duration {
                field,
                text: text.to_owned(),
                source,
            })
        };
        let session = Session {
            lifetime: duration("lifetime", &file.session.lifetime)?,
            device_code_lifetime: duration("device_code_lifetime", &file.session.device_code_lifetime)?,
            device_poll_interval: duration("device_poll_interval", &file.session.device_poll_interval)?,
        };
        if file.organisation.is_empty() {
            return Err(FixtureProblem::NoOrganisation);
        }
        if let Some(value) =
            first_duplicate(file.organisation.iter().map(|organisation| organisation.id.clone()))
        {
            return Err(FixtureProblem::Duplicate { table: "organisation", field: "id", value });
        }
        if let Some(value) = first_duplicate(file.user.iter().map(|user| user.email.to_lowercase())) {
            return Err(FixtureProblem::Duplicate { table: "user", field: "email", value });
        }
        let hashes = hash_passwords(&file.user)?;
        let mut users = Vec::with_capacity(file.user.len());
        for (entry, password_hash) in file.user.into_iter().zip(hashes) {
            let roles = parse_roles(&entry, &file.organisation)?;
            let UserEntry { email, name, password, .. } = entry;
            users.push(User { email: email.to_lowercase(), name, password, password_hash, roles });
        }
        let regions = parse_regions(file.region)?;
        Ok(Self { organisations: file.organisation, users, session, regions })
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").field("users", &self.seed.users.len()).finish_non_exhaustive()
    }
}

/// Describes a syntax error with its line, but does not quote a line that contains a password.
fn unreadable(text: &str, error: &toml::de::Error) -> FixtureProblem {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let number = before.matches('\n').count();
    FixtureProblem::Syntax(match text.lines().nth(number) {
        Some(line) if line.contains("password") => format!("line {}: {}", number + 1, error.message()),
        _ => error.to_string(),
    })
}

fn first_duplicate(names: impl Iterator<Item = String>) -> Option<String> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(name.clone()))
}

fn parse_regions(entries: Vec<RegionEntry>) -> Result<Vec<Site>, FixtureProblem> {
    if let Some(value) = first_duplicate(entries.iter().map(|entry| entry.code.clone())) {
        return Err(FixtureProblem::Duplicate { table: "region", field: "code", value });
    }
    if entries.iter().filter(|entry| entry.url.is_none()).count() > 1 {
        return Err(FixtureProblem::SeveralLocalRegions);
    }
    let site = |entry: RegionEntry| {
        let region = entry.code.parse()?;
        let url = entry.url.map(|url| url.trim_end_matches('/').to_owned());
        match &url {
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                Err(FixtureProblem::RegionUrl { region, url: url.clone() })
            }
            _ => Ok(Site { region, name: entry.name, url }),
        }
    };
    entries.into_iter().map(site).collect()
}

fn parse_roles(
    user: &UserEntry,
    organisations: &[Organisation],
) -> Result<Vec<(String, Role)>, FixtureProblem> {
    let mut roles = Vec::with_capacity(user.roles.len());
    for (org_id, name) in &user.roles {
        if !organisations.iter().any(|organisation| organisation.id == *org_id) {
            return Err(FixtureProblem::UnknownOrganisation {
                email: user.email.clone(),
                org_id: org_id.clone(),
            });
        }
        let role = Role::parse(name).ok_or_else(|| FixtureProblem::UnknownRole {
            email: user.email.clone(),
            org_id: org_id.clone(),
            role: name.clone(),
        })?;
        roles.push((org_id.clone(), role));
    }
    Ok(roles)
}

// Hashing is slow by design, so it runs in parallel.
fn hash_passwords(users: &[UserEntry]) -> Result<Vec<String>, FixtureProblem> {
    let random = &Random::system();
    thread::scope(|scope| {
        let hashing: Vec<_> = users
            .iter()
            .map(|user| scope.spawn(move || password::hash(&user.password, random.bytes())))
            .collect();
        hashing
            .into_iter()
            .map(|thread| match thread.join() {
                Ok(hash) => hash.map_err(FixtureProblem::Hash),
                Err(_) => Err(FixtureProblem::HashPanicked),
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_fixture_is_valid_and_parsed_once() {
        let fixture = Fixture::built_in().unwrap();
        assert_eq!(fixture.seed().organisations.len(), 2);
        assert!(Arc::ptr_eq(&fixture.seed, &Fixture::built_in().unwrap().seed));
    }

    #[test]
    fn invalid_fixtures_are_refused_with_the_cause() {
        let session =
            "[session]\nlifetime = \"1h\"\ndevice_code_lifetime = \"1m\"\ndevice_poll_interval = \"1s\"\n";
        let organisation = "[[organisation]]\nid = \"o\"\nname = \"O\"\nmachine_limit = 1\n";
        let user = |roles: &str| {
            format!("[[user]]\nemail = \"a@b\"\nname = \"A\"\npassword = \"p\"\nroles = {{ {roles} }}\n")
        };
        for (text, expected) in [
            (format!("{session}{organisation}{}", user("x = \"admin\"")), "unknown organisation x"),
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
                "must begin with https://",
            ),
            (format!("{session}{organisation}{}colour = 1\n", user("")), "unknown field `colour`"),
            (
                format!("{}{organisation}{}", session.replace("1h", "soon"), user("")),
                "invalid session.lifetime \"soon\"",
            ),
            (format!("{session}{organisation}{organisation}{}", user("")), "duplicate [[organisation]] id o"),
            (
                format!("{session}{organisation}{}{}", user(""), user("").replace("a@b", "A@b")),
                "duplicate [[user]] email a@b",
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
