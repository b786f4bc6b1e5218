//! The name a machine asks for.

use thiserror::Error;
use ztna_protocol::machine_name::{self, InvalidMachineName};

/// The longest part of a refused name that is repeated.
const SHOWN: usize = 63;

/// Why a name cannot be a machine's.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{name}' cannot be a machine's name: {reason}. Choose another with --hostname")]
pub(crate) struct HostNameError {
    name: String,
    reason: InvalidMachineName,
}

/// This host's own name, without its domain.
pub(crate) fn system() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// `name`, if a control plane would take it: asking one only to be refused could use up a retry or a key.
pub(crate) fn check(name: &str) -> Result<&str, HostNameError> {
    machine_name::check(name)
        .map(|()| name)
        .map_err(|reason| HostNameError { name: name.chars().take(SHOWN).collect(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_name_is_repeated_in_part() {
        assert_eq!(check("Linux-C"), Ok("Linux-C"));
        let message = check(&"n".repeat(10_000)).unwrap_err().to_string();
        assert!(message.len() < 300 && message.contains("1 to 63"), "{message}");
        assert!(check("").is_err());
    }
}
