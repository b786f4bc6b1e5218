//! The address that a client is told: in the installer, on the way to the device page, and in the OpenAPI document.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request};
use mock_server::app::{self, Config, Fixture};
use serde_json::Value;

use crate::test_server::{Answer, BASE_URL, TestServer};

const PROXY: &str = "10.9.0.1:4000";
const STRANGER: &str = "203.0.113.9:4000";

/// Every endpoint that tells an address.
const ENDPOINTS: [(&str, &str); 3] =
    [("GET", "/install.sh"), ("POST", "/api/auth/device/code"), ("GET", "/api/openapi.json")];

async fn ask(
    server: &TestServer,
    endpoint: (&str, &str),
    uri_host: &str,
    peer: &str,
    headers: &[(&str, &[u8])],
) -> Answer {
    let (method, path) = endpoint;
    let uri = if uri_host.is_empty() { path.to_owned() } else { format!("http://{uri_host}{path}") };
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    for (name, value) in headers {
        request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
    }
    server.send_request(request.body(Body::empty()).unwrap()).await
}

/// The address in an answer.
fn told(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    if let Some(line) = answer.text.lines().find(|line| line.starts_with("base_url=")) {
        return line.trim_start_matches("base_url=").trim_matches('\'').to_owned();
    }
    let text = |pointer: &str| answer.body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let page = text("/verification_uri").map(|page| page.strip_suffix("/device").unwrap().to_owned());
    page.or_else(|| text("/servers/0/url")).unwrap_or_else(|| panic!("{}", answer.text))
}

#[tokio::test]
async fn each_endpoint_tells_the_address_that_the_client_used() {
    let server = TestServer::start().await;
    type Headers = &'static [(&'static str, &'static [u8])];
    let cases: [(&str, &str, Headers, &str); 17] = [
        (STRANGER, "", &[], BASE_URL),
        (STRANGER, "", &[("host", b"192.0.2.7:8080")], "http://192.0.2.7:8080"),
        (STRANGER, "", &[("host", b"[2001:db8::7]:8080")], "http://[2001:db8::7]:8080"),
        // An absolute URI, or `:authority` where a proxy speaks HTTP/2 to this router.
        (STRANGER, "plane.example:8443", &[], "http://plane.example:8443"),
        (STRANGER, "plane.example", &[("host", b"Plane.Example")], "http://plane.example"),
        (
            PROXY,
            "10.0.0.1:8080",
            &[("x-forwarded-proto", b"https"), ("x-forwarded-host", b"a.example")],
            "https://a.example",
        ),
        (PROXY, "", &[("host", b"a.example"), ("x-forwarded-proto", b"HTTPS")], "https://a.example"),
        (PROXY, "", &[("host", b"a.example"), ("x-forwarded-proto", b"http")], "http://a.example"),
        (PROXY, "", &[("host", b"a.example"), ("x-forwarded-proto", b"https, http")], "https://a.example"),
        (PROXY, "", &[("host", b"in:1"), ("x-forwarded-host", b"a.example:9, b")], "http://a.example:9"),
        (
            PROXY,
            "",
            &[("host", b"in"), ("x-forwarded-host", b"a.example"), ("x-forwarded-host", b"b")],
            "http://a.example",
        ),
        (PROXY, "", &[("host", b"a.example")], "http://a.example"),
        (PROXY, "", &[("x-forwarded-host", b"a.example")], "http://a.example"),
        (STRANGER, "", &[("host", b"a.example"), ("x-forwarded-host", b"evil.example")], "http://a.example"),
        (STRANGER, "", &[("host", b"a.example"), ("x-forwarded-proto", b"https")], "http://a.example"),
        (STRANGER, "", &[("host", b"a.example"), ("x-forwarded-proto", b"$(id)")], "http://a.example"),
        (STRANGER, "", &[("x-forwarded-host", b"evil.example")], BASE_URL),
    ];
    for endpoint in ENDPOINTS {
        for (peer, uri_host, headers, expected) in cases {
            let answer = ask(&server, endpoint, uri_host, peer, headers).await;
            assert_eq!(told(&answer), expected, "{endpoint:?} {peer} {uri_host} {headers:?}");
        }
    }
}

