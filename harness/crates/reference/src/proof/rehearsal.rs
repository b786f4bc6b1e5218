//! Which deviations can show in which sub-tests, found out with one run that nothing deviates in.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use reqwest::Url;

use crate::deviation::{Deviation, NONE};
use crate::front::{Front, Sessions, Standing};
use crate::layer::{Layer, Tape};
use harness_model::target::Deviating;
use harness_report::diagnosis::observed::Observed;
use harness_runner::run::Stop;

use super::Bench;

/// The traffic of every sub-test on the plain reference, and what its checks found.
#[derive(Debug, Default)]
pub(super) struct Rehearsal(BTreeMap<String, (Tape, Observed)>);

impl Rehearsal {
    /// Whether the deviation could change anything in the sub-test.
    pub(super) fn concerns(&self, subtest: &str, deviation: &Deviation) -> bool {
        self.0.get(subtest).is_none_or(|(tape, _)| tape.fires(deviation))
    }

    /// Adds what the checks of the other sub-tests found: nothing has changed there.
    pub(super) fn complete(&self, observed: &mut Observed, ran: &BTreeSet<&str>) {
        let others = self.0.iter().filter(|(subtest, _)| !ran.contains(subtest.as_str()));
        for (_, (_, found)) in others {
            observed.cells.extend(found.cells.iter().map(|(cell, found)| (cell.clone(), found.clone())));
        }
    }
}

impl Bench {
    /// Runs all suites once, so that whole suites need not run against deviations that do not show in them.
    ///
    /// # Errors
    /// No folder can be made.
    pub async fn rehearse(&mut self, stop: &Stop) -> io::Result<()> {
        let subtests = self.everything();
        let bench = &*self;
        let runs = subtests.into_iter().map(|subtest| async move {
            let recorder = Arc::new(Recorder::default());
            let target = Arc::new(bench.embedded.behind(Arc::clone(&recorder) as Arc<dyn Front>));
            let found = bench.round(target, &[subtest].into(), subtest, 1, stop).await?;
            Ok::<_, io::Error>((subtest.to_owned(), (recorder.tape.clone(), found)))
        });
        let tapes: Vec<io::Result<_>> =
            futures::stream::iter(runs).buffer_unordered(bench.jobs.max(1)).collect().await;
        self.rehearsal = Rehearsal(tapes.into_iter().collect::<io::Result<_>>()?);
        Ok(())
    }
}

/// A layer that listens only.
#[derive(Debug, Default)]
struct Recorder {
    tape: Tape,
}

impl Front for Recorder {
    fn announced(&self) -> Deviating {
        Deviating { id: "none".to_owned(), wrong: "nothing were wrong".to_owned() }
    }

    fn trusts_every_proxy(&self) -> bool {
        false
    }

    fn agent(&self) -> Option<Vec<OsString>> {
        None
    }

    fn stand(
        &self,
        origin: Url,
        listen: SocketAddr,
        sessions: Sessions,
    ) -> BoxFuture<'_, io::Result<Box<dyn Standing>>> {
        let tape = self.tape.clone();
        Box::pin(async move {
            let fired = Arc::<AtomicBool>::default();
            let layer = Layer::stand(origin, listen, sessions, NONE, fired, Some(tape)).await?;
            Ok(Box::new(layer) as Box<dyn Standing>)
        })
    }
}
