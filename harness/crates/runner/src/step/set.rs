//! `set`: stores the current values of templates under names.

use super::error::StepError;
use super::stage::Stage;
use harness_model::check::evidence::Evidence;
use harness_model::scenario::model::Template;
use harness_model::scenario::template::{Binding, fill_value};

/// Fills in each template and keeps the result. A template that is a single variable keeps the variable's type.
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
