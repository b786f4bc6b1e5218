//! The install script names the address it was requested at, and contains nothing that a client injected.

use std::net::SocketAddr;
use std::process::Command;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, StatusCode, header};
use mock_server::app::{AgentProgram, Config};

use crate::test_server::{BASE_URL, TestServer};

const PROXY: &str = "10.9.0.1:4000";
const STRANGER: &str = "203.0.113.9:4000";

/// A server whose agent program does not exist.
async fn server() -> TestServer {
    let program = AgentProgram { file: "/nowhere/ztna".into(), arguments: vec!["it's".to_owned()] };
    TestServer::with(Config { agent_program: Some(program), ..TestServer::config() }).await
}

async fn fetch_script(
    server: &TestServer,
    peer: &str,
    headers: &[(&str, &[u8])],
) -> (StatusCode, String, String) {
    let mut request = Request::get("/install.sh").extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    for (name, value) in headers {
        request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
    }
    let answer = server.send_request(request.body(Body::empty()).unwrap()).await;
    let kind = answer.headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    (answer.status, kind, answer.text)
}

/// The value that a shell reads for a variable set at the top of the script.
fn variable(script: &str, name: &str) -> String {
    let assignments: Vec<_> = script.lines().filter(|line| line.starts_with(&format!("{name}="))).collect();
    let [assignment] = assignments[..] else { panic!("{assignments:?}") };
    let line = format!("{assignment}; printf %s \"${name}\"");
    let printed = Command::new("sh").args(["-c", &line]).env_clear().output().unwrap();
    String::from_utf8(printed.stdout).unwrap()
}

#[tokio::test]
async fn install_script_uses_the_requested_base_url() {
    let server = server().await;
    for (peer, headers, expected) in [
        (STRANGER, vec![], BASE_URL),
        (STRANGER, vec![("host", "login.quickztna.com")], "http://login.quickztna.com"),
        (STRANGER, vec![("host", "127.0.0.1:8080")], "http://127.0.0.1:8080"),
        (STRANGER, vec![("host", "[::1]:8080")], "http://[::1]:8080"),
        (STRANGER, vec![("host", "a.example"), ("x-forwarded-proto", "https")], "http://a.example"),
        (PROXY, vec![("host", "a.example"), ("x-forwarded-proto", "https")], "https://a.example"),
        (PROXY, vec![("host", "a.example")], "http://a.example"),
        (STRANGER, vec![("host", "a.example"), ("x-forwarded-host", "evil.example")], "http://a.example"),
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let (status, kind, script) = fetch_script(&server, peer, &headers).await;
        assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/x-shellscript; charset=utf-8"));
        assert_eq!(variable(&script, "base_url"), expected);
        assert!(script.starts_with("#!/bin/sh\n") && !script.contains("'@"), "{script}");
    }
    let (_, _, script) = fetch_script(&server, STRANGER, &[]).await;
    assert_eq!(variable(&script, "arguments"), "'it'\\''s'");
}

#[tokio::test]
async fn install_script_refuses_invalid_hosts() {
    let server = server().await;
    let bad: [&[u8]; 14] = [
        b"",
        b"a'; id #",
        b"$(id)",
        b"`id`",
        b"a\" b",
        b"u:p@evil.example",
        b"evil.example/x",
        b"a\tb",
        b"a\\",
        b"a:99999",
        b"evil.example#",
        b"evil.example?x",
        b"\xff\xfe",
        b"a,b",
    ];
    for host in bad {
        let (status, _, text) = fetch_script(&server, STRANGER, &[("host", host)]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
        assert!(text.contains("\"INVALID_INPUT\"") && text.contains("Host must be"), "{text}");
    }
    let two: [(&str, &[u8]); 2] = [("host", b"a.example"), ("host", b"b.example")];
    assert_eq!(fetch_script(&server, STRANGER, &two).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn missing_agent_program_is_not_found() {
    let server = server().await;
    let request =
        Request::get("/install/ztna").header(header::HOST, "a.example").body(Body::empty()).unwrap();
    let answer = server.send_request(request).await;
    assert_eq!(answer.refusal(), (404, "NOT_FOUND", "Agent program not found"));
}
