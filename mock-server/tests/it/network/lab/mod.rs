//! Network namespaces joined by virtual cables, with the real programs in them.
//!
//! A [`Lab`] is gone when it is dropped. What a killed run left behind is swept by the next one: the names of
//! namespaces carry the process id of the run that made them.

#![allow(dead_code, reason = "the tests and the benchmark each use their part of it")]
#![allow(unused_imports, reason = "likewise")]

mod iperf3;
mod machine;
mod place;
mod plane;
mod process;
mod wireguard;

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) use machine::Machine;
pub(crate) use place::Place;
pub(crate) use plane::{Plane, Registered};
pub(crate) use process::{Ended, Process};
pub(crate) use wireguard::{Keys, PORT, WireGuard};

/// What every namespace of this project is called first.
pub(crate) const PREFIX: &str = "ztna-lab-";
/// The middle of a star.
pub(crate) const HUB: &str = "hub";
/// How long a fact may take to come about on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

static LABS: AtomicU32 = AtomicU32::new(0);

/// Namespaces, and a folder for what runs in them.
pub(crate) struct Lab {
    places: Vec<Place>,
    folder: TempDir,
}

impl Lab {
    /// Two places, joined directly: the first is 10.77.0.1, the second 10.77.0.2.
    pub(crate) fn pair(names: [&str; 2]) -> Self {
        let number = begin();
        let [one, other] = names.map(|name| Place::make(number, name));
        cable(&one, &other, "eth0", 0);
        Self { places: vec![one, other], folder: folder() }
    }

    /// Places around a [`HUB`], which forwards between them: the first is 10.77.1.2, the second 10.77.2.2, and so
    /// on; the hub is 10.77.1.1, 10.77.2.1, and so on.
    pub(crate) fn star(names: &[&str]) -> Self {
        let number = begin();
        let hub = Place::make(number, HUB);
        let mut places = Vec::new();
        for (name, net) in names.iter().zip(1..) {
            let mut place = Place::make(number, name);
            cable(&hub, &place, name, net);
            place.gateway(Ipv4Addr::new(10, 77, net, 1));
            places.push(place);
        }
        places.push(hub);
        let lab = Self { places, folder: folder() };
        lab.forwarding(true);
        lab
    }

    /// Whether the hub forwards: without it, the places reach the hub and not each other.
    pub(crate) fn forwarding(&self, on: bool) {
        self.place(HUB).write("/proc/sys/net/ipv4/ip_forward", if on { "1" } else { "0" });
    }

    /// The place of that name.
    pub(crate) fn place(&self, name: &str) -> &Place {
        let found = self.places.iter().find(|place| place.name() == name);
        found.unwrap_or_else(|| panic!("this lab has no place named {name}"))
    }

    /// Where the programs of this lab keep their files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Ends the test if a lab cannot be made here, or one of these `tools` is missing. Such a test is
/// `#[ignore = "needs root, …"]`.
///
/// # Panics
/// With what is missing.
pub(crate) fn require(tools: &[&str]) {
    if let Some(missing) = missing(tools) {
        panic!("needs {missing}");
    }
}

/// What keeps a lab from being made.
pub(crate) fn missing(tools: &[&str]) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("root, to make network namespaces".to_owned());
    }
    if let Some(tool) = ["ip"].iter().chain(tools).find(|tool| !installed(tool)) {
        return Some(format!("the program {tool}"));
    }
    if !Path::new("/dev/net/tun").exists() {
        return Some("/dev/net/tun".to_owned());
    }
    let trial = format!("{PREFIX}{}-trial{}", std::process::id(), LABS.fetch_add(1, Ordering::Relaxed));
    let made = Command::new("ip").args(["netns", "add", &trial]).output().ok()?;
    let removed = Command::new("ip").args(["netns", "del", &trial]).output().ok()?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (!made.status.success() || !removed.status.success())
        .then(|| format!("the right to make network namespaces ({})", said(&made.stderr)))
}

/// Asks again until the answer is yes.
///
/// # Panics
/// If that takes longer than `limit`.
pub(crate) fn within(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
    start.elapsed()
}

/// Whether a program of that name is on the path.
pub(crate) fn installed(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    tool.contains('/') && Path::new(tool).exists()
        || std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

/// `ip` with these words, which must succeed.
fn ip(words: &[&str]) -> String {
    let output = Command::new("ip").args(words).stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {stderr}", words.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

fn begin() -> u32 {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(sweep);
    LABS.fetch_add(1, Ordering::Relaxed)
}

fn folder() -> TempDir {
    TempDir::with_prefix(PREFIX).unwrap()
}

/// Removes the namespaces of runs that are gone, and what still runs in them.
pub(crate) fn sweep() {
    wireguard::sweep();
    for line in ip(&["netns", "list"]).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let made_by = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        let gone = made_by.is_some_and(|pid| !Path::new("/proc").join(pid).exists());
        if gone {
            place::remove(name);
        }
    }
}

/// Joins two places by net 10.77.`net`.0/24. The cable is called `eth0` at both ends, at the hub's by the place.
fn cable(one: &Place, other: &Place, at_one: &str, net: u8) {
    let (a, b) = (one.namespace(), other.namespace());
    ip(&["link", "add", at_one, "netns", a, "type", "veth", "peer", "name", "eth0", "netns", b]);
    for (place, device, last) in [(one, at_one, 1), (other, "eth0", 2)] {
        place.ip(&["address", "add", &format!("10.77.{net}.{last}/24"), "dev", device]);
        place.ip(&["link", "set", "dev", device, "up"]);
    }
}
