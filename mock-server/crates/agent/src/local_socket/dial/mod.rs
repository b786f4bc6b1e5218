//! Connections to peers. The command sends the request on one connection to the socket, which stays open and finally
//! reports how the connection ended. It receives a ticket, with which it opens a second connection that carries only
//! the bytes.

mod answer;
mod ask;
mod message;

pub(super) use answer::{DialTarget, Tickets, answer, attach};
pub(crate) use ask::{DialRoute, dial};

#[cfg(any(test, fuzzing))]
pub(super) fn is_answer(line: &[u8]) -> bool {
    serde_json::from_slice::<message::DialAnswer>(line).is_ok()
        || serde_json::from_slice::<message::Attached>(line).is_ok()
        || serde_json::from_slice::<crate::tunnel::ConnectionEnd>(line).is_ok()
}
