//! Why no whole answer came, and which setting may change that.

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

/// Why no whole answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// Nobody listens, or nobody can be found.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// Connecting took too long.
    #[error("cannot connect within {:.1} s", .0.as_secs_f64())]
    ConnectTimeout(Duration),
    /// No whole answer in time.
    #[error("no whole answer within {:.1} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// The two did not agree on a secure connection.
    #[error("no secure connection: {what}")]
    Tls {
        /// What was wrong.
        what: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// What came is not HTTP.
    #[error("what answers does not speak HTTP: {0}")]
    NotHttp(String),
    /// It ended before it was whole.
    #[error("the answer broke off: {0}")]
    BrokeOff(String),
    /// Nothing came at all.
    #[error("the connection failed before an answer came: {0}")]
    Closed(String),
    /// More came than is read.
    #[error("the answer is longer than {limit} bytes, so it was not read to its end")]
    TooLong {
        /// Bytes.
        limit: usize,
    },
    /// The profile's fault, or this machine's.
    #[error("the request could not be sent: {0}")]
    Other(String),
}

impl Failure {
    /// What the library's error means; `after` is how long it was waited for.
    pub(super) fn of(error: &reqwest::Error, after: Duration) -> Self {
        let chain = chain(error);
        if let Some(failure) = chain.iter().find_map(|link| tls_error(*link)).map(tls_failure) {
            return failure;
        }
        let innermost = chain.last().map_or_else(|| error.to_string(), ToString::to_string);
        let is_parse = chain
            .iter()
            .filter_map(|link| link.downcast_ref::<hyper::Error>())
            .any(|error| error.is_parse() || error.is_parse_too_large());
        match error {
            _ if error.is_timeout() && error.is_connect() => Self::ConnectTimeout(after),
            _ if error.is_timeout() => Self::Timeout(after),
            _ if is_parse => Self::NotHttp(innermost),
            _ if error.is_connect() => Self::Connect(innermost),
            _ if error.is_body() || error.is_decode() => Self::BrokeOff(innermost),
            _ if error.is_builder() => Self::Other(innermost),
            _ => Self::Closed(innermost),
        }
    }

    /// Whether the connection failed, so that the same question may be answered the next time.
    pub(super) fn is_transport(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::BrokeOff(_) | Self::Closed(_))
    }

    /// In a line, with what to change in the profile if there is one.
    pub(super) fn told(&self, profile: Option<&Path>) -> String {
        match (profile, self.remedy()) {
            (Some(profile), Some(remedy)) => format!("{self}; {remedy} in {}", profile.display()),
            _ => self.to_string(),
        }
    }

    fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::Connect(_) => "is the target running? check base_url",
            Self::ConnectTimeout(_) => "is it reachable from here? check base_url, or raise timeouts.connect",
            Self::Timeout(_) => "if the target may be that slow, raise timeouts.request",
            Self::Tls { remedy, .. } => remedy,
            Self::NotHttp(_) => "check the scheme (http or https) and the port of base_url",
            Self::BrokeOff(_) | Self::Closed(_) => {
                "is there a proxy in between that closes connections? check base_url"
            }
            Self::TooLong { .. } => "if that is a real answer, raise limits.answer_bytes",
            Self::Other(_) => return None,
        })
    }
}

/// An error and what it came from, in one line and without the URL, which may hold secrets.
pub fn causes(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no whole answer in time".to_owned();
    }
    Failure::of(error, Duration::ZERO).to_string()
}

/// The error's causes, outermost first. What an `io::Error` wraps is no source of it, but stands in it.
fn chain(error: &reqwest::Error) -> Vec<&(dyn Error + 'static)> {
    let mut links = Vec::new();
    let mut next = error.source();
    while let Some(link) = next {
        links.push(link);
        let wrapped = link.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => link.source(),
        };
    }
    links
}

fn tls_error<'a>(link: &'a (dyn Error + 'static)) -> Option<&'a TlsError> {
    link.downcast_ref::<TlsError>()
}

fn tls_failure(error: &TlsError) -> Failure {
    let (what, remedy) = match error {
        TlsError::InvalidCertificate(problem) => certificate(problem),
        TlsError::InvalidMessage(_) => (
            "what answers does not speak TLS".to_owned(),
            "is it plain HTTP? check the scheme and the port of base_url",
        ),
        TlsError::AlertReceived(alert) => (alert_in_words(*alert), CLIENT_CERTIFICATE),
        TlsError::PeerIncompatible(_) => (
            format!("the target knows no TLS that is still safe ({error})"),
            "it needs TLS 1.2 or 1.3; check base_url",
        ),
        other => (other.to_string(), "check base_url and [tls]"),
    };
    Failure::Tls { what, remedy }
}

const CLIENT_CERTIFICATE: &str = "if the target wants a client certificate, check tls.client_certificate and \
     tls.client_key";

fn certificate(problem: &CertificateError) -> (String, &'static str) {
    let (what, remedy) = match problem {
        CertificateError::UnknownIssuer => (
            "nobody whom the kit trusts issued the target's certificate",
            "if it is an authority of your own, name its file as tls.ca",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("the target's certificate has expired", "renew the certificate of the target, or check base_url")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("the target's certificate is not valid yet", "check this machine's clock, or base_url")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "the target's certificate is for another name",
            "write the name that it is for as the host of base_url",
        ),
        CertificateError::Revoked => ("the target's certificate was revoked", "check base_url"),
        other => {
            return (
                format!("the target's certificate is not accepted: {other}"),
                "check tls.ca and base_url",
            );
        }
    };
    (what.to_owned(), remedy)
}

fn alert_in_words(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => "the target wants a client certificate".to_owned(),
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown => {
            format!("the target does not accept the client certificate ({alert:?})")
        }
        _ => format!("the target refused ({alert:?})"),
    }
}
