//! The network map: what machines learn about their peers.

use serde_json::{Value, json};

use crate::deviation::{Family, ProxyRequest, ProxyResponse, on_response};

/// The discard port, where nothing listens.
const UNREACHABLE: &str = "127.0.0.1:9";
const OTHER_ADDRESS: &str = "100.127.9.9";

pub(super) const ALL: Family = &[
    (
        "connected-without-a-handshake",
        on_response(|request, response, _| {
            each_peer(request, response, |peer| {
                peer["endpoints"] = json!([UNREACHABLE]);
                peer["relay"] = Value::Null;
            });
        }),
    ),
    (
        "peers-know-another-address",
        on_response(|request, response, _| {
            each_peer(request, response, |peer| peer["tailnet_ip"] = json!(OTHER_ADDRESS));
        }),
    ),
    (
        // Replaced node keys appear as peers of their own.
        "old-node-key-still-counts",
        on_response(|request, response, state| {
            let mut ghosts = Vec::new();
            each_peer(request, response, |peer| {
                let known = state.registrations.iter().filter(|known| peer["name"] == *known.name);
                for (number, old) in known.filter(|known| peer["public_key"] != *known.public_key).enumerate()
                {
                    let mut ghost = peer.clone();
                    ghost["id"] = json!(format!("00000000-0000-4000-8000-{number:012}"));
                    ghost["name"] = json!(format!("ghost-{number}"));
                    ghost["tailnet_ip"] = json!(OTHER_ADDRESS);
                    ghost["public_key"] = json!(old.public_key);
                    ghosts.push(ghost);
                }
            });
            if let Some(peers) = response.json.pointer_mut("/data/peers").and_then(Value::as_array_mut) {
                peers.extend(ghosts);
            }
        }),
    ),
];

fn each_peer(request: &ProxyRequest, response: &mut ProxyResponse, mut change: impl FnMut(&mut Value)) {
    if request.path == "/api/network-map" {
        let peers = response.json.pointer_mut("/data/peers").and_then(Value::as_array_mut);
        peers.into_iter().flatten().for_each(&mut change);
    }
}
