//! One agent and 199 peers: what that takes of memory, and of time while nobody says anything.
//!
//! The peers are real WireGuard ends with keys of their own, registered over HTTP, in one thread behind one UDP
//! socket of another namespace: the agent cannot tell them from 199 machines behind one address.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use boringtun::noise::{Packet, Tunn, TunnResult};
use boringtun::x25519::{PublicKey, StaticSecret};

use crate::lab::{ControlPlane, Lab, Machine, Namespace, PATIENCE, PORT, within};

const PEERS: u32 = 199;
const IDLE: Duration = Duration::from_secs(20);
const AGENT: &str = "agent";
const CROWD: &str = "crowd";
const CROWD_AT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
/// boringtun's timers want it so.
const TICK: Duration = Duration::from_millis(250);

pub(crate) fn report() {
    let lab = Lab::pair([AGENT, CROWD]);
    let plane = ControlPlane::serve(&lab, CROWD, CROWD_AT, &[]);
    let agent = Machine::new(&lab, AGENT, &plane);
    // Registered, so that its key is known.
    drop(agent.up(&["--userspace"]));
    let key: [u8; 32] =
        hex::decode(agent.status()["node_key"].as_str().unwrap()).unwrap().try_into().unwrap();
    let secrets: Vec<StaticSecret> =
        (0..PEERS).map(|_| StaticSecret::from(rand::random::<[u8; 32]>())).collect();
    for (number, secret) in secrets.iter().enumerate() {
        let public = BASE64_STANDARD.encode(PublicKey::from(secret).as_bytes());
        let machine = plane.register(&format!("peer-{number}"), &public);
        plane.heartbeat(&machine, &[SocketAddr::from((CROWD_AT, PORT))]);
    }
    let tunnels = secrets
        .into_iter()
        .zip(0..)
        .map(|(secret, index)| Tunn::new(secret, PublicKey::from(key), None, None, index, None));
    let mut crowd = Crowd::new(lab.namespace(CROWD), tunnels.collect());
    let (over, measured) = (AtomicBool::new(false), &mut None);
    std::thread::scope(|scope| {
        scope.spawn(|| crowd.run(&over));
        // However this ends, the crowd ends too.
        let _end = End(&over);
        *measured = Some(measure(&agent));
    });
    let (megabytes, percent) = measured.take().unwrap();
    println!("| memory of an agent with {PEERS} peers, MB | {megabytes:.1} | at most 40 |");
    println!("| its time while idle, % of one core | {percent:.2} | less than 1 |");
}

/// Resident MB, and the share of one core.
fn measure(agent: &Machine<'_>) -> (f64, f64) {
    let up = agent.up(&[]);
    within(PATIENCE, "every peer has a session", || {
        let status = agent.status();
        let peers = status["peers"].as_array().unwrap();
        let met = peers.iter().filter(|peer| peer["last_handshake_seconds"].is_u64());
        met.count() == usize::try_from(PEERS).unwrap()
    });
    let (before, start) = (spent(up.id()), Instant::now());
    std::thread::sleep(IDLE);
    let percent = 100.0 * (spent(up.id()) - before) / start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string(format!("/proc/{}/status", up.id())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: f64 = resident.split_whitespace().next().unwrap().parse().unwrap();
    (kilobytes / 1e3, percent)
}

/// Seconds of processor time so far, from fields 14 and 15 of proc(5)'s stat.
fn spent(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks = after_name.split(' ').skip(11).take(2).map(|field| field.parse::<f64>().unwrap());
    // USER_HZ, the same on every Linux.
    ticks.sum::<f64>() / 100.0
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// WireGuard ends behind one socket.
struct Crowd {
    socket: UdpSocket,
    tunnels: Vec<Tunn>,
    agent: HashMap<usize, SocketAddr>,
}

impl Crowd {
    fn new(namespace: &Namespace, tunnels: Vec<Tunn>) -> Self {
        let socket = namespace.inside(|| UdpSocket::bind((CROWD_AT, PORT)).unwrap());
        socket.set_read_timeout(Some(TICK)).unwrap();
        Self { socket, tunnels, agent: HashMap::new() }
    }

    fn run(&mut self, over: &AtomicBool) {
        let (mut buffer, mut ticked) = ([0; 2048], Instant::now());
        while !over.load(Ordering::Relaxed) {
            if let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
                self.receive(from, &buffer[..length]);
            }
            if ticked.elapsed() >= TICK {
                ticked = Instant::now();
                self.tick();
            }
        }
    }

    fn receive(&mut self, from: SocketAddr, datagram: &[u8]) {
        let index = match Tunn::parse_incoming_packet(datagram) {
            Ok(Packet::HandshakeInit(_)) => None,
            Ok(Packet::HandshakeResponse(message)) => Some(message.receiver_idx),
            Ok(Packet::PacketCookieReply(message)) => Some(message.receiver_idx),
            Ok(Packet::PacketData(message)) => Some(message.receiver_idx),
            Err(_) => return,
        };
        // An initiation names nobody in clear: whose it is shows when it can be read.
        let whose = match index {
            Some(index) => usize::try_from(index >> 8).map(|n| n..n + 1).unwrap(),
            None => 0..self.tunnels.len(),
        };
        let mut buffer = [0; 2048];
        for (tunnel, number) in self.tunnels[whose.clone()].iter_mut().zip(whose) {
            match tunnel.decapsulate(None, datagram, &mut buffer) {
                TunnResult::Err(_) => continue,
                TunnResult::WriteToNetwork(answer) => {
                    let _ = self.socket.send_to(answer, from);
                }
                _ => {}
            }
            self.agent.insert(number, from);
            return;
        }
    }

    fn tick(&mut self) {
        let mut buffer = [0; 256];
        for (number, agent) in &self.agent {
            if let TunnResult::WriteToNetwork(message) = self.tunnels[*number].update_timers(&mut buffer) {
                let _ = self.socket.send_to(message, agent);
            }
        }
    }
}
