//! `wire`: acts as a WireGuard peer. A machine counts as connected once it has completed a handshake with such a peer
//! and answered a ping through the tunnel.

mod attempt;
mod control;
mod echo;
mod key;
mod patience;
pub mod peer;
mod session;
mod transcript;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use crate::step::error::StepError;
use crate::step::stage::Stage;
use harness_model::check::evidence::{Evidence, WireResult};
use harness_model::scenario::model::{AwaitedAnswers, Meeting, Template, WireAction, WireCommand};
use harness_model::scenario::template::fill_template;

use attempt::AttemptPlan;
use control::ControlPlane;
use key::NodeKey;
use patience::Patience;
use peer::Peer;

/// Executes the command and returns what was sent and received.
///
/// # Errors
/// A variable has no value, or the control plane breaks the contract of the capability `wire`.
pub async fn perform(
    command: &WireCommand,
    awaited: AwaitedAnswers,
    stage: &mut Stage,
) -> Result<Evidence, StepError> {
    let name = &command.machine;
    let client = stage.clients.from_address(None)?;
    let control = ControlPlane::new(client, Arc::clone(&stage.environment), name.clone());
    let result = match &command.action {
        WireAction::Join { auth_key } => {
            let auth_key = fill(auth_key, stage)?;
            join(peer(stage, name)?, &control, &auth_key).await?
        }
        WireAction::Meet(meeting) => {
            let silence = stage.environment.silence();
            let patience =
                Patience::new(command.timeout, awaited, silence, peer(stage, name)?.slowest_reply());
            let plan = plan(meeting, patience, stage)?;
            peer(stage, name)?.meet(&control, plan).await?
        }
    };
    Ok(Evidence::Wire(result))
}

fn peer<'a>(stage: &'a mut Stage, name: &str) -> Result<&'a mut Peer, StepError> {
    stage.peers.get_mut(name).ok_or_else(|| StepError::Machine(name.to_owned()))
}

async fn join(peer: &mut Peer, control: &ControlPlane, auth_key: &str) -> Result<WireResult, StepError> {
    let begun = Instant::now();
    let address = peer.join(control, auth_key).await?;
    Ok(WireResult {
        command: format!("{}: join", peer.name()),
        json: json!({ "tailnet_ip": address.to_string(), "public_key": peer.public_key() }),
        seen: vec![format!(
            "registered as {} ({address}), reachable at {}",
            peer.host_name(),
            peer.endpoint()
        )],
        took: begun.elapsed(),
        ..Default::default()
    })
}

fn plan(meeting: &Meeting, patience: Patience, stage: &Stage) -> Result<AttemptPlan, StepError> {
    let with = fill(&meeting.with, stage)?;
    let machine = stage.machines.get(&with).map(|machine| machine.host_name.clone());
    let source = match &meeting.source {
        None => None,
        Some(template) => Some(address(&fill(template, stage)?)?),
    };
    let their_key = match &meeting.their_key {
        None => None,
        Some(template) => {
            let text = fill(template, stage)?;
            let invalid =
                || StepError::Request(format!("invalid WireGuard public key in `their_key`: `{text}`"));
            Some(NodeKey::parse_public(&text).ok_or_else(invalid)?)
        }
    };
    Ok(AttemptPlan {
        shown: with.clone(),
        machine: machine.unwrap_or(with),
        initiator: meeting.initiator,
        with_old_key: meeting.with_old_key,
        their_key,
        source,
        patience,
    })
}

fn fill(template: &Template, stage: &Stage) -> Result<String, StepError> {
    Ok(fill_template(template, stage.bindings.scope())?.unwrap_or_default())
}

fn address(text: &str) -> Result<Ipv4Addr, StepError> {
    text.parse().map_err(|_| StepError::Request(format!("invalid IPv4 address in `source`: `{text}`")))
}
