//! The last look at a shared target: nothing whose name begins with the run's id may be left.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::exchange::Caller;
use crate::run::cleanup::{Broom, live_key};
use crate::run::ledger::KeyKind;
use crate::run::name;
use crate::run::setting::Setting;
use crate::run::stop::Stop;
use crate::targets::TestEnvironment;
use harness_model::secret::Secrets;

/// For all tables together.
const LIMIT: Duration = Duration::from_secs(30);

/// Removes what the sub-tests could not know of, such as a key whose answer never came; what is left, a line each.
pub(super) async fn sweep(setting: &Setting, mut stop: Stop) -> Vec<String> {
    if !setting.target.is_shared() {
        return Vec::new();
    }
    let place = match Arc::clone(&setting.target).environment(false).await {
        Ok(place) => place,
        Err(error) => return vec![unknown(setting, &error.to_string())],
    };
    let pace = place.client_settings().pace.clone();
    let mut left = Vec::new();
    let problem = tokio::select! {
        biased;
        () = stop.asked_twice() => Some("the last look at the target was cut short".to_owned()),
        done = pace.within(LIMIT, look(setting, &place, &mut left)) => match done {
            Some(looked) => looked.err(),
            None => Some("the last look at the target did not end in time".to_owned()),
        },
    };
    place.close().await;
    left.extend(problem.map(|problem| unknown(setting, &problem)));
    left
}

fn unknown(setting: &Setting, problem: &str) -> String {
    format!("{problem}; look for names that begin with {}", setting.id)
}

/// Stops at the first table that cannot be read: a target that answers no more would be asked for all of them.
async fn look(setting: &Setting, place: &TestEnvironment, left: &mut Vec<String>) -> Result<(), String> {
    let caller = Caller::new(place.client_settings(), None).map_err(|error| error.to_string())?;
    let secrets = Secrets::default();
    let broom = Broom { place, caller: &caller, secrets: &secrets };
    for org in broom.organisations() {
        for (kind, table) in [(KeyKind::Auth, "auth_keys"), (KeyKind::Api, "api_keys")] {
            let rows = broom.rows(&org, table, "").await?;
            for (name, key) in rows.iter().filter_map(|row| live_key(row, kind, &org, &setting.id)) {
                if let Err(problem) = broom.revoke(&key).await {
                    left.push(format!("{} {name} ({}): {problem}", kind.in_words(), key.id));
                }
            }
        }
        for row in broom.rows(&org, "machines", "").await? {
            let text = |column: &str| row.get(column).and_then(Value::as_str).unwrap_or_default();
            let (name, id) = (text("name"), text("id"));
            if !name::is_of(name, &setting.id) {
                continue;
            }
            if let Err(problem) = broom.delete(&org, id).await {
                left.push(format!("the machine {name} ({id}): {problem}"));
            }
        }
    }
    Ok(())
}
