//! The addresses of the dashboard. All pages are one document, whose script shows the page of the address.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;

use super::asset::ASSETS;
use super::document::Document;

/// `web/main.js` has the same list.
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

const SHELL: &str = include_str!("web/index.html");

/// Built once per process.
static ROUTES: LazyLock<Router> = LazyLock::new(|| {
    let assets = ASSETS.iter().map(|asset| (format!("/assets/{}", asset.path), asset.document()));
    let pages = PAGES.into_iter().map(|path| (path.to_owned(), shell(path)));
    assets.chain(pages).fold(Router::new(), |router, (path, document)| {
        router.route(&path, get(async move |headers: HeaderMap| document.respond(StatusCode::OK, &headers)))
    })
});

/// The routes of all pages and of what they load.
pub fn router() -> Router {
    ROUTES.clone()
}

/// Replaces the API's 404 by a page for those who follow a link in a browser.
pub async fn missing_page(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let accepted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let wants_page = is_read
        && !path.starts_with("/api/")
        && accepted.is_some_and(|accepted| accepted.contains("text/html"));
    let response = next.run(request).await;
    if wants_page && response.status() == StatusCode::NOT_FOUND {
        return shell(&path).respond(StatusCode::NOT_FOUND, &HeaderMap::new());
    }
    response
}

/// Returns the document for a page. What it loads is named relative to it, because a proxy may serve the dashboard below
/// a path of its own.
fn shell(path: &str) -> Document {
    let root = match path.matches('/').count() {
        1 => "./".to_owned(),
        depth => "../".repeat(depth - 1),
    };
    let modules = ASSETS.iter().filter(|asset| asset.is_module());
    let preloads: Vec<_> = modules
        .map(|module| format!("<link rel=\"modulepreload\" href=\"{root}assets/{}\">", module.path))
        .collect();
    let text = SHELL.replace("@PRELOADS@", &preloads.join("\n")).replace("@ROOT@", &root);
    Document::new("text/html; charset=utf-8", text.into())
}
