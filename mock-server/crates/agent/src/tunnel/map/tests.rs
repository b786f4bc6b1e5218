use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::*;

const OWN: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);

/// The address of the machine with this id.
fn address_of(id: &str) -> String {
    format!("100.64.1.{}", id.as_bytes()[0])
}

fn peer(id: &str, key: u8, endpoint: &str) -> Value {
    json!({
        "id": id, "name": format!("name-{id}"), "tailnet_ip": address_of(id), "online": true,
        "public_key": BASE64.encode([key; 32]), "endpoints": [endpoint, "invalid"],
    })
}

fn with(mut peer: Value, field: &str, value: Value) -> Value {
    peer[field] = value;
    peer
}

fn answer(full: bool, peers: &[Value], removed: &[&str]) -> NetworkMapAnswer {
    serde_json::from_value(json!({ "version": 1, "full": full, "peers": peers, "removed": removed })).unwrap()
}

/// Returns the first bytes of the removed keys, and those of the set keys with their endpoints.
fn shown(changes: &MapChanges) -> (Vec<u8>, Vec<(u8, String)>) {
    let removed = changes.removed.iter().map(|key| key.as_bytes()[0]).collect();
    let set = changes.set.iter().map(|(key, settings)| {
        let endpoints: Vec<String> = settings.endpoints.iter().map(SocketAddr::to_string).collect();
        (key.as_bytes()[0], endpoints.join(" "))
    });
    (removed, set.collect())
}

fn found(map: &NetworkMap, named: &str) -> Option<String> {
    map.find(&Named::parse(named)).map(|machine| machine.name.clone())
}

#[test]
fn answers_become_changes() {
    let mut map = NetworkMap::new(OWN);
    let unusable = json!({ "id": "x", "name": "x", "tailnet_ip": "fe80::1", "public_key": "AA==" });
    for (answer, removed, set) in [
        (answer(true, &[peer("a", 1, "10.0.0.1:1"), unusable], &[]), vec![], vec![(1, "10.0.0.1:1")]),
        (answer(false, &[peer("b", 2, "10.0.0.2:1")], &["unknown"]), vec![], vec![(2, "10.0.0.2:1")]),
        (answer(false, &[], &[]), vec![], vec![]),
        (answer(false, &[peer("a", 1, "10.0.0.1:9")], &[]), vec![], vec![(1, "10.0.0.1:9")]),
        (answer(false, &[peer("a", 3, "10.0.0.1:9")], &[]), vec![1], vec![(3, "10.0.0.1:9")]),
        (answer(false, &[], &["b"]), vec![2], vec![]),
        (answer(true, &[peer("a", 3, "10.0.0.1:9")], &[]), vec![], vec![]),
        (answer(true, &[peer("c", 4, "10.0.0.4:1")], &[]), vec![3], vec![(4, "10.0.0.4:1")]),
    ] {
        let shown = shown(&map.apply(answer));
        let set = set.into_iter().map(|(key, text): (u8, &str)| (key, text.to_owned())).collect();
        assert_eq!(shown, (removed, set));
    }
    assert_eq!(found(&map, "name-c"), found(&map, &address_of("c")));
    assert!(found(&map, "name-c").is_some() && found(&map, "name-a").is_none());
    assert_eq!(shown(&map.clear()), (vec![4], vec![]));
    assert_eq!(found(&map, "name-c"), None);
}

#[test]
fn impostor_does_not_cut_off_the_holder_of_a_key_or_an_address() {
    for claim in ["public_key", "tailnet_ip"] {
        let victim = peer("v", 1, "192.0.2.1:1");
        let honest = peer("i", 2, "192.0.2.66:6");
        // The id "i" is before "v".
        let impostor = with(honest.clone(), claim, victim[claim].clone());
        let mut map = NetworkMap::new(OWN);
        map.apply(answer(true, std::slice::from_ref(&victim), &[]));
        assert_eq!(
            shown(&map.apply(answer(false, std::slice::from_ref(&impostor), &[]))),
            (vec![], vec![]),
            "{claim}"
        );
        assert_eq!(found(&map, &address_of("v")).as_deref(), Some("name-v"), "{claim}");
        assert_eq!(found(&map, "name-i"), None, "{claim}");
        assert_eq!(shown(&map.apply(answer(false, &[], &["i"]))), (vec![], vec![]), "{claim}");

        // A machine that was there before and changes its claim later.
        let mut map = NetworkMap::new(OWN);
        map.apply(answer(true, &[honest], &[]));
        map.apply(answer(false, std::slice::from_ref(&victim), &[]));
        let changes = shown(&map.apply(answer(false, std::slice::from_ref(&impostor), &[])));
        assert_eq!(changes, (vec![2], vec![]), "{claim}");
        assert_eq!(found(&map, "name-v").as_deref(), Some("name-v"), "{claim}");

        // What the holder gives up passes on.
        let (removed, set) = shown(&map.apply(answer(false, &[], &["v"])));
        assert_eq!(set.iter().map(|(_, endpoint)| endpoint.as_str()).collect::<Vec<_>>(), ["192.0.2.66:6"]);
        assert_eq!(removed, if claim == "public_key" { vec![] } else { vec![1] });
        let last = map.apply(answer(false, &[], &["i"]));
        assert_eq!(last.removed.len(), 1);
    }
}

