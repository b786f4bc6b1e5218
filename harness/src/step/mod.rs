//! What a step does: one file a verb.

pub mod exchange;
pub mod process;

/// Why a step could not be carried out. None of these says anything about what the target answers.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// No HTTP client can be made.
    #[error("no HTTP client can be made: {cause}; are the system's CA certificates installed?")]
    Client {
        /// What the library says.
        cause: String,
    },
    /// No whole answer came.
    #[error("{method} {url}: {cause}")]
    Exchange {
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// What happened.
        cause: String,
    },
}
