//! Refuses requests that another site made a browser send.
//!
//! This server sets no cookies, so such a request carries no credential of its own. But it could fill the list of device
//! logins, or spend the login attempts of the browser's address.

use axum::extract::{self, Request};
use axum::http::{HeaderName, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::reached_url::Arrival;
use super::{Error, Settings, State};
use crate::domain::Refusal;

/// Which site sent the request, by the browser's own word (Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub(super) async fn guard(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    let arrival =
        Arrival { uri: request.uri(), headers: request.headers(), extensions: request.extensions() };
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_safe || is_from_own_site(arrival, &state.settings) {
        return next.run(request).await;
    }
    Error::from(Refusal::Forbidden("A page of another site sent this request")).into_response()
}

/// Whether no browser sent the request, or one on behalf of this server's own pages or of the user.
pub(crate) fn is_from_own_site(arrival: Arrival<'_>, settings: &Settings) -> bool {
    let mut sites = arrival.headers.get_all(SEC_FETCH_SITE).iter();
    if let Some(site) = sites.next() {
        return sites.next().is_none() && matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let mut origins = arrival.headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let origin = origin.to_str().ok().filter(|_| origins.next().is_none()).and_then(host_of);
    let Some(origin) = origin else { return false };
    // The scheme is not compared: a proxy that ends TLS need not say so.
    let own = [
        arrival.named_host().ok().flatten().map(str::to_owned),
        arrival.host(settings).ok().flatten().map(str::to_owned),
        settings.public_url.as_deref().and_then(host_of),
    ];
    own.into_iter().flatten().any(|own| own.eq_ignore_ascii_case(&origin))
}

/// Returns the host of a URL with its port, if there is one.
fn host_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    matches!(uri.scheme_str(), Some("http" | "https")).then_some(())?;
    uri.authority().map(|authority| authority.as_str().to_owned())
}
