//! TCP from one place to another, as fast as it goes.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::Lab;

/// What `iperf3` reports.
#[derive(Debug)]
pub(crate) struct Throughput(Value);

impl Lab {
    /// TCP to this address, which `to` answers at; `words` say for how long, and which ways.
    pub(crate) fn iperf3(&self, from: &str, to: &str, address: Ipv4Addr, words: &[&str]) -> Throughput {
        let server = self.place(to).start("iperf3", &["--server", "--one-off", "--forceflush"]);
        server.until("Server listening");
        let address = address.to_string();
        let words = [&["--client", &address, "--json"], words].concat();
        Throughput(serde_json::from_str(&self.place(from).run("iperf3", &words).done()).unwrap())
    }
}

impl Throughput {
    /// Bits a second that arrived.
    pub(crate) fn there(&self) -> f64 {
        self.bits("sum_received")
    }

    /// Bits a second that arrived the other way, with `--bidir`.
    pub(crate) fn back(&self) -> f64 {
        self.bits("sum_received_bidir_reverse")
    }

    fn bits(&self, sum: &str) -> f64 {
        let bits = self.0["end"][sum]["bits_per_second"].as_f64();
        bits.unwrap_or_else(|| panic!("no {sum}: {:#}", self.0))
    }
}
