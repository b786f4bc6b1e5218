//! Control planes that answer with values out of range: no panic, no reroute, no endless wait.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::agent::machine::{AUTH_KEY, Ended, MACHINE_TOKEN, Machine, done, refused};
use crate::wait::eventually;

fn registered(field: &str, value: &Value) -> Value {
    let mut machine =
        json!({ "id": "m1", "name": "Linux-C", "tailnet_ip": "100.64.0.3", "status": "online" });
    let mut answer = json!({ "machine_token": MACHINE_TOKEN, "org_id": "org_1" });
    let changed = if answer.get(field).is_some() { &mut answer } else { &mut machine };
    changed[field] = value.clone();
    answer["machine"] = machine;
    done(answer)
}

#[track_caller]
fn assert_clean_failure(ended: &Ended, what: &str) {
    assert_eq!(ended.code, Some(1), "{what}: {ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{what}: {}", ended.stderr);
    assert!(ended.stderr.len() < 3000, "{what}: {} bytes", ended.stderr.len());
}

#[tokio::test]
async fn registration_with_values_out_of_range_is_refused() {
    for (field, value) in [
        ("tailnet_ip", json!("10.0.0.1")),
        ("tailnet_ip", json!("0.0.0.0")),
        ("tailnet_ip", json!("127.0.0.1")),
        ("tailnet_ip", json!("255.255.255.255")),
        ("tailnet_ip", json!("100.64.0.0")),
        ("tailnet_ip", json!("100.127.255.255")),
        ("tailnet_ip", json!("100.64.0.3/0")),
        ("tailnet_ip", json!("fd7a:115c:a1e0::1")),
        ("tailnet_ip", json!(1_681_915_907)),
        ("tailnet_ip", json!(null)),
        ("id", json!("")),
        ("id", json!("a\nb")),
        ("id", json!(-1)),
        ("name", json!("x".repeat(1 << 19))),
        ("name", json!("\u{1b}]0;title\u{7}")),
        ("machine_token", json!("ztm_1\r\nX-Evil: 1")),
        ("machine_token", json!("")),
        ("org_id", json!("a b")),
        ("tags", json!("all")),
    ] {
        let machine = Machine::fresh().await;
        machine.answers("POST", "/api/register-machine", 201, registered(field, &value)).await;
        let up = machine.run(&["up", "--userspace", "--hostname", "Linux-C", "--auth-key", AUTH_KEY]);
        let what = format!("{field} {}", value.to_string().chars().take(60).collect::<String>());
        assert_clean_failure(&up, &what);
        assert!(up.stderr.contains("unexpected response from <server>"), "{what}: {}", up.stderr);
        assert_eq!(machine.state()["machine"], Value::Null, "{what}");
        assert!(machine.state()["pending"].is_object(), "it can be repeated: {what}");
    }
}

#[tokio::test]
async fn stored_address_outside_the_tailnet_is_refused() {
    let machine = Machine::registered().await;
    let mut state = machine.state();
    state["machine"]["tailnet_ip"] = json!("192.168.1.1");
    machine.write_state(&state);
    machine.accepts("online").await;
    let up = machine.run(&["up", "--userspace"]);
    assert_clean_failure(&up, "state");
    assert!(up.stderr.contains("an address of 100.64.0.0/10"), "{}", up.stderr);
}

#[tokio::test]
async fn huge_waits_are_bounded_by_the_time_limit() {
    for wait in
        ["18446744073709551615", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "4294967296"]
    {
        let machine = Machine::fresh().await;
        let busy = ResponseTemplate::new(503)
            .set_body_json(refused("UNAVAILABLE", "later"))
            .insert_header("retry-after", wait);
        Mock::given(matchers::path("/api/register-machine")).respond_with(busy).mount(&machine.control).await;
        let words = ["up", "--userspace", "--hostname", "a", "--auth-key", AUTH_KEY, "--timeout", "500ms"];
        let begun = Instant::now();
        let up = machine.run(&words);
        assert_clean_failure(&up, wait);
        assert!(begun.elapsed() < Duration::from_secs(5), "{wait}: {:?}", begun.elapsed());
        assert!(up.stderr.contains("not registered within 500ms"), "{}", up.stderr);
    }
}

#[tokio::test]
async fn huge_options_do_not_overflow() {
    let machine = Machine::registered().await;
    machine.accepts("online").await;
    let huge = "500000000years";
    let up = machine.up(&["--heartbeat-interval", huge, "--timeout", huge]).ready();
    for words in [
        &["ping", "100.64.0.9", "--timeout", huge][..],
        &["nc", "100.64.0.9", "1", "--timeout", huge],
        &["ping", "100.64.0.9", "--timeout", "0s"],
        &["nc", "100.64.0.9", "1", "--timeout", "0s"],
    ] {
        assert_clean_failure(&machine.run(words), &words.join(" "));
    }
    machine.run(&["down"]);
    assert_eq!(up.end().0.code(), Some(0));
}

