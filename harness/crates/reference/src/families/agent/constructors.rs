//! Deviations of the agent alone, made of one change.

use crate::deviation::{
    AgentCall, AgentDeviation, Deviation, ProxyRequest, ProxyResponse, ProxyState, UNCHANGED, UNCHANGED_AGENT,
};

pub(super) const fn agent_deviation(agent: AgentDeviation) -> Deviation {
    Deviation { agent: Some(agent), ..UNCHANGED }
}

/// The agent prints something else.
pub(super) const fn rewriting_output(rewrite_output: fn(&AgentCall, &str) -> String) -> Deviation {
    agent_deviation(AgentDeviation { rewrite_output, ..UNCHANGED_AGENT })
}

/// The agent is called in another way.
pub(super) const fn rewriting_call(before_start: fn(&mut AgentCall)) -> Deviation {
    agent_deviation(AgentDeviation { before_start, ..UNCHANGED_AGENT })
}

/// The agent asks the control plane for something else.
pub(super) const fn requesting(
    on_request: fn(&mut ProxyRequest, &mut ProxyState) -> Option<ProxyResponse>,
) -> Deviation {
    agent_deviation(AgentDeviation { on_request: Some(on_request), ..UNCHANGED_AGENT })
}
