//! What machines are told of each other, so that their tunnels lead elsewhere.

use serde_json::{Value, json};

use crate::deviation::{Asked, Told};

use crate::deviation::{Family, telling};

/// Where nobody answers.
const NOWHERE: &str = "127.0.0.1:9";
const ANOTHER: &str = "100.127.9.9";

pub(super) const ALL: Family = &[
    (
        "connected-without-a-handshake",
        telling(|asked, told, _| {
            each_peer(asked, told, |peer| {
                peer["endpoints"] = json!([NOWHERE]);
                peer["relay"] = Value::Null;
            });
        }),
    ),
    (
        "peers-know-another-address",
        telling(|asked, told, _| each_peer(asked, told, |peer| peer["tailnet_ip"] = json!(ANOTHER))),
    ),
    (
        // Machines are told of keys that were replaced as if they were another machine's.
        "old-node-key-still-counts",
        telling(|asked, told, memory| {
            let mut ghosts = Vec::new();
            each_peer(asked, told, |peer| {
                let known = memory.registrations.iter().filter(|known| peer["name"] == *known.name);
                for (number, old) in known.filter(|known| peer["public_key"] != *known.public_key).enumerate()
                {
                    let mut ghost = peer.clone();
                    ghost["id"] = json!(format!("00000000-0000-4000-8000-{number:012}"));
                    ghost["name"] = json!(format!("ghost-{number}"));
                    ghost["tailnet_ip"] = json!(ANOTHER);
                    ghost["public_key"] = json!(old.public_key);
                    ghosts.push(ghost);
                }
            });
            if let Some(peers) = told.json.pointer_mut("/data/peers").and_then(Value::as_array_mut) {
                peers.extend(ghosts);
            }
        }),
    ),
];

fn each_peer(asked: &Asked, told: &mut Told, mut bend: impl FnMut(&mut Value)) {
    if asked.path == "/api/network-map" {
        let peers = told.json.pointer_mut("/data/peers").and_then(Value::as_array_mut);
        peers.into_iter().flatten().for_each(&mut bend);
    }
}
