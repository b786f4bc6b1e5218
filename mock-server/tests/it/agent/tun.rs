//! `ztna up` with a TUN device.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use rustix::process::{Signal, geteuid};
use serde_json::Value;

use crate::agent::machine::{AUTH_KEY, Ended, Machine, Running};
use crate::agent::namespace::{has_device, ip, isolated};
use crate::test_server::TestServer;
use crate::wait::{DEADLINE, eventually};

fn up(machine: &Machine, key: &str, words: &[&str]) -> Running {
    Running::start(machine.ztna(&[&["up", "--hostname"], words].concat()).env("ZTNA_AUTH_KEY", key))
}

fn status(machine: &Machine) -> Value {
    serde_json::from_str(&machine.run(&["status", "--json"]).stdout).unwrap()
}

fn address(machine: &Machine) -> String {
    status(machine)["machine"]["tailnet_ip"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn up_without_privilege_registers_nothing() {
    let machine = Machine::fresh().await;
    let plain = machine.ztna(&["up", "--hostname", "Linux-C"]);
    let mut command = Command::new("setpriv");
    if geteuid().is_root() {
        command.args(["--bounding-set", "-net_admin", "--inh-caps", "-net_admin"]);
    }
    command.arg(plain.get_program()).args(plain.get_args()).env_clear();
    command
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("ZTNA_AUTH_KEY", AUTH_KEY);
    let ended = Ended::of(command.output().unwrap(), &machine);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    let said = ended.stderr.strip_prefix("a TUN device needs root (or CAP_NET_ADMIN) and /dev/net/tun: ");
    assert!(
        said.is_some_and(|said| said.ends_with(". Run as root, or use 'ztna up --userspace'\n")),
        "{}",
        ended.stderr
    );
    assert_eq!(machine.requests().await, [""; 0]);
}

#[test]
#[ignore = "needs root and ip"]
fn taken_device_name_is_reported_before_registration() {
    isolated(async || {
        let machine = Machine::fresh().await;
        let ended = machine.run(&["up", "--hostname", "a", "--auth-key", AUTH_KEY, "--tun-name", "lo"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
        assert!(ended.stderr.contains("a network device named 'lo' already exists"), "{}", ended.stderr);
        assert_eq!(machine.requests().await, [""; 0]);
    });
}

#[test]
#[ignore = "needs root and ip"]
fn kernel_and_agent_reach_the_peer() {
    isolated(async || {
        let server = TestServer::listen().await;
        let (one, other) = (server.machine().await, server.machine().await);
        let key = server.create_key(&one, &["--name", "fleet", "--reusable"]);
        let first = up(&one, &key, &["Linux-C"]).ready();
        let _second = up(&other, &key, &["Win-A", "--userspace"]).ready();
        let (own, there) = (address(&one), address(&other));
        assert_eq!(
            first.lines[2..4],
            [format!("Connected as Linux-C ({own}) [tun]"), "VPN started!".to_owned()]
        );
        assert!(one.run(&["status"]).stdout.contains("\nMode:          TUN (kernel)\n"));
        assert_eq!(status(&one)["mode"], "tun");
        let twice = one.run(&["up"]);
        assert!(twice.stderr.contains("'ztna up' is already running"), "{}", twice.stderr);

        let shown = ip("addr show ztna0");
        assert!(shown.contains(" mtu 1420 ") && shown.contains(&format!("inet {own}/10 ")), "{shown}");
        assert!(!shown.contains("inet6"), "{shown}");
        assert!(ip(&format!("route get {there}")).contains(&format!("dev ztna0 src {own}")));
        assert_talking(&one, &other, &there);

        ip("link set ztna0 down");
        ip("link set ztna0 up");
        assert_talking(&one, &other, &there);

        first.signal(Signal::TERM);
        assert_eq!(first.end().0.code(), Some(0));
        assert!(!has_device("ztna0"));
    });
}

/// The agents ping each other, and the first one's kernel gets a reset from the second, where nothing listens.
fn assert_talking(one: &Machine, other: &Machine, there: &str) {
    for (from, to) in [(one, "Win-A"), (other, "Linux-C")] {
        let pong = from.ping(&[to, "-c", "3", "--interval", "1ms"]);
        assert_eq!((pong.code, pong.stdout.lines().count()), (Some(0), 3), "{}", pong.stderr);
    }
    let target = SocketAddr::new(there.parse().unwrap(), 9);
    let refused = TcpStream::connect_timeout(&target, DEADLINE).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
#[ignore = "needs root and ip"]
fn killed_up_leaves_no_device() {
    isolated(async || {
        let server = TestServer::listen().await;
        let (one, other) = (server.machine().await, server.machine().await);
        let key = server.create_key(&one, &["--name", "fleet", "--reusable"]);
        let first = up(&one, &key, &["Linux-C"]).ready();
        let _second = up(&other, &key, &["Linux-D"]).ready();
        assert!(has_device("ztna0") && has_device("ztna1"), "one device per agent");
        first.signal(Signal::KILL);
        first.end();
        // The kernel may remove the device only after the process has ended.
        eventually(|| !has_device("ztna0"));
        assert!(!ip("route").contains("ztna0"), "{}", ip("route"));
        let again = up(&one, &key, &["Linux-C"]).ready();
        assert!(again.lines[1].starts_with("Already registered: Linux-C"), "{:?}", again.lines);
        assert!(ip("addr show ztna0").contains(&address(&one)));
        assert_eq!(one.run(&["down"]).stdout, "QuickZTNA stopped.\n");
        assert!(!has_device("ztna0"));
    });
}

#[test]
#[ignore = "needs root and ip"]
fn deleted_device_ends_up() {
    isolated(async || {
        let server = TestServer::listen().await;
        let machine = server.machine().await;
        let key = server.create_key(&machine, &["--name", "fleet", "--reusable"]);
        let running = up(&machine, &key, &["Linux-C", "--tun-name", "tunnel7"]).ready();
        ip("link delete tunnel7");
        let (status, stderr) = running.end();
        assert_eq!(status.code(), Some(1));
        assert!(stderr.starts_with("the TUN device tunnel7 was removed: "), "{stderr}");
        assert!(stderr.ends_with(". Run 'ztna up' again\n"), "{stderr}");
        eventually(|| !machine.run(&["status"]).stdout.contains("running"));
    });
}
