//! Another WireGuard implementation in a namespace: a program that creates a TUN device and is configured by `wg`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use boringtun::x25519::{PublicKey, StaticSecret};

use super::namespace::Namespace;
use super::process::Process;
use super::wait::{PATIENCE, within};

/// Where such programs keep their control sockets, whatever the namespace.
const SOCKETS: &str = "/var/run/wireguard";
/// The beginning of a device's name; the process id of the run follows.
const PREFIX: &str = "zl";
/// The port they listen on.
pub(crate) const PORT: u16 = 51820;

static DEVICES: AtomicU32 = AtomicU32::new(0);

/// A key pair in the form that `wg` takes.
pub(crate) struct Keys {
    file: PathBuf,
    /// Base64.
    pub(crate) public: String,
}

impl Keys {
    /// Generates a pair; the private key goes to a file in `folder`.
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let private = StaticSecret::from(rand::random::<[u8; 32]>());
        let file = folder.join(format!("{name}.key"));
        std::fs::write(&file, BASE64_STANDARD.encode(private.to_bytes())).unwrap();
        Self { file, public: BASE64_STANDARD.encode(PublicKey::from(&private).as_bytes()) }
    }
}

/// A running wireguard-go, or a program that is configured like it.
pub(crate) struct WireGuard<'a> {
    namespace: &'a Namespace,
    pub(crate) process: Process,
    device: String,
}

impl<'a> WireGuard<'a> {
    /// Starts `program` with these keys and this tailnet address, without peers.
    pub(crate) fn start(namespace: &'a Namespace, program: &str, keys: &Keys, address: Ipv4Addr) -> Self {
        let number = DEVICES.fetch_add(1, Ordering::Relaxed);
        let device = format!("{PREFIX}{}x{number}", std::process::id());
        // Otherwise gotatun gives up root for the user who logged in, and there may be none.
        let process = Process::start(namespace.command(program, &["-f", &device]).env("WG_SUDO", "1"));
        within(PATIENCE, "the WireGuard program listens", || socket(&device).exists());
        let wireguard = Self { namespace, process, device };
        let (port, file) = (PORT.to_string(), keys.file.to_str().unwrap());
        wireguard.set(&["listen-port", &port, "private-key", file]);
        namespace.ip(&["address", "add", &format!("{address}/10"), "dev", &wireguard.device]);
        namespace.ip(&["link", "set", "dev", &wireguard.device, "mtu", "1420", "up"]);
        wireguard
    }

    /// Adds or changes a peer. A peer without an endpoint can only be answered.
    pub(crate) fn peer(&self, public_key: &str, address: Ipv4Addr, endpoint: Option<SocketAddr>) {
        let allowed = format!("{address}/32");
        let endpoint = endpoint.map(|endpoint| endpoint.to_string());
        let endpoint = endpoint.iter().flat_map(|endpoint| ["endpoint", endpoint]);
        let peer = ["peer", public_key, "allowed-ips", &allowed];
        self.set(&peer.into_iter().chain(endpoint).collect::<Vec<_>>());
    }

    /// Listens on another port. Until then it keeps its old address, and sends nothing once that is gone.
    pub(crate) fn rebind(&self, port: u16) {
        self.set(&["listen-port", &port.to_string()]);
    }

    /// The endpoint from which its only peer was last heard.
    pub(crate) fn heard_at(&self) -> String {
        let shown = self.namespace.run("wg", &["show", &self.device, "endpoints"]).done();
        shown.split_whitespace().last().unwrap_or_default().to_owned()
    }

    fn set(&self, words: &[&str]) {
        self.namespace.run("wg", &[&["set", &self.device], words].concat()).done();
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

/// Removes the sockets of runs that have ended.
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
