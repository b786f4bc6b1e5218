//! A network namespace, which stands for a machine.

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use nix::sched::{CloneFlags, setns};
use rustix::process::{Pid, Signal, kill_process};

use super::ip::{PREFIX, ip};
use super::process::{Ended, Process};

pub(crate) struct Namespace {
    name: String,
    id: String,
    gateway: Option<Ipv4Addr>,
}

impl Namespace {
    pub(super) fn make(lab: u32, name: &str) -> Self {
        let id = format!("{PREFIX}{}-{lab}-{name}", std::process::id());
        ip(&["netns", "add", &id]);
        let namespace = Self { name: name.to_owned(), id, gateway: None };
        // Without IPv6 the kernel sends no neighbour and router discovery.
        namespace.write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        namespace.ip(&["link", "set", "lo", "up"]);
        namespace
    }

    pub(super) fn gateway(&mut self, address: Ipv4Addr) {
        self.ip(&["route", "add", "default", "via", &address.to_string()]);
        self.gateway = Some(address);
    }

    /// Its name in the lab.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its name for `ip netns`.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// A command that runs in this namespace, without standard input.
    pub(crate) fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.id, program]).args(words).stdin(Stdio::null());
        command
    }

    /// Runs a program in this namespace to its end.
    pub(crate) fn run(&self, program: &str, words: &[&str]) -> Ended {
        Ended::of(&mut self.command(program, words))
    }

    /// Starts a program in this namespace.
    pub(crate) fn start(&self, program: &str, words: &[&str]) -> Process {
        Process::start(&mut self.command(program, words))
    }

    /// Runs `ip` for this namespace, which must succeed.
    pub(crate) fn ip(&self, words: &[&str]) -> String {
        ip(&[&["-n", &self.id], words].concat())
    }

    /// Runs `action` on a thread in this namespace, to which the sockets that it opens belong.
    pub(crate) fn inside<T: Send>(&self, action: impl FnOnce() -> T + Send) -> T {
        let file = std::fs::File::open(format!("/run/netns/{}", self.id)).unwrap();
        let work = move || {
            setns(&file, CloneFlags::CLONE_NEWNET).unwrap();
            action()
        };
        std::thread::scope(|scope| match scope.spawn(work).join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    /// Writes a network setting under /proc/sys/net.
    pub(crate) fn write(&self, file: &str, value: &str) {
        self.inside(|| std::fs::write(file, value).unwrap());
    }

    /// Unplugs the cable, or plugs it in again.
    pub(crate) fn link(&self, plugged: bool) {
        self.ip(&["link", "set", "dev", "eth0", if plugged { "up" } else { "down" }]);
        if let (true, Some(gateway)) = (plugged, self.gateway) {
            self.ip(&["route", "replace", "default", "via", &gateway.to_string()]);
        }
    }

    /// Replaces the address of the cable's end.
    pub(crate) fn readdress(&self, address: Ipv4Addr) {
        self.ip(&["address", "flush", "dev", "eth0"]);
        self.ip(&["address", "add", &format!("{address}/24"), "dev", "eth0"]);
        if let Some(gateway) = self.gateway {
            self.ip(&["route", "replace", "default", "via", &gateway.to_string()]);
        }
    }

    /// Whether the kernel's `ping` gets all of `count` answers, with `payload` bytes. A single one has to come within a
    /// second, so that a caller can ask again; several have the time that a loaded machine takes.
    #[allow(clippy::print_stderr, reason = "what a failed test shows")]
    pub(crate) fn pings(&self, to: Ipv4Addr, count: u32, payload: usize) -> bool {
        let (count, payload) = (count.to_string(), payload.to_string());
        let wait = if count == "1" { "1" } else { "10" };
        let words = ["-n", "-q", "-i", "0.01", "-W", wait, "-c", &count, "-s", &payload, &to.to_string()];
        let ended = self.run("ping", &words);
        let all = ended.code == Some(0) && ended.stdout.contains(" 0% packet loss");
        if !all && count != "1" {
            // A failed test shows it.
            eprintln!("ping {}: {ended:?}", words.join(" "));
        }
        all
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.id);
    }
}

/// Kills what runs in a namespace and removes it with its devices.
pub(super) fn remove(namespace: &str) {
    let output = |words: &[&str]| Command::new("ip").args(words).output();
    if let Ok(pids) = output(&["netns", "pids", namespace]) {
        for pid in String::from_utf8_lossy(&pids.stdout).lines() {
            if let Some(pid) = pid.trim().parse().ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
    let _ = output(&["netns", "del", namespace]);
}
