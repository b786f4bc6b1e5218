//! What is compared: a way from one namespace to another, and what goes through it.

use std::net::{Ipv4Addr, SocketAddr};

use mock_server::domain::access_rules::MAX_RULES;
use serde_json::{Value, json};

use crate::lab::{ControlPlane, Keys, Lab, Machine, PATIENCE, PORT, Process, WireGuard, installed, within};
use crate::samples::Samples;

const ONE: &str = "one";
const OTHER: &str = "other";
/// Where the second namespace is, without a tunnel.
const OTHER_AT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
/// Seconds of iperf3 a round, after one that does not count.
const SECONDS: &str = "4";
pub(crate) const UNDER_RULES: &str = "ztna-under-rules";
/// Pings a round.
const PINGS: &str = "200";

/// A way from one namespace to another.
pub(crate) enum Contender {
    /// The cable between them.
    Bare,
    /// `ztna up` on both sides.
    Ztna,
    /// The same under access rules, the last of which allows what is measured.
    ZtnaUnderRules,
    /// A program that `wg` configures, and where it is.
    Program(&'static str, String),
}

/// What was measured of it so far.
#[derive(Default)]
pub(crate) struct Measured {
    /// TCP throughput, Gbit/s.
    pub(crate) gigabits: Samples,
    /// Round trips with nothing else going on, µs.
    pub(crate) pings: Samples,
    /// Their median in each round, µs.
    pub(crate) latency: Samples,
}

/// What has to live as long as the way.
enum Held<'a> {
    Nothing,
    Agents { _up: [Process; 2], _plane: ControlPlane<'a> },
    Programs { _both: [WireGuard<'a>; 2] },
}

impl Contender {
    pub(crate) fn all() -> [Self; 5] {
        let home =
            std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| home + "/.cargo"));
        let own = home.unwrap_or_default() + "/bin/gotatun";
        let gotatun = if installed("gotatun") { "gotatun".to_owned() } else { own };
        let go = "wireguard-go";
        let (go, gotatun) = (Self::Program(go, go.to_owned()), Self::Program("gotatun", gotatun));
        [Self::Bare, Self::Ztna, Self::ZtnaUnderRules, go, gotatun]
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Bare => "no tunnel",
            Self::Ztna => "ztna",
            Self::ZtnaUnderRules => UNDER_RULES,
            Self::Program(name, _) => name,
        }
    }

    /// Why it cannot be measured here.
    pub(crate) fn missing(&self) -> Option<String> {
        match self {
            Self::Program("gotatun", path) if !installed(path) => {
                Some("'cargo install gotatun-cli --locked' installs it".to_owned())
            }
            Self::Program(name, path) if !installed(path) => Some(format!("{name} is not installed")),
            _ => None,
        }
    }

    /// Makes the way, and measures it once.
    pub(crate) fn round(&self, measured: &mut Measured) {
        let lab = Lab::pair([ONE, OTHER]);
        let (to, _held) = self.open(&lab);
        let from = lab.namespace(ONE);
        within(PATIENCE, &format!("{} opens a way", self.name()), || from.pings(to, 1, 56));
        let pings = from.run("ping", &["-n", "-i", "0.005", "-c", PINGS, &to.to_string()]).done();
        let mut round = Samples::default();
        round.extend(pings.lines().filter_map(microseconds));
        measured.latency.push(round.median());
        measured.pings.extend(round.all());
        let throughput = lab.iperf3(ONE, OTHER, to, &["--time", SECONDS, "--omit", "1"]);
        measured.gigabits.push(throughput.there() / 1e9);
    }

    /// The address to reach the second namespace by.
    fn open<'a>(&self, lab: &'a Lab) -> (Ipv4Addr, Held<'a>) {
        match self {
            Self::Bare => (OTHER_AT, Held::Nothing),
            Self::Ztna | Self::ZtnaUnderRules => {
                let plane = ControlPlane::serve(lab, OTHER, OTHER_AT, &[]);
                if matches!(self, Self::ZtnaUnderRules) {
                    plane.set_access_rules(&rules());
                }
                let machines = [ONE, OTHER].map(|namespace| Machine::new(lab, namespace, &plane));
                let _up = [machines[0].up(&[]), machines[1].up(&[])];
                (machines[1].ip(), Held::Agents { _up, _plane: plane })
            }
            Self::Program(_, path) => {
                let keys = [ONE, OTHER].map(|name| Keys::new(lab.folder(), name));
                let at = [1, 2].map(|last| Ipv4Addr::new(100, 64, 0, last));
                let start =
                    |n: usize, namespace| WireGuard::start(lab.namespace(namespace), path, &keys[n], at[n]);
                let both = [start(0, ONE), start(1, OTHER)];
                both[0].peer(&keys[1].public, at[1], Some(SocketAddr::from((OTHER_AT, PORT))));
                both[1].peer(&keys[0].public, at[0], None);
                (at[1], Held::Programs { _both: both })
            }
        }
    }
}

/// As many as an organisation may have, all about both machines: none but the last one allows what is measured.
fn rules() -> Vec<Value> {
    let ports = (1..MAX_RULES)
        .map(|n| json!({ "src": ["*"], "dst": [format!("*:{}", 10_000 + 2 * n)], "proto": "tcp" }));
    ports.chain([json!({ "src": ["*"], "dst": ["*:*"] })]).collect()
}

/// Of a line of `ping`.
fn microseconds(line: &str) -> Option<f64> {
    let (_, rest) = line.split_once(" time=")?;
    Some(rest.strip_suffix(" ms")?.parse::<f64>().ok()? * 1e3)
}
