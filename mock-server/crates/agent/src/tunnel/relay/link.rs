//! The connection to one relay, made again whenever it is lost.

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

use super::identity::Identity;
use crate::control_client::{Backoff, ControlClient, ControlError};
use crate::tunnel::core::Place;

/// The longest wait before a relay that is away is tried again: a machine may be reached through nothing else.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How long a relay may take for each step of the greeting.
const GREETED_WITHIN: Duration = Duration::from_secs(5);

/// A relay pings every 15 s; one that was silent for so long is gone.
const GONE_AFTER: Duration = Duration::from_secs(45);

/// Datagrams written before the socket is flushed.
const BATCH: usize = 64;

type Socket = WebSocketStream<Upgraded>;

/// A relay, and what goes to and from it.
pub(super) struct Link {
    pub(super) region: Region,
    pub(super) relay: Arc<ControlClient>,
    pub(super) identity: Identity,
    pub(super) outgoing: mpsc::Receiver<(PublicKey, Vec<u8>)>,
    pub(super) arrived: mpsc::Sender<(Place, Vec<u8>)>,
    pub(super) news: mpsc::Sender<News>,
}

/// A link has come or gone.
#[derive(Debug)]
pub(super) struct News {
    pub(super) region: Region,
    pub(super) connected: bool,
}

/// Why a relay does not take this machine in.
#[derive(Debug, Error)]
enum LinkError {
    #[error(transparent)]
    Refused(#[from] ControlError),
    #[error("the connection broke ({0})")]
    Broken(#[from] tungstenite::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the relay sends it away: {0}")]
    SentAway(String),
    #[error("the relay does not greet as one does")]
    Greeting,
    #[error("the relay says nothing")]
    Silent,
}

impl Link {
    /// Keeps the connection for ever.
    pub(super) async fn keep(mut self) {
        let mut backoff = Backoff::up_to(LONGEST_WAIT);
        loop {
            let region = self.region;
            match self.connect().await {
                Ok(socket) => {
                    backoff = Backoff::up_to(LONGEST_WAIT);
                    tracing::debug!(%region, "connected to the relay");
                    let _ = self.news.send(News { region, connected: true }).await;
                    self.pass(socket).await;
                    tracing::info!(%region, "the relay is gone; trying again");
                }
                Err(error) => tracing::info!(%region, %error, "no relay; trying again"),
            }
            let _ = self.news.send(News { region, connected: false }).await;
            let mut pause = std::pin::pin!(tokio::time::sleep(backoff.next(rand::random())));
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    // What was to be sent now is worth nothing later.
                    datagram = self.outgoing.recv() => if datagram.is_none() { return },
                }
            }
        }
    }

    /// Connects and proves who this machine is.
    async fn connect(&self) -> Result<Socket, LinkError> {
        let stream = self.relay.relay(&self.identity.token).await?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(frame::LONGEST))
            .max_frame_size(Some(frame::LONGEST));
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(limits)).await;
        let challenge = hear(&mut socket).await?;
        let Frame::Challenge { ephemeral, nonce } = Frame::parse(&challenge)? else {
            return Err(LinkError::Greeting);
        };
        let proof = proof::prove(&self.identity.private, ephemeral, nonce, self.region);
        let proof = proof.ok_or(LinkError::Greeting)?;
        socket.send(Message::Binary(Frame::Proof { proof: &proof }.to_bytes().into())).await?;
        match Frame::parse(&hear(&mut socket).await?)? {
            Frame::Welcome { region } if region == self.region => Ok(socket),
            _ => Err(LinkError::Greeting),
        }
    }

    /// Passes datagrams until the connection ends.
    async fn pass(&mut self, socket: Socket) {
        let (sink, stream) = socket.split();
        tokio::select! {
            () = send(&mut self.outgoing, sink) => {}
            () = receive(self.region, &self.arrived, stream) => {}
        }
    }
}

/// The next binary message.
async fn hear(socket: &mut Socket) -> Result<tungstenite::Bytes, LinkError> {
    loop {
        match timeout(GREETED_WITHIN, socket.next()).await.map_err(|_| LinkError::Silent)? {
            Some(Ok(Message::Binary(message))) => return Ok(message),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(Some(close)))) => {
                return Err(LinkError::SentAway(close.reason.as_str().to_owned()));
            }
            Some(Ok(_)) | None => return Err(LinkError::Greeting),
            Some(Err(error)) => return Err(error.into()),
        }
    }
}

async fn send(outgoing: &mut mpsc::Receiver<(PublicKey, Vec<u8>)>, mut sink: SplitSink<Socket, Message>) {
    let mut waiting = Vec::with_capacity(BATCH);
    while outgoing.recv_many(&mut waiting, BATCH).await > 0 {
        for (to, datagram) in waiting.drain(..) {
            let frame = Frame::Send { to: to.as_bytes(), datagram: &datagram };
            if sink.feed(Message::Binary(frame.to_bytes().into())).await.is_err() {
                return;
            }
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
}

async fn receive(region: Region, arrived: &mpsc::Sender<(Place, Vec<u8>)>, mut stream: SplitStream<Socket>) {
    loop {
        match timeout(GONE_AFTER, stream.next()).await {
            Ok(Some(Ok(Message::Binary(message)))) => match Frame::parse(&message) {
                Ok(Frame::Received { from, datagram }) => {
                    let place = Place::Relayed { region, peer: PublicKey::from(*from) };
                    // Lost like any other if the tunnel has no time for it.
                    let _ = arrived.try_send((place, datagram.to_vec()));
                }
                wrong => tracing::debug!(%region, ?wrong, "not what a relay sends"),
            },
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            _ => return,
        }
    }
}
