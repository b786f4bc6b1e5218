//! `advance`: the target's clock moves on.

use std::time::Duration;

use super::error::StepError;
use super::stage::Stage;
use harness_model::check::evidence::Evidence;

/// Moves the target's clock; sessions fetched before may have expired by it, so they are forgotten.
///
/// # Errors
/// The target's clock cannot be moved.
pub async fn perform(duration: Duration, stage: &mut Stage) -> Result<Evidence, StepError> {
    stage.place.advance(duration).await?;
    for (identity, name) in harness_model::scenario::model::IDENTITIES {
        let variable = format!("token.{name}");
        if stage.bindings.has_built_in(&variable) {
            let token = stage.place.token(identity).await?;
            stage.bindings.set_built_in(&variable, token);
        }
    }
    Ok(Evidence::Nothing)
}
