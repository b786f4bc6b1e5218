//! Creates an auth key and revokes it.

use reqwest::Method;
use serde_json::json;

use super::Preflight;
use super::decision::{Creation, Revocation};
use super::observation::{Observation, Response};

const KEYS: &str = "/api/key-management";

/// An auth key that exists for a moment.
pub(super) struct TrialKey<'a> {
    pub(super) preflight: &'a Preflight<'a>,
    pub(super) observation: &'a Observation,
}

impl TrialKey<'_> {
    /// Creates an auth key as the observed identity and revokes it. The name begins with the run's id, so that the final
    /// cleanup finds a key that could not be revoked here.
    pub(super) async fn create_and_revoke(&self) -> Creation {
        let (preflight, Observation { token, org, .. }) = (self.preflight, self.observation);
        let name = preflight.key_name;
        let create = json!({
            "action": "create_auth_key", "org_id": org, "name": name, "reusable": false, "expiry_days": 1,
        });
        let created = match preflight.ask(token, Method::POST, KEYS, Some(&create)).await {
            Ok(created) => created,
            Err(error) => return Creation::Unanswered(error.to_string()),
        };
        let response = Response::of(&created);
        if !response.is_success() {
            return Creation::Refused(response);
        }
        let id = created.json().and_then(|json| json.pointer("/data/id").or_else(|| json.pointer("/id")));
        let revocation = match id {
            None => Revocation::Failed("the response has no id of the key".to_owned()),
            Some(id) => {
                let revoke = json!({ "action": "revoke_auth_key", "org_id": org, "key_id": id });
                match preflight.ask(token, Method::POST, KEYS, Some(&revoke)).await {
                    Ok(revoked) if Response::of(&revoked).is_success() => Revocation::Done,
                    Ok(revoked) => Revocation::Failed(format!("revoking it: {}", Response::of(&revoked))),
                    Err(error) => Revocation::Failed(error.to_string()),
                }
            }
        };
        Creation::Made { response, name: name.to_owned(), revocation }
    }
}
