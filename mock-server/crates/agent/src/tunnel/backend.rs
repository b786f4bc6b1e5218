//! What a tunnel is connected to on this machine: a TUN device or an IP stack in the process.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use tokio::sync::oneshot;

use super::core::Core;
use super::forwarding::{DialResult, DialedConnection, Forwarding, Service};
use super::mode::Mode;
use super::tun::{Device, DeviceError, TunInterface};
use super::userspace::{Netstack, Pong};

/// A backend before the machine has an address.
pub(crate) enum PreparedBackend {
    /// An IP stack in this process, with the services that it forwards to.
    Userspace(Vec<Service>),
    /// The kernel's network stack, through this device.
    Tun(Device),
}

/// What a tunnel is connected to on this machine.
pub(super) enum Backend {
    /// An IP stack in this process.
    Userspace {
        stack: Box<Netstack>,
        /// Copies bytes between the stack's connections and local sockets.
        forwarding: Forwarding,
    },
    Tun(Box<TunInterface>),
}

impl PreparedBackend {
    pub(super) fn mode(&self) -> Mode {
        match self {
            Self::Userspace(_) => Mode::Userspace,
            Self::Tun(_) => Mode::Tun,
        }
    }

    pub(super) fn open(self, address: Ipv4Addr, now: Instant) -> Result<Backend, DeviceError> {
        Ok(match self {
            Self::Userspace(services) => {
                let mut stack = Box::new(Netstack::new(address, rand::random(), now));
                let forwarding = Forwarding::new(services, &mut stack);
                Backend::Userspace { stack, forwarding }
            }
            Self::Tun(device) => Backend::Tun(Box::new(device.open(address, now)?)),
        })
    }
}

impl Backend {
    /// Waits until there are new packets for [`Backend::exchange`].
    pub(super) async fn readable(&mut self) -> Result<(), DeviceError> {
        match self {
            Self::Userspace { stack, forwarding } => {
                poll_fn(|context| forwarding.poll(stack, context)).await;
                Ok(())
            }
            Self::Tun(interface) => interface.readable().await,
        }
    }

    /// Delivers the packets that the core has received and, unless `closed`, passes outgoing packets to the core. Returns
    /// the answered pings.
    pub(super) fn exchange(
        &mut self,
        core: &mut Core,
        closed: bool,
        now: Instant,
    ) -> Result<Vec<Pong>, DeviceError> {
        match self {
            Self::Userspace { stack, .. } => {
                core.packets().iter().for_each(|packet| stack.deliver(packet.to_vec()));
                core.packets().clear();
                let pongs = stack.poll(now);
                if !closed {
                    while let Some(packet) = stack.poll_packet() {
                        core.send(&packet, now);
                    }
                }
                Ok(pongs)
            }
            Self::Tun(interface) => {
                if !core.packets().is_empty() {
                    interface.deliver(core.packets(), now)?;
                    core.packets().clear();
                }
                if !closed {
                    interface.collect(core, now)?;
                }
                Ok(interface.poll(core, now))
            }
        }
    }

    /// Sends an echo request (RFC 792). Returns the number of its [`Pong`], or `None` if there are too many requests.
    pub(super) fn ping(&mut self, to: Ipv4Addr, now: Instant) -> Option<u16> {
        match self {
            Self::Userspace { stack, .. } => stack.ping(to, now),
            Self::Tun(interface) => interface.ping(to, now),
        }
    }

    /// Connects to a port of the machine with this name and answers `reply`.
    pub(super) fn dial(&mut self, name: String, to: SocketAddrV4, reply: oneshot::Sender<DialResult>) {
        match self {
            Self::Userspace { stack, forwarding } => forwarding.dial(stack, name, to, reply),
            Self::Tun(_) => drop(reply.send(Ok(DialedConnection::Kernel(*to.ip())))),
        }
    }

    /// Returns when [`Backend::exchange`] must be called next, unless there is a packet or a ping before.
    pub(super) fn deadline(&mut self, now: Instant) -> Option<Instant> {
        match self {
            Self::Userspace { stack, .. } => stack.deadline(now),
            Self::Tun(_) => None,
        }
    }
}
