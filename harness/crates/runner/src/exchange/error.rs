//! Why an exchange brought nothing to judge.

use harness_model::verdict::Fault;

/// No whole answer came, or the request could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// No HTTP client can be made.
    #[error("no HTTP client can be made: {cause}; are the system's CA certificates installed?")]
    Client {
        /// What the library says.
        cause: String,
    },
    /// No whole answer came.
    #[error("{method} {url}: {cause}")]
    Failed {
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// What happened.
        cause: String,
    },
    /// The request cannot be expressed in HTTP.
    #[error("the request cannot be sent: {0}")]
    Request(String),
}

impl ExchangeError {
    /// Who is to blame.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Request(_) => Fault::Kit,
            Self::Client { .. } | Self::Failed { .. } => Fault::Environment,
        }
    }
}
