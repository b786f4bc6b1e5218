//! Requests that a page of another site makes a browser send.

use axum::body::Body;
use axum::http::Request;
use mock_server::app::Config;
use serde_json::json;

use crate::test_server::{ADMIN, TestServer, request};

const HOST: &str = "plane.example:8443";

fn with(mut request: Request<Body>, headers: &[(&'static str, &str)]) -> Request<Body> {
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn requests_of_other_sites_are_refused() {
    let server = TestServer::start().await;
    let admin = server.token(ADMIN).await;
    let form = "user_code=WDJB-MJHT&email=a%40b&password=x&decision=approve";
    let login = json!({ "email": ADMIN, "password": "wrong" }).to_string();
    for (path, body) in [
        ("/device", form),
        ("/api/auth/login", &login),
        ("/api/auth/logout", ""),
        ("/api/auth/device/code", ""),
        ("/api/auth/device/token", "{}"),
        ("/api/auth/device/approve", "{}"),
        ("/api/key-management", "{}"),
        ("/api/register-machine", "{}"),
        ("/api/machine-admin", "{}"),
    ] {
        for headers in [
            vec![("origin", "https://evil.example")],
            vec![("origin", "null")],
            vec![("origin", "")],
            vec![("origin", "http://plane.example")],
            vec![("origin", "http://plane.example:8443.evil.example")],
            vec![("origin", "ftp://plane.example:8443")],
            vec![("origin", "plane.example:8443")],
            vec![("origin", "http://plane.example:8443"), ("origin", "https://evil.example")],
            vec![("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "")],
            vec![("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "cross-site"), ("origin", "http://plane.example:8443")],
        ] {
            let sent =
                with(request("POST", path, &admin, body), &[("host", HOST), ("content-type", "text/plain")]);
            let refused = server.send_request(with(sent, &headers)).await;
            assert_eq!(refused.status_and_code(), (403, "FORBIDDEN"), "{path} {headers:?}");
            assert!(refused.message().contains("another site"), "{path} {headers:?}");
        }
    }
    // None of these requests used the session up, or counted as a guess.
    assert_eq!(server.get("/api/user-orgs", &admin).await.status, 200);
    assert_eq!(server.rows("device_codes").await, 0);
}

#[tokio::test]
async fn own_pages_and_programs_are_served() {
    let public_url = Some("https://login.quickztna.com".to_owned());
    for server in
        [TestServer::start().await, TestServer::with(Config { public_url, ..TestServer::config() }).await]
    {
        for headers in [
            vec![],
            vec![("sec-fetch-site", "same-origin")],
            vec![("sec-fetch-site", "none")],
            vec![("sec-fetch-site", "same-origin"), ("origin", "https://anything.example")],
            vec![("origin", "http://plane.example:8443")],
            // A proxy that ends TLS need not say so.
            vec![("origin", "https://Plane.Example:8443")],
        ] {
            let sent = with(request("POST", "/api/auth/device/code", "", ""), &[("host", HOST)]);
            assert_eq!(server.send_request(with(sent, &headers)).await.status, 200, "{headers:?}");
        }
        let from_public = with(
            request("POST", "/api/auth/device/code", "", ""),
            &[("host", "10.0.0.7:80"), ("origin", "https://login.quickztna.com")],
        );
        let expected = if server.state.settings.public_url.is_some() { 200 } else { 403 };
        assert_eq!(server.send_request(from_public).await.status, expected);
        let reading = with(request("GET", "/device", "", ""), &[("sec-fetch-site", "cross-site")]);
        assert_eq!(server.send_request(reading).await.status, 200, "a link on another site may lead here");
    }
}

/// Otherwise, browsers would send `Origin: null` with the page's own form.
#[tokio::test]
async fn the_device_page_lets_browsers_name_its_origin() {
    let server = TestServer::start().await;
    let page = server.get("/device", "").await;
    assert_eq!(page.headers["referrer-policy"], "same-origin");
    assert!(page.text.contains("action=\"device\""), "relative to a public URL with a path: {}", page.text);
    assert!(page.headers.get("set-cookie").is_none(), "no cookie that another site could use");
}
