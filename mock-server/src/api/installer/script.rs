//! `GET /install.sh`: the script that installs the agent and optionally connects the machine.

use axum::extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::api::reached_url::{Arrival, reached_url};
use crate::api::refusals::refusals;
use crate::api::{Error, Settings, State};

const TEMPLATE: &str = include_str!("install.sh");

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
    let arrival = Arrival { uri: &parts.uri, headers: &parts.headers, extensions: &parts.extensions };
    let script = script(&reached_url(arrival, &state.settings)?, &state.settings);
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

/// The server's operating system as named by `uname -s`.
fn system() -> &'static str {
    match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "Darwin",
        other => other,
    }
}
