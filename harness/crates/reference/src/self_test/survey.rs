//! Records the traffic of all suites on the unmodified reference.

use std::sync::Arc;

use futures::StreamExt as _;
use harness_runner::run::{Stop, Turn};

use crate::ReferenceError;
use crate::front_proxy::FrontProxy;

use super::traffic::{TrafficRecorder, TrafficSurvey};
use super::{OWN_TIME_LIMIT, Round, SelfTest, Waits};

impl SelfTest {
    /// Runs all suites once and records their traffic, so that sub-tests which a deviation cannot affect need not run
    /// against it.
    pub async fn survey_traffic(&mut self, stop: &Stop) -> Result<(), ReferenceError> {
        let subtests = self.all_subtests();
        let this = &*self;
        let runs = subtests.into_iter().map(|subtest| async move {
            let recorder = Arc::new(TrafficRecorder::default());
            let target = Arc::new(this.embedded.behind(Arc::clone(&recorder) as Arc<dyn FrontProxy>));
            let (only, turn) = ([subtest].into(), Turn::default());
            let waits = Waits { library: &this.library, time_limit: OWN_TIME_LIMIT };
            let round = Round { waits, only: &only, folder: subtest, jobs: 1, turn: &turn };
            let found = this.run_subtests(target, round, stop).await?;
            Ok((subtest.to_owned(), (recorder.recording.clone(), found)))
        });
        let recordings: Vec<Result<_, ReferenceError>> =
            futures::stream::iter(runs).buffer_unordered(this.jobs.max(1)).collect().await;
        self.traffic = TrafficSurvey(recordings.into_iter().collect::<Result<_, _>>()?);
        Ok(())
    }
}
