//! The name that a machine registers with.

use thiserror::Error;
use ztna_protocol::machine_name::{self, InvalidMachineName};

/// Number of characters of an invalid name that are repeated in the error.
const MAX_SHOWN_CHARS: usize = 63;

/// A name that the control plane would refuse.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("invalid machine name '{name}': {reason}. Choose another with --hostname")]
pub(crate) struct HostNameError {
    name: String,
    reason: InvalidMachineName,
}

/// Returns this host's name without its domain. Bytes that are not text become control characters, which
/// [`normalise`] refuses: a guess could be another machine's name.
pub(crate) fn system() -> String {
    let name =
        rustix::system::uname().nodename().to_string_lossy().replace(char::REPLACEMENT_CHARACTER, "\0");
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Returns the normal form of `name` by the control plane's rules, before a refused request uses up a retry or a key.
pub(crate) fn normalise(name: &str) -> Result<String, HostNameError> {
    machine_name::normalise(name)
        .map_err(|reason| HostNameError { name: name.chars().take(MAX_SHOWN_CHARS).collect(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_invalid_name_is_truncated_in_the_error() {
        assert_eq!(normalise("Linux-C").as_deref(), Ok("Linux-C"));
        let message = normalise(&"n".repeat(10_000)).unwrap_err().to_string();
        assert!(message.len() < 300 && message.contains("1 to 63"), "{message}");
        assert!(normalise("").is_err());
    }
}
