//! The URL by which a client reached this server: what links, scripts and documents name, since the client must reach it
//! in the same way.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, HeaderName, Uri, header};

use super::Settings;
use crate::domain::{Refusal, cidr, host};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The parts of a request that say how it arrived.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) extensions: &'a Extensions,
}

/// Returns the configured public URL, or the one by which the client reached the server, without a trailing slash.
///
/// # Errors
/// 400 INVALID_INPUT for a host or scheme that cannot be read, and for a request from elsewhere without a host if this
/// server knows of itself only its loopback address.
pub(super) fn reached_url(arrival: Arrival<'_>, settings: &Settings) -> Result<String, Refusal> {
    if let Some(public_url) = &settings.public_url {
        return Ok(public_url.clone());
    }
    match arrival.host(settings)? {
        Some(host) => Ok(format!("{}://{host}", arrival.scheme(settings)?)),
        None if arrival.is_local() || !host::is_loopback_url(&settings.base_url) => {
            Ok(settings.base_url.clone())
        }
        None => Err(Refusal::invalid("Host is missing")),
    }
}

impl<'a> Arrival<'a> {
    /// Returns the host that the client addressed: that of X-Forwarded-Host if a trusted proxy sent it, or else of
    /// `:authority` or Host.
    pub(crate) fn host(self, settings: &Settings) -> Result<Option<&'a str>, Refusal> {
        if self.is_forwarded(settings)
            && let Some(outermost) = list(self.headers, &FORWARDED_HOST)?.first()
        {
            return host::check(outermost).map(Some);
        }
        self.named_host()
    }

    /// Returns the host of `:authority`, of an absolute URI, or of the Host header.
    pub(crate) fn named_host(self) -> Result<Option<&'a str>, Refusal> {
        let authority = self.uri.authority().map(|authority| host::check(authority.as_str())).transpose()?;
        let mut headers = self.headers.get_all(header::HOST).iter();
        // A host that is not text, or is repeated, is invalid.
        let named = headers.next().map(|value| value.to_str().ok().filter(|_| headers.next().is_none()));
        let named = named.map(|named| host::check(named.unwrap_or_default())).transpose()?;
        match (authority, named) {
            (Some(authority), Some(named)) if !authority.eq_ignore_ascii_case(named) => {
                Err(Refusal::invalid("Host must be that of the request's URI"))
            }
            (authority, named) => Ok(authority.or(named)),
        }
    }

    /// This server itself uses plain HTTP; only a trusted proxy can have received the request by HTTPS.
    fn scheme(self, settings: &Settings) -> Result<&'static str, Refusal> {
        if !self.is_forwarded(settings) {
            return Ok("http");
        }
        let schemes = list(self.headers, &FORWARDED_PROTO)?.into_iter().map(|scheme| {
            let known = ["http", "https"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known));
            known.ok_or(Refusal::invalid("X-Forwarded-Proto must be http or https"))
        });
        let schemes = schemes.collect::<Result<Vec<_>, _>>()?;
        Ok(schemes.first().unwrap_or(&"http"))
    }

    fn is_forwarded(self, settings: &Settings) -> bool {
        self.peer().is_some_and(|peer| cidr::contains(&settings.trusted_proxies, peer.ip()))
    }

    fn is_local(self) -> bool {
        self.peer().is_none_or(|peer| peer.ip().to_canonical().is_loopback())
    }

    fn peer(self) -> Option<SocketAddr> {
        self.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer)
    }
}

/// Returns the elements of a header that each proxy may extend, outermost first.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Vec<&'a str>, Refusal> {
    let mut elements = Vec::new();
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| Refusal::invalid(format!("{name} must be text")))?;
        elements.extend(text.split(',').map(str::trim));
    }
    Ok(elements)
}
