//! Names a machine may have.

use thiserror::Error;

/// The longest name of a host, as of one DNS label (RFC 1035, section 2.3.4).
const LONGEST: usize = 63;

/// Why a name cannot be a machine's.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{name}' cannot be a machine's name: {reason}. Choose another with --hostname")]
pub(crate) struct HostNameError {
    name: String,
    reason: &'static str,
}

/// This host's own name, without its domain.
pub(crate) fn system() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// `name` if it is letters, digits, `-`, `_` and `.`, at most 63 of them, with a letter or digit at both ends.
pub(crate) fn check(name: &str) -> Result<&str, HostNameError> {
    let refuse = |reason| {
        let shown: String = name.chars().take(LONGEST).collect();
        Err(HostNameError { name: shown, reason })
    };
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.len() > LONGEST {
        return refuse("it is longer than 63 characters");
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        return refuse("only letters, digits, '-', '_' and '.' are allowed");
    }
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric())
        || !name.ends_with(|c: char| c.is_ascii_alphanumeric())
    {
        return refuse("it has to begin and end with a letter or a digit");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let longest = "a".repeat(63);
        for name in ["Linux-C", "a", "web_1.eu", &longest] {
            assert_eq!(check(name), Ok(name));
        }
        let too_long = "a".repeat(64);
        for name in ["", "-a", "a-", "a b", "ü", "a\nb", &too_long] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }
}
