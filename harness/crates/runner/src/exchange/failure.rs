//! Classifies failed exchanges, and suggests the profile's setting that may help.

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

/// Why no complete response arrived.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing listens there, or the host name does not resolve.
    #[error("failed to connect: {0}")]
    Connect(String),
    #[error("timed out connecting after {:.1} s", .0.as_secs_f64())]
    ConnectTimeout(Duration),
    #[error("timed out waiting for the response after {:.1} s", .0.as_secs_f64())]
    Timeout(Duration),
    #[error("TLS handshake failed: {what}")]
    Tls { what: String, remedy: &'static str },
    #[error("the server does not speak HTTP: {0}")]
    NotHttp(String),
    #[error("the response was truncated: {0}")]
    BrokeOff(String),
    #[error("the connection closed before a response arrived: {0}")]
    Closed(String),
    /// In TLS 1.3 a server refuses a client without a certificate after the handshake, and may be heard too late.
    #[error("the TLS connection closed before a response arrived: {0}")]
    ClosedOverTls(String),
    #[error("response too large: more than {limit} bytes")]
    TooLong { limit: usize },
    /// The kit asked for other encodings.
    #[error("the response is encoded with `{0}`, which the kit cannot decode")]
    Encoding(String),
    #[error("the response is no whole {encoding}: {cause}")]
    Damaged { encoding: String, cause: String },
    #[error("response nested too deep: more than {limit} levels")]
    TooDeep { limit: usize },
    /// The request was never sent: a problem of the profile or of this host.
    #[error("failed to send the request: {0}")]
    Other(String),
}

impl Failure {
    /// Classifies an error of the HTTP client that occurred `after` the request began.
    pub(super) fn of(error: &reqwest::Error, after: Duration) -> Self {
        let chain = causes_of(error);
        if let Some(failure) = chain.iter().find_map(|link| tls_error(*link)).map(from_tls) {
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
            _ if error.url().is_some_and(|url| url.scheme() == "https") => Self::ClosedOverTls(innermost),
            _ => Self::Closed(innermost),
        }
    }

    /// Whether the connection failed, so that a retry may succeed.
    pub(super) fn is_transport(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::BrokeOff(_) | Self::Closed(_) | Self::ClosedOverTls(_))
    }

    /// Returns the message, and the remedy on a second line if the target has a profile to change.
    pub(super) fn with_remedy(&self, profile: Option<&Path>) -> String {
        match (profile, self.remedy()) {
            (Some(profile), Some(remedy)) => format!("{self}\n{remedy} in {}", profile.display()),
            _ => self.to_string(),
        }
    }

    fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::Connect(_) => "is the target running? check base_url",
            Self::ConnectTimeout(_) => "is it reachable from here? check base_url, or raise timeouts.connect",
            Self::Timeout(_) => "if the target needs more time, raise timeouts.request",
            Self::Tls { remedy, .. } => remedy,
            Self::NotHttp(_) => "check the scheme (http or https) and the port of base_url",
            Self::BrokeOff(_) | Self::Closed(_) => {
                "is there a proxy in between that closes connections? check base_url"
            }
            Self::ClosedOverTls(_) => {
                "if the target requires a client certificate, check tls.client_certificate and tls.client_key; or a proxy in \
                 between closes connections: check base_url"
            }
            Self::TooLong { .. } => "if the response is legitimate, raise limits.answer_bytes",
            Self::Encoding(_) => {
                "the kit accepts gzip and deflate: is there a proxy in between that encodes unasked? check base_url"
            }
            Self::Damaged { .. } => "is there a proxy in between that changes responses? check base_url",
            Self::TooDeep { .. } | Self::Other(_) => return None,
        })
    }
}

/// Describes an error and its cause in one line, without the URL, which may contain secrets.
pub fn causes(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out waiting for the response".to_owned();
    }
    Failure::of(error, Duration::ZERO).to_string()
}

/// Returns the error's causes, outermost first. The error that an `io::Error` wraps is not its `source`, so it is
/// unwrapped here.
fn causes_of(error: &reqwest::Error) -> Vec<&(dyn Error + 'static)> {
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

fn from_tls(error: &TlsError) -> Failure {
    let (what, remedy) = match error {
        TlsError::InvalidCertificate(problem) => certificate_problem(problem),
        TlsError::InvalidMessage(_) => (
            "the server does not speak TLS".to_owned(),
            "is it plain HTTP? check the scheme and the port of base_url",
        ),
        TlsError::AlertReceived(alert) => (describe_alert(*alert), CLIENT_CERTIFICATE),
        TlsError::PeerIncompatible(_) => (
            format!("the target supports no secure version of TLS ({error})"),
            "the kit needs TLS 1.2 or 1.3; check base_url",
        ),
        other => (other.to_string(), "check base_url and [tls]"),
    };
    Failure::Tls { what, remedy }
}

const CLIENT_CERTIFICATE: &str = "if the target requires a client certificate, check tls.client_certificate and \
     tls.client_key";

fn certificate_problem(problem: &CertificateError) -> (String, &'static str) {
    let (what, remedy) = match problem {
        CertificateError::UnknownIssuer => (
            "the target's certificate was not issued by a trusted authority",
            "if it is a private authority, set tls.ca to its file",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("the target's certificate has expired", "renew the certificate, or check base_url")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("the target's certificate is not valid yet", "check this machine's clock, or base_url")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "the target's certificate is for a different host name",
            "use the certificate's name as the host of base_url",
        ),
        CertificateError::Revoked => ("the target's certificate was revoked", "check base_url"),
        other => {
            return (format!("the target's certificate is invalid: {other}"), "check tls.ca and base_url");
        }
    };
    (what.to_owned(), remedy)
}

fn describe_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => "the target requires a client certificate".to_owned(),
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown => {
            format!("the target rejected the client certificate ({alert:?})")
        }
        _ => format!("the target sent the alert {alert:?}"),
    }
}