#[test]
fn two_machines_may_exchange_their_addresses() {
    let mut map = NetworkMap::new(OWN);
    let (a, b) = (peer("a", 1, "192.0.2.1:1"), peer("b", 2, "192.0.2.2:1"));
    map.apply(answer(true, &[a.clone(), b.clone()], &[]));
    let exchanged = [
        with(a.clone(), "tailnet_ip", b["tailnet_ip"].clone()),
        with(b, "tailnet_ip", a["tailnet_ip"].clone()),
    ];
    let changes = map.apply(answer(false, &exchanged, &[]));
    assert_eq!((changes.removed.len(), changes.set.len()), (0, 2));
    assert_eq!(found(&map, &address_of("b")).as_deref(), Some("name-a"));
}

#[test]
fn a_name_never_stands_in_for_an_address() {
    let mut map = NetworkMap::new(OWN);
    let names = [
        "100.64.1.98",
        "100.64.1.98 ",
        "１００.64.1.98",
        "1684275298",
        "0x64400162",
        "[::1]",
        "::ffff:100.64.1.98",
    ];
    let mut peers = vec![peer("b", 2, "192.0.2.2:1")];
    for (number, name) in (10..).zip(names) {
        let named = with(peer("a", number, "192.0.2.1:1"), "name", json!(name));
        let named = with(named, "tailnet_ip", json!(format!("100.64.2.{number}")));
        peers.push(with(named, "id", json!(format!("a{number}"))));
    }
    map.apply(answer(true, &peers, &[]));
    for typed in ["100.64.1.98", " 100.64.1.98 ", "::ffff:100.64.1.98", "[::ffff:100.64.1.98]"] {
        assert_eq!(found(&map, typed).as_deref(), Some("name-b"), "{typed}");
    }
    for typed in ["100.64.0.8", "1684275298", "0x64400162", "::1", "１００.64.1.98", "100.064.001.098"] {
        assert_eq!(found(&map, typed), None, "{typed}");
    }
    assert_eq!(found(&map, "NAME-B").as_deref(), Some("name-b"));
    assert_eq!(map.machines().count(), 8, "they are peers all the same");
}

#[test]
fn own_name_never_stands_in_for_an_address() {
    for (typed, itself) in
        [("100.64.0.1", true), ("Linux-C", true), ("linux-c ", true), ("100.64.0.14", false), ("x", false)]
    {
        assert_eq!(Named::parse(typed).is("Linux-C", OWN), itself, "{typed}");
    }
    assert!(!Named::parse("100.64.0.14").is("100.64.0.14", OWN));
}

#[test]
fn machines_with_values_outside_their_range_are_left_out() {
    let good = peer("a", 1, "192.0.2.1:1");
    for (field, value) in [
        ("tailnet_ip", json!("0.0.0.0")),
        ("tailnet_ip", json!("127.0.0.1")),
        ("tailnet_ip", json!("192.168.0.1")),
        ("tailnet_ip", json!("100.64.0.0")),
        ("tailnet_ip", json!("100.128.0.1")),
        ("tailnet_ip", json!("::1")),
        ("tailnet_ip", json!("100.64.0.7/0")),
        ("tailnet_ip", json!(OWN.to_string())),
        ("tailnet_ip", json!(7)),
        ("public_key", json!(BASE64.encode([0; 32]))),
        ("public_key", json!(BASE64.encode([7; 31]))),
        ("public_key", json!("")),
        ("public_key", json!(null)),
        ("id", json!(null)),
        ("name", json!([])),
        ("endpoints", json!("192.0.2.1:1")),
    ] {
        let mut map = NetworkMap::new(OWN);
        let bad = with(with(good.clone(), "id", json!("z")), field, value.clone());
        let changes = map.apply(answer(true, &[bad, peer("b", 2, "192.0.2.2:1")], &[]));
        assert_eq!(shown(&changes), (vec![], vec![(2, "192.0.2.2:1".to_owned())]), "{field} {value}");
    }
}

