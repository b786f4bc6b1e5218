//! A machine with the agent.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::control_plane::ControlPlane;
use super::namespace::Namespace;
use super::process::{Ended, Process};
use super::topology::Lab;

/// The `ztna` of one namespace, with a state folder.
pub(crate) struct Machine<'a> {
    pub(crate) namespace: &'a Namespace,
    name: String,
    state_dir: PathBuf,
    url: String,
    key: String,
}

impl<'a> Machine<'a> {
    /// A machine that is not registered yet and has the name of its namespace.
    pub(crate) fn new(lab: &'a Lab, namespace: &str, plane: &ControlPlane<'_>) -> Self {
        let state_dir = lab.folder().join(namespace);
        let namespace = lab.namespace(namespace);
        let (url, key) = (plane.url.clone(), plane.key.clone());
        Self { namespace, name: namespace.name().to_owned(), state_dir, url, key }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The command `ztna` with these arguments; of this process's environment it gets PATH alone.
    pub(crate) fn ztna(&self, words: &[&str]) -> Command {
        let mut command = self.namespace.command(env!("CARGO_BIN_EXE_ztna"), words);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("ZTNA_STATE_DIR", &self.state_dir)
            .env("ZTNA_SERVER", &self.url);
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        Ended::of(&mut self.ztna(words))
    }

    pub(crate) fn start(&self, words: &[&str]) -> Process {
        let words = [&["up", "--log", "debug", "--hostname", &self.name], words].concat();
        Process::start(self.ztna(&words).env("ZTNA_AUTH_KEY", &self.key))
    }

    /// Starts `ztna up` and waits until the tunnel has its first network map.
    pub(crate) fn up(&self, words: &[&str]) -> Process {
        let process = self.start(words);
        process.until("Press Ctrl+C to stop...");
        process
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.run(&["status", "--json"]).done()).unwrap()
    }

    /// Its tailnet address.
    pub(crate) fn ip(&self) -> Ipv4Addr {
        self.status()["machine"]["tailnet_ip"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn pings(&self, named: &str, timeout: &str) -> bool {
        self.run(&["ping", named, "--timeout", timeout]).code == Some(0)
    }
}
