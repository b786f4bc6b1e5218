//! Removes everything on a shared target whose name begins with the run's id, at the end of the run.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::exchange::Caller;
use crate::run::cleanup::{CleanupError, Remover, live_key, missing_for_machines, settle};
use crate::run::id::Id;
use crate::run::ledger::KeyKind;
use crate::run::name;
use crate::run::pages::Pages;
use crate::run::setting::RunSettings;
use crate::run::stop::Stop;
use crate::targets::{EnvironmentNeeds, TargetError, TestEnvironment};
use harness_model::secret::Secrets;

/// The time limit for all tables together.
const LIMIT: Duration = Duration::from_secs(30);

/// Removes what sub-tests could not know about, such as a key whose response never arrived. Returns a line for each thing
/// that is left.
pub(super) async fn sweep(setting: &RunSettings, mut stop: Stop) -> Vec<String> {
    if !setting.target.is_shared() {
        return Vec::new();
    }
    let environment = match Arc::clone(&setting.target).environment(EnvironmentNeeds::default()).await {
        Ok(environment) => environment,
        Err(error) => return vec![may_be_left(setting, &error.to_string())],
    };
    let pace = environment.client_settings().pace.clone();
    let mut left = Vec::new();
    let problem = tokio::select! {
        biased;
        () = stop.asked_twice() => Some("the final cleanup was interrupted".to_owned()),
        done = pace.within(LIMIT, remove_all(setting, &environment, &mut left)) => match done {
            Some(result) => result.err().map(|error| Secrets::default().conceal(&error.to_string())),
            None => Some("the final cleanup timed out".to_owned()),
        },
    };
    environment.close().await;
    left.extend(problem.map(|problem| may_be_left(setting, &problem)));
    left
}

fn may_be_left(setting: &RunSettings, problem: &str) -> String {
    format!("{problem}\nsearch the target for names that begin with {}", setting.id)
}

/// Returns a line if the target may have rows that it did not return.
fn unseen(pages: &Pages, table: &str, run: &str) -> Option<String> {
    pages.may_be_incomplete().then(|| {
        let count = pages.rows().len();
        format!("the target returned {count} rows of {table} and may have more\nsearch them for names that begin with {run}")
    })
}

/// Stops at the first table that cannot be read: a target that no longer responds would time out for each.
async fn remove_all(
    setting: &RunSettings,
    environment: &TestEnvironment,
    left: &mut Vec<String>,
) -> Result<(), CleanupError> {
    let caller = Caller::new(environment.client_settings(), None).map_err(TargetError::Exchange)?;
    let remover = Remover { environment, caller: &caller };
    settle(environment).await;
    let missing = missing_for_machines(&setting.target.description());
    let redacted = |problem: CleanupError| Secrets::default().conceal(&problem.to_string());
    for org in remover.organisations() {
        for (kind, table) in [(KeyKind::Auth, "auth_keys"), (KeyKind::Api, "api_keys")] {
            let pages = remover.all_rows(&org, table).await?;
            left.extend(unseen(&pages, table, &setting.id));
            for (name, key) in pages.rows().iter().filter_map(|row| live_key(row, kind, &org, &setting.id)) {
                let Some(key) = key else {
                    left.push(format!("{} {name}: {}", kind.label(), redacted(CleanupError::NoKeyId)));
                    continue;
                };
                if let Err(problem) = remover.revoke(&key).await {
                    left.push(format!("{} {name} ({}): {}", kind.label(), key.id, redacted(problem)));
                }
            }
        }
        if missing.is_some() {
            continue;
        }
        let pages = remover.all_rows(&org, "machines").await?;
        left.extend(unseen(&pages, "machines", &setting.id));
        for row in pages.rows() {
            let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
            if !name::is_of(name, &setting.id) {
                continue;
            }
            let Some(id) = Id::in_row(row) else {
                left.push(format!("machine {name}: {}", redacted(CleanupError::NoMachineId)));
                continue;
            };
            if let Err(problem) = remover.delete(&org, &id).await {
                left.push(format!("machine {name} ({id}): {}", redacted(problem)));
            }
        }
    }
    if let Some(missing) = missing {
        left.push(format!(
            "machines whose names begin with {}: the target has no {} to remove them with",
            setting.id,
            missing.describe()
        ));
    }
    Ok(())
}
