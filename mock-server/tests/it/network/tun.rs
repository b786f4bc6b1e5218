//! `ztna up` with a TUN device, seen from the kernel and its programs.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::network::lab::{ControlPlane, Lab, Machine, Namespace, PATIENCE, Process, require, within};

/// Less than the 5 s after which WireGuard repeats a handshake (section 6.4): a first one that is lost is noticed.
const SOON: Duration = Duration::from_secs(4);
/// The largest unfragmented ping payload: an MTU of 1420 bytes less the headers of IP and ICMP.
const LARGE: usize = 1392;
const TOOLS: &[&str] = &["ping"];

/// Three networks around a router: a control plane and two machines.
fn lab(tools: &[&str]) -> Lab {
    require(&[TOOLS, tools].concat());
    Lab::star(&["plane", "one", "other"])
}

/// Two machines that are up and whose kernels reach each other.
struct Pair<'a> {
    one: Machine<'a>,
    other: Machine<'a>,
    up: [Process; 2],
    plane: ControlPlane<'a>,
}

impl<'a> Pair<'a> {
    fn meet(lab: &'a Lab) -> Self {
        let plane = ControlPlane::serve(lab, "plane", Ipv4Addr::new(10, 77, 1, 2), &[]);
        let (one, other) = (Machine::new(lab, "one", &plane), Machine::new(lab, "other", &plane));
        let first = one.up(&[]);
        let start = Instant::now();
        let up = [first, other.up(&[])];
        let pair = Self { one, other, up, plane };
        let to = pair.other.ip();
        within(SOON.saturating_sub(start.elapsed()), "the first ping is answered", || {
            pair.one.namespace.pings(to, 1, 56)
        });
        pair
    }

    /// Sends an admin order about the second machine.
    fn admin(&self, action: &str) {
        let id = &self.other.status()["machine"]["id"];
        self.plane.admin("/api/machine-admin", json!({ "action": action, "machine_id": id }));
    }

    /// Whether both machines reach each other without the relay, which is part of the control plane.
    fn is_direct(&self) -> bool {
        [(&self.one, "other"), (&self.other, "one")].iter().all(|(from, to)| {
            let pong = from.run(&["ping", to, "--timeout", "200ms"]);
            pong.code == Some(0) && pong.stdout.contains(" via DIRECT ")
        })
    }

    fn met(&self) -> bool {
        self.one.namespace.pings(self.other.ip(), 1, 56)
    }
}

/// Addresses, routes and rules of a namespace, without counters.
fn configuration(namespace: &Namespace) -> String {
    namespace.ip(&["-o", "address"])
        + &namespace.ip(&["route", "show", "table", "all"])
        + &namespace.ip(&["rule"])
}

fn devices(namespace: &Namespace) -> Vec<Value> {
    serde_json::from_str(&namespace.ip(&["-json", "-details", "link", "show", "type", "tun"])).unwrap()
}

#[test]
#[ignore = "needs root, ip and ping"]
fn kernel_and_agent_pings_pass() {
    let lab = lab(&[]);
    let pair = Pair::meet(&lab);
    let (one, other) = (&pair.one, &pair.other);
    pair.up[1].until(&format!("Connected as other ({}) [tun]", other.ip()));
    let shown = one.run(&["status"]).done();
    assert!(shown.contains("\nMode:          TUN (kernel)\n"), "{shown}");
    for payload in [0, 1, 56, LARGE - 1, LARGE, LARGE + 1, 8000] {
        assert!(one.namespace.pings(other.ip(), 5, payload), "{payload} bytes");
        assert!(other.namespace.pings(one.ip(), 5, payload), "{payload} bytes back");
    }
    assert!(one.namespace.pings(one.ip(), 1, 56), "this machine itself");
    assert!(one.pings("other", "1s") && other.pings(&one.ip().to_string(), "1s"));
    assert!(!one.namespace.pings(Ipv4Addr::new(100, 64, 9, 9), 1, 56), "nobody has that address");
}

