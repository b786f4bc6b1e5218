use serde_json::{Value, json};

use crate::console::print_line;
use crate::context::{Context, now};
use crate::error::AgentError;
use crate::local_socket::{self, RunningStatus};
use crate::state::State;

/// Prints this machine's status. Asks the running `ztna up`, never the control plane, so that it works offline.
pub(super) fn run(context: &Context, as_json: bool) -> Result<(), AgentError> {
    let state = context.folder.load()?;
    let running = local_socket::ask_status(context.folder.path())?;
    let authenticated = state.is_authenticated(now());
    if as_json {
        let object = render_json(context.server(&state), &state, running.as_ref(), authenticated);
        print_line(&format!("{object:#}"));
    } else {
        print_line(&render_text(&state, running.as_ref(), authenticated));
    }
    Ok(())
}

/// Renders the documented form (headless/ST2.2); unknown values have no line.
fn render_text(state: &State, running: Option<&RunningStatus>, authenticated: bool) -> String {
    let machine = state.machine.as_ref();
    let lines = [
        ("Version:", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("Node Key:", state.node_key.as_ref().map(|key| key.fingerprint())),
        ("Authenticated:", Some(authenticated.to_string())),
        ("Machine ID:", machine.map(|machine| machine.id.clone())),
        ("Machine Name:", machine.map(|machine| machine.name.clone())),
        ("Tailnet IP:", machine.map(|machine| machine.tailnet_ip.to_string())),
        ("Mode:", running.and_then(|running| running.mode).map(|mode| mode.name().to_owned())),
        ("DERP Region:", running.and_then(|running| running.derp_region).map(String::from)),
        ("State:", Some(if running.is_some() { "running" } else { "stopped" }.to_owned())),
    ];
    let mut text = "QuickZTNA Status\n================".to_owned();
    for (label, value) in lines {
        if let Some(value) = value {
            text.push_str(&format!("\n{label:<15}{value}"));
        }
    }
    text
}

fn render_json(server: &str, state: &State, running: Option<&RunningStatus>, authenticated: bool) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "node_key": state.node_key.as_ref().map(|key| key.public_hex()),
        "authenticated": authenticated,
        "running": running.is_some(),
        "phase": running.map(|running| running.phase),
        "pid": running.map(|running| running.pid),
        "server": server,
        "org_id": state.org_id,
        "user": state.session.as_ref().and_then(|session| session.email.as_deref()),
        "machine": state.machine.as_ref().map(|machine| {
            json!({ "id": machine.id, "name": machine.name, "tailnet_ip": machine.tailnet_ip })
        }),
        "mode": running.and_then(|running| running.mode),
        "derp_region": running.and_then(|running| running.derp_region),
        "peers": running.map(|running| &running.peers),
    })
}
