//! Removes everything on a shared target whose name begins with the run's id, at the end of the run.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::exchange::Caller;
use crate::run::cleanup::{Remover, live_key};
use crate::run::ledger::KeyKind;
use crate::run::name;
use crate::run::setting::Setting;
use crate::run::stop::Stop;
use crate::targets::TestEnvironment;
use harness_model::secret::Secrets;

/// The time limit for all tables together.
const LIMIT: Duration = Duration::from_secs(30);

/// Removes what sub-tests could not know about, such as a key whose response never arrived. Returns a line for each thing
/// that is left.
pub(super) async fn sweep(setting: &Setting, mut stop: Stop) -> Vec<String> {
    if !setting.target.is_shared() {
        return Vec::new();
    }
    let place = match Arc::clone(&setting.target).environment(false).await {
        Ok(place) => place,
        Err(error) => return vec![may_be_left(setting, &error.to_string())],
    };
    let pace = place.client_settings().pace.clone();
    let mut left = Vec::new();
    let problem = tokio::select! {
        biased;
        () = stop.asked_twice() => Some("the final cleanup was interrupted".to_owned()),
        done = pace.within(LIMIT, remove_all(setting, &place, &mut left)) => match done {
            Some(result) => result.err(),
            None => Some("the final cleanup timed out".to_owned()),
        },
    };
    place.close().await;
    left.extend(problem.map(|problem| may_be_left(setting, &problem)));
    left
}

fn may_be_left(setting: &Setting, problem: &str) -> String {
    format!("{problem}\nsearch the target for names that begin with {}", setting.id)
}

/// Stops at the first table that cannot be read: a target that no longer responds would time out for each.
async fn remove_all(
    setting: &Setting,
    place: &TestEnvironment,
    left: &mut Vec<String>,
) -> Result<(), String> {
    let caller = Caller::new(place.client_settings(), None).map_err(|error| error.to_string())?;
    let secrets = Secrets::default();
    let remover = Remover { place, caller: &caller, secrets: &secrets };
    for org in remover.organisations() {
        for (kind, table) in [(KeyKind::Auth, "auth_keys"), (KeyKind::Api, "api_keys")] {
            let rows = remover.rows(&org, table, "").await?;
            for (name, key) in rows.iter().filter_map(|row| live_key(row, kind, &org, &setting.id)) {
                if let Err(problem) = remover.revoke(&key).await {
                    left.push(format!("{} {name} ({}): {problem}", kind.label(), key.id));
                }
            }
        }
        for row in remover.rows(&org, "machines", "").await? {
            let text = |column: &str| row.get(column).and_then(Value::as_str).unwrap_or_default();
            let (name, id) = (text("name"), text("id"));
            if !name::is_of(name, &setting.id) {
                continue;
            }
            if let Err(problem) = remover.delete(&org, id).await {
                left.push(format!("machine {name} ({id}): {problem}"));
            }
        }
    }
    Ok(())
}
