//! Decoys: keys and machines of the kit's own, made only to see when the target lists them.

use harness_model::check::evidence::Exchange;
use harness_model::scenario::model::Identity;
use harness_model::scenario::template::{Binding, Generators as _};
use reqwest::Method;
use serde_json::{Value, json};

use crate::run::cleanup::{CleanupError, Remover};
use crate::step::chance::Chance;
use crate::step::{Stage, StepError};

use super::look::Table;

/// The decoys of one sub-test.
#[derive(Debug, Default)]
pub(super) struct Decoys {
    made: u32,
    /// The key that machines register with.
    key: Option<String>,
}

/// Something that the target should list.
#[derive(Debug)]
pub(super) struct Decoy {
    table: Table,
    name: String,
}

/// A decoy, and how it was made.
#[derive(Debug)]
pub(super) struct Made {
    /// `None` if there is no way to make one, or the target refuses it.
    pub(super) decoy: Option<Decoy>,
    pub(super) exchanges: Vec<Exchange>,
}

impl Decoys {
    /// Makes something that will be listed in the table.
    ///
    /// # Errors
    /// The target does not respond.
    pub(super) async fn make(&mut self, table: Table, stage: &mut Stage) -> Result<Made, StepError> {
        let mut exchanges = Vec::new();
        let name = self.name(stage);
        let is_made = match table {
            Table::AuthKeys => create(stage, "create_auth_key", &name, &mut exchanges).await?.is_some(),
            Table::ApiKeys => create(stage, "create_api_key", &name, &mut exchanges).await?.is_some(),
            Table::Machines => self.register(stage, &name, &mut exchanges).await?,
            Table::Other => false,
        };
        Ok(Made { decoy: is_made.then_some(Decoy { table, name }), exchanges })
    }

    async fn register(
        &mut self,
        stage: &mut Stage,
        name: &str,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<bool, StepError> {
        if self.key.is_none() {
            let name = self.name(stage);
            self.key = create(stage, "create_auth_key", &name, exchanges).await?;
        }
        let Some(key) = &self.key else { return Ok(false) };
        let body = json!({ "auth_key": key, "name": name, "public_key": Chance.public_key() });
        let caller = stage.clients.from_address(None)?;
        let path = "/api/register-machine";
        let exchange = stage.environment.ask_as_nobody(&caller, Method::POST, path, Some(&body)).await?;
        let is_made = (200..300).contains(&exchange.status);
        exchanges.push(exchange);
        Ok(is_made)
    }

    fn name(&mut self, stage: &Stage) -> String {
        self.made += 1;
        let prefix = match stage.bindings.built_in("run") {
            Some(Binding::Value(Value::String(prefix))) => prefix.as_str(),
            _ => "",
        };
        format!("{prefix}decoy-{}", self.made)
    }
}

impl Decoy {
    /// Whether the target lists it.
    ///
    /// # Errors
    /// The target does not respond.
    pub(super) async fn is_listed(&self, stage: &mut Stage) -> Result<bool, StepError> {
        let caller = stage.clients.from_address(None)?;
        let remover = Remover { environment: &stage.environment, caller: &caller };
        let filter = format!("&name=eq.{}", self.name);
        let rows = remover.rows(stage.environment.org(), self.table.name(), &filter).await;
        // Of a target that refuses or garbles the list, the checks will tell.
        let rows = match rows {
            Ok(rows) => rows,
            Err(CleanupError::Target(error)) => return Err(error.into()),
            Err(_) => Vec::new(),
        };
        Ok(rows.iter().any(|row| row.get("name") == Some(&json!(self.name))))
    }

    /// Describes it in a message.
    pub(super) fn describe(&self) -> String {
        let kind = match self.table {
            Table::AuthKeys => "auth key",
            Table::ApiKeys => "API key",
            Table::Machines | Table::Other => "machine",
        };
        format!("{kind} {}", self.name)
    }
}

/// Creates a key, and returns it; `None` if it is refused.
async fn create(
    stage: &mut Stage,
    action: &str,
    name: &str,
    exchanges: &mut Vec<Exchange>,
) -> Result<Option<String>, StepError> {
    let org = stage.environment.org().to_owned();
    let mut body = json!({ "action": action, "org_id": org, "name": name, "expiry_days": 90 });
    if action == "create_auth_key" {
        body["reusable"] = json!(true);
    }
    let caller = stage.clients.from_address(None)?;
    let path = "/api/key-management";
    let exchange = stage.environment.ask(&caller, Identity::Admin, Method::POST, path, Some(&body)).await?;
    let key = exchange.json().and_then(|response| response.pointer("/data/key")).and_then(Value::as_str);
    let key = key.map(str::to_owned).filter(|_| exchange.status == 201);
    exchanges.push(exchange);
    Ok(key)
}
