//! Who may do what: sessions, API keys, the device flow and the CRUD endpoints, over the whole HTTP interface.

mod api_keys;
mod device;
mod openapi;
mod plane;
mod queries;
mod sessions;
mod writes;
