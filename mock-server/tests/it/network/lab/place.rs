//! A network namespace: a machine of its own, as far as the network goes.

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use nix::sched::{CloneFlags, setns};
use rustix::process::{Pid, Signal, kill_process};

use super::{Ended, PREFIX, Process, ip};

/// A network namespace.
pub(crate) struct Place {
    name: String,
    namespace: String,
    gateway: Option<Ipv4Addr>,
}

impl Place {
    pub(super) fn make(lab: u32, name: &str) -> Self {
        let namespace = format!("{PREFIX}{}-{lab}-{name}", std::process::id());
        ip(&["netns", "add", &namespace]);
        let place = Self { name: name.to_owned(), namespace, gateway: None };
        // Otherwise the kernel looks for neighbours and routers that nobody asked for.
        place.write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        place.ip(&["link", "set", "lo", "up"]);
        place
    }

    pub(super) fn gateway(&mut self, address: Ipv4Addr) {
        self.ip(&["route", "add", "default", "via", &address.to_string()]);
        self.gateway = Some(address);
    }

    /// What it is called in its lab.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What `ip netns` calls it.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A command that will run here, without a terminal.
    pub(crate) fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, program]).args(words).stdin(Stdio::null());
        command
    }

    /// Runs a program here to its end.
    pub(crate) fn run(&self, program: &str, words: &[&str]) -> Ended {
        Ended::of(&mut self.command(program, words))
    }

    /// Starts a program here and leaves it running.
    pub(crate) fn start(&self, program: &str, words: &[&str]) -> Process {
        Process::start(&mut self.command(program, words))
    }

    /// `ip` with these words about this place, which must succeed.
    pub(crate) fn ip(&self, words: &[&str]) -> String {
        ip(&[&["-n", &self.namespace], words].concat())
    }

    /// Does something on a thread that is here: the sockets that it opens belong to this place.
    pub(crate) fn inside<T: Send>(&self, action: impl FnOnce() -> T + Send) -> T {
        let namespace = std::fs::File::open(format!("/run/netns/{}", self.namespace)).unwrap();
        let work = move || {
            setns(&namespace, CloneFlags::CLONE_NEWNET).unwrap();
            action()
        };
        std::thread::scope(|scope| match scope.spawn(work).join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    /// Writes a setting of this place's network under /proc/sys/net.
    pub(crate) fn write(&self, file: &str, value: &str) {
        self.inside(|| std::fs::write(file, value).unwrap());
    }

    /// Pulls the cable out, or puts it in again.
    pub(crate) fn link(&self, plugged: bool) {
        self.ip(&["link", "set", "dev", "eth0", if plugged { "up" } else { "down" }]);
        if let (true, Some(gateway)) = (plugged, self.gateway) {
            self.ip(&["route", "replace", "default", "via", &gateway.to_string()]);
        }
    }

    /// Gives the cable's end another address in its net, instead of the one that it had.
    pub(crate) fn readdress(&self, address: Ipv4Addr) {
        self.ip(&["address", "flush", "dev", "eth0"]);
        self.ip(&["address", "add", &format!("{address}/24"), "dev", "eth0"]);
        if let Some(gateway) = self.gateway {
            self.ip(&["route", "replace", "default", "via", &gateway.to_string()]);
        }
    }

    /// The kernel's own `ping`: whether all of `count` were answered, of `payload` bytes, within a second each.
    pub(crate) fn pings(&self, to: Ipv4Addr, count: u32, payload: usize) -> bool {
        let (count, payload) = (count.to_string(), payload.to_string());
        let words = ["-n", "-q", "-i", "0.01", "-W", "1", "-c", &count, "-s", &payload, &to.to_string()];
        let ended = self.run("ping", &words);
        ended.code == Some(0) && ended.stdout.contains(" 0% packet loss")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        remove(&self.namespace);
    }
}

/// Ends what runs in a namespace of ours, and removes it. Its devices go with it.
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
