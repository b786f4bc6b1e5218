//! Who may do what: sessions, API keys, the device flow and the CRUD endpoints, over the whole HTTP interface.

mod api_keys;
mod device;
mod fixtures;
mod openapi;
mod queries;
mod sessions;
mod writes;
