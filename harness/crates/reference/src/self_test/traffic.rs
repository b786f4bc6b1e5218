//! Finds out which deviations can have an effect in which sub-tests, by recording the traffic of the unmodified reference.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use harness_model::target::Deviating;
use harness_report::diagnosis::observed::Observed;
use reqwest::Url;

use crate::deviation::{Deviation, UNCHANGED};
use crate::front_proxy::{FrontProxy, RunningProxy, Sessions};
use crate::proxy::{DeviationProxy, ProxyOptions, TrafficRecording};

/// The traffic of every sub-test on the unmodified reference, and what its checks found.
#[derive(Debug, Default)]
pub(super) struct TrafficSurvey(pub(super) BTreeMap<String, (TrafficRecording, Observed)>);

impl TrafficSurvey {
    /// Whether the deviation could change anything in the sub-test. True if its traffic was not recorded.
    pub(super) fn may_affect(&self, subtest: &str, deviation: &Deviation) -> bool {
        self.0.get(subtest).is_none_or(|(recording, _)| recording.would_trigger(deviation))
    }

    /// Adds what the checks of the sub-tests found that did not run, since the deviation cannot affect them.
    pub(super) fn add_unaffected(&self, observed: &mut Observed, ran: &BTreeSet<&str>) {
        let others = self.0.iter().filter(|(subtest, _)| !ran.contains(subtest.as_str()));
        for (_, (_, found)) in others {
            observed.cells.extend(found.cells.iter().map(|(cell, found)| (cell.clone(), found.clone())));
        }
    }
}

/// A proxy that changes nothing.
#[derive(Debug, Default)]
pub(super) struct TrafficRecorder {
    pub(super) recording: TrafficRecording,
}

impl FrontProxy for TrafficRecorder {
    fn description(&self) -> Deviating {
        Deviating { id: "none".to_owned(), summary: "no defect".to_owned() }
    }

    fn trusts_all_proxies(&self) -> bool {
        false
    }

    fn agent_arguments(&self) -> Option<Vec<OsString>> {
        None
    }

    fn terraform_provider(&self) -> Option<&'static str> {
        None
    }

    fn start(
        &self,
        upstream: Url,
        listen: SocketAddr,
        sessions: Sessions,
    ) -> BoxFuture<'_, io::Result<Box<dyn RunningProxy>>> {
        let options = ProxyOptions {
            upstream,
            listen,
            sessions,
            deviation: UNCHANGED,
            triggered: Arc::default(),
            recording: Some(self.recording.clone()),
        };
        Box::pin(async move { Ok(Box::new(DeviationProxy::start(options).await?) as Box<dyn RunningProxy>) })
    }
}
