//! Ports for servers that are to be started, or started again, at a known address.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that the system gives to whoever asks for any, as other tests do all the time.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;
static NEXT: AtomicU16 = AtomicU16::new(0);

/// Returns a port on loopback at which nothing listens, and which no other test gets.
pub(crate) fn unused_port() -> u16 {
    // Tests of another process begin elsewhere.
    let first = u16::try_from(std::process::id() % 200).unwrap() * (COUNT / 200);
    loop {
        let offset = (first + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, FIRST + offset)).is_ok() {
            return FIRST + offset;
        }
    }
}

pub(crate) fn unused_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, unused_port()).into()
}
