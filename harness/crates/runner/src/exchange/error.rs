//! Why an exchange has no response to judge.

use std::path::Path;
use std::sync::Arc;

use harness_model::verdict::Fault;

use super::failure::Failure;

/// No complete response arrived, or the request could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    #[error(
        "failed to create an HTTP client: {cause}\ncheck that the system's CA certificates are installed"
    )]
    Client { cause: String },
    #[error("{method} {url}: {}", failure.with_remedy(profile.as_deref()))]
    Failed {
        method: String,
        url: String,
        /// Boxed, so that errors stay small.
        failure: Box<Failure>,
        /// The profile whose setting may help.
        profile: Option<Arc<Path>>,
    },
    /// The request cannot be expressed in HTTP.
    #[error("invalid request: {0}")]
    Request(String),
}

impl ExchangeError {
    /// Returns where the fault lies.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Request(_) | Self::Client { .. } | Self::Failed { .. } => Fault::Environment,
        }
    }
}
