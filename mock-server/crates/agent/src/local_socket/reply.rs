//! Answers to clients of the local socket.

use serde::Serialize;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// Writes one line of JSON; ignores a client that has disconnected.
pub(super) async fn send_line(stream: &mut BufReader<UnixStream>, answer: &impl Serialize) {
    if let Ok(mut text) = serde_json::to_vec(answer) {
        text.push(b'\n');
        let _ = stream.write_all(&text).await;
    }
}
