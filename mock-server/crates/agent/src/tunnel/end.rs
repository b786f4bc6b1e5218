//! Where a tunnel ends on this machine.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use tokio::sync::oneshot;

use super::core::Core;
use super::forwarding::{Dialed, Forwarding, Outcome, Service};
use super::mode::Mode;
use super::tun::{Device, DeviceError, Interface};
use super::userspace::{Netstack, Pong};

/// What is to become the end of a tunnel, once the machine has an address.
pub(crate) enum Ending {
    /// An IP stack in this process, and what of this host peers reach through it.
    Userspace(Vec<Service>),
    /// The kernel's, behind this device.
    Tun(Device),
}

/// The end of a tunnel.
pub(super) enum End {
    /// An IP stack in this process, and what moves its connections' bytes.
    Userspace {
        /// The one.
        stack: Box<Netstack>,
        /// The other.
        forwarding: Forwarding,
    },
    /// The kernel's.
    Tun(Box<Interface>),
}

impl Ending {
    /// As `ztna status` names it.
    pub(super) fn mode(&self) -> Mode {
        match self {
            Self::Userspace(_) => Mode::Userspace,
            Self::Tun(_) => Mode::Tun,
        }
    }

    /// Gives it its address.
    ///
    /// # Errors
    /// [`DeviceError`], if it is a device.
    pub(super) fn open(self, address: Ipv4Addr, now: Instant) -> Result<End, DeviceError> {
        Ok(match self {
            Self::Userspace(services) => {
                let mut stack = Box::new(Netstack::new(address, rand::random(), now));
                let forwarding = Forwarding::new(services, &mut stack);
                End::Userspace { stack, forwarding }
            }
            Self::Tun(device) => End::Tun(Box::new(device.open(address, now)?)),
        })
    }
}

impl End {
    /// Waits until it has packets for the tunnel that [`End::exchange`] would not have found before.
    pub(super) async fn readable(&mut self) -> Result<(), DeviceError> {
        match self {
            Self::Userspace { stack, forwarding } => {
                poll_fn(|context| forwarding.poll(stack, context)).await;
                Ok(())
            }
            Self::Tun(interface) => interface.readable().await,
        }
    }

    /// Takes what came in for it out of the core, and hands the core what it wants to send, unless `closed`; the
    /// pings that were answered.
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

    /// Sends an echo request (RFC 792); the number its [`Pong`] will have, or nothing if too many are under way.
    pub(super) fn ping(&mut self, to: Ipv4Addr, now: Instant) -> Option<u16> {
        match self {
            Self::Userspace { stack, .. } => stack.ping(to, now),
            Self::Tun(interface) => interface.ping(to, now),
        }
    }

    /// Connects to a port of the machine with this name; `reply` is answered unless its other end is gone before.
    pub(super) fn dial(&mut self, name: String, to: SocketAddrV4, reply: oneshot::Sender<Outcome>) {
        match self {
            Self::Userspace { stack, forwarding } => forwarding.dial(stack, name, to, reply),
            Self::Tun(_) => drop(reply.send(Ok(Dialed::Kernel(*to.ip())))),
        }
    }

    /// When [`End::exchange`] wants to be called next, if not before for a packet or a ping.
    pub(super) fn deadline(&mut self, now: Instant) -> Option<Instant> {
        match self {
            Self::Userspace { stack, .. } => stack.deadline(now),
            Self::Tun(_) => None,
        }
    }
}
