//! Who may do what: sessions, API keys, the device flow and the CRUD endpoints, over the whole HTTP interface.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what surprises a test's helpers is to end the test, as in the test itself"
)]

mod api_keys;
mod device;
mod openapi;
mod plane;
mod queries;
mod sessions;
mod writes;
