//! A minimal WireGuard agent that answers handshakes and pings, or has one defect.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use boringtun::noise::handshake::parse_handshake_anon;
use boringtun::noise::{Packet, Tunn, TunnResult};
use boringtun::x25519::{PublicKey, StaticSecret};
use smoltcp::wire::{Icmpv4Message, Icmpv4Packet, Ipv4Packet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Conforms.
    Right,
    /// Sends nothing.
    Silent,
    /// Answers a handshake with a forged response.
    Forged,
    /// Answers handshakes and no pings.
    Mute,
    /// Answers pings from another address.
    OtherAddress,
    /// Conforms, but loses the first ping, after which another machine initiates a handshake with the peer.
    NextToAnother,
}

/// Runs until it is dropped.
pub(crate) struct Agent {
    pub(crate) endpoint: SocketAddr,
    pub(crate) public_key: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Agent {
    pub(crate) fn start(manner: Manner) -> Self {
        let private = StaticSecret::from(rand::random::<[u8; 32]>());
        let public_key = BASE64.encode(PublicKey::from(&private).as_bytes());
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let endpoint = socket.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut session = None;
            let mut another = (manner == Manner::NextToAnother).then(AnotherMachine::new);
            while !stopped.load(Ordering::Relaxed) {
                let mut datagram = [0; 2048];
                let Ok((length, from)) = socket.recv_from(&mut datagram) else { continue };
                let is_data = datagram.first() == Some(&4);
                if let Some(another) = another.take_if(|_| is_data) {
                    let (peer, _) = session.as_ref().unwrap();
                    another.initiate(*peer, from);
                    continue;
                }
                if let Some(answer) = hear(&private, &mut session, manner, from, &datagram[..length]) {
                    socket.send_to(&answer, from).unwrap();
                }
            }
        });
        Self { endpoint, public_key, stop, thread: Some(thread) }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A machine of the same organisation, which has the same peer in its network map.
struct AnotherMachine {
    socket: UdpSocket,
}

impl AnotherMachine {
    fn new() -> Self {
        Self { socket: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap() }
    }

    fn initiate(&self, peer: PublicKey, endpoint: SocketAddr) {
        let private = StaticSecret::from(rand::random::<[u8; 32]>());
        let mut tunn = Tunn::new(private, peer, None, None, 1, None);
        let mut buffer = [0; 2048];
        let TunnResult::WriteToNetwork(initiation) = tunn.format_handshake_initiation(&mut buffer, false)
        else {
            panic!("no initiation");
        };
        self.socket.send_to(initiation, endpoint).unwrap();
    }
}

fn hear(
    private: &StaticSecret,
    session: &mut Option<(PublicKey, Tunn)>,
    manner: Manner,
    from: SocketAddr,
    datagram: &[u8],
) -> Option<Vec<u8>> {
    if manner == Manner::Silent {
        return None;
    }
    if let Ok(Packet::HandshakeInit(initiation)) = Tunn::parse_incoming_packet(datagram) {
        if manner == Manner::Forged {
            return Some([&[2, 0, 0, 0][..], &[7; 88]].concat());
        }
        let greeting = parse_handshake_anon(private, &PublicKey::from(private), &initiation).unwrap();
        let peer = PublicKey::from(greeting.peer_static_public);
        *session = Some((peer, Tunn::new(private.clone(), peer, None, None, 1, None)));
    }
    let (_, tunn) = session.as_mut()?;
    let mut buffer = [0; 2048];
    let packet = match tunn.decapsulate(Some(from.ip()), datagram, &mut buffer) {
        TunnResult::WriteToNetwork(answer) => return Some(answer.to_vec()),
        TunnResult::WriteToTunnelV4(packet, _) if manner != Manner::Mute => packet,
        _ => return None,
    };
    let answer = answer_ping(packet, manner == Manner::OtherAddress);
    let mut buffer = [0; 2048];
    match tunn.encapsulate(&answer, &mut buffer) {
        TunnResult::WriteToNetwork(answer) => Some(answer.to_vec()),
        _ => None,
    }
}

fn answer_ping(request: &[u8], from_elsewhere: bool) -> Vec<u8> {
    let mut bytes = request.to_vec();
    let mut packet = Ipv4Packet::new_checked(&mut bytes).unwrap();
    let (here, there) = (packet.dst_addr(), packet.src_addr());
    packet.set_src_addr(if from_elsewhere { Ipv4Addr::new(100, 99, 0, 9) } else { here });
    packet.set_dst_addr(there);
    packet.fill_checksum();
    let mut message = Icmpv4Packet::new_checked(packet.payload_mut()).unwrap();
    message.set_msg_type(Icmpv4Message::EchoReply);
    message.fill_checksum();
    bytes
}
