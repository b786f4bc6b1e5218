//! Sets up what a sub-test needs except its machines: the target, sessions and built-in variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use harness_model::bindings::Bindings;
use harness_model::plan::PlannedSubtest;
use harness_model::scenario::model::{Capability, identity_name};
use harness_model::scenario::sessions::sessions;
use harness_model::secret::Secrets;

use crate::exchange::Clients;
use crate::run::name;
use crate::run::repeat::shell_variable;
use crate::run::setting::RunSettings;
use crate::slot::Slot;
use crate::step::chance::Chance;
use crate::step::service::Service;
use crate::step::visit::Visit;
use crate::step::{Stage, StepError};
use crate::targets::{EnvironmentNeeds, TestEnvironment, host_tool};

/// A stage without machines, and the prefix of the sub-test's names on the target.
pub(super) struct Setup {
    pub(super) stage: Stage,
    pub(super) prefix: String,
}

pub(super) async fn set_up(
    setting: &RunSettings,
    planned: &PlannedSubtest,
    subtest: usize,
    slot: Slot,
    secrets: &Secrets,
) -> Result<Setup, StepError> {
    if planned.scenario.needs.contains(&Capability::Fresh) {
        setting.target.reset().await?;
    }
    let needs = EnvironmentNeeds::of(&planned.scenario);
    let environment = Arc::clone(&setting.target).environment(needs).await?;
    // On a private control plane names need no prefix, and tables look as documented.
    let prefix = match environment.is_private() {
        true => String::new(),
        false => name::prefix(&setting.id, subtest),
    };
    let mut bindings = Bindings::new(&Chance);
    bindings.set_built_in("org", environment.org());
    if let Some(other) = environment.other_org() {
        bindings.set_built_in("other_org", other);
    }
    if let Some(quota) = environment.quota() {
        bindings.set_built_in("quota_org", quota.org.as_str());
        bindings.set_built_in("quota_limit", quota.machines);
    }
    bindings.set_built_in("installer.url", environment.installer_url());
    bindings.set_built_in("installer.image", environment.installer_image().unwrap_or_default());
    bindings.set_built_in("docker.host", host_tool::engine_address());
    if let Some(terraform) = environment.terraform() {
        bindings.set_built_in("terraform.provider", terraform.program.to_string_lossy());
        bindings.set_built_in("terraform.endpoint", terraform.endpoint.as_str());
        bindings.set_built_in("terraform.api_key", terraform.api_key.as_str());
    }
    bindings.set_built_in("base_url", environment.base_url().as_str().trim_end_matches('/'));
    bindings.set_built_in("run", prefix.as_str());
    bindings.set_built_in("address", environment.address());
    bindings.set_built_in("address_block", block_of(environment.address()));
    bindings.set_built_in("network", environment.addresses().to_string());
    for identity in sessions(&planned.scenario, &setting.registry, planned.judges_ours) {
        let token = environment.token(identity).await?;
        secrets.learn(&token, shell_variable(identity));
        let variable = format!("token.{}", identity_name(identity));
        if planned.scenario.variables.contains(&variable) {
            bindings.set_built_in(&variable, token);
        }
    }
    let service = match planned.scenario.variables.contains("service") {
        true => Some(serve(&environment)?),
        false => None,
    };
    if let Some(service) = &service {
        bindings.set_built_in("service", service.address().to_string());
    }
    let stage = Stage {
        clients: Clients::new(environment.client_settings().clone()),
        environment: Arc::new(environment),
        machines: BTreeMap::new(),
        peers: BTreeMap::new(),
        visit: Visit::new(Arc::clone(&setting.browsers)),
        bindings,
        service,
        slot,
    };
    Ok(Setup { stage, prefix })
}

fn serve(environment: &TestEnvironment) -> Result<Service, StepError> {
    let failed = |cause| StepError::Local { what: "failed to listen for machines".to_owned(), cause };
    environment.listener().and_then(Service::start).map_err(failed)
}

/// Returns the network that has this address alone.
fn block_of(address: &str) -> String {
    let bits = if address.contains(':') { 128 } else { 32 };
    format!("{address}/{bits}")
}
