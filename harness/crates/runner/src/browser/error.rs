use std::io;
use std::time::Duration;

use super::obstacle::Obstacle;

/// Why the browser could not be used. None of these is evidence for or against the target's conformance.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    #[error("no browser: {0}")]
    Missing(String),
    #[error("failed to start {program}: {cause}")]
    Start { program: String, cause: io::Error },
    #[error("{program} was not ready within {limit:?}{last_words}")]
    NotReady { program: String, limit: Duration, last_words: String },
    /// The driver or the browser has ended, or does not answer.
    #[error("the browser died: {cause}{last_words}")]
    Died { cause: String, last_words: String },
    /// Chromium gives up all requests when an address of its host comes or goes.
    #[error(
        "the network of this host changed while a page made requests (ERR_NETWORK_CHANGED)\nrun it again, or with \
         --jobs 1 if containers of other sub-tests come and go beside it"
    )]
    NetworkChanged,
    /// The driver refuses a command.
    #[error("{error}: {message}")]
    Refused { error: String, message: String },
    #[error(
        "failed to sign in as {identity}: {cause}\nset sign_in, words or accounts of [dashboard] in the profile"
    )]
    SignIn { identity: &'static str, cause: Obstacle },
}

impl BrowserError {
    /// Whether the driver refused a command because of what the page does, and not because there is no browser any more.
    pub(super) fn is_of_page(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Whether the page asks a question (`alert`, `confirm`), which must be answered first.
    pub(crate) fn is_question(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error == "unexpected alert open")
    }
}
