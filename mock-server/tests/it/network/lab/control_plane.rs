//! `mock-server serve` in a namespace.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::{Value, json};

use super::namespace::Namespace;
use super::process::Process;
use super::topology::Lab;
use super::wait::{PATIENCE, within};

const PORT: u16 = 8080;

/// A running `mock-server serve`, an admin's token and a reusable auth key.
pub(crate) struct ControlPlane<'a> {
    namespace: &'a Namespace,
    pub(crate) process: Process,
    pub(crate) url: String,
    token: String,
    org: String,
    pub(crate) key: String,
}

/// A machine without an agent, registered over HTTP.
pub(crate) struct Registered {
    /// Its tailnet address.
    pub(crate) ip: Ipv4Addr,
    token: String,
}

impl<'a> ControlPlane<'a> {
    /// Starts it in the namespace of that name, on one of its addresses.
    pub(crate) fn serve(lab: &'a Lab, namespace: &str, address: Ipv4Addr, words: &[&str]) -> Self {
        let (namespace, listen) = (lab.namespace(namespace), SocketAddr::from((address, PORT)).to_string());
        let file = lab.folder().join("ready.json");
        // That of a server which has ended.
        let _ = std::fs::remove_file(&file);
        let path = file.to_str().unwrap();
        let words = [&["serve", "--listen", &listen, "--ready-file", path], words].concat();
        let process = namespace.start(env!("CARGO_BIN_EXE_mock-server"), &words);
        let ready = read(&file);
        let text = |pointer: &str| ready.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let (url, token, org) = (text("/base_url"), text("/admin/token"), text("/org_id"));
        let mut plane = Self { namespace, process, url, token, org, key: String::new() };
        let created = plane.admin(
            "/api/key-management",
            json!({ "action": "create_auth_key", "name": "lab", "reusable": true }),
        );
        plane.key = created.pointer("/data/key").unwrap().as_str().unwrap().to_owned();
        plane
    }

    /// Registers a machine with this public key, base64.
    pub(crate) fn register(&self, name: &str, public_key: &str) -> Registered {
        let body = json!({ "auth_key": self.key, "name": name, "public_key": public_key });
        let answer = self.post("/api/register-machine", "", &body);
        let text = |pointer: &str| answer.pointer(pointer).unwrap().as_str().unwrap();
        let ip = text("/data/machine/tailnet_ip").parse().unwrap();
        Registered { ip, token: text("/data/machine_token").to_owned() }
    }

    /// Sends a heartbeat with the machine's endpoints.
    pub(crate) fn heartbeat(&self, machine: &Registered, endpoints: &[SocketAddr]) {
        self.post("/api/heartbeat", &machine.token, &json!({ "endpoints": endpoints }));
    }

    /// Fetches the machine's network map.
    pub(crate) fn network_map(&self, machine: &Registered) -> Value {
        self.ask(|client| client.get(format!("{}/api/network-map", self.url)).bearer_auth(&machine.token))
    }

    /// Replaces the organisation's access rules.
    pub(crate) fn set_access_rules(&self, rules: &[Value]) {
        let body = json!({ "org_id": self.org, "rules": rules }).to_string();
        self.ask(|client| client.put(format!("{}/api/acl", self.url)).bearer_auth(&self.token).body(body));
    }

    /// Posts a request of the admin about the organisation.
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
        self.namespace.inside(|| {
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
