use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::ip::{PREFIX, ip};
use super::leftovers::sweep;
use super::namespace::Namespace;

/// The middle of a star.
pub(crate) const HUB: &str = "hub";

static LABS: AtomicU32 = AtomicU32::new(0);

/// Namespaces, and a folder for the programs in them.
pub(crate) struct Lab {
    namespaces: Vec<Namespace>,
    folder: TempDir,
}

impl Lab {
    /// Two namespaces joined directly: 10.77.0.1 and 10.77.0.2.
    pub(crate) fn pair(names: [&str; 2]) -> Self {
        let number = begin();
        let [one, other] = names.map(|name| Namespace::make(number, name));
        cable(&one, &other, "eth0", 0);
        Self { namespaces: vec![one, other], folder: folder() }
    }

    /// Places around a [`HUB`], which forwards between them: the first is 10.77.1.2, the second 10.77.2.2, and so
    /// on; the hub is 10.77.1.1, 10.77.2.1, and so on.
    pub(crate) fn star(names: &[&str]) -> Self {
        let number = begin();
        let hub = Namespace::make(number, HUB);
        let mut namespaces = Vec::new();
        for (name, net) in names.iter().zip(1..) {
            let mut namespace = Namespace::make(number, name);
            cable(&hub, &namespace, name, net);
            namespace.gateway(Ipv4Addr::new(10, 77, net, 1));
            namespaces.push(namespace);
        }
        namespaces.push(hub);
        let lab = Self { namespaces, folder: folder() };
        lab.forwarding(true);
        lab
    }

    /// Turns forwarding on or off at the hub. Without it, namespaces reach the hub but not each other.
    pub(crate) fn forwarding(&self, on: bool) {
        self.namespace(HUB).write("/proc/sys/net/ipv4/ip_forward", if on { "1" } else { "0" });
    }

    pub(crate) fn namespace(&self, name: &str) -> &Namespace {
        let found = self.namespaces.iter().find(|namespace| namespace.name() == name);
        found.unwrap_or_else(|| panic!("this lab has no namespace named {name}"))
    }

    /// The folder for the files of the programs in this lab.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn begin() -> u32 {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(sweep);
    LABS.fetch_add(1, Ordering::Relaxed)
}

fn folder() -> TempDir {
    TempDir::with_prefix(PREFIX).unwrap()
}

/// Joins two namespaces by a cable with the network 10.77.`net`.0/24. Its ends are called `eth0`, at the hub after the
/// other namespace.
fn cable(one: &Namespace, other: &Namespace, at_one: &str, net: u8) {
    let (a, b) = (one.id(), other.id());
    ip(&["link", "add", at_one, "netns", a, "type", "veth", "peer", "name", "eth0", "netns", b]);
    for (namespace, device, last) in [(one, at_one, 1), (other, "eth0", 2)] {
        namespace.ip(&["address", "add", &format!("10.77.{net}.{last}/24"), "dev", device]);
        namespace.ip(&["link", "set", "dev", device, "up"]);
    }
}
