//! The TUN device, which connects a tunnel to the kernel's network stack under the machine's address.
//!
//! The device exists as long as this process holds its descriptor, and its address and route exist as long as the
//! device, so nothing is left behind even after SIGKILL.

mod address;
mod coalescing;
mod device_io;
mod error;
mod packet_writer;

pub(crate) use error::DeviceError;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use tun_rs::{AsyncDevice, DeviceBuilder};

use super::core::{Core, Packets};
use super::userspace::{MTU, Netstack, Pong};
use device_io::DeviceIo;

/// The kernel replaces `%d` with the lowest free number.
const NAME_PATTERN: &str = "ztna%d";

/// The prefix length of the tailnet, 100.64.0.0/10 (RFC 6598); assigning the address adds the route.
const TAILNET_PREFIX_LEN: u8 = 10;

/// A TUN device without an address.
pub(crate) struct Device {
    device: AsyncDevice,
    name: String,
}

impl Device {
    /// Creates a device with this name, or with the first free one of ztna0, ztna1, …
    ///
    /// # Errors
    /// [`DeviceError`], most likely for lack of privilege.
    pub(crate) fn create(name: Option<&str>) -> Result<Self, DeviceError> {
        let wanted = name.unwrap_or(NAME_PATTERN);
        let mtu = u16::try_from(MTU).unwrap_or(u16::MAX);
        let builder = DeviceBuilder::new().name(wanted).enable(false).mtu(mtu);
        let builder = builder.with(|options| {
            options.offload(true);
        });
        let device = builder.build_async().map_err(|cause| DeviceError::creating(name, cause))?;
        let name = device.name().map_err(|cause| DeviceError::creating(name, cause))?;
        // Before the device is up, because the kernel would assign an IPv6 address and send router solicitations. If
        // this fails, the core drops them.
        let switch = format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6");
        if let Err(error) = std::fs::write(&switch, "1") {
            tracing::debug!(%error, switch, "disabling IPv6 on the TUN device failed");
        }
        Ok(Self { device, name })
    }

    /// Assigns the machine's address with the route to the tailnet and sets the device up.
    pub(super) fn open(self, address: Ipv4Addr, now: Instant) -> Result<TunInterface, DeviceError> {
        let Self { device, name } = self;
        let configured = device
            .if_index()
            .and_then(|index| address::assign(index, address, TAILNET_PREFIX_LEN))
            .and_then(|()| device.enabled(true))
            .map_err(|cause| DeviceError::Configuration { name: name.clone(), cause });
        configured?;
        let pings = Netstack::new(address, rand::random(), now);
        Ok(TunInterface { io: DeviceIo::new(device, name), pings, replies_until: now })
    }
}

/// How long replies to this process's pings are looked for after the last request.
const PING_REPLY_PERIOD: Duration = Duration::from_secs(3600);

/// A TUN device that is up, and the pings sent by this process rather than the kernel.
pub(super) struct TunInterface {
    io: DeviceIo,
    /// Receives only the replies to its own requests.
    pings: Netstack,
    /// Until when replies are looked for.
    replies_until: Instant,
}

impl TunInterface {
    /// Waits for packets from the kernel.
    pub(super) async fn readable(&self) -> Result<(), DeviceError> {
        self.io.readable().await
    }

    /// Passes packets from the kernel to the core, at most about as many as fit into one batch of datagrams.
    pub(super) fn collect(&mut self, core: &mut Core, now: Instant) -> Result<(), DeviceError> {
        self.io.read(|packet| core.send(packet, now))
    }

    /// Passes packets to the kernel, except replies to this process's pings.
    pub(super) fn deliver(&mut self, packets: &mut Packets, now: Instant) -> Result<(), DeviceError> {
        if now < self.replies_until {
            packets.retain(|packet| {
                let own = self.pings.expects(packet);
                if own {
                    self.pings.deliver(packet.to_vec());
                }
                !own
            });
        }
        self.io.write(packets)
    }

    /// Sends an echo request from the machine's own address; see [`Netstack::ping`].
    pub(super) fn ping(&mut self, to: Ipv4Addr, now: Instant) -> Option<u16> {
        self.replies_until = now + PING_REPLY_PERIOD;
        self.pings.ping(to, now)
    }

    /// Sends due echo requests through the core and returns the answered ones.
    pub(super) fn poll(&mut self, core: &mut Core, now: Instant) -> Vec<Pong> {
        if now >= self.replies_until {
            return Vec::new();
        }
        let pongs = self.pings.poll(now);
        while let Some(packet) = self.pings.poll_packet() {
            core.send(&packet, now);
        }
        pongs
    }
}