#[test]
fn only_usable_endpoints_and_regions_are_kept() {
    let mut map = NetworkMap::new(OWN);
    let endpoints = json!([
        "0.0.0.0:1",
        "192.0.2.1:0",
        "255.255.255.255:1",
        "224.0.0.1:1",
        "192.0.2.1:65536",
        "192.0.2.1",
        "[::]:1",
        "[fe80::1%9]:1",
        "",
        "192.0.2.1:1",
    ]);
    let listed = with(peer("a", 1, ""), "endpoints", endpoints);
    let (_, set) = shown(&map.apply(answer(true, &[with(listed, "relay", json!("../../x"))], &[])));
    assert_eq!(set, [(1, "192.0.2.1:1".to_owned())]);
    assert_eq!(map.machines().next().unwrap().settings.relay, None);

    let many: Vec<String> = (1..500).map(|port| format!("192.0.2.1:{port}")).collect();
    let changes = map.apply(answer(true, &[with(peer("a", 1, ""), "endpoints", json!(many))], &[]));
    assert_eq!(changes.set[0].1.endpoints.len(), endpoint::MAX_ENDPOINTS);
}

/// Which TCP ports of 22 and 80 this machine may open to the machine with this id, and that machine to this one.
fn open_ports(map: &NetworkMap, id: &str) -> [[bool; 2]; 2] {
    let access = &map.find(&Named::parse(&address_of(id))).unwrap().settings.access;
    [&access.outgoing, &access.incoming].map(|grants| [22, 80].map(|port| grants.allow_tcp(port)))
}

#[test]
fn rules_and_tags_decide_about_each_peer() {
    const ALL: [[bool; 2]; 2] = [[true; 2]; 2];
    const NONE: [[bool; 2]; 2] = [[false; 2]; 2];
    const OUT: [[bool; 2]; 2] = [[true, false], [false; 2]];
    const IN: [[bool; 2]; 2] = [[false; 2], [true, false]];
    let tagged = |id: &str, key, tags: &[&str]| with(peer(id, key, "10.0.0.1:1"), "tags", json!(tags));
    let mut map = NetworkMap::new(OWN);
    let mut apply = |fields: Value| {
        let mut body = json!({ "version": 1 });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        map.apply(serde_json::from_value(body).unwrap());
        ["a", "b"].map(|id| open_ports(&map, id))
    };
    let ssh = json!([{ "src": ["tag:laptop"], "dst": ["tag:prod:22"], "proto": "tcp" }]);
    let peers = json!([tagged("a", 1, &["prod"]), tagged("b", 2, &[])]);
    assert_eq!(apply(json!({ "full": true, "peers": peers })), [ALL, ALL], "a control plane without rules");
    assert_eq!(apply(json!({ "access_rules": ssh })), [NONE, NONE], "this machine has no tags");
    assert_eq!(apply(json!({ "self": { "tags": ["laptop"] } })), [OUT, NONE]);
    assert_eq!(apply(json!({})), [OUT, NONE], "unchanged");
    assert_eq!(apply(json!({ "peers": [tagged("b", 2, &["x", "prod"])] })), [OUT, OUT], "a new tag");
    assert_eq!(apply(json!({ "self": { "tags": ["prod"] } })), [NONE, NONE]);
    assert_eq!(apply(json!({ "peers": [tagged("a", 1, &["laptop"])] })), [IN, NONE]);
    for unreadable in [json!([7]), json!([{ "from": "*" }]), json!([{ "src": ["group:x"], "dst": ["*:*"] }])]
    {
        assert_eq!(apply(json!({ "access_rules": unreadable })), [NONE, NONE], "{unreadable}");
    }
    assert_eq!(apply(json!({ "access_rules": [] })), [ALL, ALL]);
}
