//! Answering a command.

use serde::Serialize;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// Writes one line of JSON. A command that has gone is no failure.
pub(super) async fn say(stream: &mut BufReader<UnixStream>, answer: &impl Serialize) {
    if let Ok(mut text) = serde_json::to_vec(answer) {
        text.push(b'\n');
        let _ = stream.write_all(&text).await;
    }
}
