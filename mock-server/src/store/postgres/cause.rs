//! Failures of PostgreSQL in words.

use std::error::Error as _;

use rustls::CertificateError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

const PASSWORD_WANTED: &str =
    "Set the password with PGPASSWORD or in a PGPASSFILE, and check the user in --database.";

/// Whether the connection ended, rather than the database refusing a statement.
pub(super) fn is_lost(error: &Error) -> bool {
    let has_io_source = || error.source().is_some_and(|source| source.is::<std::io::Error>());
    error.is_closed() || (error.as_db_error().is_none() && has_io_source())
}

/// Why no TLS connection to the right server came about, as a way out. Nothing was sent then, such as a password.
pub(super) fn untrusted(error: &Error) -> Option<&'static str> {
    let source =
        error.source().filter(|_| error.to_string().starts_with("error performing TLS handshake"))?;
    let refused = source.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    Some(match refused.and_then(|refused| refused.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::UnknownIssuer => {
                "Name the certificate of the authority that issued the server's with sslrootcert=FILE in --database."
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "Use a host in --database that the server's certificate names, or give the server another certificate."
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "Renew the certificate of the PostgreSQL server, or check this machine's clock."
            }
            _ => "Check ssl_cert_file of the PostgreSQL server.",
        },
        Some(_) => "Check the ssl settings of the PostgreSQL server.",
        None if source.is::<std::io::Error>() => return None,
        None => {
            "Set ssl = on in postgresql.conf, or use sslmode=disable if nobody can read or change the traffic to the database."
        }
    })
}

/// Describes a failure without the statement and its values.
pub(in crate::store) fn cause(error: &Error) -> String {
    match error.as_db_error() {
        Some(reported) => format!("{} (SQLSTATE {})", reported.message(), reported.code().code()),
        None => match error.source() {
            Some(source) => format!("{error}: {source}").replace('\n', " "),
            None => error.to_string(),
        },
    }
}

/// Why a server cannot start with this database, and the way out.
pub(in crate::store) fn start_problem(error: &Error) -> (String, &'static str) {
    let way_out = match error.code() {
        Some(&SqlState::INVALID_PASSWORD) => PASSWORD_WANTED,
        None if error.source().is_some_and(|source| source.to_string() == "password missing") => {
            PASSWORD_WANTED
        }
        Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            "Check the user in --database and the server's pg_hba.conf."
        }
        Some(&SqlState::INVALID_CATALOG_NAME) => {
            "Create it with createdb, or name another one in --database."
        }
        Some(&SqlState::TOO_MANY_CONNECTIONS) => {
            "End other programs' connections, or raise max_connections in postgresql.conf."
        }
        Some(&SqlState::CANNOT_CONNECT_NOW) => "PostgreSQL is starting or stopping: try again in a moment.",
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            "Grant the user CREATE on the schema, or name another schema with options=-csearch_path=NAME."
        }
        Some(_) => "See PostgreSQL's log.",
        None => {
            untrusted(error).unwrap_or("Start PostgreSQL, or check host, port and sslmode in --database.")
        }
    };
    (cause(error), way_out)
}
