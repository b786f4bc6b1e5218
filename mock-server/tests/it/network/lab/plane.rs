//! The reference's control plane in a place.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::{Value, json};

use super::{Lab, PATIENCE, Place, Process, within};

/// Where it listens, in a namespace that is its own.
const PORT: u16 = 8080;

/// A running `mock-server serve`, an admin's token, and a reusable key.
pub(crate) struct Plane<'a> {
    place: &'a Place,
    /// Killed with the rest.
    pub(crate) process: Process,
    /// Its base URL.
    pub(crate) url: String,
    token: String,
    org: String,
    /// A reusable auth key.
    pub(crate) key: String,
}

/// A machine that was registered over HTTP, without an agent.
pub(crate) struct Registered {
    /// Its address in the tailnet.
    pub(crate) ip: Ipv4Addr,
    token: String,
}

impl<'a> Plane<'a> {
    /// Serves in the place of that name, on that of its addresses.
    pub(crate) fn serve(lab: &'a Lab, place: &str, address: Ipv4Addr, words: &[&str]) -> Self {
        let (place, listen) = (lab.place(place), SocketAddr::from((address, PORT)).to_string());
        let file = lab.folder().join("ready.json");
        // Another one's, which has ended.
        let _ = std::fs::remove_file(&file);
        let path = file.to_str().unwrap();
        let words = [&["serve", "--listen", &listen, "--ready-file", path], words].concat();
        let process = place.start(env!("CARGO_BIN_EXE_mock-server"), &words);
        let ready = read(&file);
        let text = |pointer: &str| ready.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let (url, token, org) = (text("/base_url"), text("/admin/token"), text("/org_id"));
        let mut plane = Self { place, process, url, token, org, key: String::new() };
        let created = plane.admin(
            "/api/key-management",
            json!({ "action": "create_auth_key", "name": "lab", "reusable": true }),
        );
        plane.key = created.pointer("/data/key").unwrap().as_str().unwrap().to_owned();
        plane
    }

    /// Registers a machine with the public key that it says is its own, in base64.
    pub(crate) fn register(&self, name: &str, public_key: &str) -> Registered {
        let body = json!({ "auth_key": self.key, "name": name, "public_key": public_key });
        let answer = self.post("/api/register-machine", "", &body);
        let text = |pointer: &str| answer.pointer(pointer).unwrap().as_str().unwrap();
        let ip = text("/data/machine/tailnet_ip").parse().unwrap();
        Registered { ip, token: text("/data/machine_token").to_owned() }
    }

    /// A registered machine is heard of, and can be reached there.
    pub(crate) fn heartbeat(&self, machine: &Registered, endpoints: &[SocketAddr]) {
        self.post("/api/heartbeat", &machine.token, &json!({ "endpoints": endpoints }));
    }

    /// What a registered machine is told of its peers.
    pub(crate) fn network_map(&self, machine: &Registered) -> Value {
        self.ask(|client| client.get(format!("{}/api/network-map", self.url)).bearer_auth(&machine.token))
    }

    /// An admin posts this about the organisation.
    pub(crate) fn admin(&self, path: &str, mut body: Value) -> Value {
        body["org_id"] = json!(self.org);
        self.post(path, &self.token, &body)
    }

    fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        self.ask(|client| {
            client.post(format!("{}{path}", self.url)).bearer_auth(token).body(body.to_string())
        })
    }

    fn ask(&self, request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder + Send) -> Value {
        self.place.inside(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                let response = request(&client).send().await.unwrap();
                let success = response.status().is_success();
                let answer = response.json().await.unwrap();
                assert!(success, "{answer}");
                answer
            })
        })
    }
}

fn read(ready_file: &Path) -> Value {
    within(PATIENCE, "the control plane answers", || ready_file.exists());
    serde_json::from_slice(&std::fs::read(ready_file).unwrap()).unwrap()
}
