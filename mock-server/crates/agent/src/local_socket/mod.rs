//! Communication with the running `ztna up`: a Unix socket in the state folder, with one JSON object per line in each
//! direction.

mod address;
mod client;
mod dial;
mod error;
mod message;
mod reply;
mod server;

pub(crate) use client::{ask_status, ping, stop};
pub(crate) use dial::{DialRoute, dial};
pub(crate) use error::{SocketError, TunnelRequestError};
pub(crate) use message::{Phase, RunningStatus};
pub(crate) use server::{LocalSocket, StatusSource, StopRequest};
