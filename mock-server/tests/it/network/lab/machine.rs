//! A machine with the agent on it.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::{Ended, Lab, Place, Plane, Process};

/// The `ztna` of one place, with a state folder.
pub(crate) struct Machine<'a> {
    /// Where it is.
    pub(crate) place: &'a Place,
    name: String,
    state_dir: PathBuf,
    url: String,
    key: String,
}

impl<'a> Machine<'a> {
    /// One that is not registered yet, and is called as its place is.
    pub(crate) fn new(lab: &'a Lab, place: &str, plane: &Plane<'_>) -> Self {
        let state_dir = lab.folder().join(place);
        let place = lab.place(place);
        let (url, key) = (plane.url.clone(), plane.key.clone());
        Self { place, name: place.name().to_owned(), state_dir, url, key }
    }

    /// What it is called in its organisation.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// `ztna` with these words, with nothing of this process's environment but where programs are.
    pub(crate) fn ztna(&self, words: &[&str]) -> Command {
        let mut command = self.place.command(env!("CARGO_BIN_EXE_ztna"), words);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("ZTNA_STATE_DIR", &self.state_dir)
            .env("ZTNA_SERVER", &self.url);
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        Ended::of(&mut self.ztna(words))
    }

    /// Starts `ztna up`.
    pub(crate) fn start(&self, words: &[&str]) -> Process {
        let words = [&["up", "--log", "debug", "--hostname", &self.name], words].concat();
        Process::start(self.ztna(&words).env("ZTNA_AUTH_KEY", &self.key))
    }

    /// `ztna up`, with a tunnel that has its first network map.
    pub(crate) fn up(&self, words: &[&str]) -> Process {
        let process = self.start(words);
        process.until("Press Ctrl+C to stop...");
        process
    }

    /// `ztna status --json`.
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.run(&["status", "--json"]).done()).unwrap()
    }

    /// Its address in the tailnet.
    pub(crate) fn ip(&self) -> Ipv4Addr {
        self.status()["machine"]["tailnet_ip"].as_str().unwrap().parse().unwrap()
    }

    /// Whether `ztna ping` is answered.
    pub(crate) fn pings(&self, named: &str, timeout: &str) -> bool {
        self.run(&["ping", named, "--timeout", timeout]).code == Some(0)
    }
}
