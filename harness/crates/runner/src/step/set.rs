//! `set`: names values as they are now.

use super::error::StepError;
use super::stage::Stage;
use harness_model::check::evidence::Evidence;
use harness_model::scenario::model::Template;
use harness_model::scenario::template::{Binding, fill_value};

/// Fills each template in and keeps it under its name, its type kept where it is one variable and nothing else.
///
/// # Errors
/// A variable has no value.
pub fn perform(values: &[(String, Template)], stage: &mut Stage) -> Result<Evidence, StepError> {
    for (name, template) in values {
        let value = serde_json::Value::String(template.text.clone());
        let binding = match fill_value(&value, stage.bindings.scope())? {
            Some(value) => Binding::Value(value),
            None => Binding::Absent,
        };
        stage.bindings.keep(name, binding);
    }
    Ok(Evidence::Nothing)
}
