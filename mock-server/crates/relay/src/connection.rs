//! The connection of one machine: handshake, forwarding and close.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use tokio::time::timeout;
use ztna_protocol::machine_token::TokenReference;
use ztna_protocol::relay::proof::Challenge;
use ztna_protocol::relay::{Frame, Member};

use crate::bucket::Bucket;
use crate::close_reason::CloseReason;
use crate::shared::Shared;
use crate::table::Connection;

/// Time limit of each step of the handshake.
const PROOF_TIMEOUT: Duration = Duration::from_secs(5);

const PING_INTERVAL: Duration = Duration::from_secs(15);

/// A machine that is silent for this long is disconnected.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(45);

/// Rate limit of one machine: about 250 Mbit/s of full datagrams.
const MAX_FRAMES_PER_SECOND: u32 = 25_000;
const MAX_BYTES_PER_SECOND: u32 = 32 << 20;
const MAX_BURST: Duration = Duration::from_millis(500);

/// Number of frames written before the socket is flushed.
const MAX_UNFLUSHED: usize = 64;

/// WebSocket's close code for a violation of the protocol's rules (RFC 6455, section 7.4.1).
const POLICY_VIOLATION: u16 = 1008;

/// Serves a machine until either side disconnects.
pub(super) async fn serve(shared: &Shared, mut socket: WebSocket, member: Member, token: TokenReference) {
    if let Err(reason) = shake_hands(shared, &mut socket, &member, &token.hash).await {
        shared.counters.refused.add(1);
        tracing::info!(reason = reason.as_str(), "a machine failed to prove its identity");
        return close(&mut socket, reason).await;
    }
    let connection = shared.table.insert(member, token);
    let machine = fingerprint(&connection.member.public_key);
    tracing::debug!(machine, "connected");
    let (mut sink, stream) = socket.split();
    let ended = tokio::select! {
        () = read(shared, &connection, stream) => None,
        () = write(&connection, &mut sink) => None,
        () = connection.ended.notified() => Some(CloseReason::CutOff),
    };
    shared.table.remove(&connection);
    tracing::debug!(machine, "disconnected");
    if let Some(reason) = ended {
        close(&mut sink, reason).await;
    }
}

/// Sends the challenge, verifies the proof and sends the welcome. The error is the reason sent to the machine.
async fn shake_hands(
    shared: &Shared,
    socket: &mut WebSocket,
    member: &Member,
    token_hash: &str,
) -> Result<(), CloseReason> {
    let _permit = shared.pending_proofs.enter(token_hash).ok_or(CloseReason::Busy)?;
    let challenge = Challenge::new(rand::random(), rand::random(), shared.region);
    let (ephemeral, nonce) = (challenge.ephemeral(), challenge.nonce());
    send(socket, &Frame::Challenge { ephemeral: &ephemeral, nonce }).await?;
    let proof = timeout(PROOF_TIMEOUT, socket.recv()).await.map_err(|_| CloseReason::ProofTimeout)?;
    let Some(Ok(Message::Binary(message))) = proof else { return Err(CloseReason::ProofExpected) };
    let Ok(Frame::Proof { proof }) = Frame::parse(&message) else { return Err(CloseReason::ProofExpected) };
    if !challenge.accepts(proof, &member.public_key) {
        return Err(CloseReason::ProofRefused);
    }
    send(socket, &Frame::Welcome { region: shared.region }).await
}

async fn send(socket: &mut WebSocket, frame: &Frame<'_>) -> Result<(), CloseReason> {
    let sent = timeout(PROOF_TIMEOUT, socket.send(Message::Binary(frame.to_bytes().into()))).await;
    sent.ok().and_then(Result::ok).ok_or(CloseReason::Gone)
}

/// Forwards what the machine sends. Returns when the machine is silent for too long or violates the protocol.
async fn read(shared: &Shared, sender: &Arc<Connection>, mut stream: SplitStream<WebSocket>) {
    let now = Instant::now();
    let mut frames = Bucket::new(MAX_FRAMES_PER_SECOND, MAX_BURST, now);
    let mut bytes = Bucket::new(MAX_BYTES_PER_SECOND, MAX_BURST, now);
    loop {
        let message = match timeout(SILENCE_TIMEOUT, stream.next()).await {
            Ok(Some(Ok(Message::Binary(message)))) => message,
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
            _ => return,
        };
        let (to, datagram) = match Frame::parse(&message) {
            Ok(Frame::Send { to, datagram }) => (to, datagram),
            unexpected => return tracing::debug!(?unexpected, "unexpected frame from a machine"),
        };
        let now = Instant::now();
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        if !(frames.take(1, now) && bytes.take(length, now)) {
            shared.counters.dropped_rate.add(1);
            continue;
        }
        let Some(receiver) = shared.table.find(&sender.member.org_id, to) else {
            shared.counters.dropped_unknown.add(1);
            continue;
        };
        let frame = Frame::Received { from: &sender.member.public_key, datagram }.to_bytes();
        shared.counters.frames.add(1);
        shared.counters.bytes.add(u64::try_from(datagram.len()).unwrap_or(u64::MAX));
        if receiver.queue.push(frame) {
            shared.counters.dropped_full.add(1);
        }
    }
}

/// Sends queued frames and pings to the machine.
async fn write(connection: &Connection, sink: &mut SplitSink<WebSocket, Message>) {
    let mut ping = tokio::time::interval(PING_INTERVAL);
    loop {
        let message = tokio::select! {
            frame = connection.queue.pop() => Message::Binary(frame.into()),
            _ = ping.tick() => Message::Ping(Vec::new().into()),
        };
        if sink.feed(message).await.is_err() {
            return;
        }
        for _ in 0..MAX_UNFLUSHED {
            let Some(frame) = connection.queue.try_pop() else { break };
            if sink.feed(Message::Binary(frame.into())).await.is_err() {
                return;
            }
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
}

/// Returns the public key's fingerprint (headless/ST2.1).
fn fingerprint(public_key: &[u8; 32]) -> String {
    let mut shown = hex::encode(public_key);
    shown.truncate(16);
    shown
}

async fn close(sink: &mut (impl futures::Sink<Message> + Unpin), reason: CloseReason) {
    let frame = CloseFrame { code: POLICY_VIOLATION, reason: reason.as_str().into() };
    let _ = timeout(Duration::from_secs(1), sink.send(Message::Close(Some(frame)))).await;
}
