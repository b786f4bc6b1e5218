//! How the other commands reach the running `ztna up`: a Unix socket in the state folder, one JSON object a
//! line in each direction.

mod address;
mod client;
mod dial;
mod message;
mod reply;
mod server;

pub(crate) use client::{SocketError, ask_status, ping, stop};
pub(crate) use dial::{Way, dial};
pub(crate) use message::{Phase, RunningStatus};
pub(crate) use server::{Insight, LocalSocket, StopRequest};
