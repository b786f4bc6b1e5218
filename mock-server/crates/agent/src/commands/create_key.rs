//! `ztna auth-keys create`, also `ztna auth-key create`.

use std::time::Duration;

use crate::cli::CreateKeyArguments;
use crate::console::print_line;
use crate::context::{Context, organisation};
use crate::control_client::{CreateAuthKey, CreatedAuthKey};
use crate::error::AgentError;
use crate::relative_time;

const SECS_PER_DAY: u64 = 86_400;

/// The longest lifetime that `expires_in` accepts (issuing/expiry.2); longer ones are sent in days (generate/ST2.3).
const MAX_EXPIRES_IN_SECS: u64 = 30 * SECS_PER_DAY;

/// Creates a key and prints it; it cannot be shown again (issuing/create.3).
pub(super) fn run(context: &Context, arguments: &CreateKeyArguments) -> Result<(), AgentError> {
    let state = context.folder.load()?;
    let org_id = organisation(arguments.organisation.named.as_deref(), &state)?;
    let caller = context.admin_credential(&state)?;
    let control = context.control(&state)?;
    let Lifetime { expires_in, expiry_days } = Lifetime::from_expiry(arguments.expiry);
    let request = CreateAuthKey {
        action: "create_auth_key",
        org_id,
        name: arguments.name.as_deref(),
        reusable: arguments.reusable,
        ephemeral: arguments.ephemeral,
        expires_in,
        expiry_days,
        tags: &arguments.tags,
        description: arguments.description.as_deref(),
    };
    let created = context.block_on(async {
        control.create_auth_key(caller, &request).await.map_err(AgentError::request("auth key creation"))
    })?;
    print_line(&render(arguments, &created));
    Ok(())
}

/// The requested lifetime in the unit that accepts it; the control plane validates the value.
#[derive(Debug, PartialEq, Eq)]
struct Lifetime {
    expires_in: Option<u64>,
    expiry_days: Option<u64>,
}

impl Lifetime {
    fn from_expiry(expiry: Option<Duration>) -> Self {
        match expiry.map(|expiry| expiry.as_secs()) {
            Some(seconds) if seconds > MAX_EXPIRES_IN_SECS && seconds.is_multiple_of(SECS_PER_DAY) => {
                Self { expires_in: None, expiry_days: Some(seconds / SECS_PER_DAY) }
            }
            expires_in => Self { expires_in, expiry_days: None },
        }
    }
}

fn render(arguments: &CreateKeyArguments, created: &CreatedAuthKey) -> String {
    let yes_or_no = |flag| Some(if flag { "yes" } else { "no" }.to_owned());
    let lifetime = arguments
        .expiry
        .or_else(|| created.expiry_days.map(|days| Duration::from_secs(days.saturating_mul(SECS_PER_DAY))));
    let lines = [
        ("Name:", arguments.name.clone()),
        ("Reusable:", yes_or_no(arguments.reusable)),
        ("Ephemeral:", yes_or_no(arguments.ephemeral)),
        ("Expires:", lifetime.map(relative_time::from_now)),
        ("Tags:", (!arguments.tags.is_empty()).then(|| arguments.tags.join(", "))),
        ("Description:", arguments.description.clone()),
    ];
    let mut text = format!("✓ Auth key created: {}", created.key.expose());
    for (label, value) in lines {
        if let Some(value) = value {
            text.push_str(&format!("\n  {label:<14}{value}"));
        }
    }
    text + "\n\nCOPY THIS KEY NOW — you cannot retrieve it later."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_beyond_30_days_are_sent_in_days() {
        for (expiry, (expires_in, expiry_days)) in [
            (None, (None, None)),
            (Some("1h"), (Some(3600), None)),
            (Some("30d"), (Some(2_592_000), None)),
            (Some("31d"), (None, Some(31))),
            (Some("366d"), (None, Some(366))),
            (Some("30d 1h"), (Some(2_595_600), None)),
            (Some("1s"), (Some(1), None)),
        ] {
            let expiry = expiry.map(|text| humantime::parse_duration(text).unwrap());
            assert_eq!(Lifetime::from_expiry(expiry), Lifetime { expires_in, expiry_days }, "{expiry:?}");
        }
    }
}
