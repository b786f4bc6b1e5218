//! The endpoints of the device flow (RFC 8628) and the page on which a person approves it.
