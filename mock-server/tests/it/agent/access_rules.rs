//! Access rules between agents: by tag, by port, in one direction, at once, and what the user is told.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::agent::machine::{Ended, Machine, Running};
use crate::test_server::{ACME, ADMIN, TestServer};
use crate::wait::eventually;

/// `laptop` and `prod` with these tags and `third` without; `prod` serves the ports 22 and 80.
struct Site {
    server: TestServer,
    laptop: Machine,
    prod: Machine,
    third: Machine,
    _ups: Vec<Running>,
}

impl Site {
    async fn open() -> Self {
        let server = TestServer::listen().await;
        let local = greeter("127.0.0.1");
        let (laptop, prod, third) = (server.machine().await, server.machine().await, server.machine().await);
        let key = server.create_key(&laptop, &["--name", "fleet", "--reusable"]);
        let mut ups = Vec::new();
        for (machine, name, tag) in
            [(&laptop, "laptop", "laptop"), (&prod, "prod", "prod"), (&third, "third", "")]
        {
            let mut command = machine.ztna(&["up", "--userspace", "--hostname", name]);
            command.args([22, 80].map(|port| format!("--serve={port}=127.0.0.1:{local}")));
            ups.push(Running::start(command.env("ZTNA_AUTH_KEY", &key)).ready());
            if !tag.is_empty() {
                assert_eq!(machine.run(&["set", "--tags", tag]).code, Some(0));
            }
        }
        let site = Self { server, laptop, prod, third, _ups: ups };
        for machine in [&site.laptop, &site.third] {
            eventually(|| machine.run(&["ping", "prod", "--timeout", "300ms"]).code == Some(0));
        }
        site
    }
}

pub(super) async fn set(server: &TestServer, rules: Value) {
    let body = json!({ "org_id": ACME, "rules": rules }).to_string();
    let answer = server.send("PUT", "/api/acl", &server.token(ADMIN).await, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Starts a service that greets, and returns the port of this host that it listens on.
pub(super) fn greeter(address: &str) -> u16 {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"hello");
            std::thread::spawn(move || drop(stream.read(&mut [0; 1])));
        }
    });
    port
}

/// Connects and reads what the service says.
fn connect(machine: &Machine, name: &str, port: u16) -> Ended {
    let mut command = machine.ztna(&["nc", name, &port.to_string(), "--timeout", "1s"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    Ended::of(child.wait_with_output().unwrap(), machine)
}

pub(super) fn reaches(machine: &Machine, name: &str, port: u16) -> bool {
    let ended = connect(machine, name, port);
    ended.code == Some(0) && ended.stdout == "hello"
}

fn peer(machine: &Machine, name: &str) -> Value {
    let status: Value = serde_json::from_str(&machine.run(&["status", "--json"]).stdout).unwrap();
    let peers = status["peers"].as_array().unwrap();
    peers.iter().find(|peer| peer["name"] == json!(name)).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_by_tag_decides_what_machines_reach() {
    let site = Site::open().await;
    let Site { laptop, prod, third, .. } = &site;
    assert!(reaches(laptop, "prod", 80) && reaches(third, "prod", 22) && reaches(prod, "laptop", 22));
    assert_eq!(peer(third, "prod")["access"], json!("all"));

    set(&site.server, json!([{ "src": ["tag:laptop"], "dst": ["tag:prod:22"], "proto": "tcp" }])).await;
    eventually(|| !reaches(third, "prod", 22));
    assert!(reaches(laptop, "prod", 22));
    for (machine, name, port) in
        [(laptop, "prod", 80), (third, "prod", 22), (prod, "laptop", 22), (third, "laptop", 22)]
    {
        let refused = connect(machine, name, port);
        let expected = format!("port {port} of {name} (");
        assert_eq!(refused.code, Some(1), "{}", refused.stdout);
        assert!(
            refused.stderr.contains(&expected) && refused.stderr.contains("denied by access rules"),
            "{}",
            refused.stderr
        );
    }
    let ping = laptop.run(&["ping", "prod"]);
    assert!(ping.code == Some(1) && ping.stderr.contains("denied by access rules"), "{}", ping.stderr);
    assert_eq!(
        (&peer(laptop, "prod")["access"], &peer(third, "prod")["access"]),
        (&json!("some"), &json!("none"))
    );

    // A tag that a machine gets later counts at once.
    assert_eq!(third.run(&["set", "--tags", "laptop"]).code, Some(0));
    eventually(|| reaches(third, "prod", 22));
    assert!(!reaches(third, "prod", 80));

    set(&site.server, json!([])).await;
    eventually(|| reaches(laptop, "prod", 80));
    eventually(|| reaches(prod, "third", 22));
}
