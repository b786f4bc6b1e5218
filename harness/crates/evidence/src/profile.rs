//! `profile.toml`: what the run was told about its target, without secrets.

use toml::{Table, Value};

use harness_model::event::TargetDescription;
use harness_model::secret::Secrets;

/// Keys whose text is a secret, or may be one.
const SECRET_WORDS: [&str; 7] =
    ["token", "password", "passphrase", "secret", "credential", "authorization", "private"];

/// What stands for a text that is left out.
const LEFT_OUT: &str = "[left out]";

/// A profile's text without comments and secrets. Names of variables and files stay: they say where a secret comes
/// from, and are none.
///
/// # Errors
/// It is not TOML.
pub fn without_secrets(text: &str) -> Result<String, String> {
    let mut table: Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let secrets = Secrets::default();
    for (name, value) in &mut table {
        clean(name, value, is_secret(name) || name == "tokens", &secrets);
    }
    toml::to_string_pretty(&table).map_err(|error| error.to_string())
}

/// What stands in for a profile where there is none: the reference that the kit starts itself.
///
/// # Errors
/// None that the types allow; the library's is passed on.
pub fn of_description(target: &TargetDescription) -> Result<String, String> {
    let text = toml::to_string_pretty(target).map_err(|error| error.to_string())?;
    Ok(format!("# No profile: the kit started this target itself.\n{text}"))
}

fn clean(name: &str, value: &mut Value, in_secrets: bool, secrets: &Secrets) {
    match value {
        Value::String(text) if in_secrets && !["env", "file", "email"].contains(&name) => {
            *text = LEFT_OUT.to_owned();
        }
        Value::String(text) => *text = secrets.conceal(&without_password(text)),
        Value::Array(items) => items.iter_mut().for_each(|item| clean(name, item, in_secrets, secrets)),
        Value::Table(fields) => {
            // An agent's environment is a table of that name; a secret's source is a text.
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

/// `https://user:password@host` without both.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) =
        rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let Some((_, host)) = authority.rsplit_once('@') else { return text.to_owned() };
    let path = path.map(|path| format!("/{path}")).unwrap_or_default();
    format!("{scheme}://{LEFT_OUT}@{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_something_is_left_out_and_where_it_comes_from_stays() {
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
