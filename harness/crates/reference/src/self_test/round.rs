//! One run against one target.

use std::sync::Arc;
use std::time::SystemTime;

use harness_model::check::snapshot::SnapshotMode;
use harness_model::event::Listener;
use harness_model::plan::{Plan, Selection, plan};
use harness_report::diagnosis::observed::Observed;
use harness_runner::run::{self, Detail, RunSettings, Stop};
use harness_runner::targets::Target;

use super::{Round, SelfTest, Waits};
use crate::ReferenceError;

impl SelfTest {
    pub(super) async fn run_subtests(
        &self,
        target: Arc<dyn Target>,
        round: Round<'_>,
        stop: &Stop,
    ) -> Result<Observed, ReferenceError> {
        let mut observed = Observed::default();
        self.listen_to(&mut observed, target, round, stop).await?;
        Ok(observed)
    }

    /// Runs these sub-tests as [`Self::run_subtests`] does, for another listener.
    pub(super) async fn listen_to(
        &self,
        listener: &mut dyn Listener,
        target: Arc<dyn Target>,
        Round { waits, only, folder, jobs, turn }: Round<'_>,
        stop: &Stop,
    ) -> Result<(), ReferenceError> {
        let folder = self.folder.join(folder);
        std::fs::create_dir_all(&folder).map_err(ReferenceError::MachinesFolder)?;
        let facts = target.facts();
        let Waits { library, time_limit } = waits;
        let all = library.scenarios.iter();
        let scenarios: Vec<_> = all.filter(|scenario| only.contains(scenario.id.as_str())).cloned().collect();
        // A deviation may affect none of the changed sub-tests, which is no mistake of a selection.
        if scenarios.is_empty() {
            return Ok(());
        }
        let Plan { subtests, .. } = plan(&scenarios, &library.registry, &Selection::default(), &facts)?;
        let setting = RunSettings {
            id: run::new_id(),
            target,
            registry: Arc::clone(&self.registry),
            jobs,
            strict: false,
            snapshots: SnapshotMode::Compare,
            time_limit,
            folder: folder.clone(),
            browsers: Arc::clone(&self.browsers),
            pictures: false,
            detail: Detail::Verdicts,
            evidence: None,
            turn: turn.clone(),
        };
        let plan = Arc::new(Plan { subtests, ..Plan::default() });
        run::run(Arc::new(setting), plan, SystemTime::now(), stop.clone(), listener).await;
        // What cannot be removed now is removed with the parent folder.
        let _ = std::fs::remove_dir_all(folder);
        Ok(())
    }
}
