//! The address of a database: `postgres://[USER[:PASSWORD]@]HOST[:PORT]/NAME[?OPTIONS]`.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::passfile::{self, Account};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long sent data may stay unacknowledged before the connection counts as lost.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(10);
const KEEPALIVE_AFTER: Duration = Duration::from_secs(15);
/// Where Debian's PostgreSQL has its socket.
const DEFAULT_HOST: &str = "/var/run/postgresql";
const DEFAULT_PORT: u16 = 5432;

#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error(
        "invalid PostgreSQL URL: {0}\nExpected postgres://[USER@]HOST[:PORT]/NAME; the password can be in PGPASSWORD or in a PGPASSFILE."
    )]
    Syntax(String),
    #[error(
        "sslmode={0} does not verify the database's certificate\nUse sslmode=verify-full, with sslrootcert=FILE for an authority of your own, or sslmode=disable for a connection without TLS."
    )]
    Unverified(String),
    #[error("cannot read certificates from sslrootcert={}\nName a PEM file of certificates.", path.display())]
    RootCertificates { path: PathBuf },
    #[error("TLS is not available\nUse sslmode=disable.")]
    NoTls,
}

/// How to reach a database, and with which credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    config: Config,
    encryption: Encryption,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Encryption {
    None,
    /// TLS with a verified certificate.
    Verified {
        root_certificates: Option<PathBuf>,
    },
}

impl Address {
    /// Parses a URL. Without `sslmode`, sockets and loopback addresses have no TLS, and all others are verified.
    ///
    /// # Errors
    /// The URL is malformed or asks for TLS without verification. The message has no password.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut root_certificates) = (None, None);
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => root_certificates = Some(PathBuf::from(value)),
                _ => rest.push(pair),
            }
        }
        let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config: Config = plain.parse().map_err(|error| AddressError::Syntax(syntax(&error)))?;
        if config.get_hosts().is_empty() {
            config.host(DEFAULT_HOST);
        }
        let encryption = match mode {
            Some("disable") => Encryption::None,
            Some("verify-full") => Encryption::Verified { root_certificates },
            Some(other) => return Err(AddressError::Unverified(other.to_owned())),
            None if config.get_hosts().iter().all(is_local) => Encryption::None,
            None => Encryption::Verified { root_certificates },
        };
        config.ssl_mode(if encryption == Encryption::None { SslMode::Disable } else { SslMode::Require });
        config.application_name("mock-server");
        config.connect_timeout(config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT));
        config.tcp_user_timeout(UNACKNOWLEDGED_TIMEOUT).keepalives_idle(KEEPALIVE_AFTER);
        let mut address = Self { config, encryption };
        address.take_password();
        Ok(address)
    }

    /// The same database with another schema, which must exist.
    #[must_use]
    pub fn in_schema(&self, schema: &str) -> Self {
        let mut config = self.config.clone();
        let options = config.get_options().map(|options| format!("{options} ")).unwrap_or_default();
        config.options(format!("{options}-csearch_path={schema}"));
        Self { config, encryption: self.encryption.clone() }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn encryption(&self) -> &Encryption {
        &self.encryption
    }

    fn take_password(&mut self) {
        if self.config.get_password().is_some() {
            return;
        }
        let host = self.config.get_hosts().first().map(host_text).unwrap_or_default();
        let account = Account {
            host: if host.starts_with('/') { "localhost" } else { &host },
            port: self.port(),
            database: self.database(),
            user: self.config.get_user().unwrap_or_default(),
        };
        if let Some(password) = passfile::password(&account) {
            self.config.password(password);
        }
    }

    fn port(&self) -> u16 {
        self.config.get_ports().first().copied().unwrap_or(DEFAULT_PORT)
    }

    fn database(&self) -> &str {
        self.config.get_dbname().or(self.config.get_user()).unwrap_or_default()
    }
}

/// Names the database without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.config.get_hosts().iter().map(host_text).collect();
        write!(f, "postgres://{}:{}/{}", hosts.join(","), self.port(), self.database())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.to_string()).finish()
    }
}

/// Describes what is wrong without the part of the URL that is.
fn syntax(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

fn host_text(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_named_without_credentials() {
        for (url, name) in [
            ("postgres://ada:s3cret@db.example/plane", "postgres://db.example:5432/plane"),
            ("postgresql://ada@localhost:5433/plane?sslmode=disable", "postgres://localhost:5433/plane"),
            ("postgres:///plane?host=/run/pg&user=ada&password=s3cret", "postgres:///run/pg:5432/plane"),
            ("postgres:///plane", "postgres:///var/run/postgresql:5432/plane"),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.to_string(), name);
            assert!(!format!("{address:?} {:?}", address.config()).contains("s3cret"));
        }
    }

    #[test]
    fn only_local_connections_lack_tls_by_default() {
        let verified = |root: Option<&str>| Encryption::Verified { root_certificates: root.map(Into::into) };
        for (url, expected) in [
            ("postgres://localhost/x", Encryption::None),
            ("postgres://127.0.0.1/x", Encryption::None),
            ("postgres:///x?host=/tmp", Encryption::None),
            ("postgres://db/x", verified(None)),
            ("postgres://db/x?sslmode=disable", Encryption::None),
            ("postgres://localhost/x?sslmode=verify-full&sslrootcert=/ca.pem", verified(Some("/ca.pem"))),
        ] {
            assert_eq!(*Address::parse(url).unwrap().encryption(), expected, "{url}");
        }
    }

    #[test]
    fn refusals_have_a_way_out_and_no_password() {
        for (url, expected) in [
            ("postgres://ada:s3cret@db/x?sslmode=require", "sslmode=verify-full"),
            ("postgres://ada:s3cret@db/x?sslmode=prefer", "sslmode=verify-full"),
            ("postgres://ada:s3cret@db:port/x", "postgres://[USER@]HOST"),
            ("postgres://ada:s3cret@db/x?colour=red", "colour"),
        ] {
            let message = Address::parse(url).unwrap_err().to_string();
            assert!(message.contains(expected) && message.contains('\n'), "{message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }
}
