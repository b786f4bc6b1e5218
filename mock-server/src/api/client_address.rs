//! The address of the client that sent a request.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};

use super::State;
use crate::domain::cidr;

/// Returns the client's address, or `None` if it is not known.
pub(super) fn client_address(extensions: &Extensions, headers: &HeaderMap, state: &State) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    let forwarded = headers.get_all("x-forwarded-for").iter();
    let forwarded = forwarded.map(|value| value.to_str().unwrap_or_default());
    cidr::client(peer.ip(), forwarded, &state.settings.trusted_proxies)
}
