//! `profile.toml`: the target profile of the run, without secrets.

use toml::{Table, Value};

use harness_model::event::TargetDescription;
use harness_model::secret::Secrets;

use crate::EvidenceError;

/// Keys whose value is or may be a secret.
const SECRET_WORDS: [&str; 7] =
    ["token", "password", "passphrase", "secret", "credential", "authorization", "private"];

const REMOVED: &str = "[removed]";

/// Returns a profile's text without comments and secrets. Names of variables and files are kept: they only say where
/// a secret comes from.
pub fn without_secrets(text: &str) -> Result<String, EvidenceError> {
    let mut table: Table = toml::from_str(text)?;
    let secrets = Secrets::default();
    for (name, value) in &mut table {
        clean(name, value, is_secret(name) || name == "tokens", &secrets);
    }
    Ok(toml::to_string_pretty(&table)?)
}

/// Returns the file's text for the reference, which the kit starts itself without a profile.
pub fn of_description(target: &TargetDescription) -> Result<String, EvidenceError> {
    let text = toml::to_string_pretty(target)?;
    Ok(format!("# No profile: the kit started this target itself.\n{text}"))
}

fn clean(name: &str, value: &mut Value, in_secrets: bool, secrets: &Secrets) {
    match value {
        Value::String(text) if in_secrets && !["env", "file", "email"].contains(&name) => {
            *text = REMOVED.to_owned();
        }
        Value::String(text) => *text = secrets.conceal(&without_password(text)),
        Value::Array(items) => items.iter_mut().for_each(|item| clean(name, item, in_secrets, secrets)),
        Value::Table(fields) => {
            // `env` is an agent's environment if it is a table, and a secret's source if it is a text.
            let in_secrets = in_secrets || name == "env" || name == "headers";
            for (name, field) in fields {
                clean(name, field, in_secrets || is_secret(name), secrets);
            }
        }
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Removes user and password from `https://user:password@host`.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) =
        rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let Some((_, host)) = authority.rsplit_once('@') else { return text.to_owned() };
    let path = path.map(|path| format!("/{path}")).unwrap_or_default();
    format!("{scheme}://{REMOVED}@{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_removed_and_their_sources_are_kept() {
        let profile = r#"
            name = "acme" # the password is hunter2
            base_url = "https://kit:hunter2@acme.example/api"
            [tokens]
            admin = { env = "ACME_TOKEN" }
            owner = "hunter2"
            member = { login = { email = "m@acme.example", password = { env = "P" } } }
            [agent]
            command = "ztna"
            env = { ZTNA_AUTH_KEY = "hunter2" }
            [hooks]
            reset = "/reset"
            approve_token = "hunter2"
        "#;
        let cleaned = without_secrets(profile).unwrap();
        assert!(!cleaned.contains("hunter2"), "{cleaned}");
        for stays in
            ["ACME_TOKEN", "acme.example/api", "m@acme.example", "\"P\"", "/reset", "command = \"ztna\""]
        {
            assert!(cleaned.contains(stays), "{stays} is not in {cleaned}");
        }
    }
}
