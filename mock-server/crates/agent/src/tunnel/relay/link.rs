//! The connection to one relay, re-established whenever it is lost.

use std::sync::Arc;
use std::time::Duration;

use boringtun::x25519::PublicKey;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use reqwest::Upgraded;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};
use ztna_protocol::region::Region;
use ztna_protocol::relay::{Frame, FrameError, frame, proof};

use super::datagram::{OutgoingDatagram, RelayedDatagram};
use super::identity::Identity;
use crate::control_client::{Backoff, ControlClient, ControlError};
use crate::tunnel::core::PeerPath;

/// Upper bound of the retry delay, which is short because a machine may be reachable through the relay only.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(5);

/// Time limit of each step of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// A relay pings every 15 s; after this silence the connection counts as lost.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(45);

/// Number of datagrams written before the socket is flushed.
const MAX_UNFLUSHED: usize = 64;

type Socket = WebSocketStream<Upgraded>;

/// A relay and the channels of its datagrams.
pub(super) struct Link {
    pub(super) region: Region,
    pub(super) relay: Arc<ControlClient>,
    pub(super) identity: Identity,
    pub(super) outgoing: mpsc::Receiver<OutgoingDatagram>,
    pub(super) inbound: mpsc::Sender<RelayedDatagram>,
    pub(super) changes: mpsc::Sender<LinkChange>,
}

/// A link was established or lost.
#[derive(Debug)]
pub(super) struct LinkChange {
    pub(super) region: Region,
    pub(super) connected: bool,
}

/// A failed attempt to connect to a relay.
#[derive(Debug, Error)]
enum LinkError {
    #[error(transparent)]
    Refused(#[from] ControlError),
    #[error("connection lost: {0}")]
    Broken(#[from] tungstenite::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the relay closed the connection: {0}")]
    Closed(String),
    #[error("expected a {expected} frame from the relay")]
    Unexpected { expected: &'static str },
    #[error("timed out waiting for the relay")]
    Timeout,
}

impl Link {
    /// Connects and reconnects in a loop.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::up_to(MAX_RETRY_DELAY);
        loop {
            let region = self.region;
            match self.connect().await {
                Ok(socket) => {
                    backoff = Backoff::up_to(MAX_RETRY_DELAY);
                    tracing::debug!(%region, "connected to the relay");
                    let _ = self.changes.send(LinkChange { region, connected: true }).await;
                    self.forward(socket).await;
                    tracing::info!(%region, "lost the connection to the relay; reconnecting");
                }
                Err(error) => tracing::info!(%region, %error, "connecting to the relay failed; retrying"),
            }
            let _ = self.changes.send(LinkChange { region, connected: false }).await;
            let mut pause = std::pin::pin!(tokio::time::sleep(backoff.next_delay(rand::random())));
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    // Datagrams are discarded meanwhile: they would be outdated once connected.
                    datagram = self.outgoing.recv() => if datagram.is_none() { return },
                }
            }
        }
    }

    /// Connects and proves this machine's identity.
    async fn connect(&self) -> Result<Socket, LinkError> {
        let stream = self.relay.relay(&self.identity.token).await?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(frame::MAX_FRAME_LEN))
            .max_frame_size(Some(frame::MAX_FRAME_LEN));
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(limits)).await;
        let challenge = receive_frame(&mut socket, "challenge").await?;
        let Frame::Challenge { ephemeral, nonce } = Frame::parse(&challenge)? else {
            return Err(LinkError::Unexpected { expected: "challenge" });
        };
        let proof = proof::prove(&self.identity.private, ephemeral, nonce, self.region);
        let proof = proof.ok_or(LinkError::Unexpected { expected: "valid challenge" })?;
        socket.send(Message::Binary(Frame::Proof { proof: &proof }.to_bytes().into())).await?;
        match Frame::parse(&receive_frame(&mut socket, "welcome").await?)? {
            Frame::Welcome { region } if region == self.region => Ok(socket),
            _ => Err(LinkError::Unexpected { expected: "welcome" }),
        }
    }

    /// Forwards datagrams until the connection ends.
    async fn forward(&mut self, socket: Socket) {
        let (sink, stream) = socket.split();
        tokio::select! {
            () = send(&mut self.outgoing, sink) => {}
            () = receive(self.region, &self.inbound, stream) => {}
        }
    }
}

/// Receives the next binary message of the handshake.
async fn receive_frame(socket: &mut Socket, expected: &'static str) -> Result<tungstenite::Bytes, LinkError> {
    loop {
        match timeout(HANDSHAKE_TIMEOUT, socket.next()).await.map_err(|_| LinkError::Timeout)? {
            Some(Ok(Message::Binary(message))) => return Ok(message),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(Some(close)))) => {
                return Err(LinkError::Closed(close.reason.as_str().to_owned()));
            }
            Some(Ok(_)) | None => return Err(LinkError::Unexpected { expected }),
            Some(Err(error)) => return Err(error.into()),
        }
    }
}

async fn send(outgoing: &mut mpsc::Receiver<OutgoingDatagram>, mut sink: SplitSink<Socket, Message>) {
    let mut waiting = Vec::with_capacity(MAX_UNFLUSHED);
    while outgoing.recv_many(&mut waiting, MAX_UNFLUSHED).await > 0 {
        for OutgoingDatagram { to, bytes } in waiting.drain(..) {
            let frame = Frame::Send { to: to.as_bytes(), datagram: &bytes };
            if sink.feed(Message::Binary(frame.to_bytes().into())).await.is_err() {
                return;
            }
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
}

async fn receive(region: Region, inbound: &mpsc::Sender<RelayedDatagram>, mut stream: SplitStream<Socket>) {
    loop {
        match timeout(SILENCE_TIMEOUT, stream.next()).await {
            Ok(Some(Ok(Message::Binary(message)))) => match Frame::parse(&message) {
                Ok(Frame::Received { from, datagram }) => {
                    let from = PeerPath::Relayed { region, peer: PublicKey::from(*from) };
                    // Dropped, as on any network, if the tunnel is too busy.
                    let _ = inbound.try_send(RelayedDatagram { from, bytes: datagram.to_vec() });
                }
                unexpected => tracing::debug!(%region, ?unexpected, "unexpected frame from the relay"),
            },
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            _ => return,
        }
    }
}
