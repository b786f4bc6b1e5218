//! A new profile, with comments that say what else there is.

use std::collections::BTreeMap;

use harness_model::scenario::model::IDENTITIES;
use harness_model::scenario::model::Identity;

use super::content::{Login, TokenSource};

/// What is known of a target that gets its profile.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The target's name in reports.
    pub name: String,
    /// Where it answers.
    pub base_url: String,
    /// The organisation of admin, owner and member.
    pub org_id: String,
    /// The outsider's organisation.
    pub other_org_id: Option<String>,
    /// Where the target sees the kit.
    pub address: Option<String>,
    /// Where sessions come from.
    pub tokens: BTreeMap<Identity, TokenSource>,
    /// The authorities to trust.
    pub ca: Option<String>,
    /// The agent's command.
    pub agent: Option<String>,
    /// The clock's hook.
    pub clock: Option<String>,
    /// The hook that approves device logins.
    pub approve: Option<String>,
    /// The hook that resets the target.
    pub reset: Option<String>,
}

/// The profile's text. What is not known stands in a comment.
pub fn written(draft: &Draft) -> String {
    let mut text = String::from(
        "# A target profile for `harness --target`. `harness lint --target FILE` checks it without running.\n\
         # Everything that a profile may say: harness/crates/runner/src/targets/example.toml of the kit.\n",
    );
    let mut line = |key: &str, value: Option<&str>, example: &str, remark: &str| {
        let line = match value {
            Some(value) => format!("{key} = {}", quoted(value)),
            None => format!("# {key} = {}", quoted(example)),
        };
        let remark = if remark.is_empty() { String::new() } else { format!("   # {remark}") };
        text.push_str(&format!("{line}{remark}\n"));
    };
    line("name", Some(&draft.name), "", "");
    line("base_url", Some(&draft.base_url), "", "with the path that stands before /api, if there is one");
    line("org_id", Some(&draft.org_id), "", "the organisation of admin, owner and member");
    line(
        "other_org_id",
        draft.other_org_id.as_deref(),
        "org_2",
        "with tokens.outsider: sub-tests with two organisations",
    );
    line(
        "address",
        draft.address.as_deref(),
        "203.0.113.9",
        "where the target sees the kit: sub-tests about allowed addresses",
    );
    text.push_str(
        "\n# What it can do; left out, it is what this profile gives the means for. What needs more is skipped.\n\
         # capabilities = [\"agent\", \"clock\", \"organisations\", \"cidr\"]\n\n\
         # Sessions: { env = … }, { file = … }, { command = … } or { login = … }; the last three are renewed when refused.\n\
         [tokens]\n",
    );
    for (identity, name) in IDENTITIES {
        text.push_str(&match draft.tokens.get(&identity) {
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
    section("tls", &[("ca", draft.ca.as_ref(), "authority.pem", "trust these authorities and no others")]);
    section("agent", &[("command", draft.agent.as_ref(), "/opt/ztna/bin/ztna", "quoted as in a shell")]);
    section(
        "hooks",
        &[
            ("clock", draft.clock.as_ref(), "/test/clock", "POST {\"advance_seconds\": N}"),
            (
                "approve",
                draft.approve.as_ref(),
                "/api/auth/device/approve",
                "POST {\"user_code\": \"…\", \"approve\": true}",
            ),
            ("reset", draft.reset.as_ref(), "/test/reset", "POST {} before a run"),
        ],
    );
    text.push_str(
        "\n# [limits]\n# requests_per_second = 20   # by all sub-tests together\n# concurrency = 4            # requests, and sub-tests, at the same time\n\
         \n# [timeouts]\n# request = \"10s\"\n",
    );
    text
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