#[tokio::test]
async fn login_with_values_out_of_range_does_not_overflow() {
    let code = |field: &str, value: Value| {
        let mut code = json!({
            "device_code": "d", "user_code": "WXYZ", "verification_uri": "https://a.example/device",
            "expires_in": 600, "interval": 0,
        });
        code[field] = value;
        code
    };
    let granted = json!({ "access_token": "t", "expires_in": u64::MAX });
    for (field, value, succeeds) in [
        ("expires_in", json!(u64::MAX), true),
        ("expires_in", json!(1e300), true),
        ("expires_in", json!(-1), false),
        ("expires_in", json!("600"), false),
        ("interval", json!(-5), true),
        ("interval", json!(0.5), true),
        ("user_code", json!("\u{1b}[2J"), false),
        ("verification_uri", json!("https://a.example/\u{9b}2J"), false),
        ("device_code", json!("d\r\nX: y"), false),
    ] {
        let machine = Machine::fresh().await;
        machine.answers("POST", "/api/auth/device/code", 200, code(field, value.clone())).await;
        machine.answers("POST", "/api/auth/device/token", 200, granted.clone()).await;
        let login = machine.run(&["login"]);
        assert_eq!(login.code, Some(i32::from(!succeeds)), "{field} {value}: {}", login.stderr);
        assert!(!login.stderr.contains("panicked"), "{}", login.stderr);
    }
    // An interval beyond the time limit ends the login at once.
    let machine = Machine::fresh().await;
    let slow = json!({ "device_code": "d", "user_code": "u", "verification_uri": "https://a.example", "expires_in": 1, "interval": u64::MAX });
    machine.answers("POST", "/api/auth/device/code", 200, slow).await;
    assert_clean_failure(&machine.run(&["login"]), "interval");
}

#[tokio::test]
async fn listed_keys_with_values_out_of_range_are_shown() {
    let machine = Machine::registered().await;
    machine
        .answers("GET", "/api/user-orgs", 200, done(json!([{ "org_id": "org_1", "role": "admin" }])))
        .await;
    let key = json!({
        "id": "k1", "name": "n".repeat(100_000), "key_prefix": "tskey-auth-ü…", "reusable": true, "ephemeral": false,
        "used_count": u64::MAX, "expires_at": "+999999-01-01T00:00:00Z", "revoked": false, "created_at": "yesterday",
    });
    machine.answers("GET", "/api/db/auth_keys", 200, json!([key])).await;
    for words in
        [&["auth-keys", "list"][..], &["auth-keys", "list", "--short"], &["auth-keys", "list", "--json"]]
    {
        let list = machine.run(words);
        assert_eq!((list.code, list.stderr.as_str()), (Some(0), ""), "{words:?}");
    }
}

#[tokio::test]
async fn network_map_with_values_out_of_range_leaves_the_tunnel_up() {
    let machine = Machine::registered().await;
    let good = json!({
        "id": "p1", "name": "Win-A", "tailnet_ip": "100.64.0.9", "online": true, "endpoints": ["127.0.0.1:9"],
        "public_key": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
    });
    let mut own = good.clone();
    (own["id"], own["tailnet_ip"]) = (json!("p2"), json!("100.64.0.3"));
    let mut outside = good.clone();
    (outside["id"], outside["tailnet_ip"]) = (json!("p3"), json!("0.0.0.0"));
    let map = json!({
        "version": i64::MAX, "full": true, "peers": [good, own, outside, null, 7, { "id": "p4" }],
        "removed": [null], "relays": [{ "region": "x".repeat(5000) }, { "region": "a", "url": "http://100.64.0.9" }, null],
    });
    machine.answers("GET", "/api/network-map", 200, done(map)).await;
    machine.accepts("online").await;
    let up = machine.up(&[]).ready();
    eventually(|| machine.run(&["status", "--json"]).stdout.contains("Win-A"));
    let status: Value = serde_json::from_str(&machine.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status["peers"].as_array().unwrap().len(), 1);
    machine.run(&["down"]);
    assert_eq!(up.end().0.code(), Some(0));
}

#[tokio::test]
async fn wrong_clock_is_reported_with_its_difference() {
    let machine = Machine::registered().await;
    // The agent goes by whichever response was the last.
    for (path, data) in [
        (
            "/api/heartbeat",
            json!({ "machine": { "id": "m1", "name": "Linux-C", "tailnet_ip": "100.64.0.3" } }),
        ),
        ("/api/network-map", json!({ "version": 1, "full": true })),
    ] {
        let answer = ResponseTemplate::new(200)
            .set_body_json(done(data))
            .insert_header("date", "Sat, 01 Jan 2000 00:00:00 GMT");
        Mock::given(matchers::path(path)).respond_with(answer).mount(&machine.control).await;
    }
    let up = machine.up(&[]).ready();
    machine.run(&["down"]);
    let (status, stderr) = up.end();
    assert_eq!(status.code(), Some(0));
    assert!(
        stderr.starts_with("WARNING: this host's clock is ") && stderr.contains(" ahead of "),
        "{stderr}"
    );
}