#[tokio::test]
async fn hosts_and_schemes_that_cannot_be_read_are_refused() {
    let server = TestServer::start().await;
    type Headers = &'static [(&'static str, &'static [u8])];
    let cases: [(&str, &str, Headers); 21] = [
        (STRANGER, "", &[("host", b"")]),
        (STRANGER, "", &[("host", b"a'; id #")]),
        (STRANGER, "", &[("host", b"\"a\"")]),
        (STRANGER, "", &[("host", b"a b")]),
        (STRANGER, "", &[("host", b"$(id)")]),
        (STRANGER, "", &[("host", b"`id`")]),
        (STRANGER, "", &[("host", b"${IFS}")]),
        (STRANGER, "", &[("host", b"a\tb")]),
        (STRANGER, "", &[("host", b"a|b")]),
        (STRANGER, "", &[("host", b"a&b")]),
        (STRANGER, "", &[("host", b"<a>")]),
        (STRANGER, "", &[("host", b"a.example"), ("host", b"b.example")]),
        (STRANGER, "a.example", &[("host", b"b.example")]),
        (STRANGER, "u:p@a.example", &[]),
        (STRANGER, "a'b", &[]),
        (PROXY, "", &[("host", b"a.example"), ("x-forwarded-host", b"$(id)")]),
        (PROXY, "", &[("host", b"a.example"), ("x-forwarded-host", b"")]),
        (PROXY, "", &[("host", b"a.example"), ("x-forwarded-host", b"\xff")]),
        (PROXY, "", &[("host", b"a.example"), ("x-forwarded-proto", b"ftp")]),
        (PROXY, "", &[("host", b"a.example"), ("x-forwarded-proto", b"https, javascript")]),
        (PROXY, "", &[("host", b"a.example"), ("x-forwarded-proto", b"\xff")]),
    ];
    for endpoint in ENDPOINTS {
        for (peer, uri_host, headers) in cases {
            let answer = ask(&server, endpoint, uri_host, peer, headers).await;
            assert_eq!(answer.status, 400, "{endpoint:?} {peer} {uri_host} {headers:?}: {}", answer.text);
        }
    }
    // A line end cannot be part of a header at all.
    assert!(HeaderValue::from_bytes(b"a\nb").is_err());
}

#[tokio::test]
async fn a_configured_public_url_is_told_to_everybody() {
    let public_url = Some("https://login.quickztna.com/plane".to_owned());
    let server = TestServer::with(Config { public_url, ..TestServer::config() }).await;
    for endpoint in ENDPOINTS {
        for (peer, uri_host, headers) in [
            (STRANGER, "", vec![("host", &b"10.0.0.7:8080"[..])]),
            (STRANGER, "evil.example", vec![]),
            (PROXY, "", vec![("x-forwarded-host", &b"other.example"[..]), ("x-forwarded-proto", b"http")]),
            (STRANGER, "", vec![("host", b"$(id)")]),
        ] {
            let answer = ask(&server, endpoint, uri_host, peer, &headers).await;
            assert_eq!(told(&answer), "https://login.quickztna.com/plane", "{endpoint:?} {headers:?}");
        }
    }
}

/// A server on all addresses knows of itself only the one that works on its own machine.
#[tokio::test]
async fn nobody_elsewhere_is_told_a_loopback_address() {
    let config =
        Config { listen: "0.0.0.0:0".parse().unwrap(), ..Config::embedded(Fixture::built_in().unwrap()) };
    let server = app::start(config).await.unwrap();
    let port = server.address().port();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let path = format!("http://127.0.0.2:{port}/api/auth/device/code");
    let code: Value = client.post(path).send().await.unwrap().json().await.unwrap();
    assert_eq!(code["verification_uri"], format!("http://127.0.0.2:{port}/device"));

    let config = Config::embedded(Fixture::built_in().unwrap());
    let local = TestServer::of(app::state(&config, "http://127.0.0.1:8080".to_owned()).await.unwrap());
    for endpoint in ENDPOINTS {
        assert_eq!(ask(&local, endpoint, "", STRANGER, &[]).await.status, 400, "{endpoint:?}");
        assert_eq!(told(&ask(&local, endpoint, "", "127.0.0.1:9", &[]).await), "http://127.0.0.1:8080");
    }
}
