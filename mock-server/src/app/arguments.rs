//! Values of command-line arguments and environment variables.

use std::env::VarError;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use ztna_protocol::region::Region;

use super::error::{ArgumentError, DatabaseProblem, SecretProblem};
use super::{AgentProgram, DEFAULT_LISTEN, StartError, TestControlConfig};
use crate::domain::site::Site;
use crate::domain::{cidr, host};
use crate::store::{Address, Location};

/// The minimum length of a secret in the environment, against guessing.
const MIN_SECRET_LEN: usize = 16;

/// Reads the secret shared with the relays.
pub(super) fn relay_secret() -> Result<Option<String>, StartError> {
    secret("ZTNA_RELAY_SECRET").map_err(StartError::RelaySecret)
}

/// Returns where the test control listens, and its token if the environment has one.
pub(super) fn test_control(
    is_enabled: bool,
    listen: Option<SocketAddr>,
) -> Result<Option<TestControlConfig>, StartError> {
    if !is_enabled {
        return Ok(None);
    }
    let token = secret("ZTNA_TEST_CONTROL_TOKEN").map_err(StartError::TestControlToken)?;
    Ok(Some(TestControlConfig { listen: listen.unwrap_or(DEFAULT_LISTEN), token }))
}

/// Reads a secret from the environment, because other users can see command lines.
fn secret(variable: &str) -> Result<Option<String>, SecretProblem> {
    match std::env::var(variable) {
        Ok(secret) if secret.trim().len() >= MIN_SECRET_LEN => Ok(Some(secret.trim().to_owned())),
        Ok(secret) if !secret.trim().is_empty() => Err(SecretProblem::TooShort),
        Ok(_) | Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(SecretProblem::NotText),
    }
}

pub(super) fn parse_site(text: &str) -> Result<Site, ArgumentError> {
    let (region, url) = text.split_once('=').ok_or(ArgumentError::Relay)?;
    let region: Region = region.parse()?;
    Ok(Site { region, name: region.to_string(), url: Some(parse_url(url)?) })
}

pub(super) fn parse_address(text: &str) -> Result<SocketAddr, ArgumentError> {
    text.parse().map_err(|_| ArgumentError::Address)
}

pub(super) fn parse_network(text: &str) -> Result<IpNet, ArgumentError> {
    cidr::network(text).ok_or(ArgumentError::Network)
}

pub(super) fn parse_url(text: &str) -> Result<String, ArgumentError> {
    host::base_url(text).ok_or(ArgumentError::Url)
}

/// Returns the named agent, which must exist, or the default one if it does.
pub(super) fn agent_program(named: Option<PathBuf>) -> Result<Option<AgentProgram>, StartError> {
    let file = match named {
        Some(path) => match std::fs::File::open(&path).and_then(|file| file.metadata()) {
            Ok(found) if found.is_file() => Some(path),
            Ok(_) => {
                return Err(StartError::AgentProgram {
                    path,
                    source: std::io::ErrorKind::IsADirectory.into(),
                });
            }
            Err(source) => return Err(StartError::AgentProgram { path, source }),
        },
        None => {
            std::env::current_exe().ok().map(|path| path.with_file_name("ztna")).filter(|path| path.is_file())
        }
    };
    Ok(file.map(|file| AgentProgram { file, arguments: Vec::new() }))
}

pub(super) fn parse_database(database: &str) -> Result<Location, StartError> {
    if database == "sqlite::memory:" {
        return Ok(Location::Memory);
    }
    if database.starts_with("postgres://") || database.starts_with("postgresql://") {
        return Ok(Location::Postgres(Box::new(Address::parse(database)?)));
    }
    match database.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path)) {
        Some(path) if path.contains('?') => {
            Err(StartError::Database(DatabaseProblem::Options(path.to_owned())))
        }
        Some(path) if !path.is_empty() => Ok(Location::File(PathBuf::from(path))),
        _ => Err(StartError::Database(DatabaseProblem::Unknown)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_agent_must_exist() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let named = agent_program(Some(file.path().to_owned())).unwrap().unwrap();
        assert_eq!((named.file.as_path(), named.arguments.len()), (file.path(), 0));
        for bad in ["/nowhere/ztna", "/"] {
            let message = agent_program(Some(bad.into())).unwrap_err().to_string();
            assert!(message.contains(bad) && message.contains("--agent"), "{message}");
        }
    }

    #[test]
    fn relays_are_parsed_with_their_url() {
        let named = parse_site("fra1=https://fra1.relay.example/").unwrap();
        assert_eq!(
            (named.region.as_str(), named.url.as_deref()),
            ("fra1", Some("https://fra1.relay.example"))
        );
        for (wrong, reason) in [("fra1", "REGION=URL"), ("FRA=http://a", "such as blr1"), ("a=b", "https://")]
        {
            assert!(parse_site(wrong).unwrap_err().to_string().contains(reason), "{wrong}");
        }
    }

    #[test]
    fn an_address_has_a_port() {
        assert_eq!(parse_address("[::1]:80").unwrap().port(), 80);
        for wrong in ["127.0.0.1", "127.0.0.1:99999", "localhost:80", ""] {
            assert!(parse_address(wrong).unwrap_err().to_string().contains("ADDRESS:PORT"), "{wrong}");
        }
    }

    #[test]
    fn databases_are_parsed_as_documented() {
        assert_eq!(parse_database("sqlite::memory:").unwrap(), Location::Memory);
        for (name, path) in
            [("sqlite:a.db", "a.db"), ("sqlite:/v/a.db", "/v/a.db"), ("sqlite:///v/a.db", "/v/a.db")]
        {
            assert_eq!(parse_database(name).unwrap(), Location::File(path.into()));
        }
        for bad in ["sqlite:", "a.db", "", "mysql://x", "sqlite:a.db?mode=ro"] {
            assert!(parse_database(bad).is_err(), "{bad}");
        }
        let named = parse_database("postgres://user:secret@x/y").unwrap();
        assert!(
            matches!(&named, Location::Postgres(address) if address.to_string() == "postgres://x:5432/y")
        );
        let message = parse_database("postgres://user:secret@x:y/z").unwrap_err().to_string();
        assert!(message.contains("invalid PostgreSQL URL") && !message.contains("secret"), "{message}");
    }
}
