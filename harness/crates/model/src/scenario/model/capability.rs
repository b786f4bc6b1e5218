/// A feature of a target. A sub-test that needs one the target does not declare is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// The target has an agent that the kit can start.
    Agent,
    /// The target has an installer, and the kit has `sh` and `curl` to run the documented command.
    Installer,
    /// The kit can advance the target's clock.
    Clock,
    /// Registering a machine returns a credential for `POST /api/heartbeat`.
    Heartbeat,
    /// The profile has a second organisation with an admin.
    Organisations,
    /// The kit can connect from more than one address.
    Addresses,
    /// The source address that the target sees is known, so `${address}` is correct.
    Cidr,
    /// The target has a dashboard, and the kit has a browser.
    Dashboard,
    /// The kit can exchange WireGuard packets with the agent.
    Wire,
    /// `ztna up` creates a TUN device.
    Tun,
    /// The kit can give the host of a machine a name of its own.
    HostName,
    /// The agent can claim tags, in words that the profile gives.
    ClaimTags,
    /// Access rules can be set, and agents serve ports and connect to them, in words that the profile gives.
    AccessRules,
    /// Each sub-test starts with an empty target.
    Fresh,
    /// The profile has an organisation that may have a few machines only.
    Quota,
    /// The kit's host has Ansible.
    Ansible,
    /// The kit's host has `act`, which runs workflows of GitHub Actions.
    Actions,
    /// The kit's host has cloud-init, and may give it a throw-away root.
    CloudInit,
    /// The kit's host has a container engine.
    Docker,
    /// The kit's host has Terraform, and the target a provider for it.
    Terraform,
}

impl Capability {
    /// Whether it is a tool with which the documents roll out, and which takes seconds.
    pub fn is_recipe_tool(self) -> bool {
        matches!(self, Self::Ansible | Self::Actions | Self::CloudInit | Self::Docker | Self::Terraform)
    }
}
