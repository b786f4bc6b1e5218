//! Takes a picture of the page on which a step failed, without the sub-test's secrets.

use std::collections::BTreeSet;

use harness_model::check::evidence::Evidence;
use harness_model::judge::StepResult;
use harness_model::recording::Recorder;
use harness_model::secret::Secrets;

use crate::step::Stage;

/// Adds a picture to the evidence of a step in the dashboard. Secrets on the page are replaced before it is taken: by
/// their pseudonyms where evidence is recorded, otherwise as reports redact them.
pub(super) async fn take(
    result: &mut StepResult,
    stage: &mut Stage,
    secrets: &Secrets,
    mut recorder: Option<&mut Recorder<'_>>,
) {
    let (Ok(Evidence::Page(page)), Some(browser)) = (result, stage.visit.browser()) else { return };
    let mut made: BTreeSet<String> = BTreeSet::new();
    let hide = |text: &str| {
        secrets.replace(text, |secret| {
            if made.contains(secret) {
                return secret.to_owned();
            }
            let instead = match &mut recorder {
                Some(recorder) => recorder.pseudonym(secret),
                None => secrets.conceal(secret),
            };
            made.insert(instead.clone());
            instead
        })
    };
    // Without a browser there is no picture; what the step found stands.
    page.picture = browser.picture(hide).await.ok().flatten();
}
