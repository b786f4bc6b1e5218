use std::time::Duration;

use super::find::NotFound;

/// Why a page does not let a user do something. It is evidence about the target, unlike a
/// [`BrowserError`](super::BrowserError).
#[derive(Debug, Clone, thiserror::Error)]
pub enum Obstacle {
    /// The driver's refusal, such as of a click on an element that another one covers.
    #[error("{error}: {message}")]
    Refused { error: String, message: String },
    #[error("the page did not load within {0:?}")]
    NotLoaded(Duration),
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error("the {role} '{name}' is disabled")]
    Disabled { role: String, name: String },
    #[error("the element is gone")]
    Gone,
    #[error("no option '{value}' in '{field}'; options here: {}", quoted(options))]
    NoOption { field: String, value: String, options: Vec<String> },
    #[error("the page still asks for the password; it says: {0}")]
    NotSignedIn(String),
}

impl Obstacle {
    /// Whether the page asks a question (`alert`, `confirm`), which must be answered first.
    pub(crate) fn is_question(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error == "unexpected alert open")
    }

    /// Whether the page took longer to load than the browser was told to wait.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error == "timeout")
    }
}

fn quoted(options: &[String]) -> String {
    let shown: Vec<String> =
        options.iter().filter(|option| !option.is_empty()).map(|option| format!("'{option}'")).collect();
    shown.join(", ")
}
