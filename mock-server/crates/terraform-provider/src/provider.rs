//! The answers to Terraform's questions: reads the values, asks the rules and the control plane, writes the values.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use crate::auth_key::{self, Found};
use crate::control_plane::ControlPlane;
use crate::diagnostic::{error, path, warning};
use crate::plugin::message::{
    AppliedChange, ApplyChange, Configure, Diagnostic, Diagnostics, DynamicValue, ImportState,
    ImportedResource, ImportedState, PlanChange, PlannedChange, ProviderConfig, ProviderDiagnostics,
    ProviderSchema, ReadResource, State, TypeConfig, UpgradeState,
};
use crate::schema::{complete, schema};
use crate::value::{Error as ValueError, Object, Value};
use crate::{configuration, machines};

pub struct Provider {
    /// What Terraform is told of the configuration.
    pub schema: ProviderSchema,
    variable: fn(&str) -> Option<String>,
    now: fn() -> OffsetDateTime,
    /// Set once Terraform has configured the provider
    control_plane: Mutex<Option<ControlPlane>>,
}

impl Provider {
    /// A provider that reads the environment through `variable` and the time through `now`.
    pub fn new(variable: fn(&str) -> Option<String>, now: fn() -> OffsetDateTime) -> Self {
        let schema = ProviderSchema {
            provider: Some(schema(configuration::ATTRIBUTES, configuration::DESCRIPTION)),
            resource_schemas: HashMap::from([(
                auth_key::TYPE_NAME.to_owned(),
                schema(auth_key::ATTRIBUTES, auth_key::DESCRIPTION),
            )]),
            data_source_schemas: HashMap::from([(
                machines::TYPE_NAME.to_owned(),
                schema(machines::ATTRIBUTES, machines::DESCRIPTION),
            )]),
        };
        Self { schema, variable, now, control_plane: Mutex::default() }
    }

    pub fn validate_provider(&self, asked: &ProviderConfig) -> ProviderDiagnostics {
        ProviderDiagnostics { diagnostics: faults(asked.config.as_ref(), configuration::check) }
    }

    pub fn configure(&self, asked: &Configure) -> Diagnostics {
        let diagnostics = match self.connect(asked.config.as_ref()) {
            Ok(control_plane) => {
                *self.control_plane.lock().unwrap_or_else(PoisonError::into_inner) = Some(control_plane);
                Vec::new()
            }
            Err(diagnostic) => vec![diagnostic],
        };
        Diagnostics { diagnostics }
    }

    pub fn validate_resource(&self, asked: &TypeConfig) -> Diagnostics {
        Diagnostics { diagnostics: faults(asked.config.as_ref(), auth_key::check) }
    }

    pub fn validate_data(&self, _asked: &TypeConfig) -> Diagnostics {
        Diagnostics::default()
    }

    /// There has been one version of each schema; a state file may lack attributes that came later.
    pub fn upgrade_state(&self, asked: UpgradeState) -> State {
        let json = asked.raw_state.unwrap_or_default().json;
        let upgraded = Value::of_json(&json).and_then(Value::into_object).and_then(|state| {
            Value::Object(complete(auth_key::ATTRIBUTES, state.unwrap_or_default())).encode()
        });
        state(upgraded.map_err(|error| unreadable(&error)))
    }

    pub async fn read_resource(&self, asked: &ReadResource) -> State {
        state(self.refreshed(asked.current_state.as_ref()).await)
    }

    pub fn plan(&self, asked: &PlanChange) -> PlannedChange {
        match planned(asked) {
            Ok(planned) => planned,
            Err(error) => PlannedChange { diagnostics: vec![unreadable(&error)], ..PlannedChange::default() },
        }
    }

    pub async fn apply(&self, asked: ApplyChange) -> AppliedChange {
        match self.applied(&asked).await {
            Ok(new_state) => AppliedChange { new_state: Some(new_state), diagnostics: Vec::new() },
            // The state before the change stays, so that the next run tries again.
            Err(diagnostic) => AppliedChange { new_state: asked.prior_state, diagnostics: vec![diagnostic] },
        }
    }

    pub async fn import(&self, asked: ImportState) -> ImportedState {
        match self.imported(&asked.id).await {
            Ok(imported) => ImportedState {
                imported_resources: vec![ImportedResource {
                    type_name: asked.type_name,
                    state: Some(imported),
                }],
                diagnostics: vec![warning(
                    "the key itself is unknown",
                    "It was shown once, when it was created. The attribute key is null until the resource is replaced.",
                )],
            },
            Err(diagnostic) => ImportedState { diagnostics: vec![diagnostic], ..ImportedState::default() },
        }
    }

    pub async fn read_data(&self, asked: &TypeConfig) -> State {
        state(self.machines(asked.config.as_ref()).await)
    }

    fn connect(&self, config: Option<&DynamicValue>) -> Result<ControlPlane, Diagnostic> {
        let config = object(config)?;
        let read = configuration::read(&config, self.variable)?;
        ControlPlane::new(&read.endpoint, read.api_key, read.timeout)
            .map_err(|fault| error("the provider is configured wrongly", fault.to_string()))
    }

    fn control_plane(&self) -> Result<ControlPlane, Diagnostic> {
        let control_plane = self.control_plane.lock().unwrap_or_else(PoisonError::into_inner);
        control_plane
            .clone()
            .ok_or_else(|| error("the provider is not configured", "Terraform asked before it said how."))
    }

