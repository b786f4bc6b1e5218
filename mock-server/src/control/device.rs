//! The device flow of RFC 8628.
