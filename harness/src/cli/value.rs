//! Values of flags whose own parsers do not say what is expected.

#[cfg(feature = "reference")]
use std::net::SocketAddr;
use std::str::FromStr;

use harness_runner::browser::DriverUrl;

/// A value that a flag does not take.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(in crate::cli) enum InvalidValue {
    #[error("expected a whole number greater than zero")]
    Count,
    #[cfg(feature = "reference")]
    #[error("expected ADDRESS:PORT, such as 127.0.0.1:8740 or [::1]:8740, with a port of at most 65535")]
    Address,
    #[error("expected a URL, such as http://127.0.0.1:9515")]
    DriverUrl,
}

/// Parses a type that excludes zero.
pub(in crate::cli) fn count<N: FromStr>(text: &str) -> Result<N, InvalidValue> {
    text.parse().map_err(|_| InvalidValue::Count)
}

#[cfg(feature = "reference")]
pub(in crate::cli) fn address(text: &str) -> Result<SocketAddr, InvalidValue> {
    text.parse().map_err(|_| InvalidValue::Address)
}

pub(in crate::cli) fn driver_url(text: &str) -> Result<DriverUrl, InvalidValue> {
    text.parse().map_err(|_| InvalidValue::DriverUrl)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn messages_say_what_is_expected() {
        for wrong in ["0", "-1", "x", ""] {
            let message = count::<NonZeroU32>(wrong).unwrap_err().to_string();
            assert!(message.contains("greater than zero"), "{wrong}: {message}");
        }
        assert!(driver_url("localhost").unwrap_err().to_string().contains("such as http://"));
        assert_eq!(count::<NonZeroU32>("3").unwrap().get(), 3);
    }
}
