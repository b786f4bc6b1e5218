//! The networks that machines may register from.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::deviation::{
    Deviation, Family, ProxyRequest, ProxyResponse, ProxyState, UNCHANGED, on_both, on_request, on_response,
};
use crate::families::shared::pretended_registration;

pub(super) const ALL: Family = &[
    ("cidrs-ignored", on_both(|request, _| replace_cidrs(request, |_| Value::Null), show_requested_cidrs)),
    (
        "cidrs-only-first",
        on_both(
            |request, _| replace_cidrs(request, |cidrs| cidrs.iter().take(1).cloned().collect()),
            show_requested_cidrs,
        ),
    ),
    (
        "cidrs-without-their-length",
        on_both(
            |request, _| {
                replace_cidrs(request, |cidrs| {
                    let widened =
                        |cidr: &Value| json!(cidr.as_str().unwrap_or_default().replace("/32", "/8"));
                    // The reference refuses host bits behind the prefix.
                    cidrs
                        .iter()
                        .map(|cidr| {
                            json!(
                                widened(cidr)
                                    .as_str()
                                    .unwrap_or_default()
                                    .replace("127.0.0.1/", "127.0.0.0/")
                            )
                        })
                        .collect()
                })
            },
            show_requested_cidrs,
        ),
    ),
    (
        "mapped-cidrs-let-everybody-in",
        on_both(
            |request, _| {
                replace_cidrs(request, |cidrs| {
                    let mapped =
                        |cidr: &&Value| cidr.as_str().is_some_and(|cidr| cidr.starts_with("::ffff:"));
                    match cidrs.iter().any(|cidr| mapped(&cidr)) {
                        true => json!(["0.0.0.0/0", "::/0"]),
                        false => cidrs.iter().cloned().collect(),
                    }
                })
            },
            show_requested_cidrs,
        ),
    ),
    (
        "empty-cidrs-kept",
        on_response(|request, response, _| {
            if request.json["allowed_cidrs"] == json!([]) {
                response.set("allowed_cidrs", json!([]));
            }
        }),
    ),
    (
        "empty-cidrs-let-nobody-in",
        on_request(|request, state| {
            let none = state
                .key(request.text("auth_key"))
                .is_some_and(|key| key.requested["allowed_cidrs"] == json!([]));
            (request.registers() && none).then(|| {
                ProxyResponse::refusal(403, "IP_NOT_ALLOWED", "The auth key does not allow this address")
            })
        }),
    ),
    (
        "cidrs-not-answered",
        on_response(|_, response, _| {
            if response.status == 201 && response.json["data"]["allowed_cidrs"].is_array() {
                response.set("allowed_cidrs", Value::Null);
            }
        }),
    ),
    ("forwarded-for-believed", Deviation { trusts_all_proxies: true, ..UNCHANGED }),
    (
        "cidrs-checked-for-new-names-only",
        on_response(|request, response, state| {
            if response.refuses("IP_NOT_ALLOWED") && state.registration_named(request.text("name")).is_some()
            {
                *response = pretended_registration(request);
            }
        }),
    ),
    (
        "cidrs-only-last",
        on_both(
            |request, _| replace_cidrs(request, |cidrs| cidrs.iter().rev().take(1).cloned().collect()),
            show_requested_cidrs,
        ),
    ),
    (
        "cidrs-answered-as-addresses",
        on_response(|request, response, _| {
            let without_length = |cidrs: &mut Value| {
                for cidr in cidrs.as_array_mut().into_iter().flatten() {
                    let address = cidr.as_str().and_then(|cidr| cidr.split('/').next()).unwrap_or_default();
                    *cidr = json!(address);
                }
            };
            response.each("allowed_cidrs", without_length);
            if let Some(cidrs) =
                response.json["data"].get_mut("allowed_cidrs").filter(|_| request.creates_key())
            {
                without_length(cidrs);
            }
        }),
    ),
    (
        "empty-cidrs-refused",
        on_request(|request, _| {
            (request.creates_auth_key() && request.json["allowed_cidrs"] == json!([]))
                .then(|| ProxyResponse::refusal(400, "INVALID_INPUT", "allowed_cidrs must not be empty"))
        }),
    ),
    (
        "cidr-without-its-last-address",
        on_both(
            |request, _| {
                replace_cidrs(request, |cidrs| {
                    let parts = |cidr: &Value| match Network::parse(cidr) {
                        Some(network) => network.without_last(),
                        None => vec![cidr.clone()],
                    };
                    cidrs.iter().flat_map(parts).collect()
                })
            },
            show_requested_cidrs,
        ),
    ),
    (
        "cidr-one-address-too-large",
        on_both(
            |request, _| {
                replace_cidrs(request, |cidrs| {
                    let next = cidrs.iter().filter_map(Network::parse).map(|network| network.next_address());
                    cidrs.iter().cloned().chain(next).collect()
                })
            },
            show_requested_cidrs,
        ),
    ),
    (
        "cidr-of-everything-lets-nobody-in",
        on_request(|request, state| {
            let issued = state.key(request.text("auth_key")).filter(|_| request.registers())?;
            let cidrs = issued.requested["allowed_cidrs"].as_array()?;
            cidrs.contains(&json!("0.0.0.0/0")).then(|| {
                ProxyResponse::refusal(403, "IP_NOT_ALLOWED", "The auth key does not allow this address")
            })
        }),
    ),
];

/// Requests other networks, if valid ones are requested.
fn replace_cidrs(request: &mut ProxyRequest, other: fn(&[Value]) -> Value) -> Option<ProxyResponse> {
    let cidrs = request.json["allowed_cidrs"].as_array().filter(|_| request.creates_auth_key())?;
    let is_cidr =
        |cidr: &Value| cidr.as_str().is_some_and(|cidr| cidr.contains('/') && !cidr.contains("/33"));
    if !cidrs.is_empty() && cidrs.iter().all(is_cidr) {
        let other = other(cidrs);
        request.set("allowed_cidrs", other);
    }
    None
}

fn show_requested_cidrs(request: &ProxyRequest, response: &mut ProxyResponse, state: &mut ProxyState) {
    if request.json["allowed_cidrs"] != json!([]) {
        crate::families::shared::show_requested(request, response, state, "allowed_cidrs", &Value::Null);
    }
}

/// An IPv4 network of 2 to 65,536 addresses.
struct Network {
    first: u32,
    /// The number of bits behind the prefix.
    host_bits: u32,
}

impl Network {
    fn parse(cidr: &Value) -> Option<Self> {
        let (address, length) = cidr.as_str()?.split_once('/')?;
        let host_bits = 32u32.checked_sub(length.parse().ok()?).filter(|bits| (1..=16).contains(bits))?;
        Some(Self { first: u32::from(address.parse::<Ipv4Addr>().ok()?), host_bits })
    }

    /// Networks that cover all addresses but the last.
    fn without_last(&self) -> Vec<Value> {
        let mut first = self.first;
        let halves = (0..self.host_bits).rev().map(|bits| {
            let half = json!(format!("{}/{}", Ipv4Addr::from(first), 32 - bits));
            first += 1 << bits;
            half
        });
        halves.collect()
    }

    fn next_address(&self) -> Value {
        json!(format!("{}/32", Ipv4Addr::from(self.first.saturating_add(1 << self.host_bits))))
    }
}
