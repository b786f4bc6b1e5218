//! Connections to peers. The command asks on one connection to the socket, which stays open and tells in the end how
//! it ended; with the ticket that it is given it opens another one, which then carries the bytes and nothing else.

mod answer;
mod ask;
mod message;

pub(super) use answer::{Tickets, answer, attach};
pub(crate) use ask::{Way, dial};
