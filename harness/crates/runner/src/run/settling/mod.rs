//! Targets whose reads lag: what a step reads is judged only once the target shows what was done before.
//!
//! A read that lags may lack what is there, and may still show what is gone. Where a profile says how long reads lag at
//! most, a decoy is made before a read: once the target lists it, the read shows everything that was done before. A read
//! whose checks fail all the same is repeated, since other columns may lag longer than rows.

mod decoy;
mod look;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use harness_model::bindings::Bindings;
use harness_model::check::evidence::Evidence;
use harness_model::plan::PlannedSubtest;
use harness_model::scenario::model::{Action, Capability, Extraction, Step};
use harness_model::scenario::template::Variables as _;
use harness_model::secret::Secrets;
use tokio::time::{Instant, sleep};

use crate::run::ledger::Ledger;
use crate::step::{Stage, StepError};

use decoy::{Decoy, Decoys, Made};
use look::{Look, Table};

/// How long a decoy is looked for, as a multiple of the longest lag. If it is listed after that lag, the profile is wrong;
/// if it is not listed even then, the target does not list it.
const PATIENCE: u32 = 3;
/// The pause between two looks at a decoy.
const PAUSE: Duration = Duration::from_millis(100);

/// What one sub-test knows of how far the target's reads lag.
pub(super) struct Settling<'a> {
    /// The longest that reads lag; `None` if they do not.
    limit: Option<Duration>,
    /// Whether decoys may be made: they would be in the way of a sub-test that counts everything in an organisation.
    allows_decoys: bool,
    /// The tables that show everything that was done so far.
    settled: BTreeSet<Table>,
    /// The tables in which the target does not list decoys.
    without_decoys: BTreeSet<Table>,
    has_moved_clock: bool,
    decoys: Decoys,
    ledger: &'a Mutex<Ledger>,
    secrets: &'a Secrets,
}

impl<'a> Settling<'a> {
    pub(super) fn new(
        planned: &PlannedSubtest,
        stage: &Stage,
        ledger: &'a Mutex<Ledger>,
        secrets: &'a Secrets,
    ) -> Self {
        let counting = [Capability::Fresh, Capability::Quota];
        Self {
            limit: stage.environment.settle(),
            allows_decoys: counting.iter().all(|need| !planned.scenario.needs.contains(need)),
            settled: BTreeSet::new(),
            without_decoys: BTreeSet::new(),
            has_moved_clock: false,
            decoys: Decoys::default(),
            ledger,
            secrets,
        }
    }

    /// Waits until what the step reads shows everything that was done before.
    ///
    /// # Errors
    /// The target lags longer than its profile says, or does not respond.
    pub(super) async fn before(&mut self, step: &Step, stage: &mut Stage) -> Result<(), StepError> {
        let (Some(limit), Some(Look { table, .. })) = (self.limit, look::of(step)) else { return Ok(()) };
        if self.settled.contains(&table) {
            return Ok(());
        }
        let pace = stage.clients.pace().clone();
        pace.uncounted(self.settle(table, limit, stage)).await
    }

    /// Notes what a step has done.
    pub(super) fn after(&mut self, step: &Step) {
        if look::changes_something(step) {
            self.settled.clear();
        }
        self.has_moved_clock |= matches!(step.action, Action::Advance(_) | Action::Wait(_));
    }

    /// Returns how long the step is repeated until its checks pass and its values are there.
    pub(super) fn repeats(&self, step: &Step) -> Option<Duration> {
        let limit = self.limit.filter(|_| look::of(step).is_some_and(|look| look.may_be_repeated));
        limit.max(step.eventually)
    }

    /// Whether a read that may lag has everything that later steps use. No document promises any header.
    pub(super) fn has_kept(&self, step: &Step, bindings: &Bindings) -> bool {
        let mut kept = step.keep.iter().filter(|keep| !matches!(keep.from, Extraction::Header(_)));
        self.limit.is_none() || kept.all(|keep| bindings.get(&keep.name).is_some())
    }

    async fn settle(&mut self, table: Table, limit: Duration, stage: &mut Stage) -> Result<(), StepError> {
        let has_decoy = self.allows_decoys && !self.has_moved_clock && !self.without_decoys.contains(&table);
        let decoy = if has_decoy { self.make_decoy(table, stage).await? } else { None };
        let Some(decoy) = decoy else {
            // No decoy shows what a moved clock has changed.
            sleep(limit).await;
            self.settled.extend(Table::ALL);
            self.has_moved_clock = false;
            return Ok(());
        };
        let begun = Instant::now();
        while !decoy.is_listed(stage).await? {
            if begun.elapsed() > limit * PATIENCE {
                self.without_decoys.insert(table);
                self.settled.extend(Table::ALL);
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        let lag = begun.elapsed();
        if lag > limit + PAUSE {
            return Err(StepError::Lag { what: decoy.describe(), lag, limit });
        }
        self.settled.insert(table);
        Ok(())
    }

    /// Makes a decoy, which is removed with what the sub-test makes itself.
    async fn make_decoy(&mut self, table: Table, stage: &mut Stage) -> Result<Option<Decoy>, StepError> {
        let Made { decoy, exchanges } = self.decoys.make(table, stage).await?;
        let evidence = Evidence::Http(exchanges);
        self.secrets.learn_from(&evidence);
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).record(&evidence);
        Ok(decoy)
    }
}
