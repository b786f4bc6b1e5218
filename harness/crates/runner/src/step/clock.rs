//! `advance`: moves the target's clock forward.

use std::time::Duration;

use super::error::StepError;
use super::stage::Stage;
use harness_model::check::evidence::Evidence;

/// Advances the target's clock, then renews `${token.…}`: the sessions may have expired.
///
/// # Errors
/// The clock cannot be moved, or a session cannot be renewed.
pub async fn perform(duration: Duration, stage: &mut Stage) -> Result<Evidence, StepError> {
    stage.environment.advance(duration).await?;
    for (identity, name) in harness_model::scenario::model::IDENTITIES {
        let variable = format!("token.{name}");
        if stage.bindings.has_built_in(&variable) {
            let token = stage.environment.token(identity).await?;
            stage.bindings.set_built_in(&variable, token);
        }
    }
    Ok(Evidence::Nothing)
}