#[test]
#[ignore = "needs root, ip, ping, curl and python3"]
fn large_file_arrives_intact() {
    let lab = lab(&["curl", "python3"]);
    let pair = Pair::meet(&lab);
    let (folder, ip) = (lab.folder().join("served"), pair.other.ip().to_string());
    std::fs::create_dir(&folder).unwrap();
    let sent: Vec<u8> =
        (0..8_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    std::fs::write(folder.join("file"), &sent).unwrap();
    let words = ["-u", "-m", "http.server", "8000", "--bind", &ip, "--directory", folder.to_str().unwrap()];
    let server = pair.other.namespace.start("python3", &words);
    server.until("Serving HTTP");
    let (url, got) = (format!("http://{ip}:8000/file"), lab.folder().join("got"));
    let words = ["--silent", "--show-error", "--max-time", "60", "--output", got.to_str().unwrap(), &url];
    pair.one.namespace.run("curl", &words).done();
    assert!(std::fs::read(&got).unwrap() == sent, "what arrived differs");
}

#[test]
#[ignore = "needs root, ip, ping and iperf3"]
fn bidirectional_tcp_passes() {
    let lab = lab(&["iperf3"]);
    let pair = Pair::meet(&lab);
    let throughput = lab.iperf3("one", "other", pair.other.ip(), &["--time", "2", "--bidir"]);
    // A low bound: the build is unoptimised, and other tests run at the same time.
    assert!(throughput.there() > 10e6 && throughput.back() > 10e6, "{throughput:?}");
}

#[test]
#[ignore = "needs root, ip and ping"]
fn quarantine_cuts_traffic_off() {
    let lab = lab(&[]);
    let pair = Pair::meet(&lab);
    pair.admin("quarantine");
    let cut = || !pair.met() && !pair.other.namespace.pings(pair.one.ip(), 1, 56);
    within(SOON, "no traffic in either direction", cut);
    pair.admin("release");
    within(PATIENCE, "traffic passes again", || pair.met());
}

#[test]
#[ignore = "needs root, ip and ping"]
fn down_restores_the_network_configuration() {
    let lab = lab(&[]);
    let plane = ControlPlane::serve(&lab, "plane", Ipv4Addr::new(10, 77, 1, 2), &[]);
    let machine = Machine::new(&lab, "one", &plane);
    let before = configuration(machine.namespace);
    let up = machine.up(&[]);
    let (during, made) = (configuration(machine.namespace), devices(machine.namespace));
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(during.contains(&machine.ip().to_string()), "{during}");
    machine.run(&["down"]).done();
    assert!(up.end().success());
    assert_eq!(configuration(machine.namespace), before);
    assert!(devices(machine.namespace).is_empty());
}

#[test]
#[ignore = "needs root, ip and ping"]
fn up_works_after_kill_9() {
    let lab = lab(&[]);
    let Pair { one, other, up: [first, _second], plane: _plane } = Pair::meet(&lab);
    let device = |text: String| -> String {
        // The index of a device changes each time.
        text.lines()
            .map(|line| line.split_once(": ").map_or(line, |(_, rest)| rest).to_owned() + "\n")
            .collect()
    };
    let before = device(configuration(one.namespace));
    first.kill();
    let _again = one.up(&[]);
    assert_eq!(device(configuration(one.namespace)), before);
    assert_eq!(devices(one.namespace).len(), 1);
    within(SOON, "it reaches the other machine", || one.namespace.pings(other.ip(), 1, 56));
    within(SOON, "the other machine reaches it", || other.namespace.pings(one.ip(), 1, 56));
}

#[test]
#[ignore = "needs root, ip and ping"]
fn tunnel_survives_loss_of_the_control_plane() {
    let lab = lab(&[]);
    let pair = Pair::meet(&lab);
    let (there, here) = (pair.other.ip(), pair.one.ip());
    within(PATIENCE, "traffic is direct", || pair.is_direct());
    lab.namespace("plane").link(false);
    assert!(pair.one.namespace.pings(there, 300, 56), "3 s without loss");
    lab.namespace("plane").link(true);
    assert!(pair.other.namespace.pings(here, 100, 56), "no loss after it is back");
    pair.admin("quarantine");
    within(PATIENCE, "the order takes effect", || !pair.one.namespace.pings(there, 1, 56));
}

#[test]
#[ignore = "needs root, ip and ping"]
fn second_tunnel_of_a_machine_is_refused() {
    let lab = lab(&[]);
    let pair = Pair::meet(&lab);
    let second = pair.one.run(&["up"]);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert_eq!(devices(pair.one.namespace).len(), 1);
    assert!(pair.met());
}
