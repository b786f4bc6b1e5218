//! The end of a tunnel in the kernel: a TUN device with the machine's address.
//!
//! The device lives as long as this process holds its descriptor, and its address and route live as long as the
//! device: whatever ends the process, even SIGKILL, leaves nothing behind.

mod coalescing;
mod error;
mod traffic;
mod writing;

pub(crate) use error::DeviceError;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use tun_rs::{AsyncDevice, DeviceBuilder};

use super::core::{Core, Packets};
use super::userspace::{MTU, Netstack, Pong};
use traffic::Traffic;

/// The kernel puts the lowest number there that no device has.
const NAMES: &str = "ztna%d";

/// The tailnet is 100.64.0.0/10 (RFC 6598): its route comes with the address.
const TAILNET_PREFIX: u8 = 10;

/// A TUN device that has no address yet.
pub(crate) struct Device {
    device: AsyncDevice,
    name: String,
}

impl Device {
    /// Makes one with this name, or with the first of ztna0, ztna1… that is free.
    ///
    /// # Errors
    /// [`DeviceError`], first of all for want of privilege.
    pub(crate) fn create(name: Option<&str>) -> Result<Self, DeviceError> {
        let wanted = name.unwrap_or(NAMES);
        let mtu = u16::try_from(MTU).unwrap_or(u16::MAX);
        let builder = DeviceBuilder::new().name(wanted).enable(false).mtu(mtu);
        let builder = builder.with(|options| {
            options.offload(true);
        });
        let device = builder.build_async().map_err(|cause| DeviceError::creating(name, cause))?;
        let name = device.name().map_err(|cause| DeviceError::creating(name, cause))?;
        // Before it is up: the kernel would give it an address and send router solicitations. Where this cannot be
        // written, or there is no IPv6, those are dropped by the core.
        let switch = format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6");
        if let Err(error) = std::fs::write(&switch, "1") {
            tracing::debug!(%error, switch, "IPv6 stays on");
        }
        Ok(Self { device, name })
    }

    /// Gives it the machine's address with the route to the tailnet, and sets it up.
    ///
    /// # Errors
    /// [`DeviceError::Configuration`].
    pub(super) fn open(self, address: Ipv4Addr, now: Instant) -> Result<Interface, DeviceError> {
        let Self { device, name } = self;
        let configured = device
            .set_network_address(address, TAILNET_PREFIX, None)
            .and_then(|()| device.enabled(true))
            .map_err(|cause| DeviceError::Configuration { name: name.clone(), cause });
        configured?;
        let pings = Netstack::new(address, rand::random(), now);
        Ok(Interface { traffic: Traffic::new(device, name), pings, pinging: now })
    }
}

/// How long replies to this machine's own pings are looked for after the last request.
const PING_PATIENCE: Duration = Duration::from_secs(3600);

/// A TUN device that is up, and the pings of this process beside the kernel's own.
pub(super) struct Interface {
    traffic: Traffic,
    /// Sees nothing but the replies to its own requests.
    pings: Netstack,
    /// Until when they are looked for.
    pinging: Instant,
}

impl Interface {
    /// Waits for packets of the kernel.
    pub(super) async fn readable(&self) -> Result<(), DeviceError> {
        self.traffic.readable().await
    }

    /// Hands packets of the kernel to the core, at most about as many as one batch of datagrams holds.
    pub(super) fn collect(&mut self, core: &mut Core, now: Instant) -> Result<(), DeviceError> {
        self.traffic.read(|packet| core.send(packet, now))
    }

    /// Hands packets to the kernel, and the pings' own replies to them.
    pub(super) fn deliver(&mut self, packets: &mut Packets, now: Instant) -> Result<(), DeviceError> {
        if now < self.pinging {
            packets.retain(|packet| {
                let own = self.pings.expects(packet);
                if own {
                    self.pings.deliver(packet.to_vec());
                }
                !own
            });
        }
        self.traffic.write(packets)
    }

    /// Sends an echo request from the machine's own address; see [`Netstack::ping`].
    pub(super) fn ping(&mut self, to: Ipv4Addr, now: Instant) -> Option<u16> {
        self.pinging = now + PING_PATIENCE;
        self.pings.ping(to, now)
    }

    /// The pings that were answered; what they send goes to the core.
    pub(super) fn poll(&mut self, core: &mut Core, now: Instant) -> Vec<Pong> {
        if now >= self.pinging {
            return Vec::new();
        }
        let pongs = self.pings.poll(now);
        while let Some(packet) = self.pings.poll_packet() {
            core.send(&packet, now);
        }
        pongs
    }
}
