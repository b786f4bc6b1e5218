//! The scenario language, from TOML text to a validated [`model::Scenario`]. `scenarios/README.md` is its manual.

mod decode;
pub mod diagnostic;
pub(crate) mod document;
mod lint;
mod load;
pub mod model;
mod parse;
mod schema;
pub mod slice;
pub mod spelling;
pub mod template;
mod validate;
pub(crate) mod vocabulary;

pub use load::{Library, Refusal, load};
pub use parse::{Parsed, Place, parse};
pub use schema::schema;
