//! A declared deviation, ready to stand in front of every control plane of a run.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use harness_model::target::Deviating;
use harness_report::diagnosis::catalogue::Declared;
use reqwest::Url;

use crate::ReferenceError;
use crate::agent::SUBCOMMAND;
use crate::deviation::Deviation;
use crate::families;
use crate::front_proxy::{FrontProxy, RunningProxy, Sessions};
use crate::proxy::{DeviationProxy, ProxyOptions};

/// Written by an agent, a process of its own, once it has deviated.
const TRIGGER_FILE: &str = "triggered";

pub struct ActiveDeviation {
    description: Deviating,
    deviation: Deviation,
    triggered: Arc<AtomicBool>,
    folder: tempfile::TempDir,
}

impl ActiveDeviation {
    /// # Errors
    /// The program does not implement it, or no temporary folder can be created.
    pub fn new(declared: &Declared) -> Result<Self, ReferenceError> {
        let (_, deviation) = families::named(&declared.id)
            .ok_or_else(|| ReferenceError::NotImplemented { id: declared.id.clone() })?;
        let folder = tempfile::Builder::new().prefix("qz-deviation-").tempdir();
        let folder =
            folder.map_err(|cause| ReferenceError::TriggerFolder { id: declared.id.clone(), cause })?;
        Ok(Self {
            description: Deviating { id: declared.id.clone(), summary: declared.summary.clone() },
            deviation,
            triggered: Arc::default(),
            folder,
        })
    }

    /// Whether it has changed a request, a response or a call of the agent.
    pub fn was_triggered(&self) -> bool {
        self.triggered.load(Ordering::Relaxed) || self.trigger_file().exists()
    }

    pub fn deviation(&self) -> &Deviation {
        &self.deviation
    }

    fn trigger_file(&self) -> PathBuf {
        self.folder.path().join(TRIGGER_FILE)
    }
}

impl FrontProxy for ActiveDeviation {
    fn description(&self) -> Deviating {
        self.description.clone()
    }

    fn trusts_all_proxies(&self) -> bool {
        self.deviation.trusts_all_proxies
    }

    fn agent_arguments(&self) -> Option<Vec<OsString>> {
        self.deviation.agent?;
        Some(vec![SUBCOMMAND.into(), (&self.description.id).into(), self.trigger_file().into()])
    }

    fn terraform_provider(&self) -> Option<&'static str> {
        self.deviation.provider
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
            deviation: self.deviation,
            triggered: Arc::clone(&self.triggered),
            recording: None,
        };
        Box::pin(async move { Ok(Box::new(DeviationProxy::start(options).await?) as Box<dyn RunningProxy>) })
    }
}

impl fmt::Debug for ActiveDeviation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ActiveDeviation").field(&self.description.id).finish()
    }
}
