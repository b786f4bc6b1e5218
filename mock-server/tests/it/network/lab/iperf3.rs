use std::net::Ipv4Addr;

use serde_json::Value;

use super::topology::Lab;

#[derive(Debug)]
pub(crate) struct Throughput(Value);

impl Lab {
    /// Measures TCP from one namespace to `address` in another; `words` are further arguments of iperf3.
    pub(crate) fn iperf3(&self, from: &str, to: &str, address: Ipv4Addr, words: &[&str]) -> Throughput {
        let server = self.namespace(to).start("iperf3", &["--server", "--one-off", "--forceflush"]);
        server.until("Server listening");
        let address = address.to_string();
        let words = [&["--client", &address, "--json"], words].concat();
        Throughput(serde_json::from_str(&self.namespace(from).run("iperf3", &words).done()).unwrap())
    }
}

impl Throughput {
    /// Bits per second that arrived.
    pub(crate) fn there(&self) -> f64 {
        self.bits("sum_received")
    }

    /// Bits per second that arrived in the other direction, with `--bidir`.
    pub(crate) fn back(&self) -> f64 {
        self.bits("sum_received_bidir_reverse")
    }

    fn bits(&self, sum: &str) -> f64 {
        let bits = self.0["end"][sum]["bits_per_second"].as_f64();
        bits.unwrap_or_else(|| panic!("no {sum}: {:#}", self.0))
    }
}
