//! The dashboard's files and what browsers are told about them. `tests/dashboard` has what needs a browser.

use axum::body::Body;
use axum::http::{Request, header};

use crate::test_server::{Answer, TestServer, request};

const PAGES: [&str; 8] = [
    "/",
    "/login",
    "/dashboard",
    "/audit-log",
    "/settings",
    "/settings/auth-keys",
    "/settings/api-keys/auth-keys",
    "/api-keys",
];

/// The most that a visitor loads in all.
const MAX_SIZE: usize = 100 * 1024;

fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// The values of an attribute, as paths below the root.
fn linked(page: &str, text: &str) -> Vec<String> {
    let attributes = ["href=\"", "src=\""].into_iter();
    let values =
        attributes.flat_map(|name| text.split(name).skip(1).filter_map(|rest| rest.split('"').next()));
    let depth = page.matches('/').count() - 1;
    let root = if depth == 0 { "./".to_owned() } else { "../".repeat(depth) };
    values
        .map(|value| {
            let path = value.strip_prefix(&root).filter(|path| !path.contains(".."));
            format!("/{}", path.unwrap_or_else(|| panic!("{page} links {value}")))
        })
        .collect()
}

#[tokio::test]
async fn pages_load_only_small_files_of_this_server() {
    let server = TestServer::start().await;
    for page in PAGES {
        let shown = server.get(page, "").await;
        assert_eq!(
            (shown.status.as_u16(), header(&shown, "content-type")),
            (200, "text/html; charset=utf-8")
        );
        assert!(!shown.text.contains('@'), "{page} has a place to fill");
        let mut size = shown.text.len();
        let files = linked(page, &shown.text);
        assert!(files.len() > 10, "{page}: {files:?}");
        for path in files.iter().collect::<std::collections::BTreeSet<_>>() {
            let file = server.get(path, "").await;
            let expected = match path.rsplit('.').next() {
                Some("js") => "text/javascript; charset=utf-8",
                Some("css") => "text/css; charset=utf-8",
                _ => "image/svg+xml",
            };
            assert_eq!((file.status.as_u16(), header(&file, "content-type")), (200, expected), "{path}");
            size += file.text.len();
        }
        assert!(size < MAX_SIZE, "{page}: {size} bytes");
    }
}

#[tokio::test]
async fn every_import_of_a_module_is_served() {
    let server = TestServer::start().await;
    let shown = server.get("/", "").await.text;
    for path in linked("/", &shown).iter().filter(|path| path.ends_with(".js")) {
        let text = server.get(path, "").await.text;
        let imports = text.lines().filter(|line| line.starts_with("import ") || line.starts_with("} from "));
        for import in imports.filter_map(|line| line.split('"').nth(1)) {
            let base = reqwest::Url::parse("http://x/").unwrap().join(path).unwrap();
            let imported = base.join(import).unwrap();
            assert_eq!(server.get(imported.path(), "").await.status, 200, "{path} imports {import}");
        }
    }
}

#[tokio::test]
async fn browsers_are_told_to_run_nothing_else_and_to_ask_for_changes() {
    let server = TestServer::start().await;
    for path in ["/dashboard", "/assets/main.js", "/assets/dashboard.css", "/assets/logo.svg"] {
        let sent = server.get(path, "").await;
        let policy = header(&sent, "content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.split(';').any(|given| given.trim() == rule), "{path} without {rule}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(header(&sent, "x-content-type-options"), "nosniff");
        assert_eq!(header(&sent, "cache-control"), "no-cache");

        let etag = header(&sent, "etag").to_owned();
        for (known, status) in [
            (etag.clone(), 304),
            (format!("W/{etag}"), 304),
            (format!("\"other\", {etag}"), 304),
            ("\"other\"".to_owned(), 200),
        ] {
            let again =
                server.send_request(with(request("GET", path, "", ""), "if-none-match", &known)).await;
            assert_eq!(
                (again.status.as_u16(), header(&again, "etag")),
                (status, etag.as_str()),
                "{path} {known}"
            );
            assert_eq!(again.text.is_empty(), status == 304);
            assert_eq!(header(&again, "content-security-policy"), policy);
        }
        let head = server.send("HEAD", path, "", "").await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""), "{path}");
        assert_eq!(header(&head, "content-length"), sent.text.len().to_string(), "{path}");
        assert_eq!(server.send("POST", path, "", "{}").await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn an_unknown_address_is_a_page_for_browsers_and_json_for_programs() {
    let server = TestServer::start().await;
    for path in ["/nothing", "/nothing/here", "/assets/nothing.js"] {
        let browser = with(request("GET", path, "", ""), header::ACCEPT.as_str(), "text/html,*/*;q=0.8");
        let page = server.send_request(browser).await;
        assert_eq!((page.status.as_u16(), header(&page, "content-type")), (404, "text/html; charset=utf-8"));
        assert!(header(&page, "content-security-policy").contains("default-src 'none'"));
        assert!(linked(path, &page.text).iter().all(|file| file.starts_with("/assets/")));
        assert_eq!(server.get(path, "").await.status_and_code(), (404, "NOT_FOUND"), "{path}");
    }
    let api = with(request("GET", "/api/nothing", "", ""), header::ACCEPT.as_str(), "text/html");
    assert_eq!(server.send_request(api).await.status_and_code(), (404, "NOT_FOUND"));
}

/// The pages that the server knows and those that its script shows are the same.
#[test]
fn the_script_shows_every_page() {
    let script = include_str!("../../src/dashboard/web/main.js");
    let table = script.split("const PAGES = {").nth(1).and_then(|rest| rest.split("};").next()).unwrap();
    let shown: Vec<&str> = table.lines().filter_map(|line| line.trim().split(':').next()).collect();
    for page in PAGES.iter().filter(|page| **page != "/login") {
        let path = &page[1..];
        let quoted = format!("\"{path}\"");
        assert!(shown.contains(&path) || shown.contains(&quoted.as_str()), "{page}: {shown:?}");
    }
}
