//! Writes a new profile for `init-target`, with comments about the keys that it does not set.

use std::collections::BTreeMap;

use harness_model::scenario::model::IDENTITIES;
use harness_model::scenario::model::Identity;

use super::content::{Login, TokenSource};

/// What is known about the target of a new profile.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub name: String,
    pub base_url: String,
    pub org_id: String,
    pub other_org_id: Option<String>,
    pub address: Option<String>,
    pub tokens: BTreeMap<Identity, TokenSource>,
    pub ca: Option<String>,
    pub agent: Option<String>,
    pub clock: Option<String>,
    pub approve: Option<String>,
    pub reset: Option<String>,
}

impl Draft {
    /// Returns the profile's text. Unknown keys are comments with an example.
    pub fn to_toml(&self) -> String {
        let mut text = String::from(
            "# A target profile for `harness --target`. `harness doctor --target FILE` checks it and the target.\n\
         # All keys are documented in the kit's harness/crates/runner/src/targets/example.toml.\n",
        );
        let mut line = |key: &str, value: Option<&str>, example: &str, remark: &str| {
            let line = match value {
                Some(value) => format!("{key} = {}", quoted(value)),
                None => format!("# {key} = {}", quoted(example)),
            };
            let remark = if remark.is_empty() { String::new() } else { format!("   # {remark}") };
            text.push_str(&format!("{line}{remark}\n"));
        };
        line("name", Some(&self.name), "", "");
        line("base_url", Some(&self.base_url), "", "including the path before /api");
        line("org_id", Some(&self.org_id), "", "the organisation of admin, owner and member");
        line(
            "other_org_id",
            self.other_org_id.as_deref(),
            "org_2",
            "with tokens.outsider, for sub-tests with two organisations",
        );
        line(
            "address",
            self.address.as_deref(),
            "203.0.113.9",
            "from which the target sees the kit, for sub-tests about allowed addresses",
        );
        text.push_str(
        "\n# By default the capabilities follow from this profile. Sub-tests that need more are skipped.\n\
         # capabilities = [\"agent\", \"clock\", \"organisations\", \"cidr\"]\n\n\
         # Sessions: { env = … }, { file = … }, { command = … } or { login = … }; refused tokens of the last three are renewed.\n\
         [tokens]\n",
    );
        for (identity, name) in IDENTITIES.into_iter().filter(|(identity, _)| *identity != Identity::Limited)
        {
            text.push_str(&match self.tokens.get(&identity) {
                Some(source) => format!("{name} = {}\n", source_text(source)),
                None => format!("# {name} = {{ env = \"TARGET_{}_TOKEN\" }}\n", name.to_uppercase()),
            });
        }
        let mut section = |head: &str, keys: &[(&str, Option<&String>, &str, &str)]| {
            let commented = if keys.iter().any(|(_, value, ..)| value.is_some()) { "" } else { "# " };
            text.push_str(&format!("\n{commented}[{head}]\n"));
            for (key, value, example, remark) in keys {
                let (mark, value) = match value {
                    Some(value) => ("", value.as_str()),
                    None => ("# ", *example),
                };
                let remark = if remark.is_empty() { String::new() } else { format!("   # {remark}") };
                text.push_str(&format!("{mark}{key} = {}{remark}\n", quoted(value)));
            }
        };
        section(
            "tls",
            &[("ca", self.ca.as_ref(), "authority.pem", "trust these authorities instead of the system's")],
        );
        section(
            "agent",
            &[
                ("command", self.agent.as_ref(), "/opt/ztna/bin/ztna", "quoted as in a shell"),
                ("code", None, "[0-9]{6}", "the form of the code that `login` prints, if not WXYZ-1234"),
            ],
        );
        section(
            "hooks",
            &[
                ("clock", self.clock.as_ref(), "/test/clock", "POST {\"advance_seconds\": N}"),
                (
                    "approve",
                    self.approve.as_ref(),
                    "/api/auth/device/approve",
                    "POST {\"user_code\": \"…\", \"approve\": true}",
                ),
                ("reset", self.reset.as_ref(), "/test/reset", "POST {} before a run"),
            ],
        );
        text.push_str(
        "\n# [limits]\n# requests_per_second = 20   # of all sub-tests together\n# concurrency = 4            # requests, and sub-tests\n\
         \n# [timeouts]\n# request = \"10s\"\n# settle = \"3s\"               # how long lists may lag behind what was done before\n\
         # silence = \"1s\"              # how long a machine must not answer to count as unreachable\n\
         \n# [quota]                    # an organisation that may have a few machines only\n# org_id = \"org_small\"\n\
         # limit = 3\n# token = { env = \"TARGET_SMALL_TOKEN\" }\n\
         \n# [installer]                # if it is elsewhere, or images need another base\n# url = \"https://get.acme.example/install.sh\"\n\
         \n# [terraform]\n# provider = \"./terraform-provider-quickztna\"\n\
         \n# What no document describes. The kit asks the target what it lacks; what is declared here is not asked.\n\
         # [undocumented]\n# machine_admin = false\n\
         \n# [paths]\n# machines = \"/api/v2/devices\"   # where GET /api/db/machines is instead\n\
         \n# [pointers]\n# error_code = \"/code\"   # where a refusal has its code, instead of /error/code\n",
    );
        text
    }
}

fn source_text(source: &TokenSource) -> String {
    match source {
        TokenSource::Env(variable) => format!("{{ env = {} }}", quoted(variable)),
        TokenSource::File(path) => format!("{{ file = {} }}", quoted(&path.to_string_lossy())),
        TokenSource::Command(command) => format!("{{ command = {} }}", quoted(command)),
        TokenSource::Login(Login { email, password_env }) => {
            format!("{{ login = {{ email = {}, password_env = {} }} }}", quoted(email), quoted(password_env))
        }
        TokenSource::Inline(token) => quoted(token),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
