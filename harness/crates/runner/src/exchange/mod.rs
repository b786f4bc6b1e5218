//! HTTP exchanges: the only way in which the kit talks to a target.

mod body;
mod client;
mod clients;
mod error;
mod failure;
mod pace;
mod send;

pub use client::{ClientSettings, Tls, build, joined};
pub use clients::Clients;
pub use error::ExchangeError;
pub use failure::{Failure, causes};
pub use pace::{Pace, Rate};
pub use send::{Caller, PreparedRequest, send};