    async fn refreshed(&self, current: Option<&DynamicValue>) -> Result<DynamicValue, Diagnostic> {
        let known = object(current)?;
        let (Some(org_id), Some(id)) = (text(&known, "org_id"), text(&known, "id")) else {
            return encoded(Value::Object(known));
        };
        let row = self.control_plane()?.auth_key(org_id, id).await;
        let row =
            row.map_err(|fault| error(format!("cannot look at the auth key {id}"), fault.to_string()))?;
        encoded(match row.map(|row| auth_key::state_of_row(&known, &row, (self.now)())) {
            Some(Found::Valid(state)) => Value::Object(state),
            Some(Found::Gone) | None => Value::Null,
        })
    }

    async fn applied(&self, asked: &ApplyChange) -> Result<DynamicValue, Diagnostic> {
        let prior = decoded(asked.prior_state.as_ref())?;
        let planned = decoded(asked.planned_state.as_ref())?;
        match (prior, planned) {
            (None, Some(planned)) => {
                let answer = self.control_plane()?.create_auth_key(&auth_key::request(&planned)).await;
                let answer =
                    answer.map_err(|fault| error("cannot create the auth key", fault.to_string()))?;
                let state = auth_key::state_of_answer(&planned, &answer).ok_or_else(|| {
                    error(
                        "the auth key was created and not told",
                        "The answer lacks id or key. Revoke it by hand.",
                    )
                })?;
                encoded(Value::Object(state))
            }
            (Some(prior), None) => {
                if let (Some(org_id), Some(id)) = (text(&prior, "org_id"), text(&prior, "id")) {
                    let revoked = self.control_plane()?.revoke_auth_key(org_id, id).await;
                    revoked.map_err(|fault| {
                        error(format!("cannot revoke the auth key {id}"), fault.to_string())
                    })?;
                }
                encoded(Value::Null)
            }
            // A change replaces the key, so nothing is left to change in place.
            (_, planned) => encoded(planned.map_or(Value::Null, Value::Object)),
        }
    }

    async fn imported(&self, id: &str) -> Result<DynamicValue, Diagnostic> {
        let Some((org_id, key_id)) = id.split_once('/') else {
            return Err(error(format!("{id:?} does not name an auth key"), "Write ORG_ID/KEY_ID."));
        };
        let row = self.control_plane()?.auth_key(org_id, key_id).await;
        let row =
            row.map_err(|fault| error(format!("cannot look at the auth key {key_id}"), fault.to_string()))?;
        match row.map(|row| auth_key::unread_state(&row, (self.now)())) {
            Some(Found::Valid(state)) => encoded(Value::Object(state)),
            Some(Found::Gone) => {
                Err(error(format!("the auth key {key_id} is revoked or expired"), "Create another."))
            }
            None => Err(error(
                format!("{org_id} has no auth key {key_id}"),
                "See the list of auth keys for its id.",
            )),
        }
    }

    async fn machines(&self, config: Option<&DynamicValue>) -> Result<DynamicValue, Diagnostic> {
        let mut config = object(config)?;
        let org_id = text(&config, "org_id").unwrap_or_default();
        let rows = self.control_plane()?.machines(org_id).await;
        let rows = rows.map_err(|fault| error("cannot list the machines", fault.to_string()))?;
        let machines = machines::machines(&rows, text(&config, "tag"));
        config.insert("machines".to_owned(), machines);
        encoded(Value::Object(config))
    }
}

fn planned(asked: &PlanChange) -> Result<PlannedChange, ValueError> {
    let Some(config) = Value::decode(asked.config.as_ref())?.into_object()? else {
        return Ok(PlannedChange {
            planned_state: asked.proposed_new_state.clone(),
            ..PlannedChange::default()
        });
    };
    let prior = Value::decode(asked.prior_state.as_ref())?.into_object()?;
    let planned = auth_key::plan(prior.as_ref(), &config);
    Ok(PlannedChange {
        planned_state: Some(Value::Object(planned.state).encode()?),
        requires_replace: planned.replaced_for.into_iter().map(path).collect(),
        diagnostics: Vec::new(),
    })
}

fn faults(config: Option<&DynamicValue>, check: impl Fn(&Object) -> Vec<Diagnostic>) -> Vec<Diagnostic> {
    object(config).map_or_else(|diagnostic| vec![diagnostic], |config| check(&config))
}

fn state(found: Result<DynamicValue, Diagnostic>) -> State {
    match found {
        Ok(state) => State { state: Some(state), diagnostics: Vec::new() },
        Err(diagnostic) => State { state: None, diagnostics: vec![diagnostic] },
    }
}

fn object(value: Option<&DynamicValue>) -> Result<Object, Diagnostic> {
    Ok(decoded(value)?.unwrap_or_default())
}

fn decoded(value: Option<&DynamicValue>) -> Result<Option<Object>, Diagnostic> {
    Value::decode(value).and_then(Value::into_object).map_err(|error| unreadable(&error))
}

fn encoded(value: Value) -> Result<DynamicValue, Diagnostic> {
    value.encode().map_err(|error| unreadable(&error))
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_text)
}

fn unreadable(fault: &ValueError) -> Diagnostic {
    error(
        "Terraform and the provider do not understand each other",
        format!("{fault}.\nThis is a fault of the provider."),
    )
}
