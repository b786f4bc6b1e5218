//! An IP stack inside this process (smoltcp), which replaces a TUN device and needs no privilege. It sends and answers
//! pings and has TCP connections with peers ([`tcp`]).
//!
//! No I/O: packets, bytes and `now` go in, packets, bytes and pongs come out.

mod device;
mod echo;
mod segments;
mod tcp;

pub(crate) use echo::Pong;
pub(crate) use tcp::{ConnectionId, ConnectionRequest, ConnectionStatus, ReadOutcome};

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::icmp;
use smoltcp::time::Instant as StackInstant;
use smoltcp::wire::{HardwareAddress, IpCidr};

pub(super) use device::MTU;

use device::Device;
use echo::Echoes;
use tcp::Connections;

/// Number of packets in the buffers of the ICMP socket.
const PING_BUFFER_PACKETS: usize = 64;

/// An IP stack with one address.
pub(crate) struct Netstack {
    interface: Interface,
    device: Device,
    sockets: SocketSet<'static>,
    icmp: SocketHandle,
    echoes: Echoes,
    tcp: Connections,
    started: Instant,
}

impl Netstack {
    /// Creates a stack with this address; `seed` is random.
    pub(crate) fn new(address: Ipv4Addr, seed: u64, now: Instant) -> Self {
        let mut device = Device::default();
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut device, StackInstant::ZERO);
        // Both fail only when full, and they are empty. Every packet goes into the tunnel regardless of the route.
        interface.update_ip_addrs(|addresses| {
            let _ = addresses.push(IpCidr::new(address.into(), 32));
        });
        let _ = interface.routes_mut().add_default_ipv4_route(address);
        let buffer = || {
            let packets = vec![icmp::PacketMetadata::EMPTY; PING_BUFFER_PACKETS];
            icmp::PacketBuffer::new(packets, vec![0; PING_BUFFER_PACKETS * 64])
        };
        let mut socket = icmp::Socket::new(buffer(), buffer());
        // Taken from the seed, so that another process behind the same address has a different identifier.
        let [.., high, low] = seed.to_be_bytes();
        let identifier = u16::from_be_bytes([high, low]);
        let _ = socket.bind(icmp::Endpoint::Ident(identifier));
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let icmp = sockets.add(socket);
        let (echoes, tcp) = (Echoes::new(identifier), Connections::new(seed));
        Self { interface, device, sockets, icmp, echoes, tcp, started: now }
    }

    /// Processes a packet from the tunnel.
    pub(crate) fn deliver(&mut self, packet: Vec<u8>) {
        if let Some(packet) = self.intercept_request(packet) {
            self.device.deliver(packet);
        }
    }

    /// Sends an echo request (RFC 792). Returns the number of its [`Pong`], or `None` if there are too many requests.
    pub(crate) fn ping(&mut self, to: Ipv4Addr, now: Instant) -> Option<u16> {
        self.echoes.request(self.sockets.get_mut(self.icmp), to, now)
    }

    /// Returns whether this packet is a reply to a ping of this stack.
    pub(crate) fn expects(&self, packet: &[u8]) -> bool {
        self.echoes.is_reply(packet)
    }

    /// Processes all packets and timers, and returns the answered pings.
    pub(crate) fn poll(&mut self, now: Instant) -> Vec<Pong> {
        let time = self.time(now);
        self.process_requests(now);
        self.move_packets(time);
        self.remove_ended(now);
        self.echoes.replies(self.sockets.get_mut(self.icmp), now)
    }

    /// Returns the next packet for the tunnel.
    pub(crate) fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.device.poll_packet()
    }

    /// Returns when [`Netstack::poll`] must be called next, unless there is a packet or a ping before.
    pub(crate) fn deadline(&mut self, now: Instant) -> Option<Instant> {
        let delay = self.interface.poll_delay(self.time(now), &self.sockets);
        // Without room there is nothing that it could do.
        let delay = delay.filter(|_| self.device.has_room());
        let stack = delay.map(|delay| now + Duration::from_micros(delay.total_micros()));
        [stack, self.tcp.deadline()].into_iter().flatten().min()
    }

    /// Lets the stack read and send. Unlike `Interface::poll`, it stops sending in time.
    fn move_packets(&mut self, time: StackInstant) {
        let Self { interface, device, sockets, .. } = self;
        interface.poll_maintenance(time);
        while interface.poll_ingress_single(time, device, sockets) != PollIngressSingleResult::None {}
        while device.has_room() && interface.poll_egress(time, device, sockets) != PollResult::None {}
    }

    fn time(&self, now: Instant) -> StackInstant {
        let passed = now.saturating_duration_since(self.started).as_micros();
        StackInstant::from_micros(i64::try_from(passed).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);
    const OTHER: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 2);

    /// Exchanges packets, `delay` apart, until none are left. Returns the pongs of `one`.
    fn converse(one: &mut Netstack, other: &mut Netstack, mut now: Instant, delay: Duration) -> Vec<Pong> {
        let mut pongs = one.poll(now);
        loop {
            let there: Vec<_> = std::iter::from_fn(|| one.poll_packet()).collect();
            let back: Vec<_> = std::iter::from_fn(|| other.poll_packet()).collect();
            if there.is_empty() && back.is_empty() {
                return pongs;
            }
            now += delay;
            there.into_iter().for_each(|packet| other.deliver(packet));
            back.into_iter().for_each(|packet| one.deliver(packet));
            pongs.extend(one.poll(now));
            assert!(other.poll(now).is_empty());
        }
    }

    #[test]
    fn pings_are_sent_and_answered() {
        let now = Instant::now();
        let (mut one, mut other) = (Netstack::new(ONE, 1, now), Netstack::new(OTHER, 1, now));
        let (first, second) = (one.ping(OTHER, now).unwrap(), one.ping(OTHER, now).unwrap());
        assert_ne!(first, second);
        let pongs = converse(&mut one, &mut other, now, Duration::from_millis(3));
        let elapsed = Duration::from_millis(6);
        let expected = [first, second].map(|number| Pong { number, from: OTHER, elapsed });
        assert_eq!(pongs, expected);
    }

    #[test]
    fn unanswered_pings_are_bounded() {
        let now = Instant::now();
        let mut one = Netstack::new(ONE, 1, now);
        for _ in 0..200_000 {
            one.ping(OTHER, now);
            one.poll(now);
            while one.poll_packet().is_some() {}
        }
        let mut other = Netstack::new(OTHER, 1, now);
        let number = one.ping(OTHER, now).unwrap();
        let pongs = converse(&mut one, &mut other, now, Duration::ZERO);
        assert_eq!(pongs, [Pong { number, from: OTHER, elapsed: Duration::ZERO }]);
    }

    #[test]
    fn connections_are_refused_and_noise_is_ignored() {
        let now = Instant::now();
        let mut stack = Netstack::new(ONE, 1, now);
        for noise in [vec![], vec![0x45], vec![0xff; 1500], vec![0x45; 20]] {
            stack.deliver(noise);
        }
        assert!(stack.poll(now).is_empty() && stack.poll_packet().is_none());
        // A SYN to port 80.
        let mut packet = hex::decode(concat!(
            "4500002800000000400672a6",
            "64400002",
            "64400001",
            "c000005000000001000000005002ffff",
            "00000000"
        ))
        .unwrap();
        smoltcp::wire::Ipv4Packet::new_unchecked(&mut packet).fill_checksum();
        smoltcp::wire::TcpPacket::new_unchecked(&mut packet[20..]).fill_checksum(&OTHER.into(), &ONE.into());
        stack.deliver(packet);
        stack.poll(now);
        let answer = stack.poll_packet().unwrap();
        assert!(smoltcp::wire::TcpPacket::new_checked(&answer[20..]).unwrap().rst());
    }
}
