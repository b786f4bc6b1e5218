//! The dashboard: pages for people, who see and do through them what the public API allows.
//!
//! The pages are files for the browser (`web/`), embedded in the program. Nothing is rendered here and nothing here reads
//! the store: the browser calls the API with the access token of whoever signed in. `README.md` lists the pages.

mod asset;
mod document;
mod pages;

pub use pages::{missing_page, router};
