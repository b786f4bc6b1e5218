//! The control plane, as a program of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::organisation::FIXTURE;

/// The unit of times in /proc on Linux, whatever its tick is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin: String,
}

impl Server {
    pub(crate) async fn start(folder: &Path, database: &str) -> Self {
        let (fixture, ready) = (folder.join("fixture.toml"), folder.join("ready.json"));
        std::fs::write(&fixture, FIXTURE).unwrap();
        let _ = std::fs::remove_file(&ready);
        let program = std::env::var("BENCH_SERVER");
        let program = program.unwrap_or_else(|_| env!("CARGO_BIN_EXE_mock-server").to_owned());
        let mut command = Command::new(program);
        command
            .args(["serve", "--database", database, "--fixture"])
            .arg(fixture)
            .arg("--ready-file")
            .arg(&ready);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !ready.exists() {
            assert_eq!(child.try_wait().unwrap(), None, "the control plane ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let ready: Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
        let text = |pointer: &str| ready.pointer(pointer).and_then(Value::as_str).unwrap();
        let address = text("/base_url").trim_start_matches("http://").parse().unwrap();
        Self { child, address, admin: text("/admin/token").to_owned() }
    }

    /// Its resident memory in bytes.
    pub(crate) fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<f64>().unwrap() * 1024.0
    }

    /// The CPU time that it has taken, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) / TICKS_PER_SECOND
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
