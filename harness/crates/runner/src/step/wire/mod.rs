//! `wire`: what a WireGuard peer of the kit's own does. A machine is believed to be connected when it has shaken hands
//! with such a peer and answered its ping through the tunnel.

mod control;
mod diary;
mod echo;
mod key;
mod meeting;
pub mod peer;
mod session;

use std::net::Ipv4Addr;
use std::time::Instant;

use serde_json::json;

use crate::step::error::StepError;
use crate::step::stage::Stage;
use harness_model::check::evidence::{Evidence, WireResult};
use harness_model::scenario::model::{Meeting, Template, WireCommand, WireDeed};
use harness_model::scenario::template::fill_template;

use control::ControlPlane;
use key::NodeKey;
use meeting::Plan;
use peer::Peer;

/// Does it, and tells what was sent and heard.
///
/// # Errors
/// A variable has no value, or the control plane does not keep what the capability `wire` declares.
pub async fn perform(command: &WireCommand, stage: &mut Stage) -> Result<Evidence, StepError> {
    let name = &command.machine;
    let client = stage.clients.from_address(None)?;
    let control = ControlPlane::new(client, stage.place.base_url().clone(), name.clone());
    let result = match &command.deed {
        WireDeed::Join { auth_key } => {
            let auth_key = filled(auth_key, stage)?;
            join(peer(stage, name)?, &control, &auth_key).await?
        }
        WireDeed::Meet(meeting) => {
            let plan = plan(command, meeting, stage)?;
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
            "registered as {} ({address}), to be found at {}",
            peer.host_name(),
            peer.endpoint()
        )],
        took: begun.elapsed(),
        ..Default::default()
    })
}

/// What to do, with everything filled in.
fn plan(command: &WireCommand, meeting: &Meeting, stage: &Stage) -> Result<Plan, StepError> {
    let with = filled(&meeting.with, stage)?;
    let machine = stage.machines.get(&with).map(|machine| machine.host_name.clone());
    let source = match &meeting.source {
        None => None,
        Some(template) => Some(address(&filled(template, stage)?)?),
    };
    let their_key = match &meeting.their_key {
        None => None,
        Some(template) => {
            let text = filled(template, stage)?;
            let wrong = || StepError::Request(format!("`their_key`: `{text}` is no WireGuard public key"));
            Some(NodeKey::read_public(&text).ok_or_else(wrong)?)
        }
    };
    Ok(Plan {
        shown: with.clone(),
        machine: machine.unwrap_or(with),
        initiator: meeting.initiator,
        with_old_key: meeting.with_old_key,
        their_key,
        source,
        limit: command.timeout,
    })
}

fn filled(template: &Template, stage: &Stage) -> Result<String, StepError> {
    Ok(fill_template(template, stage.bindings.scope())?.unwrap_or_default())
}

fn address(text: &str) -> Result<Ipv4Addr, StepError> {
    text.parse().map_err(|_| StepError::Request(format!("`source`: `{text}` is no IPv4 address")))
}
