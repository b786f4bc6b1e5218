//! Where a tunnel ends on this machine.

use std::net::Ipv4Addr;
use std::time::Instant;

use super::core::Core;
use super::tun::{Device, DeviceError, Interface};
use super::userspace::{Netstack, Pong};
use crate::agent::local_socket::Mode;

/// What is to become the end of a tunnel, once the machine has an address.
pub(crate) enum Ending {
    /// An IP stack in this process.
    Userspace,
    /// The kernel's, behind this device.
    Tun(Device),
}

/// The end of a tunnel.
pub(super) enum End {
    /// An IP stack in this process.
    Userspace(Netstack),
    /// The kernel's.
    Tun(Interface),
}

impl Ending {
    /// As `ztna status` names it.
    pub(super) fn mode(&self) -> Mode {
        match self {
            Self::Userspace => Mode::Userspace,
            Self::Tun(_) => Mode::Tun,
        }
    }

    /// Gives it its address.
    ///
    /// # Errors
    /// [`DeviceError`], if it is a device.
    pub(super) fn open(self, address: Ipv4Addr, now: Instant) -> Result<End, DeviceError> {
        Ok(match self {
            Self::Userspace => End::Userspace(Netstack::new(address, rand::random(), now)),
            Self::Tun(device) => End::Tun(device.open(address, now)?),
        })
    }
}

impl End {
    /// Waits until it has packets for the tunnel that [`End::exchange`] would not have found before.
    pub(super) async fn readable(&self) -> Result<(), DeviceError> {
        match self {
            Self::Userspace(_) => std::future::pending().await,
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
            Self::Userspace(stack) => {
                core.packets().iter().for_each(|packet| stack.deliver(packet.to_vec()));
                core.packets().clear();
                let pongs = stack.poll(now);
                while let Some(packet) = stack.poll_packet() {
                    core.send(&packet, now);
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
            Self::Userspace(stack) => stack.ping(to, now),
            Self::Tun(interface) => interface.ping(to, now),
        }
    }

    /// When [`End::exchange`] wants to be called next, if not before for a packet or a ping.
    pub(super) fn deadline(&mut self, now: Instant) -> Option<Instant> {
        match self {
            Self::Userspace(stack) => stack.deadline(now),
            Self::Tun(_) => None,
        }
    }
}
