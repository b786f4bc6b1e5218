//! What is sent to browsers: a text that they may keep, and the rules by which they treat it.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

/// Only files of this server, no inline script or style, no frame around it, and no text that becomes markup.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With `no-referrer`, browsers would hide the origin of the page's own requests.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Browsers ask each time, and get 304 until the program is updated: pages and modules are of one version.
    (header::CACHE_CONTROL, "no-cache"),
];

#[derive(Clone)]
pub(super) struct Document {
    content_type: HeaderValue,
    content: Bytes,
    etag: HeaderValue,
}

impl Document {
    pub(super) fn new(content_type: &'static str, content: Bytes) -> Self {
        let digest = hex::encode(&Sha256::digest(&content)[..12]);
        // Hex digits between quotes are a valid header.
        let etag =
            HeaderValue::from_str(&format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Self { content_type: HeaderValue::from_static(content_type), content, etag }
    }

    /// Returns 304 for a client that has this version, and otherwise the text with `status`.
    pub(super) fn respond(&self, status: StatusCode, request: &HeaderMap) -> Response {
        let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let is_known = known
            .flat_map(|list| list.split(','))
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == "*" || tag.as_bytes() == self.etag.as_bytes());
        let mut response = if is_known && status == StatusCode::OK {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let content_type = [(header::CONTENT_TYPE, self.content_type.clone())];
            (status, content_type, Body::from(self.content.clone())).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.etag.clone());
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
