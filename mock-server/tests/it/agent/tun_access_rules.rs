//! Access rules and a machine with a TUN device, whose packets are its kernel's.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::json;

use crate::agent::access_rules::{greeter, reaches, set};
use crate::agent::machine::{Machine, Running};
use crate::agent::namespace::isolated;
use crate::test_server::TestServer;
use crate::wait::eventually;

/// Comes up under that name, and becomes a machine with the tag of that name.
fn up(machine: &Machine, key: &str, name: &str, flags: &[&str]) -> Running {
    let mut command = machine.ztna(&[&["up", "--hostname", name], flags].concat());
    let running = Running::start(command.env("ZTNA_AUTH_KEY", key)).ready();
    assert_eq!(machine.run(&["set", "--tags", name]).code, Some(0));
    running
}

/// Whether this kernel connects to the machine's port, and a service greets there.
fn kernel_reaches(machine: &Machine, port: u16) -> bool {
    let status = machine.run(&["status", "--json"]).stdout;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let ip = status["machine"]["tailnet_ip"].as_str().unwrap().parse().unwrap();
    let Ok(mut stream) = TcpStream::connect_timeout(&SocketAddr::new(ip, port), Duration::from_secs(1))
    else {
        return false;
    };
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut heard = [0; 5];
    stream.read_exact(&mut heard).is_ok() && heard == *b"hello"
}

#[test]
#[ignore = "needs root and ip"]
fn rules_bind_what_a_kernel_sends_and_receives() {
    isolated(async || {
        let server = TestServer::listen().await;
        let (prod, laptop, third) = (server.machine().await, server.machine().await, server.machine().await);
        let key = server.create_key(&prod, &["--name", "fleet", "--reusable"]);
        let (ssh, page) = (greeter("0.0.0.0"), greeter("0.0.0.0"));
        let served = format!("--serve=22=127.0.0.1:{page}");
        let _ups = [
            up(&prod, &key, "prod", &[]),
            up(&laptop, &key, "laptop", &["--userspace", &served]),
            up(&third, &key, "third", &["--userspace"]),
        ];
        for machine in [&laptop, &third] {
            eventually(|| reaches(machine, "prod", ssh) && reaches(machine, "prod", page));
        }
        eventually(|| kernel_reaches(&laptop, 22));

        let to_kernel = json!({ "src": ["tag:laptop"], "dst": [format!("tag:prod:{ssh}")], "proto": "tcp" });
        set(&server, json!([to_kernel])).await;
        eventually(|| !reaches(&third, "prod", ssh));
        assert!(reaches(&laptop, "prod", ssh) && !reaches(&laptop, "prod", page));
        assert!(!kernel_reaches(&laptop, 22), "the rule has one direction");

        let from_kernel = json!({ "src": ["tag:prod"], "dst": ["tag:laptop:22"], "proto": "tcp" });
        set(&server, json!([from_kernel])).await;
        eventually(|| kernel_reaches(&laptop, 22));
        eventually(|| !reaches(&laptop, "prod", ssh));

        set(&server, json!([])).await;
        eventually(|| reaches(&third, "prod", ssh) && reaches(&laptop, "prod", page));
    });
}
