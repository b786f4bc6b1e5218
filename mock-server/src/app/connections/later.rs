//! A deferred answer, for which a connection waits with nothing but its socket.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::SystemTime;

use axum::body::HttpBody as _;
use axum::http::response::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;

use super::activity::Activity;
use super::socket::Socket;
use crate::api::deferred::Answering;

/// Parts of a body up to this length are copied, so that they are sent in one segment with the head.
const COPIED_LEN: usize = 16 * 1024;

pub(super) struct Later {
    pub(super) answering: Answering,
    /// Whether the client asked for the connection to be closed.
    pub(super) closes: bool,
}

impl Later {
    /// Waits for the answer, unless the client leaves before, and sends it. Returns whether the connection remains open.
    pub(super) async fn answer(
        self,
        socket: &mut Socket,
        activity: &Activity,
        stopping: &watch::Receiver<bool>,
    ) -> bool {
        let response = tokio::select! {
            response = self.answering => response,
            () = socket.closed() => return false,
        };
        let closes = self.closes || *stopping.borrow();
        let sent = Box::pin(send(socket, response, closes)).await;
        if let Err(error) = &sent {
            tracing::debug!(%error, "a connection ended early");
        }
        activity.answered();
        sent.is_ok() && !closes
    }
}

async fn send(socket: &mut Socket, response: Response, closes: bool) -> io::Result<()> {
    let (mut parts, mut body) = response.into_parts();
    let mut chunks: Vec<Bytes> = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        chunks.extend(frame.map_err(io::Error::other)?.into_data().ok());
    }
    parts.headers.insert(header::CONTENT_LENGTH, chunks.iter().map(Bytes::len).sum::<usize>().into());
    if closes {
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let mut buffer = head(&parts, SystemTime::now());
    for chunk in chunks {
        if buffer.len() + chunk.len() <= COPIED_LEN {
            buffer.extend_from_slice(&chunk);
        } else {
            socket.write_all(&buffer).await?;
            buffer.clear();
            socket.write_all(&chunk).await?;
        }
    }
    socket.write_all(&buffer).await?;
    socket.flush().await?;
    if closes { socket.shutdown().await } else { Ok(()) }
}

fn head(parts: &Parts, now: SystemTime) -> Vec<u8> {
    let reason = parts.status.canonical_reason().unwrap_or_default();
    let date = httpdate::fmt_http_date(now);
    let mut head = format!("HTTP/1.1 {} {reason}\r\ndate: {date}\r\n", parts.status.as_u16()).into_bytes();
    for (name, value) in &parts.headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    #[test]
    fn heads_have_what_hyper_writes() {
        let response =
            ([(header::CONTENT_TYPE, "application/json"), (header::RETRY_AFTER, "1")], "x").into_response();
        let (parts, _) = response.into_parts();
        let head = String::from_utf8(head(&parts, SystemTime::UNIX_EPOCH)).unwrap();
        let lines: Vec<&str> = head.split("\r\n").collect();
        assert_eq!(
            lines,
            [
                "HTTP/1.1 200 OK",
                "date: Thu, 01 Jan 1970 00:00:00 GMT",
                "content-type: application/json",
                "retry-after: 1",
                "",
                ""
            ]
        );
    }
}
