//! Puts the script of a deviation into the dashboard's pages. It is a file of the same origin, as their
//! Content-Security-Policy demands.

use axum::http::{HeaderMap, HeaderValue, Method, header};

use crate::deviation::ProxyRequest;

use super::upstream::UpstreamResponse;

const PATH: &str = "/deviation.js";
const HEAD: &str = "<head>";
/// What all scripts build on.
const BASE: &str = include_str!("../families/dashboard/base.js");

/// Whether a page of the dashboard is asked for.
pub(super) fn is_asked_for(request: &ProxyRequest) -> bool {
    let accepted = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    request.method == Method::GET && accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// Answers a request for the script.
pub(super) fn script(request: &ProxyRequest, script: &str) -> Option<UpstreamResponse> {
    if request.path != PATH {
        return None;
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript"));
    let body = format!("(() => {{\n{BASE}\n{script}\n}})();\n");
    Some(UpstreamResponse { status: 200, headers, body: body.into() })
}

/// Makes a page load the script before its own. Returns whether the response is a page.
pub(super) fn add_script(response: &mut UpstreamResponse) -> bool {
    let kind = response.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/html")) {
        return false;
    }
    let Ok(page) = std::str::from_utf8(&response.body) else { return false };
    let Some((before, after)) = page.split_once(HEAD) else { return false };
    let page = format!("{before}{HEAD}<script src=\"{PATH}\"></script>{after}");
    // They belong to the page without the script.
    response.headers.remove(header::ETAG);
    response.body = page.into();
    true
}
