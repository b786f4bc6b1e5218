//! `GET /relay`: the WebSocket by which machines connect to the relay.

use axum::extract;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;

use crate::api::machine::MachineToken;
use crate::api::refusals::refusals;
use crate::api::{Error, State};
use crate::domain::Refusal;

refusals!(ConnectRefusals: InvalidInput, Unauthorized, NotFound);

/// Upgrades to a WebSocket whose binary messages are the relay's frames, described in the README of `ztna-relay`. The
/// first three are the relay's challenge, the machine's proof that it holds its private key, and the relay's welcome.
#[utoipa::path(
    get,
    path = "/relay",
    responses(
        (status = 101, description = "A WebSocket"),
        ConnectRefusals,
    ),
    security(("machine_token" = []))
)]
pub async fn connect(
    extract::State(state): extract::State<State>,
    token: MachineToken,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Error> {
    let relay = state.relay.as_ref().ok_or(Refusal::NotFound("Relay"))?;
    let admitted = relay.admit(&token.0).await?;
    let refused = Refusal::Unauthorized("The machine token is unknown, or its machine is not admitted");
    let member = admitted.ok_or(refused)?;
    let upgrade = upgrade.map_err(|_| Refusal::invalid("Expected a WebSocket upgrade"))?;
    Ok(relay.accept(upgrade, member, token.0))
}
