//! The scenario language, from TOML text to a validated [`model::Scenario`]. `scenarios/README.md` is its manual.

mod decode;
pub mod model;
pub(crate) mod moment;
mod parse;
mod path;
mod schema;
pub mod sessions;
pub mod template;
pub mod undocumented;
mod validate;
pub mod vocabulary;
mod written_date;

pub use parse::{Parsed, parse};
pub use path::ScenarioPath;
pub use schema::schema;
