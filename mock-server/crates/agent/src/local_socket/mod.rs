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

/// Decodes a line as every message of the socket; returns how many it is.
#[cfg(any(test, fuzzing))]
pub(crate) fn decode(line: &[u8]) -> usize {
    let is_request = serde_json::from_slice::<message::Request>(line).is_ok();
    let is_status = serde_json::from_slice::<RunningStatus>(line).is_ok();
    let is_pong = serde_json::from_slice::<message::PingAnswer>(line).is_ok();
    [is_request, is_status, is_pong, dial::is_answer(line)].into_iter().filter(|decoded| *decoded).count()
}
