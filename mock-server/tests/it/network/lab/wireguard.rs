//! Other people's WireGuard in a place: a program that makes a TUN device and is configured by `wg`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use boringtun::x25519::{PublicKey, StaticSecret};

use super::{Lab, PATIENCE, Place, Process, within};

/// Such programs keep their sockets here, whatever the namespace.
const SOCKETS: &str = "/var/run/wireguard";
/// What their devices are called first; the process id of the run follows.
const PREFIX: &str = "zl";
/// Where they listen.
pub(crate) const PORT: u16 = 51820;

static DEVICES: AtomicU32 = AtomicU32::new(0);

/// A pair of keys as `wg` takes them.
pub(crate) struct Keys {
    file: PathBuf,
    /// In base64.
    pub(crate) public: String,
}

impl Keys {
    /// New ones, the private one in a file of this lab.
    pub(crate) fn new(lab: &Lab, name: &str) -> Self {
        let private = StaticSecret::from(rand::random::<[u8; 32]>());
        let file = lab.folder().join(format!("{name}.key"));
        std::fs::write(&file, BASE64_STANDARD.encode(private.to_bytes())).unwrap();
        Self { file, public: BASE64_STANDARD.encode(PublicKey::from(&private).as_bytes()) }
    }
}

/// A running wireguard-go, or what is configured like it.
pub(crate) struct WireGuard<'a> {
    place: &'a Place,
    /// Killed with the rest.
    pub(crate) process: Process,
    device: String,
}

impl<'a> WireGuard<'a> {
    /// Starts `program` with these keys and this address in the tailnet, without peers.
    pub(crate) fn start(place: &'a Place, program: &str, keys: &Keys, address: Ipv4Addr) -> Self {
        let number = DEVICES.fetch_add(1, Ordering::Relaxed);
        let device = format!("{PREFIX}{}x{number}", std::process::id());
        // gotatun would give up root otherwise, to a user who logged in: here there may be none.
        let process = Process::start(place.command(program, &["-f", &device]).env("WG_SUDO", "1"));
        within(PATIENCE, "the WireGuard program listens", || socket(&device).exists());
        let wireguard = Self { place, process, device };
        let (port, file) = (PORT.to_string(), keys.file.to_str().unwrap());
        wireguard.set(&["listen-port", &port, "private-key", file]);
        place.ip(&["address", "add", &format!("{address}/10"), "dev", &wireguard.device]);
        place.ip(&["link", "set", "dev", &wireguard.device, "mtu", "1420", "up"]);
        wireguard
    }

    /// Adds a peer, or changes it. Without an endpoint it can only be answered.
    pub(crate) fn peer(&self, public_key: &str, address: Ipv4Addr, endpoint: Option<SocketAddr>) {
        let allowed = format!("{address}/32");
        let endpoint = endpoint.map(|endpoint| endpoint.to_string());
        let endpoint = endpoint.iter().flat_map(|endpoint| ["endpoint", endpoint]);
        let peer = ["peer", public_key, "allowed-ips", &allowed];
        self.set(&peer.into_iter().chain(endpoint).collect::<Vec<_>>());
    }

    /// Listens at another port. It holds on to its own address too until then, and sends nothing once that is gone.
    pub(crate) fn rebind(&self, port: u16) {
        self.set(&["listen-port", &port.to_string()]);
    }

    /// Where it heard its only peer last.
    pub(crate) fn heard_at(&self) -> String {
        let shown = self.place.run("wg", &["show", &self.device, "endpoints"]).done();
        shown.split_whitespace().last().unwrap_or_default().to_owned()
    }

    fn set(&self, words: &[&str]) {
        self.place.run("wg", &[&["set", &self.device], words].concat()).done();
    }
}

impl Drop for WireGuard<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(socket(&self.device));
    }
}

fn socket(device: &str) -> PathBuf {
    Path::new(SOCKETS).join(format!("{device}.sock"))
}

/// Removes the sockets of runs that are gone.
pub(super) fn sweep() {
    for entry in std::fs::read_dir(SOCKETS).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let made_by = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('x').next());
        let pid = made_by.and_then(|pid| pid.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
