//! Authentication and authorisation over the whole HTTP interface: sessions, API keys, the device flow and the CRUD
//! endpoints.

mod api_keys;
mod cross_site;
mod device;
mod fixtures;
mod key_chains;
mod openapi;
mod pages;
mod queries;
mod sessions;
mod writes;
