//! `GET /install.sh`: the script that installs the agent and optionally connects the machine.

use std::borrow::Cow;
use std::net::SocketAddr;

use axum::extract::{self, ConnectInfo};
use axum::http::request::Parts;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};

use crate::api::refusals::refusals;
use crate::api::{Error, Settings, State};
use crate::domain::{Refusal, cidr, host};

const TEMPLATE: &str = include_str!("install.sh");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

refusals!(InstallScriptRefusals: InvalidInput);

/// Returns the installer for the URL by which the client reached the server.
#[utoipa::path(
    get,
    path = "/install.sh",
    responses(
        (status = 200, description = "A POSIX shell script", body = String, content_type = "text/x-shellscript"),
        InstallScriptRefusals,
    )
)]
pub async fn install_script(
    extract::State(state): extract::State<State>,
    request: extract::Request,
) -> Result<Response, Error> {
    let (parts, _) = request.into_parts();
    let script = script(&base_url(&parts, &state.settings)?, &state.settings);
    // The script depends on the request's Host.
    let headers =
        [(header::CONTENT_TYPE, "text/x-shellscript; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, script).into_response())
}

fn script(base_url: &str, settings: &Settings) -> String {
    let arguments = settings.agent_program.iter().flat_map(|program| &program.arguments);
    let arguments: Vec<_> = arguments.map(|argument| shell_words::quote(argument)).collect();
    TEMPLATE
        .replace("'@BASE_URL@'", &shell_words::quote(base_url))
        .replace("'@SYSTEM@'", &shell_words::quote(system()))
        .replace("'@MACHINE@'", &shell_words::quote(std::env::consts::ARCH))
        // Quoted once for the wrapper's line, and once more for the variable that holds it.
        .replace("'@ARGUMENTS@'", &shell_words::quote(&arguments.join(" ")))
}

/// Returns the URL by which the client reached the server, because the machine must reach it in the same way.
fn base_url<'a>(parts: &Parts, settings: &'a Settings) -> Result<Cow<'a, str>, Refusal> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let Some(named) = hosts.next() else { return Ok(Cow::Borrowed(&settings.base_url)) };
    // A host that is not text, or is repeated, is invalid.
    let named = named.to_str().ok().filter(|_| hosts.next().is_none()).unwrap_or_default();
    let host = host::check(named)?;
    let scheme = if is_https(parts, settings) { "https" } else { "http" };
    Ok(Cow::Owned(format!("{scheme}://{host}")))
}

/// Whether a trusted proxy received the request by HTTPS; this server itself uses plain HTTP.
fn is_https(parts: &Parts, settings: &Settings) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|ConnectInfo(peer)| cidr::contains(&settings.trusted_proxies, peer.ip()))
        && parts
            .headers
            .get(FORWARDED_PROTO)
            .is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// The server's operating system as named by `uname -s`.
fn system() -> &'static str {
    match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "Darwin",
        other => other,
    }
}
