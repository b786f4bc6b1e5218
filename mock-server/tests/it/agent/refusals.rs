//! What `ztna up` reports when it fails.

use serde_json::json;

use crate::agent::machine::{AUTH_KEY, Machine, Running, refused};

#[tokio::test]
async fn up_reports_the_refusal() {
    for (status, code, message) in [
        (401, "KEY_USED", "Auth key already used"),
        (401, "INVALID_KEY", "Invalid or expired auth key"),
        (403, "TAG_NOT_ALLOWED", "Tag not allowed: prod"),
        (409, "REGISTRATION_CONFLICT", "Another registration of this name is under way"),
    ] {
        let machine = Machine::fresh().await;
        machine.answers("POST", "/api/register-machine", status, refused(code, message)).await;
        let up = machine.run(&["up", "--userspace", "--hostname", "Linux-C", "--auth-key", AUTH_KEY]);
        assert_eq!((up.code, up.stdout.as_str()), (Some(1), "Starting QuickZTNA...\n"));
        let last = up.stderr.lines().last();
        assert_eq!(last, Some(&*format!("auth key registration failed: {code}: {message}")));
        assert!(!machine.state_file().exists(), "no state is stored");
    }
}

#[tokio::test]
async fn up_reports_the_refusal_of_a_session() {
    let machine = Machine::registered().await;
    let mut state = machine.state();
    state["machine"] = json!(null);
    machine.write_state(&state);
    let refusal = refused("MACHINE_LIMIT_REACHED", "Machine limit reached");
    machine.answers("POST", "/api/register-machine", 403, refusal).await;
    let up = machine.run(&["up", "--userspace", "--hostname", "a"]);
    assert_eq!(up.stderr, "registration failed: MACHINE_LIMIT_REACHED: Machine limit reached\n");
}

#[tokio::test]
async fn up_requires_a_credential() {
    let machine = Machine::fresh().await;
    for words in [&["up"][..], &["up", "--auth-key", ""], &["up", "--auth-key", "  "]] {
        let output = machine.ztna(words).env("ZTNA_AUTH_KEY", "").output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "not authenticated. Run 'ztna login' first or use --auth-key\n"
        );
    }
    assert_eq!(machine.requests().await, [""; 0]);
}

/// This host's clock may be wrong: only the control plane knows whether a session has expired.
#[tokio::test]
async fn control_plane_decides_whether_a_session_has_expired() {
    let machine = Machine::fresh().await;
    machine.write_state(&json!({
        "session": { "access_token": "of-yesterday", "expires_at": "2020-01-01T00:00:00Z" },
    }));
    let unauthorized = refused("UNAUTHORIZED", "Session expired");
    machine.answers_next("POST", "/api/register-machine", 401, unauthorized, 1).await;
    machine.accepts("online").await;
    let words = ["up", "--userspace", "--hostname", "Linux-C"];
    assert_eq!(
        machine.run(&words).stderr,
        "not authenticated. Run 'ztna login' first or use --auth-key\n",
        "it says that the session has expired"
    );
    let up = Running::start(&mut machine.ztna(&words)).ready();
    machine.run(&["down"]);
    assert_eq!(up.end().0.code(), Some(0), "it says that the session is good");
}

#[tokio::test]
async fn up_gives_up_after_its_timeout() {
    let machine = Machine::fresh().await;
    let mut command =
        machine.ztna(&["up", "--userspace", "--auth-key", AUTH_KEY, "--hostname", "a", "--timeout", "700ms"]);
    let output = command.env("ZTNA_SERVER", "http://127.0.0.1:9").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<&str> = stderr.lines().skip(1).collect();
    assert!(lines[0].starts_with("cannot reach the control plane at http://127.0.0.1:9 ("), "{stderr}");
    assert!(lines[1].starts_with("not registered within 700ms: cannot reach"), "{stderr}");
    assert_eq!(lines.len(), 2, "one notice: {stderr}");
}

#[tokio::test]
async fn up_refuses_invalid_names() {
    let machine = Machine::fresh().await;
    for name in ["", " ", "a\nb", "\u{1b}[m", &"n".repeat(10_000)] {
        let up = machine.run(&["up", "--userspace", "--auth-key", AUTH_KEY, &format!("--hostname={name}")]);
        assert_eq!(up.code, Some(1), "{name:?}");
        assert!(up.stderr.contains("invalid machine name"), "{}", up.stderr);
    }
    assert_eq!(machine.requests().await, [""; 0]);
}

#[tokio::test]
async fn up_reports_an_unexpected_server() {
    let machine = Machine::fresh().await;
    let up = machine.run(&["up", "--userspace", "--auth-key", AUTH_KEY, "--hostname", "a"]);
    assert_eq!(up.code, Some(1));
    let last = up.stderr.lines().last().unwrap_or_default();
    assert!(last.contains("HTTP 404") && last.contains("Check --server"), "{last}");
}

#[tokio::test]
async fn usage_errors_exit_2_without_echoing_keys() {
    let machine = Machine::fresh().await;
    for words in
        [&["up", AUTH_KEY][..], &["explode"], &["auth-keys", "list", "--json", "--short"], &["set"], &[]]
    {
        let usage = machine.run(words);
        assert_eq!(usage.code, Some(2), "{words:?}");
        assert!(!usage.stderr.contains(&AUTH_KEY[11..]), "{}", usage.stderr);
    }
    assert_eq!(machine.run(&["--version"]).stdout, "ztna <version>\n");
    assert_eq!(machine.run(&["--help"]).code, Some(0));
}
