//! A second control plane, written from the documents alone: in memory, and as different from the reference as they
//! allow. `nature` says which of the choices it makes otherwise, and from which sentence it departs.

pub(crate) mod departure;
pub(crate) mod listen;
pub(crate) mod nature;
pub(crate) mod pace;
pub(crate) mod place;

mod agent;
mod answer;
mod api_key;
mod auth_key;
mod enrolment;
mod issue_api_key;
mod issue_auth_key;
mod key_management;
mod machine;
mod machine_admin;
mod moment;
mod organisation;
mod person;
mod request;
mod rule;
mod service;
mod session;
mod table;
mod world;
