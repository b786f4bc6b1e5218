//! One run against one target.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use harness_model::check::snapshot::Mode;
use harness_model::plan::{Plan, Selection, plan};
use harness_report::diagnosis::observed::Observed;
use harness_runner::run::{self, Setting, Stop};
use harness_runner::targets::Target;

use super::{Bench, Reach};

/// A deviation that keeps the target from answering must not hold up the others.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// What is remembered must not be a matter of how much else went on.
const LONG_TIME_LIMIT: Duration = Duration::from_secs(90);

impl Bench {
    /// Runs these sub-tests, so many at the same time, with machines in a folder of that name.
    pub(super) async fn round(
        &self,
        target: Arc<dyn Target>,
        only: &BTreeSet<&str>,
        folder: &str,
        jobs: usize,
        stop: &Stop,
    ) -> io::Result<Observed> {
        let folder = self.folder.join(folder);
        std::fs::create_dir_all(&folder)?;
        let facts = target.facts();
        let whole = plan(&self.library.scenarios, &self.library.registry, &Selection::default(), &facts);
        let mut subtests = whole.map_err(io::Error::other)?.subtests;
        subtests.retain(|planned| only.contains(planned.scenario.id.as_str()));
        let setting = Setting {
            id: run::new_id(),
            target,
            registry: Arc::new(self.library.registry.clone()),
            jobs,
            strict: false,
            snapshots: Mode::Compare,
            time_limit: if self.reach == Reach::Catching { TIME_LIMIT } else { LONG_TIME_LIMIT },
            folder: folder.clone(),
            evidence: None,
        };
        let mut observed = Observed::default();
        let plan = Arc::new(Plan { subtests, ..Plan::default() });
        run::run(Arc::new(setting), plan, SystemTime::now(), stop.clone(), &mut observed).await;
        // It goes with its parent if it cannot be removed now.
        let _ = std::fs::remove_dir_all(folder);
        Ok(observed)
    }
}
